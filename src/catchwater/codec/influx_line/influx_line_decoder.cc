#include "catchwater/codec/influx_line/influx_line_decoder.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>

#include "catchwater/base/number.h"

namespace catchwater {
namespace {

constexpr std::string_view kRuleSyntax = "influx_line.syntax";

bool IsPoint(std::string_view line) {
  const size_t first = line.find_first_not_of(" \t");
  return first != line.npos && line[first] != '#';
}

/// The lines of a text, without their ends.
template <typename Take>
void ForEachLine(std::string_view text, Take&& take) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    take(line);
    at = end + 1;
  }
}

std::optional<int64_t> MicrosOf(std::string_view text, LinePrecision precision) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  constexpr int64_t kNanosPerMicro = 1'000;
  if (precision == LinePrecision::kNanoseconds) {
    return value / kNanosPerMicro - (value % kNanosPerMicro < 0 ? 1 : 0);
  }
  const int64_t unit_us = precision == LinePrecision::kSeconds        ? 1'000'000
                          : precision == LinePrecision::kMilliseconds ? 1'000
                                                                      : 1;
  if (__builtin_mul_overflow(value, unit_us, &value)) return std::nullopt;
  return value;
}

}  // namespace

InfluxLineDecoder::Target InfluxLineDecoder::TargetOf(const Column& column) {
  const std::string& from = column.from.empty() ? column.name : column.from;
  Target target{
      .key = from,
      .is_integer = column.type == ColumnType::kInt32 || column.type == ColumnType::kInt64};
  if (from == "measurement") {
    target.part = Part::kMeasurement;
  } else if (from == "time") {
    target.part = Part::kTime;
  } else if (from.starts_with("tag.")) {
    target.part = Part::kTag;
    target.key = from.substr(4);
  } else if (from.starts_with("field.")) {
    target.part = Part::kField;
    target.key = from.substr(6);
  }
  return target;
}

arrow::Result<std::unique_ptr<Decoder>> InfluxLineDecoder::Make(LinePrecision precision,
                                                                const DecodeOptions& options) {
  DecodeOptions own = options;
  std::vector<Target> targets;
  for (Column& column : own.columns) {
    targets.push_back(TargetOf(column));
    // The time of a point is a number of a known unit.
    if (targets.back().part == Part::kTime) column.format = "epoch_us";
  }
  ARROW_ASSIGN_OR_RAISE(RecordRows rows, RecordRows::Make("influx_line", own, {}));
  return std::unique_ptr<Decoder>(
      new InfluxLineDecoder(precision, std::move(rows), std::move(targets)));
}

arrow::Result<Split> InfluxLineDecoder::Decode(const Block& block) {
  ARROW_RETURN_NOT_OK(rows_.Begin(block));
  const bool has_messages = !block.frame_ends.empty();
  rows_.ForEachFrame([&](const RecordPlace& frame) { TakeFrame(frame, has_messages); });
  return rows_.Finish();
}

// A message may hold many points.
void InfluxLineDecoder::TakeFrame(const RecordPlace& frame, bool is_message) {
  if (!is_message) {
    if (!IsPoint(frame.text)) return rows_.ForgetFrame();
    return TakeLine(frame, /*is_only=*/true);
  }
  size_t point_count = 0;
  ForEachLine(frame.text, [&](std::string_view line) { point_count += IsPoint(line) ? 1 : 0; });
  RecordPlace place = frame;
  ForEachLine(frame.text, [&](std::string_view line) {
    if (!IsPoint(line)) return;
    place.text = line;
    TakeLine(place, point_count == 1);
    ++place.row_in_frame;
  });
}

void InfluxLineDecoder::TakeLine(const RecordPlace& place, bool is_only) {
  const std::string_view line = place.text;
  const size_t begin = line.find_first_not_of(" \t");
  if (const auto fault = ParseLinePoint(line.substr(begin), &point_)) {
    rows_.RefuseRecord(place, kRuleSyntax,
                       "Line is no point, " + std::string(fault->what) +
                           ", byte of the record: " + std::to_string(begin + fault->offset),
                       is_only);
    return;
  }
  rows_.StartRow(place);
  for (size_t i = 0; i < targets_.size(); ++i) AppendPart(i);
}

void InfluxLineDecoder::AppendPart(size_t column) {
  const Target& target = targets_[column];
  if (target.part == Part::kMeasurement) {
    return AppendText(column, point_.measurement, kLineMeasurementEscapes);
  }
  if (target.part == Part::kTime) return AppendTime(column);
  if (target.part != Part::kField) {
    for (const LinePoint::Tag& tag : point_.tags) {
      if (IsKey(tag.key, target.key)) return AppendText(column, tag.value, kLineKeyEscapes);
    }
  }
  if (target.part != Part::kTag) {
    for (const LinePoint::Field& field : point_.fields) {
      if (IsKey(field.key, target.key)) return AppendField(column, field);
    }
  }
  rows_.AppendNull(column);
}

bool InfluxLineDecoder::IsKey(std::string_view text, const std::string& key) {
  return UnescapeLineText(text, kLineKeyEscapes, &unescaped_) ? unescaped_ == key : text == key;
}

void InfluxLineDecoder::AppendText(size_t column, std::string_view text, std::string_view escaped) {
  if (UnescapeLineText(text, escaped, &unescaped_)) {
    rows_.AppendOwnText(column, unescaped_);
  } else {
    rows_.AppendText(column, text);
  }
}

void InfluxLineDecoder::AppendTime(size_t column) {
  if (!point_.time) return rows_.AppendNull(column);
  const std::optional<int64_t> us = MicrosOf(*point_.time, precision_);
  if (us) return rows_.AppendInt64(column, *us);
  rows_.AppendRefused(
      column, kRuleColumnType,
      "Value is not a timestamp of the years 1 to 9999: " + std::string(*point_.time));
}

void InfluxLineDecoder::AppendField(size_t column, const LinePoint::Field& field) {
  switch (field.kind) {
    case LineFieldKind::kBool:
      return rows_.AppendOwnText(
          column, field.value.front() == 't' || field.value.front() == 'T' ? "true" : "false");
    case LineFieldKind::kString:
      return AppendText(column, field.value, kLineStringEscapes);
    case LineFieldKind::kFloat:
      // 21.0 is a whole number too.
      if (targets_[column].is_integer) {
        return rows_.AppendDouble(column, ParseDouble(field.value).value_or(0));
      }
      [[fallthrough]];
    case LineFieldKind::kInteger:
    case LineFieldKind::kUnsigned:
      return rows_.AppendText(column, field.value);
  }
}

}  // namespace catchwater
