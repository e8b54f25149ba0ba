/// \file
/// How far every open partition was read and how far its rows went into an epoch.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catchwater/base/error.h"
#include "catchwater/component/source.h"
#include "catchwater/pipeline/epoch.h"
#include "catchwater/stream/event_time.h"

namespace catchwater {

/// Owned by the feeder's thread.
class PartitionBook {
 public:
  void Open(int64_t partition_id, const Offer& offer, const Position& at,
            std::optional<Fence> fence = std::nullopt) {
    Part part;
    part.offer = offer;
    part.name = std::make_shared<const std::string>(offer.name);
    part.drawn = at;
    part.read = at;
    part.fence = std::move(fence);
    parts_[partition_id] = std::move(part);
    open_ = nullptr;
  }

  /// What a rebuild of the ledger needs to know of the partition.
  void Describe(PartitionCopy copy) {
    const int64_t id = copy.id;
    parts_.at(id).copy = std::make_shared<const PartitionCopy>(std::move(copy));
  }
  /// The hash of a file that was read to its end.
  void SetFullHash(int64_t partition_id, const std::string& hash) {
    Part& part = parts_.at(partition_id);
    if (part.copy == nullptr || !part.copy->file) return;
    PartitionCopy copy = *part.copy;
    copy.file->full_hash = hash;
    part.copy = std::make_shared<const PartitionCopy>(std::move(copy));
  }

  bool is_open(int64_t partition_id) const { return parts_.contains(partition_id); }

  /// A block was handed to a lane.
  void Read(const Range& range) {
    Part& part = parts_.at(range.partition_id);
    // What stands before the first frame, e.g. a header line, is in no range.
    const bool is_first = !part.has_blocks && part.read < range.from;
    CATCHWATER_CHECK(part.read == range.from || is_first,
                     "a source must deliver its blocks without gaps");
    part.read = range.to;
    part.has_blocks = true;
    is_dirty_ = true;
  }

  /// The partition goes on at a later position; nothing lies between.
  void SkipTo(const Skip& skip) {
    Part& part = parts_.at(skip.partition_id);
    CATCHWATER_CHECK(!(skip.to < part.read), "a source goes forward only");
    part.read = skip.to;
    part.has_blocks = true;
    part.is_moved = true;  // Also to offset 0: that reading began there is to be remembered.
    part.frames_lost += skip.frames_lost;
    if (skip.frames_lost > 0) part.lost_reason = skip.reason;
    is_dirty_ = true;
  }

  void Finish(int64_t partition_id) {
    parts_.at(partition_id).is_finished = true;
    is_dirty_ = true;
    open_ = nullptr;
  }

  /// Forgets a partition that failed; what was read of it before stays in the frontier.
  void Forget(int64_t partition_id) {
    parts_.erase(partition_id);
    open_ = nullptr;
  }

  /// The partitions that are not read to their end; the same object until that changes.
  const std::shared_ptr<const OpenPartitions>& open_partitions() {
    if (open_ != nullptr) return open_;
    OpenPartitions open;
    for (const auto& [id, part] : parts_) {
      if (!part.is_finished) open.push_back({id, part.offer.is_bounded});
    }
    open_ = std::make_shared<const OpenPartitions>(std::move(open));
    return open_;
  }

  /// Draws the frontier: what was read or finished since the last one.
  std::vector<FrontierPart> DrawFrontier() {
    std::vector<FrontierPart> frontier;
    for (auto it = parts_.begin(); it != parts_.end();) {
      auto& [id, part] = *it;
      if (part.is_finished || part.is_moved || part.drawn < part.read) {
        frontier.push_back({.range = {.partition_id = id, .from = part.drawn, .to = part.read},
                            .is_finished = part.is_finished,
                            .is_input_file = part.offer.file.has_value(),
                            .fence = part.fence,
                            .frames_lost = part.frames_lost,
                            .lost_reason = std::move(part.lost_reason),
                            .copy = part.copy});
      }
      part.drawn = part.read;
      part.is_moved = false;
      part.frames_lost = 0;
      part.lost_reason.clear();
      it = part.is_finished ? parts_.erase(it) : std::next(it);
    }
    is_dirty_ = false;
    return frontier;
  }

  /// Something was read since the last frontier.
  bool is_dirty() const { return is_dirty_; }
  bool has_bounded() const {
    for (const auto& [id, part] : parts_) {
      if (part.offer.is_bounded && !part.is_finished) return true;
    }
    return false;
  }
  int64_t open_count() const {
    int64_t count = 0;
    for (const auto& [id, part] : parts_) count += part.is_finished ? 0 : 1;
    return count;
  }
  const std::shared_ptr<const std::string>& name(int64_t partition_id) const {
    return parts_.at(partition_id).name;
  }
  const Offer& offer(int64_t partition_id) const { return parts_.at(partition_id).offer; }

 private:
  struct Part {
    Offer offer;
    std::shared_ptr<const std::string> name;
    std::shared_ptr<const PartitionCopy> copy;  ///< Null without a ledger.
    Position drawn;                             ///< Up to where the last frontier went.
    Position read;                              ///< Up to where blocks were handed to lanes.
    bool is_finished = false;
    bool has_blocks = false;
    std::optional<Fence> fence;
    bool is_moved = false;
    int64_t frames_lost = 0;  ///< Since the last frontier.
    std::string lost_reason;
  };
  std::map<int64_t, Part> parts_;
  bool is_dirty_ = false;
  std::shared_ptr<const OpenPartitions> open_;  // Null: to be made.
};

}  // namespace catchwater
