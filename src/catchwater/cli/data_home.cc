#include "catchwater/cli/data_home.h"

#include <cstdint>
#include <filesystem>

#include "catchwater/base/error.h"
#include "catchwater/io/store_path.h"
#include "catchwater/lake/catalog.h"
#include "catchwater/ledger/ledger.h"

namespace catchwater {
namespace {

constexpr int64_t kPathBytesMax = 64 << 10;

bool IsSameFolder(Files& files, const std::string& a, const std::string& b) {
  if (a == b) return true;
  const auto first = files.Stat(a);
  const auto second = files.Stat(b);
  return first.ok() && second.ok() && first->inode == second->inode &&
         first->device == second->device;
}

/// True for what lies in `folder`, under whatever name the way to it has.
bool IsIn(Files& files, const std::string& path, const std::string& folder) {
  std::filesystem::path above = path;
  while (above.has_relative_path()) {
    above = above.parent_path();
    if (IsSameFolder(files, above.string(), folder)) return true;
  }
  return false;
}

arrow::Status Elsewhere(const std::string& home, const std::string& folder, bool is_copy) {
  return ConfigError(
      "Data folder was made at another place\n  = note: here: ", folder,
      "\n  = note: made at: ", home,
      "\n  = note: its ledger and tables name files by their full paths, so it works only there",
      is_copy ? "\n  = help: this is a copy: remove it to begin anew here, or go on with the one "
                "there by `--data`"
              : "\n  = help: move it back, or make the old path a symbolic link to it");
}

/// What a ledger knows that nobody has written a home for.
arrow::Status CheckTables(Files& files, Ledger& ledger, const std::string& folder,
                          const std::string& warehouse) {
  ARROW_ASSIGN_OR_RAISE(const CatalogView catalog, ledger.Catalog());
  for (const auto& [table_key, location] : catalog.metadata_location) {
    ARROW_ASSIGN_OR_RAISE(const std::string path, PathOfUri(location));
    if (IsStorePath(path)) continue;
    if (IsIn(files, path, folder)) continue;
    if (!IsStorePath(warehouse) && IsIn(files, path, warehouse)) continue;
    // <warehouse>/<namespace>/<table>/metadata/<file>
    const std::filesystem::path table = std::filesystem::path(path).parent_path().parent_path();
    const std::filesystem::path lake = table.parent_path().parent_path();
    return Elsewhere(lake.filename() == "lake" ? lake.parent_path().string() : table.string(),
                     folder, files.Stat(path).ok());
  }
  return arrow::Status::OK();
}

arrow::Status AdoptHome(Files& files, const Clock& clock, const std::string& folder,
                        const std::string& warehouse) {
  const std::string path = folder + "/ledger.sqlite";
  if (files.Stat(path).ok()) {
    const auto ledger = Ledger::Open({.path = path, .is_read_only = true}, clock);
    // Damaged, locked or newer: whoever opens it next tells of it. It has no home until then.
    if (!ledger.ok()) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(CheckTables(files, **ledger, folder, warehouse));
  }
  return files.PublishAtomically(folder + "/home", folder + "\n");
}

}  // namespace

arrow::Status CheckDataHome(Files& files, const Clock& clock, const std::string& folder,
                            const std::string& warehouse) {
  const std::string path = folder + "/home";
  if (!files.Stat(path).ok()) return AdoptHome(files, clock, folder, warehouse);
  ARROW_ASSIGN_OR_RAISE(std::string home, files.ReadAll(path, kPathBytesMax));
  while (home.ends_with('\n')) home.pop_back();
  if (IsSameFolder(files, home, folder)) return arrow::Status::OK();
  return Elsewhere(home, folder, files.Stat(home + "/ledger.sqlite").ok());
}

}  // namespace catchwater
