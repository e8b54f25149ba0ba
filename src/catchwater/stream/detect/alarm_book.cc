#include "catchwater/stream/detect/alarm_book.h"

#include <algorithm>
#include <cstdio>

#include <xxhash.h>

namespace catchwater {
namespace {

constexpr int64_t kHourUs = 3'600'000'000;

uint64_t IdOf(std::string_view name, uint32_t detector, AlarmKind kind, int64_t since_us) {
  std::string text(name);
  text += "\n" + std::to_string(detector) + "\n" + std::string(AlarmKindName(kind)) + "\n" +
          std::to_string(since_us);
  return XXH3_64bits(text.data(), text.size());
}

}  // namespace

std::string AlarmIdText(uint64_t id) {
  char text[20];
  std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(id));
  return text;
}

AlarmBook::Slot& AlarmBook::SlotOf(uint32_t subject, SlotKey key) {
  if (subject >= subjects_.size()) subjects_.resize(subject + 1);
  Slots& slots = subjects_[subject];
  const auto found = std::ranges::find(slots, key, &Slots::value_type::first);
  return found != slots.end() ? found->second : slots.emplace_back(key, Slot{}).second;
}

bool AlarmBook::MayRaise(int64_t at_us, Slot* slot) {
  const int64_t hour = at_us / kHourUs;
  if (hour != slot->hour) {
    slot->hour = hour;
    slot->raises_in_hour = 0;
  }
  if (slot->raises_in_hour < config_.raises_per_hour_max) {
    ++slot->raises_in_hour;
    slot->is_held_back = false;
    return true;
  }
  // What holds is told again and again; it is one alarm all the same.
  if (!slot->is_held_back) {
    ++slot->suppressed;
    ++suppressed_count_;
  }
  return false;
}

void AlarmBook::Take(uint32_t subject, std::string_view name, uint32_t detector, Finding finding,
                     std::vector<AlarmEvent>* events) {
  Slot& slot = SlotOf(subject, {detector, finding.kind});
  const auto tell = [&](AlarmState state) {
    ++slot.sequence;
    slot.told_us = finding.at_us;
    AlarmEvent event{.id = slot.id,
                     .subject = subject,
                     .state = state,
                     .sequence = slot.sequence,
                     .suppressed = slot.suppressed,
                     .finding = std::move(finding)};
    event.finding.since_us = slot.since_us;
    events->push_back(std::move(event));
  };
  if (finding.phase == FindingPhase::kOver) {
    if (!slot.is_open) {
      slot.is_held_back = false;
      return;
    }
    slot.is_open = false;
    slot.cleared_us = finding.at_us;
    tell(AlarmState::kCleared);
    return;
  }
  if (slot.is_open) {
    const bool is_earlier = finding.since_us < slot.since_us;
    slot.since_us = std::min(slot.since_us, finding.since_us);
    const bool is_due = finding.at_us - slot.told_us >= config_.update_every.us();
    if (is_earlier || is_due) tell(AlarmState::kUpdated);
    return;
  }
  const bool is_once = finding.phase == FindingPhase::kOnce;
  const bool is_same = !is_once && slot.id != 0 && finding.since_us >= slot.cleared_us &&
                       finding.since_us - slot.cleared_us < config_.reopen_within.us();
  if (is_same) {
    slot.is_open = true;
    tell(AlarmState::kUpdated);
    return;
  }
  if (!MayRaise(finding.at_us, &slot)) {
    slot.is_held_back = !is_once;
    return;
  }
  slot.id = IdOf(name, detector, finding.kind, finding.since_us);
  slot.since_us = finding.since_us;
  slot.sequence = 0;
  slot.is_open = !is_once;
  if (is_once) slot.cleared_us = finding.at_us;
  tell(is_once ? AlarmState::kCleared : AlarmState::kRaised);
  slot.suppressed = 0;
}

int64_t AlarmBook::byte_count() const {
  int64_t count = 0;
  for (const Slots& slots : subjects_) {
    count += static_cast<int64_t>(sizeof(Slots) + slots.size() * sizeof(Slots::value_type));
  }
  return count;
}

void AlarmBook::Save(uint32_t subject, StateWriter* state) const {
  SavingArchive archive(state);
  const bool is_there = subject < subjects_.size();
  state->Put(static_cast<uint64_t>(is_there ? subjects_[subject].size() : 0));
  if (!is_there) return;
  for (const auto& [key, slot] : subjects_[subject]) {
    archive(key.first, static_cast<uint8_t>(key.second), slot.id, slot.is_open, slot.sequence,
            slot.since_us, slot.told_us, slot.cleared_us, slot.hour, slot.raises_in_hour,
            slot.suppressed, slot.is_held_back);
  }
}

void AlarmBook::Load(uint32_t subject, StateReader* state) {
  LoadingArchive archive(state);
  if (subject >= subjects_.size()) subjects_.resize(subject + 1);
  Slots& slots = subjects_[subject];
  slots.clear();
  for (uint64_t rest = state->GetCount(71); rest > 0; --rest) {
    uint32_t detector = 0;
    uint8_t kind = 0;
    Slot slot;
    archive(detector, kind, slot.id, slot.is_open, slot.sequence, slot.since_us, slot.told_us,
            slot.cleared_us, slot.hour, slot.raises_in_hour, slot.suppressed, slot.is_held_back);
    if (kind >= EnumWords(AlarmKind{}).size()) state->Fail();
    slots.emplace_back(SlotKey{detector, static_cast<AlarmKind>(kind)}, slot);
  }
}

}  // namespace catchwater
