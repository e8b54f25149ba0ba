#include "catchwater/cli/data_home.h"

#include <cstdint>

#include "catchwater/base/error.h"

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

}  // namespace

arrow::Status CheckDataHome(Files& files, const std::string& folder) {
  const std::string path = folder + "/home";
  if (!files.Stat(path).ok()) return files.PublishAtomically(path, folder + "\n");
  ARROW_ASSIGN_OR_RAISE(std::string home, files.ReadAll(path, kPathBytesMax));
  while (home.ends_with('\n')) home.pop_back();
  if (IsSameFolder(files, home, folder)) return arrow::Status::OK();
  const bool is_copy = files.Stat(home + "/ledger.sqlite").ok();
  return ConfigError(
      "Data folder was made at another place\n  = note: here: ", folder,
      "\n  = note: made at: ", home,
      "\n  = note: its ledger and tables name files by their full paths, so it works only there",
      is_copy ? "\n  = help: this is a copy: remove it to begin anew here, or go on with the one "
                "there by `--data`"
              : "\n  = help: move it back, or make the old path a symbolic link to it");
}

}  // namespace catchwater
