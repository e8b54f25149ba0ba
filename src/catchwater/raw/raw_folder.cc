#include "catchwater/raw/raw_folder.h"

#include <optional>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"
#include "catchwater/raw/raw_name.h"

namespace catchwater {
namespace {

constexpr size_t kHourFoldersRemembered = 16;

std::string NameOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

/// Entries of a folder that may not be there.
arrow::Result<std::vector<FileEntry>> ListIfThere(Files& files, const std::string& path) {
  auto entries = files.List(path);
  if (!entries.ok() && KindOf(entries.status()) == ErrorKind::kNotFound) {
    return std::vector<FileEntry>{};
  }
  return entries;
}

}  // namespace

std::string PendingPath(std::string_view folder, std::string_view name) {
  return std::string(folder) + "/.pending/" + std::string(name);
}

arrow::Status RawFolder::Prepare() {
  ARROW_RETURN_NOT_OK(files_.CreateDirectories(folder_ + "/.pending"));
  return files_.SyncDirectory(folder_);
}

arrow::Status RawFolder::MakeDurable(std::vector<RawSegment>* segments) {
  if (segments->empty()) return arrow::Status::OK();
  for (RawSegment& segment : *segments) {
    if (segment.file == nullptr) continue;
    ARROW_RETURN_NOT_OK(segment.file->Sync());
    ARROW_RETURN_NOT_OK(segment.file->Close());
    segment.file = nullptr;
  }
  ARROW_RETURN_NOT_OK(files_.SyncDirectory(folder_ + "/.pending"));
  return Reach(FailPoint::kRawSynced);
}

arrow::Status RawFolder::MakeHourFolder(const std::string& hour_folder) {
  if (made_.contains(hour_folder)) return arrow::Status::OK();
  const std::string day = hour_folder.substr(0, hour_folder.find('/'));
  ARROW_RETURN_NOT_OK(files_.CreateDirectories(folder_ + "/" + hour_folder));
  ARROW_RETURN_NOT_OK(files_.SyncDirectory(folder_ + "/" + day));
  ARROW_RETURN_NOT_OK(files_.SyncDirectory(folder_));
  if (made_.size() >= kHourFoldersRemembered) made_.clear();
  made_.insert(hour_folder);
  return arrow::Status::OK();
}

arrow::Status RawFolder::Publish(const std::vector<std::string>& names) {
  std::set<std::string> changed;
  for (const std::string& name : names) {
    const auto parsed = ReadRawName(name);
    CATCHWATER_CHECK(parsed.has_value(), "only names of our own are published");
    const std::string hour_folder = HourFolder(parsed->first_us);
    ARROW_RETURN_NOT_OK(MakeHourFolder(hour_folder));
    const std::string path = folder_ + "/" + hour_folder + "/" + name;
    const arrow::Status moved = files_.Rename(PendingPath(folder_, name), path);
    // Whoever took over from us may have moved it.
    if (!moved.ok() && !files_.Stat(path).ok()) {
      // Retention may have taken the hour's folder meanwhile.
      made_.erase(hour_folder);
      return moved;
    }
    ARROW_RETURN_NOT_OK(Reach(FailPoint::kRawMoved));
    changed.insert(folder_ + "/" + hour_folder);
  }
  if (changed.empty()) return arrow::Status::OK();
  for (const std::string& path : changed) ARROW_RETURN_NOT_OK(files_.SyncDirectory(path));
  ARROW_RETURN_NOT_OK(files_.SyncDirectory(folder_ + "/.pending"));
  return Reach(FailPoint::kRawPublished);
}

void RawFolder::Remove(const std::vector<RawSegment>& segments) {
  for (const RawSegment& segment : segments) {
    static_cast<void>(files_.Remove(PendingPath(folder_, segment.name)));
  }
}

arrow::Status RawFolder::Recover(const Owner& owner, const std::set<std::string>& committed) {
  ARROW_ASSIGN_OR_RAISE(const auto pending, ListIfThere(files_, folder_ + "/.pending"));
  const uint32_t lease_hash = RawLeaseHash(owner.lease);
  std::vector<std::string> to_publish;
  for (const FileEntry& entry : pending) {
    const std::string name = NameOf(entry.path);
    const auto parsed = ReadRawName(name);
    if (!parsed || parsed->lease_hash != lease_hash || parsed->epoch > owner.epoch) continue;
    if (committed.contains(name)) {
      to_publish.push_back(name);
      continue;
    }
    ARROW_RETURN_NOT_OK(files_.Remove(entry.path));
    ARROW_RETURN_NOT_OK(Reach(FailPoint::kRawRemoved));
  }
  return Publish(to_publish);
}

arrow::Status RawFolder::RemovePendingBefore(const std::string& lease, int64_t first_us_below) {
  ARROW_ASSIGN_OR_RAISE(const auto pending, ListIfThere(files_, folder_ + "/.pending"));
  for (const FileEntry& entry : pending) {
    const auto parsed = ReadRawName(NameOf(entry.path));
    if (!parsed || parsed->lease_hash != RawLeaseHash(lease)) continue;
    if (parsed->epoch != 0 || parsed->first_us >= first_us_below) continue;
    ARROW_RETURN_NOT_OK(files_.Remove(entry.path));
  }
  return arrow::Status::OK();
}

arrow::Status RawFolder::RemoveIfEmpty(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const auto entries, ListIfThere(files_, path));
  return entries.empty() ? files_.Remove(path) : arrow::Status::OK();
}

arrow::Result<int64_t> RawFolder::RemoveHour(const std::string& path) {
  int64_t removed = 0;
  ARROW_ASSIGN_OR_RAISE(const auto entries, ListIfThere(files_, path));
  for (const FileEntry& entry : entries) {
    if (entry.is_directory || !ReadRawName(NameOf(entry.path))) continue;
    ARROW_RETURN_NOT_OK(files_.Remove(entry.path));
    ARROW_RETURN_NOT_OK(Reach(FailPoint::kRawExpired));
    ++removed;
  }
  ARROW_RETURN_NOT_OK(RemoveIfEmpty(path));
  return removed;
}

arrow::Result<int64_t> RawFolder::RemoveExpired(int64_t ended_us_below, std::stop_token stop) {
  int64_t removed = 0;
  ARROW_ASSIGN_OR_RAISE(const auto days, ListIfThere(files_, folder_));
  for (const FileEntry& day : days) {
    const std::string day_name = NameOf(day.path);
    const auto day_end_us = EndOfHourFolder(day_name, "");
    constexpr int64_t kDayUs = 86'400'000'000;
    if (!day.is_directory || !day_end_us || *day_end_us - kDayUs >= ended_us_below) continue;
    ARROW_ASSIGN_OR_RAISE(const auto hours, ListIfThere(files_, day.path));
    for (const FileEntry& hour : hours) {
      if (stop.stop_requested()) return removed;
      const auto hour_end_us = EndOfHourFolder(day_name, NameOf(hour.path));
      if (!hour.is_directory || !hour_end_us || *hour_end_us >= ended_us_below) continue;
      ARROW_ASSIGN_OR_RAISE(const int64_t of_hour, RemoveHour(hour.path));
      removed += of_hour;
    }
    if (*day_end_us < ended_us_below) ARROW_RETURN_NOT_OK(RemoveIfEmpty(day.path));
  }
  return removed;
}

}  // namespace catchwater
