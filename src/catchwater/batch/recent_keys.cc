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

/// At most 4 of 5 slots are taken: a new key then looks at 13 tags on average.
size_t SlotsFor(int64_t key_count) { return static_cast<size_t>(key_count) * 5 / 4 + 8; }

}  // namespace

RecentKeys::RecentKeys(const Options& options) : options_(options) {
  CATCHWATER_CHECK(options.key_count_max > 0 && options.within_us >= 0, "bounds are positive");
  slots_.resize(std::min(kSlotsMin, SlotsFor(options.key_count_max)));
  tags_.resize(slots_.size());
}

int64_t RecentKeys::memory_bytes() const {
  return static_cast<int64_t>(slots_.capacity() * sizeof(Slot) + tags_.capacity() +
                              changes_.capacity() * sizeof(Change));
}

int64_t RecentKeys::Horizon(int64_t greatest_us) const {
  int64_t horizon = 0;
  if (greatest_us == kNone || __builtin_sub_overflow(greatest_us, options_.within_us, &horizon)) {
    return floor_us_;
  }
  return std::max(horizon, floor_us_);
}

size_t RecentKeys::Home(const Hash128& key) const {
  // The high bits of key x slot count: any table size, no division.
  return static_cast<size_t>((static_cast<unsigned __int128>(key.low) * slots_.size()) >> 64);
}

uint8_t RecentKeys::Tag(const Hash128& key) {
  // Bits that Home does not use; the highest one is set, so that it is never 0.
  return static_cast<uint8_t>(0x80U | (key.high & 0x7FU));
}

size_t RecentKeys::Find(const Hash128& key) const {
  const uint8_t tag = Tag(key);
  size_t slot = Home(key);
  while (tags_[slot] != 0 && !(tags_[slot] == tag && slots_[slot].key == key)) {
    if (++slot == slots_.size()) slot = 0;
  }
  return slot;
}

void RecentKeys::Put(size_t slot, const Slot& content) {
  tags_[slot] = Tag(content.key);
  slots_[slot] = content;
}

void RecentKeys::Add(std::span<const Hash128> hashes, std::span<const int64_t> event_us,
                     std::span<const uint8_t> skip, std::span<Answer> answers) {
  CATCHWATER_CHECK(hashes.size() == event_us.size() && hashes.size() == answers.size() &&
                       (skip.empty() || skip.size() == hashes.size()),
                   "one of each a row");
  for (size_t i = 0; i < hashes.size(); ++i) {
    if (i + kPrefetchRows < hashes.size()) {
      const size_t home = Home(hashes[i + kPrefetchRows]);
      __builtin_prefetch(&tags_[home]);
      __builtin_prefetch(&slots_[home], /*rw=*/1);
    }
    const bool is_skipped = !skip.empty() && skip[i] != 0;
    answers[i] = is_skipped ? Answer::kFirst : AddOne(hashes[i], event_us[i]);
  }
}

RecentKeys::Answer RecentKeys::AddOne(const Hash128& key, int64_t event_us) {
  greatest_us_ = std::max(greatest_us_, event_us);
  const int64_t horizon = Horizon(greatest_us_);
  if (event_us < horizon) return Answer::kTooOld;
  size_t slot = Find(key);
  if (tags_[slot] != 0) {
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
  Put(slot, {key, event_us});
  ++key_count_;
  changes_.push_back({key, kNone});
  return Answer::kFirst;
}

void RecentKeys::MakeRoom() {
  // Only what no roll back can bring into the window again.
  EraseBefore(Horizon(greatest_committed_us_));
  const int64_t fits = static_cast<int64_t>(slots_.size() / 5 * 4);
  if (key_count_ < fits / 4 * 3 && key_count_ < options_.key_count_max) return;
  const size_t slots_max = SlotsFor(options_.key_count_max);
  if (slots_.size() < slots_max) {
    Resize(std::min(slots_max, slots_.size() * 2));
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
    for (size_t slot = 0; slot < slots_.size(); ++slot) {
      if (tags_[slot] == 0) continue;
      least = std::min(least, slots_[slot].event_us);
      greatest = std::max(greatest, slots_[slot].event_us);
    }
    // Event times in 256 equal steps; the oldest steps go until an eighth is gone.
    const auto span = static_cast<uint64_t>(greatest) - static_cast<uint64_t>(least);
    const uint64_t width = span / 256 + 1;
    std::array<int64_t, 256> counts{};
    for (size_t slot = 0; slot < slots_.size(); ++slot) {
      if (tags_[slot] == 0) continue;
      ++counts[(static_cast<uint64_t>(slots_[slot].event_us) - static_cast<uint64_t>(least)) /
               width];
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
    if (tags_[next] == 0) break;
    const size_t home = Home(slots_[next].key);
    const size_t distance_home = next >= home ? next - home : next + slot_count - home;
    const size_t distance_hole = next >= hole ? next - hole : next + slot_count - hole;
    if (distance_home < distance_hole) continue;  // It would move in front of its home.
    Put(hole, slots_[next]);
    hole = next;
  }
  tags_[hole] = 0;
  --key_count_;
}

void RecentKeys::EraseBefore(int64_t event_us) {
  if (event_us == kNone || key_count_ == 0) return;
  // Keys stand in runs between empty slots, each run near the homes of its keys: it is taken out
  // and put back without the old ones, front to back through memory.
  const size_t slot_count = slots_.size();
  size_t start = 0;
  while (tags_[start] != 0) ++start;
  const auto place = [slot_count](size_t i) { return i < slot_count ? i : i - slot_count; };
  std::vector<Slot> kept;
  size_t run_begin = start + 1;
  bool has_old = false;
  for (size_t i = start + 1; i <= start + slot_count; ++i) {
    if (tags_[place(i)] != 0) {
      has_old = has_old || slots_[place(i)].event_us < event_us;
      continue;
    }
    if (has_old) {
      kept.clear();
      for (size_t taken = run_begin; taken < i; ++taken) {
        if (slots_[place(taken)].event_us >= event_us) kept.push_back(slots_[place(taken)]);
        tags_[place(taken)] = 0;
      }
      key_count_ -= static_cast<int64_t>(i - run_begin - kept.size());
      for (const Slot& back : kept) Put(Find(back.key), back);
    }
    has_old = false;
    run_begin = i + 1;
  }
}

/// Keys keep their order around the table (Home), so this goes front to back too.
void RecentKeys::Resize(size_t slot_count) {
  std::vector<Slot> slots(slot_count);
  std::vector<uint8_t> tags(slot_count);
  slots.swap(slots_);
  tags.swap(tags_);
  for (size_t slot = 0; slot < slots.size(); ++slot) {
    if (tags[slot] != 0) Put(Find(slots[slot].key), slots[slot]);
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
    if (tags_[slot] == 0) continue;  // Forgotten for lack of room.
    if (change.event_us_before == kNone) {
      EraseAt(slot);
    } else {
      slots_[slot].event_us = change.event_us_before;
    }
  }
  greatest_us_ = greatest_committed_us_;
}

}  // namespace catchwater
