#include "catchwater/base/timestamp_parser.h"

#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {

arrow::Result<TimestampParser> TimestampParser::Make(std::string_view format,
                                                     std::string_view zone) {
  ARROW_ASSIGN_OR_RAISE(TimeZone time_zone, TimeZone::Make(zone));
  TimestampParser parser(time_zone);
  if (format.empty() || format == "iso") {
    parser.is_iso_ = true;
  } else if (format == "epoch_s") {
    parser.epoch_units_per_second_ = 1;
  } else if (format == "epoch_ms") {
    parser.epoch_units_per_second_ = 1'000;
  } else if (format == "epoch_us") {
    parser.epoch_units_per_second_ = 1'000'000;
  } else if (format.find('%') != std::string_view::npos) {
    ARROW_ASSIGN_OR_RAISE(parser.pattern_, TimePattern::Make(format));
  } else {
    return ConfigError("Time format must be iso, epoch_s, epoch_ms, epoch_us or a pattern with %: ",
                       format);
  }
  return parser;
}

LocalTime TimestampParser::ParseLocal(std::string_view text) const {
  if (is_iso_) return ParseIso(text);
  if (pattern_) return pattern_->Parse(text);
  return ParseEpoch(text, epoch_units_per_second_);
}

LocalTime TimestampParser::ParseDay(std::string_view text) const {
  LocalTime time = ParseLocal(text);
  if (time.fault != TimeFault::kNone) return time;
  const int64_t of_day = ((time.us % kMicrosPerDay) + kMicrosPerDay) % kMicrosPerDay;
  if (is_iso_ && of_day != 0) return {.fault = TimeFault::kTimeOfDay};
  time.us -= of_day;
  return time;
}

}  // namespace catchwater
