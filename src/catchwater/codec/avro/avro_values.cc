#include "catchwater/codec/avro/avro_values.h"

#include <algorithm>
#include <optional>

#include "catchwater/base/error.h"
#include "catchwater/base/number.h"
#include "catchwater/codec/avro/avro_text.h"

namespace catchwater {
namespace {

using Kind = AvroNode::Kind;

constexpr int kDepthMax = 64;

bool IsTime(const Column& column) {
  return column.type == ColumnType::kTimestamp || column.type == ColumnType::kDate;
}

}  // namespace

arrow::Result<AvroValues> AvroValues::Make(const DecodeOptions& options) {
  DecodeOptions own = options;
  std::vector<TimestampParser> parsers;
  std::vector<TimeZone> zones;
  for (Column& column : own.columns) {
    const bool is_time = IsTime(column);
    auto parser = TimestampParser::Make(is_time ? column.format : "", is_time ? column.zone : "");
    if (!parser.ok()) return WithContext(parser.status(), "Column " + column.name);
    parsers.push_back(*std::move(parser));
    ARROW_ASSIGN_OR_RAISE(auto zone, TimeZone::Make(is_time ? column.zone : ""));
    zones.push_back(zone);
    // Times of a known unit become microseconds here, and so do all others.
    if (is_time) column.format = "epoch_us";
  }
  ARROW_ASSIGN_OR_RAISE(RecordRows rows, RecordRows::Make("avro", own, {}));
  AvroValues values(options.columns, std::move(rows));
  values.parsers_ = std::move(parsers);
  values.zones_ = std::move(zones);
  return values;
}

bool AvroValues::Read(const AvroNode& schema, const AvroPlan& plan, AvroDecoder& in) {
  std::fill(is_filled_.begin(), is_filled_.end(), uint8_t{0});
  ReadNode(schema, plan, in, 0);
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (is_filled_[i] == 0) rows_.AppendNull(i);
  }
  return in.ok();
}

void AvroValues::ReadNode(const AvroNode& node, const AvroPlan& plan, AvroDecoder& in, int depth) {
  if (!in.ok()) return;
  if (plan.is_empty()) return in.Skip(node);
  if (depth > kDepthMax) return in.Fail();
  if (node.kind == Kind::kUnion) {
    const AvroNode& branch = in.Resolve(node);
    if (!in.ok()) return;
    const auto place = static_cast<size_t>(&branch - node.children.data());
    return ReadNode(branch, plan.children[place], in, depth + 1);
  }
  if (plan.columns.empty()) {
    for (size_t i = 0; i < node.fields.size(); ++i) {
      ReadNode(node.fields[i].type, plan.children[i], in, depth + 1);
    }
    return;
  }
  // A value that several columns take is read again for each.
  const AvroDecoder begin = in;
  for (const size_t column : plan.columns) {
    in = begin;
    AppendValue(column, node, in);
  }
  if (plan.children.empty() || !in.ok()) return;
  in = begin;
  ReadNode(node, AvroPlan{.children = plan.children}, in, depth + 1);
}

void AvroValues::AppendValue(size_t column, const AvroNode& node, AvroDecoder& in) {
  is_filled_[column] = 1;
  const bool is_text = columns_[column].type == ColumnType::kString;
  switch (node.kind) {
    case Kind::kNull:
    case Kind::kUnion:
      return rows_.AppendNull(column);
    case Kind::kBool: {
      const bool value = in.Bool();
      return is_text ? AppendText(column, value ? "true" : "false")
                     : rows_.AppendBool(column, value);
    }
    case Kind::kInt:
    case Kind::kLong:
      return AppendInteger(column, node, in.Long());
    case Kind::kFloat: {
      const float value = in.Float();
      if (!is_text) return rows_.AppendDouble(column, static_cast<double>(value));
      std::string text;
      AppendNumber(value, &text);
      return AppendText(column, text);
    }
    case Kind::kDouble:
      return rows_.AppendDouble(column, in.Double());
    case Kind::kBytes:
    case Kind::kFixed: {
      const std::string_view bytes =
          node.kind == Kind::kBytes ? in.Bytes() : in.Fixed(node.fixed_byte_count);
      if (node.logical == AvroLogical::kDecimal) return AppendUnscaled(column, bytes, node.scale);
      return AppendText(column, bytes);
    }
    case Kind::kString:
      return AppendText(column, in.Bytes());
    case Kind::kRecord:
    case Kind::kArray:
    case Kind::kMap:
      break;
  }
  if (!is_text) {
    in.Skip(node);
    return rows_.AppendRefused(column, "avro.type",
                               "Value is a record, an array or a map, the column's type is: " +
                                   std::string(ColumnTypeName(columns_[column].type)));
  }
  std::string text;
  AppendAvroAsJson(node, in, &text);
  rows_.AppendOwnText(column, text);
}

