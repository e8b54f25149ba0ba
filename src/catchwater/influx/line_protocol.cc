#include "catchwater/influx/line_protocol.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <arrow/array.h>
#include <arrow/type.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

/// A line break would end the point: it becomes a space.
void AppendEscaped(std::string_view text, std::string_view escaped, std::string* out) {
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      *out += "\\ ";
      continue;
    }
    if (escaped.find(c) != escaped.npos) *out += '\\';
    *out += c;
  }
}

std::string Escaped(std::string_view text, std::string_view escaped) {
  std::string out;
  AppendEscaped(text, escaped, &out);
  return out;
}

template <class ArrayType>
const ArrayType& As(const arrow::Array& array) {
  return static_cast<const ArrayType&>(array);
}

template <class T>
void AppendNumber(T value, std::string* out) {
  char text[40];
  const auto [end, error] = std::to_chars(text, text + sizeof(text), value);
  out->append(text, end);
}

/// What is finer than the precision is cut off, towards the past.
void AppendTime(int64_t us, LinePrecision precision, std::string* out) {
  const int64_t unit_us = precision == LinePrecision::kSeconds        ? 1'000'000
                          : precision == LinePrecision::kMilliseconds ? 1'000
                                                                      : 1;
  AppendNumber(us / unit_us - (us % unit_us < 0 ? 1 : 0), out);
  // Years up to 9999 do not fit in nanoseconds of 64 bits, but their text does.
  if (precision == LinePrecision::kNanoseconds && us != 0) *out += "000";
}

bool AppendDouble(double value, std::string* out) {
  if (!std::isfinite(value)) return false;
  AppendNumber(value, out);
  return true;
}

/// \return false if there is nothing to write
bool AppendField(const arrow::Array& array, int64_t row, std::string* out) {
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      *out += As<arrow::BooleanArray>(array).Value(row) ? "true" : "false";
      return true;
    case arrow::Type::INT32:
      AppendNumber(As<arrow::Int32Array>(array).Value(row), out);
      *out += 'i';
      return true;
    case arrow::Type::INT64:
      AppendNumber(As<arrow::Int64Array>(array).Value(row), out);
      *out += 'i';
      return true;
    case arrow::Type::FLOAT:
      // As many digits as the float has, not those of the double that it is widened to.
      if (!std::isfinite(As<arrow::FloatArray>(array).Value(row))) return false;
      AppendNumber(As<arrow::FloatArray>(array).Value(row), out);
      return true;
    case arrow::Type::DOUBLE:
      return AppendDouble(As<arrow::DoubleArray>(array).Value(row), out);
    case arrow::Type::DECIMAL128:
      *out += As<arrow::Decimal128Array>(array).FormatValue(row);
      return true;
    case arrow::Type::TIMESTAMP:
      AppendNumber(As<arrow::TimestampArray>(array).Value(row), out);
      *out += 'i';
      return true;
    case arrow::Type::DATE32:
      AppendNumber(As<arrow::Date32Array>(array).Value(row), out);
      *out += 'i';
      return true;
    default: {
      const std::string_view text = As<arrow::StringArray>(array).GetView(row);
      *out += '"';
      for (const char c : text) {
        if (c == '"' || c == '\\') *out += '\\';
        *out += c;
      }
      *out += '"';
      return true;
    }
  }
}

/// \return false if the tag would be empty, which is not allowed
bool AppendTag(const arrow::Array& array, int64_t row, std::string* out) {
  std::string text;
  if (array.type_id() == arrow::Type::STRING) {
    text = As<arrow::StringArray>(array).GetString(row);
  } else {
    AppendField(array, row, &text);
    if (!text.empty() && text.back() == 'i') text.pop_back();
  }
  // A backslash at the end would escape what follows.
  while (!text.empty() && text.back() == '\\') text.pop_back();
  if (text.empty()) return false;
  AppendEscaped(text, kLineKeyEscapes, out);
  return true;
}

bool IsSupported(arrow::Type::type type) {
  switch (type) {
    case arrow::Type::BOOL:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::DECIMAL128:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DATE32:
    case arrow::Type::STRING:
      return true;
    default:
      return false;
  }
}

}  // namespace

arrow::Result<LineProtocol> LineProtocol::Make(const arrow::Schema& schema,
                                               std::string_view measurement,
                                               const std::string& time,
                                               const std::vector<std::string>& tags,
                                               std::vector<std::string> fields,
                                               LinePrecision precision) {
  LineProtocol made;
  made.precision_ = precision;
  made.measurement_ = Escaped(measurement, kLineMeasurementEscapes);
  made.time_ = schema.GetFieldIndex(time);
  if (made.time_ < 0 || schema.field(made.time_)->type()->id() != arrow::Type::TIMESTAMP) {
    return ConfigError("`time` must name a timestamp column of the sink: ", time);
  }
  if (fields.empty()) {
    for (const auto& field : schema.fields()) {
      const bool is_tag = std::ranges::find(tags, field->name()) != tags.end();
      if (!is_tag && field->name() != time) fields.push_back(field->name());
    }
  }
  const auto take = [&](const std::vector<std::string>& names,
                        std::vector<Column>& columns) -> arrow::Status {
    for (const std::string& name : names) {
      const int index = schema.GetFieldIndex(name);
      if (index < 0) return ConfigError("Column of `tags` or `fields` does not arrive: ", name);
      if (!IsSupported(schema.field(index)->type()->id())) {
        return ConfigError("Line protocol cannot hold this column: ", name);
      }
      columns.push_back({.index = index, .name = Escaped(name, kLineKeyEscapes)});
    }
    return arrow::Status::OK();
  };
  ARROW_RETURN_NOT_OK(take(tags, made.tags_));
  ARROW_RETURN_NOT_OK(take(fields, made.fields_));
  if (made.fields_.empty()) return ConfigError("A point needs a field; name one in `fields`");
  // The server wants tags sorted: it is faster then.
  std::ranges::sort(made.tags_, {}, &Column::name);
  return made;
}

bool LineProtocol::Append(const arrow::RecordBatch& rows, int64_t row, std::string* lines) const {
  const arrow::Array& times = *rows.column(time_);
  if (times.IsNull(row)) return false;
  const size_t begin = lines->size();
  *lines += measurement_;
  for (const Column& tag : tags_) {
    const arrow::Array& array = *rows.column(tag.index);
    const size_t before = lines->size();
    *lines += "," + tag.name + "=";
    if (array.IsNull(row) || !AppendTag(array, row, lines)) lines->resize(before);
  }
  bool has_field = false;
  for (const Column& field : fields_) {
    const arrow::Array& array = *rows.column(field.index);
    const size_t before = lines->size();
    *lines += (has_field ? "," : " ") + field.name + "=";
    if (array.IsNull(row) || !AppendField(array, row, lines)) {
      lines->resize(before);
    } else {
      has_field = true;
    }
  }
  if (!has_field) {
    lines->resize(begin);
    return false;
  }
  *lines += ' ';
  AppendTime(As<arrow::TimestampArray>(times).Value(row), precision_, lines);
  *lines += '\n';
  return true;
}

}  // namespace catchwater
