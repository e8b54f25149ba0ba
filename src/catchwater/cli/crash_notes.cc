#include "catchwater/cli/crash_notes.h"

#include <set>
#include <utility>
#include <vector>

#include "catchwater/base/crash_note.h"

namespace catchwater {

arrow::Status StartCrashNotes(Ledger& ledger, Files& files, const std::string& data_folder,
                              const std::string& owner) {
  // Listed first: who leaves a note meanwhile has its lease.
  ARROW_ASSIGN_OR_RAISE(const auto entries, files.List(data_folder));
  ARROW_ASSIGN_OR_RAISE(const auto leases, ledger.Leases());
  std::set<std::string> asked_for;
  for (const LeaseRecord& lease : leases) {
    asked_for.insert(CrashNotePath(data_folder, lease.owner));
  }
  const std::string all = CrashNotePath(data_folder, "");
  for (const FileEntry& entry : entries) {
    const bool is_note = entry.is_regular && entry.path.starts_with(all);
    if (is_note && !asked_for.contains(entry.path)) ARROW_RETURN_NOT_OK(files.Remove(entry.path));
  }
  KeepCrashNote(CrashNotePath(data_folder, owner));
  return arrow::Status::OK();
}

}  // namespace catchwater
