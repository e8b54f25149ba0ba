#include "catchwater/base/timestamp_parser.h"
#include "catchwater/batch/typed_builders_internal.h"
#include "catchwater/batch/value_builder_internal.h"

namespace catchwater {
namespace {

struct TimestampReader {
  using Value = int64_t;
  TimestampParser parser;

  std::optional<int64_t> TryPadded(const char* padded, size_t length) {
    return parser.TryParse(padded, length);
  }
  std::optional<int64_t> Read(std::string_view text) {
    const LocalTime time = parser.Parse(text);
    if (time.fault != TimeFault::kNone) return std::nullopt;
    return time.us;
  }
  std::string Explain(std::string_view text) {
    return "not a timestamp, " + std::string(TimeFaultText(parser.Parse(text).fault)) + ": " +
           Excerpt(text);
  }
  static std::optional<int64_t> FromBool(bool) { return std::nullopt; }
  std::optional<int64_t> FromInt64(int64_t value) const { return parser.FromNumber(value); }
  std::optional<int64_t> FromDouble(double value) const { return parser.FromNumber(value); }
  std::string Refusal() const {
    return parser.is_epoch() ? "not a timestamp of the years 1 to 9999: "
                             : "not a timestamp, a number needs an epoch format: ";
  }
};

struct DateReader {
  using Value = int32_t;
  TimestampParser parser;

  static int32_t DayOf(int64_t us) {
    return static_cast<int32_t>(us / kMicrosPerDay - (us % kMicrosPerDay < 0 ? 1 : 0));
  }
  std::optional<int32_t> TryPadded(const char* padded, size_t length) const {
    if (!parser.is_iso() || length != 10) return std::nullopt;
    const int64_t us = timestamp_internal::ParseDate(padded);
    if (us == timestamp_internal::kNoTime) return std::nullopt;
    return DayOf(us);
  }
  std::optional<int32_t> Read(std::string_view text) const {
    const LocalTime day = parser.ParseDay(text);
    if (day.fault != TimeFault::kNone) return std::nullopt;
    return DayOf(day.us);
  }
  std::string Explain(std::string_view text) const {
    return "not a date, " + std::string(TimeFaultText(parser.ParseDay(text).fault)) + ": " +
           Excerpt(text);
  }
  static std::optional<int32_t> FromBool(bool) { return std::nullopt; }
  std::optional<int32_t> FromInt64(int64_t value) const { return FromNumber(value); }
  std::optional<int32_t> FromDouble(double value) const { return FromNumber(value); }
  template <typename Number>
  std::optional<int32_t> FromNumber(Number value) const {
    const std::optional<int64_t> us = parser.FromNumber(value);
    if (!us) return std::nullopt;
    return DayOf(*us);
  }
  std::string Refusal() const {
    return parser.is_epoch() ? "not a date of the years 1 to 9999: "
                             : "not a date, a number needs an epoch format: ";
  }
};

}  // namespace

arrow::Result<std::unique_ptr<ColumnBuilder>> MakeTimeBuilder(const Column& column) {
  auto parser = TimestampParser::Make(column.format, column.zone);
  if (!parser.ok()) return WithContext(parser.status(), "Column " + column.name);
  if (column.type == ColumnType::kDate) {
    return std::make_unique<ValueBuilder<DateReader>>(column, DateReader{*std::move(parser)});
  }
  return std::make_unique<ValueBuilder<TimestampReader>>(column,
                                                         TimestampReader{*std::move(parser)});
}

}  // namespace catchwater
