/// \file
/// Counts by group in a quarter of the room: 16 bits each, and what goes beyond them apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace catchwater {

/// With millions of open windows the bytes count, and there are few with 65,536 rows or more: each
/// of those takes some 50 bytes more. One thread at a time.
class GroupCounts {
 public:
  void Resize(size_t group_count) { low_.resize(group_count, 0); }
  size_t size() const { return low_.size(); }

  void Increment(uint32_t group) {
    if (++low_[group] == 0) [[unlikely]] {
      ++high_[group];
    }
  }
  void Add(uint32_t group, int64_t count) { Set(group, Get(group) + count); }
  void Set(uint32_t group, int64_t count) {
    low_[group] = static_cast<uint16_t>(count);
    const int64_t high = count >> kLowBits;
    if (high != 0) [[unlikely]] {
      high_[group] = high;
    } else if (!high_.empty()) {
      high_.erase(group);
    }
  }
  /// 0 beyond the last group.
  int64_t Get(uint32_t group) const {
    if (group >= low_.size()) return 0;
    const int64_t low = low_[group];
    if (high_.empty()) return low;
    const auto high = high_.find(group);
    return high == high_.end() ? low : low + (high->second << kLowBits);
  }
  void Reset(std::span<const uint32_t> groups) {
    for (const uint32_t group : groups) {
      if (group < low_.size()) Set(group, 0);
    }
  }

  int64_t byte_count() const {
    return static_cast<int64_t>(low_.size() * sizeof(uint16_t) +
                                high_.size() * 6 * sizeof(int64_t));
  }

 private:
  static constexpr int kLowBits = 16;

  std::vector<uint16_t> low_;
  std::unordered_map<uint32_t, int64_t> high_;  ///< Times 2^16; only what is not 0.
};

}  // namespace catchwater
