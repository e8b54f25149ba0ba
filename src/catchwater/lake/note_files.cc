#include "catchwater/lake/note_files.h"

#include <algorithm>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <optional>
#include <set>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/lake/commit_note.h"

namespace catchwater {
namespace {

constexpr std::string_view kSuffix = ".json";
constexpr int64_t kNoteBytesMax = 64 << 20;
/// A commit is under way for seconds; on a full disk it is tried again for longer.
constexpr int64_t kUncommittedKeptUs = 86'400'000'000;

std::string FolderOf(const std::string& warehouse) { return warehouse + "/.ledger/commits"; }

std::optional<NoteFile> NoteFileOf(const std::string& path) {
  std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  if (!name.ends_with(kSuffix)) return std::nullopt;
  name.remove_suffix(kSuffix.size());
  NoteFile note{.path = path, .at_us = 0, .commit_id = {}};
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), note.at_us);
  if (error != std::errc() || end == name.data() + name.size() || *end != '-') return std::nullopt;
  note.commit_id = std::string(end + 1, name.data() + name.size());
  return note;
}

}  // namespace

arrow::Result<std::string> WriteNoteFile(Files& files, const std::string& warehouse, int64_t at_us,
                                         const std::string& commit_id, std::string_view note) {
  const std::string folder = FolderOf(warehouse);
  char digits[32];
  std::snprintf(digits, sizeof(digits), "%018" PRId64, at_us);
  std::string path = folder + "/" + digits + "-" + commit_id + std::string(kSuffix);
  arrow::Status written = files.WriteNew(path, note);
  if (KindOf(written) == ErrorKind::kNotFound) {
    ARROW_RETURN_NOT_OK(files.CreateDirectories(folder));
    ARROW_RETURN_NOT_OK(files.SyncDirectory(warehouse));
    ARROW_RETURN_NOT_OK(files.SyncDirectory(warehouse + "/.ledger"));
    written = files.WriteNew(path, note);
  }
  ARROW_RETURN_NOT_OK(written);
  ARROW_RETURN_NOT_OK(files.SyncDirectory(folder));
  return path;
}

arrow::Result<std::vector<NoteFile>> ListNoteFiles(Files& files, const std::string& warehouse) {
  std::vector<NoteFile> notes;
  const auto entries = files.List(FolderOf(warehouse));
  if (!entries.ok() && KindOf(entries.status()) == ErrorKind::kNotFound) return notes;
  ARROW_RETURN_NOT_OK(entries.status());
  for (const FileEntry& entry : *entries) {
    if (auto note = NoteFileOf(entry.path)) notes.push_back(std::move(*note));
  }
  std::ranges::stable_sort(notes, {}, &NoteFile::at_us);
  return notes;
}

arrow::Result<std::vector<LostCommit>> ReadNoteFiles(Files& files, const std::string& warehouse,
                                                     std::vector<std::string>* told) {
  std::vector<LostCommit> commits;
  ARROW_ASSIGN_OR_RAISE(const auto notes, ListNoteFiles(files, warehouse));
  for (const NoteFile& note : notes) {
    ARROW_ASSIGN_OR_RAISE(const std::string bytes, files.ReadAll(note.path, kNoteBytesMax));
    auto read = ReadCommitNote(bytes);
    if (!read.ok()) {
      // A crash leaves one half written: its commit never came to the ledger.
      told->push_back("Note of a commit cannot be read and is passed over: " + note.path);
      continue;
    }
    commits.push_back(std::move(*read));
  }
  return commits;
}

arrow::Status KeepRemovable(const std::string& ledger_path, int64_t now_us,
                            std::vector<NoteFile>* notes) {
  if (notes->empty()) return arrow::Status::OK();
  std::vector<std::string> ids;
  for (const NoteFile& note : *notes) ids.push_back(note.commit_id);
  ARROW_ASSIGN_OR_RAISE(const std::set<std::string> known, CommitsAmong(ledger_path, ids));
  std::erase_if(*notes, [&](const NoteFile& note) {
    return !known.contains(note.commit_id) && now_us - note.at_us < kUncommittedKeptUs;
  });
  return arrow::Status::OK();
}

}  // namespace catchwater
