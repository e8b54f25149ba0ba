/// \file
/// Timestamps and dates of one declared column: format and zone chosen once.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <arrow/result.h>

#include "catchwater/base/time_pattern.h"
#include "catchwater/base/time_zone.h"
#include "catchwater/base/timestamp.h"

namespace catchwater {

/// One thread at a time (it remembers the last date and stretch of zone).
class TimestampParser {
 public:
  /// format: `iso` or empty, `epoch_s`, `epoch_ms`, `epoch_us`, or a pattern with `%`
  /// (base/time_pattern.h). zone: of times without an offset; empty is UTC.
  /// \retval kConfig if the format or the zone makes no sense
  static arrow::Result<TimestampParser> Make(std::string_view format, std::string_view zone);

  /// Returns UTC, or why not.
  LocalTime Parse(std::string_view text) {
    const LocalTime time = ParseLocal(text);
    if (time.fault != TimeFault::kNone) return time;
    return time.has_offset ? ToUtc(time) : zone_.LocalToUtc(time.us);
  }

  /// Returns the day as written, whatever its zone. \return fault kTimeOfDay if a time other than
  /// midnight is in the text; an epoch counts as its day in UTC
  LocalTime ParseDay(std::string_view text) const;

  /// As Parse, for usual texts, padded (base/swar.h). \return nothing: ask Parse
  std::optional<int64_t> TryParse(const char* padded, size_t length) {
    if (!is_iso_) return std::nullopt;
    const std::optional<UsualTime> time = TryParseIso(padded, length, date_memory_);
    if (!time) return std::nullopt;
    if (time->is_utc || zone_.is_utc()) return time->us;
    const LocalTime utc = zone_.LocalToUtc(time->us);
    if (utc.fault != TimeFault::kNone) return std::nullopt;
    return utc.us;
  }

  /// A number of an epoch format. \return nothing if the format is no epoch, or out of range
  template <typename Number>
  std::optional<int64_t> FromNumber(Number value) const {
    if (epoch_units_per_second_ == 0) return std::nullopt;
    return MicrosFromEpoch(value, epoch_units_per_second_);
  }
  bool is_epoch() const { return epoch_units_per_second_ != 0; }
  bool is_iso() const { return is_iso_; }

 private:
  explicit TimestampParser(TimeZone zone) : zone_(zone) {}
  LocalTime ParseLocal(std::string_view text) const;

  TimeZone zone_;
  std::optional<TimePattern> pattern_;
  int64_t epoch_units_per_second_ = 0;  // 0: not an epoch.
  bool is_iso_ = false;
  DateMemory date_memory_;
};

}  // namespace catchwater
