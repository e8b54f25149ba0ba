#include "catchwater/batch/recent_keys.h"

#include <algorithm>
#include <array>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr size_t kSlotsMin = 1'024;
// Rows looked up ahead, so that memory is on its way when a row's turn comes.
constexpr size_t kPrefetchRows = 12;

/// At most 7 of 8 slots are taken.
size_t SlotsFor(int64_t key_count) { return static_cast<size_t>(key_count) * 8 / 7 + 8; }

/// Both halves 0 means an empty slot.
Hash128 NotEmpty(Hash128 key) { return key == Hash128{} ? Hash128{1, 1} : key; }

}  // namespace

RecentKeys::RecentKeys(const Options& options) : options_(options) {
  CATCHWATER_CHECK(options.key_count_max > 0 && options.within_us >= 0, "bounds are positive");
  slots_.resize(std::min(kSlotsMin, SlotsFor(options.key_count_max)));
}

int64_t RecentKeys::memory_bytes() const {
  return static_cast<int64_t>(slots_.capacity() * sizeof(Slot) +
                              changes_.capacity() * sizeof(Change));
}

int64_t RecentKeys::Horizon(int64_t greatest_us) const {
  int64_t horizon = 0;
  if (greatest_us == kNone ||
      __builtin_sub_overflow(greatest_us, options_.within_us, &horizon)) {
    return floor_us_;
  }
  return std::max(horizon, floor_us_);
}

size_t RecentKeys::Home(Hash128 key) const {
  // The high bits of key x slot count: any table size, no division.
  return static_cast<size_t>((static_cast<unsigned __int128>(key.low) * slots_.size()) >> 64);
}

size_t RecentKeys::Find(Hash128 key) const {
  size_t slot = Home(key);
  while (slots_[slot].key != key && slots_[slot].key != Hash128{}) {
    if (++slot == slots_.size()) slot = 0;
  }
  return slot;
}

void RecentKeys::Add(std::span<const Hash128> hashes, std::span<const int64_t> event_us,
                     std::span<const uint8_t> skip, std::span<Answer> answers) {
  CATCHWATER_CHECK(hashes.size() == event_us.size() && hashes.size() == answers.size() &&
                       (skip.empty() || skip.size() == hashes.size()),
                   "one of each a row");
  for (size_t i = 0; i < hashes.size(); ++i) {
    if (i + kPrefetchRows < hashes.size()) {
      __builtin_prefetch(&slots_[Home(hashes[i + kPrefetchRows])], /*rw=*/1);
    }
    const bool is_skipped = !skip.empty() && skip[i] != 0;
    answers[i] = is_skipped ? Answer::kFirst : AddOne(NotEmpty(hashes[i]), event_us[i]);
  }
}

RecentKeys::Answer RecentKeys::AddOne(Hash128 key, int64_t event_us) {
  greatest_us_ = std::max(greatest_us_, event_us);
  const int64_t horizon = Horizon(greatest_us_);
  if (event_us < horizon) return Answer::kTooOld;
  size_t slot = Find(key);
  if (slots_[slot].key == key) {
    if (slots_[slot].event_us >= horizon) return Answer::kAgain;
    changes_.push_back({key, slots_[slot].event_us});
    slots_[slot].event_us = event_us;
    return Answer::kFirst;
  }
  if (SlotsFor(key_count_ + 1) > slots_.size() || key_count_ >= options_.key_count_max) {
    MakeRoom();
    if (event_us < Horizon(greatest_us_)) return Answer::kTooOld;
    slot = Find(key);
  }
  slots_[slot] = {key, event_us};
  ++key_count_;
  changes_.push_back({key, kNone});
  return Answer::kFirst;
}

