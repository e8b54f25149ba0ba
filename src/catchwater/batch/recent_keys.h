/// \file
/// Which keys came before, within a window of event time and a bound of memory.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "catchwater/batch/row_hash.h"

namespace catchwater {

/// An open-addressing table with linear probing, 25 bytes a slot, at most 4 of 5 taken. A new key,
/// the usual case, reads only the tags, a byte a slot, which stay in the cache. One thread at a
/// time.
///
/// Invariants:
/// 1. A key is known while its first event time is at or after horizon = greatest event time seen
///    - within, and at or after the floor that keys_max has forced.
/// 2. Answers depend on the order of the rows alone, not on how they are cut into calls.
/// 3. What was added since the last Commit() is forgotten by RollBack(), the floor excepted.
class RecentKeys {
 public:
  struct Options {
    /// Window of event time, us; max: unbounded.
    int64_t within_us = std::numeric_limits<int64_t>::max();
    /// When there are more, the eighth with the oldest event times is forgotten.
    int64_t key_count_max = 10'000'000;
  };
  explicit RecentKeys(const Options& options);

  enum class Answer : uint8_t {
    kAgain = 0,
    kFirst = 1,
    kTooOld = 2,  ///< Older than what is remembered: nobody knows. Not remembered.
  };
  /// Looks every row up in order and remembers it if it is the first. Rows with skip[i] != 0 are
  /// left out, their answer is kFirst; an empty `skip` skips none.
  void Add(std::span<const Hash128> hashes, std::span<const int64_t> event_us,
           std::span<const uint8_t> skip, std::span<Answer> answers);

  void Commit();
  void RollBack();

  int64_t key_count() const { return key_count_; }
  /// Least: nothing was seen.
  int64_t greatest_us() const { return greatest_us_; }
  int64_t memory_bytes() const;

 private:
  struct Slot {
    Hash128 key;
    int64_t event_us;
  };
  struct Change {
    Hash128 key;
    int64_t event_us_before = 0;  // kNone: the key was not there.
  };
  static constexpr int64_t kNone = std::numeric_limits<int64_t>::min();

  Answer AddOne(const Hash128& key, int64_t event_us);
  int64_t Horizon(int64_t greatest_us) const;
  size_t Home(const Hash128& key) const;
  static uint8_t Tag(const Hash128& key);
  void Put(size_t slot, const Slot& content);
  size_t Find(const Hash128& key) const;  // The key's slot, or the empty one where it would go.
  void EraseAt(size_t slot);
  void EraseBefore(int64_t event_us);
  void Resize(size_t slot_count);
  void MakeRoom();
  void ForgetOldest();

  const Options options_;
  std::vector<uint8_t> tags_;  // One a slot; 0: empty.
  std::vector<Slot> slots_;
  int64_t key_count_ = 0;
  int64_t greatest_us_ = kNone;
  int64_t greatest_committed_us_ = kNone;
  int64_t floor_us_ = kNone;     // Only rises.
  std::vector<Change> changes_;  // Since the last commit: as many as rows were remembered.
};

}  // namespace catchwater
