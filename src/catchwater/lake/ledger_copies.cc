#include "catchwater/lake/ledger_copies.h"

#include <algorithm>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <optional>
#include <string_view>

#include <arrow/buffer.h>

#include "catchwater/base/error.h"
#include "catchwater/io/store_path.h"
#include "catchwater/lake/note_files.h"

namespace catchwater {
namespace {

constexpr std::string_view kPrefix = "ledger-";
constexpr std::string_view kSuffix = ".sqlite";
constexpr std::string_view kUnfinished = "unfinished-";
constexpr int64_t kLeftBehindUs = 600'000'000;
constexpr int64_t kCopyBytes = 1 << 20;

std::string FolderOf(const std::string& warehouse) { return warehouse + "/.ledger"; }

std::string NameOf(int64_t now_us) {
  char digits[32];
  std::snprintf(digits, sizeof(digits), "%018" PRId64, now_us);
  return std::string(kPrefix) + digits + std::string(kSuffix);
}

std::optional<int64_t> TimeOf(std::string_view name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  name.remove_suffix(kSuffix.size());
  int64_t time_us = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), time_us);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return time_us;
}

}  // namespace

arrow::Result<std::vector<LedgerCopy>> LedgerCopies(Files& files, const std::string& warehouse) {
  std::vector<LedgerCopy> copies;
  const auto entries = files.List(FolderOf(warehouse));
  if (!entries.ok() && KindOf(entries.status()) == ErrorKind::kNotFound) return copies;
  ARROW_RETURN_NOT_OK(entries.status());
  for (const FileEntry& entry : *entries) {
    const auto taken_us = TimeOf(std::string_view(entry.path).substr(entry.path.rfind('/') + 1));
    if (taken_us) copies.push_back({.path = entry.path, .taken_us = *taken_us});
  }
  std::ranges::sort(copies, std::ranges::greater(), &LedgerCopy::taken_us);
  return copies;
}

arrow::Status CopyFile(Files& files, const std::string& from, const std::string& to) {
  ARROW_ASSIGN_OR_RAISE(const auto input, files.OpenInput(from));
  ARROW_ASSIGN_OR_RAISE(const int64_t byte_count, input->GetSize());
  ARROW_ASSIGN_OR_RAISE(const auto output, files.CreateNew(to));
  for (int64_t offset = 0; offset < byte_count; offset += kCopyBytes) {
    ARROW_ASSIGN_OR_RAISE(const auto bytes, input->ReadAt(offset, kCopyBytes));
    ARROW_RETURN_NOT_OK(output->Write(bytes));
  }
  ARROW_RETURN_NOT_OK(output->Sync());
  return output->Close();
}

arrow::Result<int64_t> NewestCopySeq(Files& files, const Clock& clock,
                                     const std::string& warehouse) {
  // A database in a store cannot be opened where it lies: another copy costs as much as to look.
  if (IsStorePath(warehouse)) return 0;
  ARROW_ASSIGN_OR_RAISE(const auto copies, LedgerCopies(files, warehouse));
  for (const LedgerCopy& copy : copies) {
    const auto ledger = Ledger::Open({.path = copy.path, .is_read_only = true}, clock);
    if (!ledger.ok()) continue;
    const auto catalog = (*ledger)->Catalog();
    if (catalog.ok()) return catalog->seq;
  }
  return 0;
}

arrow::Result<std::string> TakeLedgerCopy(Files& files, Ledger& ledger,
                                          const std::string& warehouse,
                                          const std::string& scratch_folder, int64_t now_us) {
  const std::string folder = FolderOf(warehouse);
  ARROW_RETURN_NOT_OK(files.CreateDirectories(folder));
  // The database writes to a disk only.
  const bool is_in_store = IsStorePath(warehouse);
  const std::string made_in = is_in_store ? scratch_folder : folder;
  ARROW_RETURN_NOT_OK(files.CreateDirectories(made_in));
  ARROW_ASSIGN_OR_RAISE(const auto entries, files.List(made_in));
  for (const FileEntry& entry : entries) {
    const std::string_view name = std::string_view(entry.path).substr(made_in.size() + 1);
    // A young one may be another program's that is at work.
    const bool is_left_behind = now_us - entry.modified_us > kLeftBehindUs;
    if (name.starts_with(kUnfinished) && is_left_behind) {
      ARROW_RETURN_NOT_OK(files.Remove(entry.path));
    }
  }
  const std::string name = NameOf(now_us);
  const std::string path = folder + "/" + name;
  const std::string unfinished = made_in + "/" + std::string(kUnfinished) + name;
  // Before the copy: a commit of later is not in it.
  ARROW_ASSIGN_OR_RAISE(std::vector<NoteFile> notes, ListNoteFiles(files, warehouse));
  ARROW_RETURN_NOT_OK(ledger.CopyTo(unfinished));
  ARROW_RETURN_NOT_OK(KeepRemovable(unfinished, now_us, &notes));
  if (is_in_store) {
    ARROW_RETURN_NOT_OK(CopyFile(files, unfinished, path));
    ARROW_RETURN_NOT_OK(files.Remove(unfinished));
  } else {
    ARROW_RETURN_NOT_OK(files.Rename(unfinished, path));
    ARROW_RETURN_NOT_OK(files.SyncDirectory(folder));
  }
  for (const NoteFile& note : notes) ARROW_RETURN_NOT_OK(files.Remove(note.path));
  ARROW_ASSIGN_OR_RAISE(const auto copies, LedgerCopies(files, warehouse));
  for (size_t i = kLedgerCopiesKept; i < copies.size(); ++i) {
    ARROW_RETURN_NOT_OK(files.Remove(copies[i].path));
  }
  return path;
}

}  // namespace catchwater