void AvroValues::AppendInteger(size_t column, const AvroNode& node, int64_t value) {
  if (!node.symbols.empty()) {
    const bool is_known = value >= 0 && static_cast<size_t>(value) < node.symbols.size();
    if (is_known) return AppendText(column, node.symbols[static_cast<size_t>(value)]);
    return rows_.AppendRefused(column, "avro.type",
                               "Value is none of the enum's symbols: " + std::to_string(value));
  }
  const Column& target = columns_[column];
  const bool is_time = IsTime(target);
  const bool is_text = target.type == ColumnType::kString;
  if (node.logical != AvroLogical::kNone && (is_time || is_text)) {
    return AppendTime(column, node.logical, value);
  }
  if (!is_time) return rows_.AppendInt64(column, value);
  const std::optional<int64_t> us = parsers_[column].FromNumber(value);
  if (us) return rows_.AppendInt64(column, *us);
  rows_.AppendRefused(
      column, kRuleColumnType,
      (parsers_[column].is_epoch() ? "Value is not a time of the years 1 to 9999: "
                                   : "Value is not a time, a number needs an epoch format: ") +
          std::to_string(value));
}

void AvroValues::AppendTime(size_t column, AvroLogical logical, int64_t value) {
  std::optional<int64_t> us = MicrosOfAvro(logical, value);
  const bool is_local = logical == AvroLogical::kLocalTimestampMillis ||
                        logical == AvroLogical::kLocalTimestampMicros ||
                        logical == AvroLogical::kLocalTimestampNanos;
  if (us && is_local && columns_[column].type == ColumnType::kTimestamp) {
    const LocalTime utc = zones_[column].LocalToUtc(*us);
    us = utc.fault == TimeFault::kNone ? std::optional(utc.us) : std::nullopt;
  }
  if (!us) {
    return rows_.AppendRefused(
        column, kRuleColumnType,
        "Value is not a time of the years 1 to 9999: " + std::to_string(value));
  }
  if (columns_[column].type != ColumnType::kString) return rows_.AppendInt64(column, *us);
  std::string text;
  AppendAvroTime(logical, *us, &text);
  rows_.AppendOwnText(column, text);
}

void AvroValues::AppendText(size_t column, std::string_view text) {
  if (!IsTime(columns_[column])) return rows_.AppendOwnText(column, text);
  TimestampParser& parser = parsers_[column];
  const LocalTime time =
      columns_[column].type == ColumnType::kDate ? parser.ParseDay(text) : parser.Parse(text);
  if (time.fault == TimeFault::kNone) return rows_.AppendInt64(column, time.us);
  rows_.AppendRefused(column, kRuleColumnType,
                      "Value is not a time, " + std::string(TimeFaultText(time.fault)) + ": " +
                          std::string(text.substr(0, 80)));
}

void AvroValues::AppendUnscaled(size_t column, std::string_view bytes, int32_t scale) {
  const std::optional<std::string> text = DecimalOfAvro(bytes, scale);
  if (text) return AppendText(column, *text);
  rows_.AppendRefused(
      column, kRuleColumnType,
      "Value is a decimal of more than 38 digits, bytes: " + std::to_string(bytes.size()));
}

}  // namespace catchwater
