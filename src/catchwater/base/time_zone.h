/// \file
/// Local times of an IANA zone -> UTC, by the system's zone database.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <arrow/result.h>

#include "catchwater/base/timestamp.h"

namespace date {
class time_zone;
}  // namespace date

namespace catchwater {

/// One thread at a time: remembers the last stretch of time without a change of offset.
class TimeZone {
 public:
  /// name: `Europe/Paris`, `UTC`; empty is UTC. \retval kConfig if the system does not know it
  static arrow::Result<TimeZone> Make(std::string_view name);

  bool is_utc() const { return zone_ == nullptr; }

  /// Returns UTC of a time on the local clock. A time that exists twice is the first of the two.
  /// \return fault kGap if the time does not exist, kRange outside the years 1 to 9999
  LocalTime LocalToUtc(int64_t local_us) {
    if (local_us < calm_begin_us_ || local_us >= calm_end_us_) return LookUp(local_us);
    return ToUtc({.us = local_us, .offset_s = calm_offset_s_, .has_offset = true});
  }

 private:
  TimeZone() = default;
  LocalTime LookUp(int64_t local_us);

  const date::time_zone* zone_ = nullptr;  // Of the library's database; null: UTC.
  // Local times with this offset, a day away from any change.
  int64_t calm_begin_us_ = 0;
  int64_t calm_end_us_ = 0;
  int32_t calm_offset_s_ = 0;
};

}  // namespace catchwater
