/// \file
/// The life of alarms: raised, updated, cleared. What detectors find is told once, not at every
/// reading, under an id that the same findings always get.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catchwater/config/detect_config.h"
#include "catchwater/stream/detect/detector.h"

namespace catchwater {

enum class AlarmState : uint8_t { kRaised, kUpdated, kCleared };
constexpr auto EnumWords(AlarmState) {
  using Pair = std::pair<AlarmState, std::string_view>;
  return std::array{Pair{AlarmState::kRaised, "raised"}, Pair{AlarmState::kUpdated, "updated"},
                    Pair{AlarmState::kCleared, "cleared"}};
}

/// One step in the life of an alarm.
struct AlarmEvent {
  uint64_t id = 0;
  uint32_t subject = 0;  ///< Of the caller: which key, or which source.
  AlarmState state = AlarmState::kRaised;
  int64_t sequence = 0;    ///< 1 when it is raised, one more with each event.
  int64_t suppressed = 0;  ///< Alarms of the kind and key that the rate limit held back before it.
  Finding finding;         ///< since_us is that of the alarm; at_us is the end when it is cleared.
};

/// Pure. One thread at a time.
/// Invariants:
/// 1. At most one alarm of a kind, detector and subject is open.
/// 2. Its id depends on the subject's name, the detector, the kind and when it began, on nothing
///    else: a replay gives the same ids.
class AlarmBook {
 public:
  explicit AlarmBook(const AlarmConfig& config) : config_(config) {}

  /// \param name of the subject, the same in every run
  /// \param detector its place in the configuration
  void Take(uint32_t subject, std::string_view name, uint32_t detector, Finding finding,
            std::vector<AlarmEvent>* events);

  int64_t suppressed_count() const { return suppressed_count_; }
  int64_t byte_count() const;

  /// Of one subject.
  void Save(uint32_t subject, StateWriter* state) const;
  void Load(uint32_t subject, StateReader* state);

 private:
  struct Slot {  // Of one subject, detector and kind.
    uint64_t id = 0;
    bool is_open = false;
    int64_t sequence = 0;
    int64_t since_us = 0;
    int64_t told_us = 0;     // Of the last event.
    int64_t cleared_us = 0;  // Meaningful when id is not 0 and it is not open.
    int64_t hour = 0;        // That raises_in_hour counts.
    int64_t raises_in_hour = 0;
    int64_t suppressed = 0;  // Since the last one that was raised.
    bool is_held_back = false;
  };
  using SlotKey = std::pair<uint32_t, AlarmKind>;  // Detector, kind.
  using Slots = std::vector<std::pair<SlotKey, Slot>>;

  Slot& SlotOf(uint32_t subject, SlotKey key);
  bool MayRaise(int64_t at_us, Slot* slot);

  const AlarmConfig config_;
  std::vector<Slots> subjects_;
  int64_t suppressed_count_ = 0;
};

/// 16 hexadecimal digits.
std::string AlarmIdText(uint64_t id);

}  // namespace catchwater
