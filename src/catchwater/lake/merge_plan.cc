#include "catchwater/lake/merge_plan.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

namespace catchwater {
namespace {

using Records = std::vector<DataFileRecord>;

/// At the end of a run so little is merged whatever its shape: it takes a fraction of a second.
constexpr int64_t kCheapBytes = 8LL << 20;
/// At the end of a run a partition may keep so many pending files.
constexpr int64_t kTidyFiles = 2;

struct TierKey {
  bool is_merged = false;
  int tier = 0;
  auto operator<=>(const TierKey&) const = default;
};

struct Partition {
  std::map<TierKey, Records> tiers;
  int64_t newest_us = 0;
};

int64_t SumBytes(const Records& files) {
  int64_t sum = 0;
  for (const DataFileRecord& file : files) sum += file.file.byte_count;
  return sum;
}

void SortByAge(Records* files) {
  std::ranges::sort(*files, {},
                    [](const DataFileRecord& file) { return std::pair(file.added_us, file.id); });
}

/// Leaves out files that are larger than all smaller ones together: rewriting them again and again
/// for a few new rows would cost more than it saves. A byte is so rewritten O(log bytes) times.
void DropTooLarge(Records* files) {
  std::ranges::sort(*files, std::ranges::greater(),
                    [](const DataFileRecord& file) { return file.file.byte_count; });
  int64_t rest = SumBytes(*files);
  size_t dropped = 0;
  while (dropped < files->size()) {
    const int64_t byte_count = (*files)[dropped].file.byte_count;
    rest -= byte_count;
    if (byte_count <= rest) break;
    ++dropped;
  }
  files->erase(files->begin(), files->begin() + static_cast<std::ptrdiff_t>(dropped));
}

class Planner {
 public:
  Planner(const CompactionPolicy& policy, int64_t now_us) : policy_(policy), now_us_(now_us) {}

  void Plan(const std::string& partition_key, Partition partition) {
    Records fresh;
    Records all;
    for (auto& [key, files] : partition.tiers) {
      SortByAge(&files);
      if (!policy_.is_last && IsDue(key, files)) {
        Take(partition_key, &files, /*rest_max=*/policy_.min_files - 1);
      }
      if (!key.is_merged) std::ranges::copy(files, std::back_inserter(fresh));
      std::ranges::move(files, std::back_inserter(all));
    }
    PlanRest(partition_key, partition, std::move(fresh), std::move(all));
  }

  std::vector<MergeGroup> TakeGroups() { return std::move(groups_); }

 private:
  bool IsOld(int64_t added_us) const { return now_us_ - added_us >= policy_.max_age_ms * 1000; }

  bool IsDue(const TierKey& key, const Records& files) const {
    const auto count = static_cast<int64_t>(files.size());
    if (count < std::max<int64_t>(policy_.min_files, 2)) return false;
    if (count >= std::max(policy_.fan_out, policy_.min_files)) return true;
    if (key.is_merged) return SumBytes(files) >= policy_.target_file_bytes;
    return now_us_ - files.front().added_us >= policy_.gather_ms * 1000;
  }

  /// What no tier took: old files, or all of a partition that rests.
  void PlanRest(const std::string& partition_key, const Partition& partition, Records fresh,
                Records all) {
    if (policy_.is_last) {
      if (static_cast<int64_t>(all.size()) <= kTidyFiles) return;
      if (SumBytes(all) > kCheapBytes) DropTooLarge(&all);
      SortByAge(&all);
      Take(partition_key, &all, /*rest_max=*/1);
      return;
    }
    const bool rests = IsOld(partition.newest_us);
    Records& files = rests ? all : fresh;
    const bool has_old = std::ranges::any_of(
        files, [this](const DataFileRecord& file) { return IsOld(file.added_us); });
    if (!has_old) return;
    DropTooLarge(&files);
    SortByAge(&files);
    Take(partition_key, &files, /*rest_max=*/1);
  }

  /// Makes groups of files_max files or the target size until only rest_max files are left.
  void Take(const std::string& partition_key, Records* files, int64_t rest_max) {
    size_t taken = 0;
    while (static_cast<int64_t>(files->size() - taken) > rest_max) {
      MergeGroup group{
          .partition_key = partition_key, .tier = (*files)[taken].file.tier, .files = {}};
      int64_t byte_count = 0;
      while (taken < files->size() &&
             static_cast<int64_t>(group.files.size()) < policy_.files_max &&
             (group.files.size() < 2 || byte_count < policy_.target_file_bytes)) {
        DataFileRecord& file = (*files)[taken++];
        byte_count += file.file.byte_count;
        group.tier = std::min(group.tier, file.file.tier);
        group.files.push_back(std::move(file));
      }
      if (group.files.size() < 2) {  // Too few files are left for a merge.
        (*files)[--taken] = std::move(group.files.front());
        break;
      }
      groups_.push_back(std::move(group));
    }
    files->erase(files->begin(), files->begin() + static_cast<std::ptrdiff_t>(taken));
  }

  const CompactionPolicy& policy_;
  const int64_t now_us_;
  std::vector<MergeGroup> groups_;
};

}  // namespace

std::vector<MergeGroup> PlanMerges(std::vector<DataFileRecord> pending,
                                   const CompactionPolicy& policy, int64_t now_us) {
  std::map<std::string, Partition> partitions;
  for (DataFileRecord& file : pending) {
    Partition& partition = partitions[file.file.partition_key];
    partition.newest_us = std::max(partition.newest_us, file.added_us);
    const TierKey key{.is_merged = file.added_by == "replace", .tier = file.file.tier};
    partition.tiers[key].push_back(std::move(file));
  }
  Planner planner(policy, now_us);
  for (auto& [partition_key, partition] : partitions) {
    planner.Plan(partition_key, std::move(partition));
  }
  std::vector<MergeGroup> groups = planner.TakeGroups();
  std::ranges::sort(groups, {}, [](const MergeGroup& group) {
    return std::pair(group.files.front().added_us, group.files.front().id);
  });
  return groups;
}

}  // namespace catchwater
