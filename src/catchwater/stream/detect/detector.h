/// \file
/// What a detector is: it sees the readings of one key in the order of event time and says what it
/// finds, each time with the reason.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "catchwater/stream/state_bytes.h"

namespace catchwater {

struct Reading {
  int64_t time_us = 0;
  double value = 0;
  double threshold = std::numeric_limits<double>::quiet_NaN();  ///< NaN: none.
  bool is_active = false;                                       ///< The sender calls it an alarm.
};

enum class AlarmKind : uint8_t {
  kSpike,
  kGap,
  kBurst,
  kSilence,
  kUnstable,
  kChangePoint,
  kAnomaly,
  kActive,
  kTrend,
  kFailureRate,
  kMissing,
  kStalled,
};
constexpr auto EnumWords(AlarmKind) {
  using Pair = std::pair<AlarmKind, std::string_view>;
  return std::array{Pair{AlarmKind::kSpike, "spike"},
                    Pair{AlarmKind::kGap, "gap"},
                    Pair{AlarmKind::kBurst, "burst"},
                    Pair{AlarmKind::kSilence, "silence"},
                    Pair{AlarmKind::kUnstable, "unstable"},
                    Pair{AlarmKind::kChangePoint, "change_point"},
                    Pair{AlarmKind::kAnomaly, "anomaly"},
                    Pair{AlarmKind::kActive, "active_alarm"},
                    Pair{AlarmKind::kTrend, "trend_to_threshold"},
                    Pair{AlarmKind::kFailureRate, "failure_rate"},
                    Pair{AlarmKind::kMissing, "missing"},
                    Pair{AlarmKind::kStalled, "pipeline_stalled"}};
}
constexpr std::string_view AlarmKindName(AlarmKind kind) {
  return EnumWords(AlarmKind{})[static_cast<size_t>(kind)].second;
}

enum class FindingPhase : uint8_t {
  kHolds,  ///< It holds since `since_us`, as seen at `at_us`.
  kOver,   ///< It ended at `at_us`.
  kOnce,   ///< From `since_us` to `at_us`, over already.
};

struct Finding {
  AlarmKind kind = AlarmKind::kSpike;
  FindingPhase phase = FindingPhase::kHolds;
  int64_t since_us = 0;
  int64_t at_us = 0;
  double value = std::numeric_limits<double>::quiet_NaN();
  double lead_seconds =
      std::numeric_limits<double>::quiet_NaN();  ///< Until it is there; NaN: none.
  double tolerance_seconds = std::numeric_limits<double>::quiet_NaN();
  std::string why;  ///< A sentence for people, numbers with their unit.
};

/// Of one key. Pure. One thread at a time.
class Detector {
 public:
  virtual ~Detector() = default;

  /// \pre reading.time_us does not go back
  virtual void Add(const Reading& reading, std::vector<Finding>* findings) = 0;
  /// Event time has come so far without another reading of the key.
  virtual void AdvanceTo(int64_t now_us, std::vector<Finding>* findings) {
    static_cast<void>(now_us);
    static_cast<void>(findings);
  }
  /// Add must be called in the order of arrival, not of event time.
  virtual bool is_in_order_of_arrival() const { return false; }

  virtual void Save(StateWriter* state) const = 0;
  virtual void Load(StateReader* state) = 0;
};

/// The fields of a state in one list for both ways: `archive(a, b, c)`.
class SavingArchive {
 public:
  explicit SavingArchive(StateWriter* state) : state_(state) {}
  template <class... Fields>
  void operator()(const Fields&... fields) {
    (PutField(fields), ...);
  }

 private:
  template <class T>
  void PutField(const T& field) {
    if constexpr (std::is_arithmetic_v<T>) {
      state_->Put(field);
    } else {
      state_->Put(static_cast<uint64_t>(field.size()));
      for (const auto& item : field) state_->Put(item);
    }
  }
  StateWriter* state_;
};
class LoadingArchive {
 public:
  explicit LoadingArchive(StateReader* state) : state_(state) {}
  template <class... Fields>
  void operator()(Fields&... fields) {
    (GetField(fields), ...);
  }

 private:
  template <class T>
  void GetField(T& field) {
    if constexpr (std::is_arithmetic_v<T>) {
      field = state_->Get<T>();
    } else {
      const uint64_t count = state_->GetCount(sizeof(typename T::value_type));
      field.clear();
      for (uint64_t i = 0; i < count; ++i) field.push_back(state_->Get<typename T::value_type>());
    }
  }
  StateReader* state_;
};

/// Gives a class with `static void Fields(self, archive)` both ways.
template <class Derived>
class SavedDetector : public Detector {
 public:
  void Save(StateWriter* state) const override {
    SavingArchive archive(state);
    Derived::Fields(static_cast<const Derived&>(*this), archive);
  }
  void Load(StateReader* state) override {
    LoadingArchive archive(state);
    Derived::Fields(static_cast<Derived&>(*this), archive);
  }
};

}  // namespace catchwater