void RecentKeys::MakeRoom() {
  // Only what no roll back can bring into the window again.
  EraseBefore(Horizon(greatest_committed_us_));
  const int64_t fits = static_cast<int64_t>(slots_.size() / 8 * 7);
  if (key_count_ < fits / 4 * 3 && key_count_ < options_.key_count_max) return;
  const size_t slots_max = SlotsFor(options_.key_count_max);
  if (slots_.size() < slots_max) {
    Resize(std::min(slots_max, slots_.size() + std::max(slots_.size() / 2, kSlotsMin)));
  }
  if (key_count_ >= options_.key_count_max) ForgetOldest();
}

void RecentKeys::ForgetOldest() {
  EraseBefore(Horizon(greatest_us_));
  const int64_t kept_max =
      options_.key_count_max - std::max<int64_t>(1, options_.key_count_max / 8);
  while (key_count_ > kept_max) {
    int64_t least = std::numeric_limits<int64_t>::max();
    int64_t greatest = std::numeric_limits<int64_t>::min();
    for (const Slot& slot : slots_) {
      if (slot.key == Hash128{}) continue;
      least = std::min(least, slot.event_us);
      greatest = std::max(greatest, slot.event_us);
    }
    // Event times in 256 equal steps; the oldest steps go until an eighth is gone.
    const auto span = static_cast<uint64_t>(greatest) - static_cast<uint64_t>(least);
    const uint64_t width = span / 256 + 1;
    std::array<int64_t, 256> counts{};
    for (const Slot& slot : slots_) {
      if (slot.key == Hash128{}) continue;
      ++counts[(static_cast<uint64_t>(slot.event_us) - static_cast<uint64_t>(least)) / width];
    }
    int64_t left = key_count_;
    uint64_t steps = 0;
    while (left > kept_max) left -= counts[steps++];
    floor_us_ = static_cast<int64_t>(static_cast<uint64_t>(least) + steps * width);
    EraseBefore(floor_us_);
  }
}

/// Moves the keys behind up, so that every key is found from its home without a gap.
void RecentKeys::EraseAt(size_t slot) {
  const size_t slot_count = slots_.size();
  size_t hole = slot;
  size_t next = slot;
  while (true) {
    if (++next == slot_count) next = 0;
    if (slots_[next].key == Hash128{}) break;
    const size_t home = Home(slots_[next].key);
    const size_t distance_home = next >= home ? next - home : next + slot_count - home;
    const size_t distance_hole = next >= hole ? next - hole : next + slot_count - hole;
    if (distance_home < distance_hole) continue;  // It would move in front of its home.
    slots_[hole] = slots_[next];
    hole = next;
  }
  slots_[hole] = {};
  --key_count_;
}

void RecentKeys::EraseBefore(int64_t event_us) {
  if (event_us == kNone) return;
  const auto erase = [&](size_t slot) {
    while (slots_[slot].key != Hash128{} && slots_[slot].event_us < event_us) EraseAt(slot);
  };
  // Backwards: what EraseAt moves up comes from behind, where all was looked at already.
  for (size_t slot = slots_.size(); slot-- > 0;) erase(slot);
  // But for keys that wrapped around to the start and were moved back to the end, unseen.
  for (size_t slot = slots_.size(); slot-- > 0 && slots_[slot].key != Hash128{};) erase(slot);
}

void RecentKeys::Resize(size_t slot_count) {
  std::vector<Slot> before(slot_count);
  before.swap(slots_);
  for (const Slot& slot : before) {
    if (slot.key != Hash128{}) slots_[Find(slot.key)] = slot;
  }
}

void RecentKeys::Commit() {
  changes_.clear();
  greatest_committed_us_ = greatest_us_;
}

void RecentKeys::RollBack() {
  for (; !changes_.empty(); changes_.pop_back()) {
    const Change& change = changes_.back();
    const size_t slot = Find(change.key);
    if (slots_[slot].key != change.key) continue;  // Forgotten for lack of room.
    if (change.event_us_before == kNone) {
      EraseAt(slot);
    } else {
      slots_[slot].event_us = change.event_us_before;
    }
  }
  greatest_us_ = greatest_committed_us_;
}

}  // namespace catchwater
