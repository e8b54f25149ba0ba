#include "catchwater/base/time_zone.h"

#include <algorithm>
#include <chrono>
#include <exception>

// As Debian builds the library: zones of the system, no download.
#define USE_OS_TZDB 1  // NOLINT: a setting of the library's header.
#include <date/tz.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

using std::chrono::seconds;

constexpr int64_t kSecondsPerDay = 86'400;
// Keeps the library's open ends (year -32767 and so on) within 64 bits of microseconds.
constexpr int64_t kSecondMin = kTimestampMin / kMicrosPerSecond - kSecondsPerDay;
constexpr int64_t kSecondMax = kTimestampMax / kMicrosPerSecond + kSecondsPerDay;

int64_t FloorSeconds(int64_t us) {
  return us / kMicrosPerSecond - (us % kMicrosPerSecond < 0 ? 1 : 0);
}

}  // namespace

arrow::Result<TimeZone> TimeZone::Make(std::string_view name) {
  TimeZone zone;
  if (name.empty() || name == "UTC" || name == "Etc/UTC" || name == "Z") {
    zone.calm_begin_us_ = INT64_MIN;
    zone.calm_end_us_ = INT64_MAX;
    return zone;
  }
  try {
    zone.zone_ = date::locate_zone(name);
  } catch (const std::exception&) {
    return ConfigError("Time zone is not known, it must be an IANA name such as Europe/Paris: ",
                       name);
  }
  return zone;
}

LocalTime TimeZone::LookUp(int64_t local_us) {
  if (zone_ == nullptr) return ToUtc({.us = local_us, .has_offset = true});
  date::local_info info;
  try {
    info = zone_->get_info(date::local_seconds(seconds(FloorSeconds(local_us))));
  } catch (const std::exception&) {
    return {.fault = TimeFault::kRange};
  }
  if (info.result == date::local_info::nonexistent) return {.fault = TimeFault::kGap};
  const auto offset_s = static_cast<int32_t>(info.first.offset.count());
  const auto local_bound = [offset_s](date::sys_seconds bound) {
    const int64_t second = std::clamp(bound.time_since_epoch().count(), kSecondMin, kSecondMax);
    return second + offset_s;
  };
  calm_begin_us_ = (local_bound(info.first.begin) + kSecondsPerDay) * kMicrosPerSecond;
  calm_end_us_ = (local_bound(info.first.end) - kSecondsPerDay) * kMicrosPerSecond;
  calm_offset_s_ = offset_s;
  return ToUtc({.us = local_us, .offset_s = offset_s, .has_offset = true});
}

}  // namespace catchwater
