#include <algorithm>
#include <cstring>
#include <utility>

#include <arrow/array.h>

#include "catchwater/base/decimal.h"
#include "catchwater/base/error.h"
#include "catchwater/base/number.h"
#include "catchwater/base/timestamp.h"
#include "catchwater/base/utf8.h"
#include "catchwater/codec/csv/csv_encoder_internal.h"

namespace catchwater {
namespace {

int64_t MicrosOf(int64_t value, arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return value * 1'000'000;
    case arrow::TimeUnit::MILLI:
      return value * 1'000;
    case arrow::TimeUnit::MICRO:
      return value;
    case arrow::TimeUnit::NANO:
      return value / 1'000 - (value % 1'000 < 0 ? 1 : 0);
  }
  return value;
}

template <typename Array>
const Array& As(const arrow::Array& column) {
  return static_cast<const Array&>(column);
}

template <typename Array>
void AppendInteger(const arrow::Array& column, int64_t row, std::string* bytes) {
  const auto value = As<Array>(column).Value(row);
  if constexpr (std::is_signed_v<decltype(value)>) {
    AppendNumber(int64_t{value}, bytes);
  } else {
    AppendNumber(uint64_t{value}, bytes);
  }
}

void AppendDecimalOf(const arrow::Array& column, int64_t row, std::string* bytes) {
  const auto& type = static_cast<const arrow::Decimal128Type&>(*column.type());
  Int128 value = 0;
  std::memcpy(&value, As<arrow::Decimal128Array>(column).GetValue(row), sizeof(value));
  AppendDecimal(value, type.scale(), bytes);
}

void AppendTimestampOf(const arrow::Array& column, int64_t row, std::string* bytes) {
  const auto& type = static_cast<const arrow::TimestampType&>(*column.type());
  AppendTimestamp(MicrosOf(As<arrow::TimestampArray>(column).Value(row), type.unit()),
                  !type.timezone().empty(), bytes);
}

// Appends the text of a value that never needs quotes. \return false if the type is another one
bool AppendPlainCell(const arrow::Array& column, int64_t row, std::string* bytes) {
  switch (column.type_id()) {
    case arrow::Type::BOOL:
      bytes->append(As<arrow::BooleanArray>(column).Value(row) ? "true" : "false");
      return true;
    case arrow::Type::INT8:
      AppendInteger<arrow::Int8Array>(column, row, bytes);
      return true;
    case arrow::Type::INT16:
      AppendInteger<arrow::Int16Array>(column, row, bytes);
      return true;
    case arrow::Type::INT32:
      AppendInteger<arrow::Int32Array>(column, row, bytes);
      return true;
    case arrow::Type::INT64:
      AppendInteger<arrow::Int64Array>(column, row, bytes);
      return true;
    case arrow::Type::UINT8:
      AppendInteger<arrow::UInt8Array>(column, row, bytes);
      return true;
    case arrow::Type::UINT16:
      AppendInteger<arrow::UInt16Array>(column, row, bytes);
      return true;
    case arrow::Type::UINT32:
      AppendInteger<arrow::UInt32Array>(column, row, bytes);
      return true;
    case arrow::Type::UINT64:
      AppendInteger<arrow::UInt64Array>(column, row, bytes);
      return true;
    case arrow::Type::FLOAT:
      AppendNumber(As<arrow::FloatArray>(column).Value(row), bytes);
      return true;
    case arrow::Type::DOUBLE:
      AppendNumber(As<arrow::DoubleArray>(column).Value(row), bytes);
      return true;
    case arrow::Type::DECIMAL128:
      AppendDecimalOf(column, row, bytes);
      return true;
    case arrow::Type::DATE32:
      AppendDate(As<arrow::Date32Array>(column).Value(row), bytes);
      return true;
    case arrow::Type::TIMESTAMP:
      AppendTimestampOf(column, row, bytes);
      return true;
    default:
      return false;
  }
}

bool IsPlainType(arrow::Type::type type) {
  switch (type) {
    case arrow::Type::BOOL:
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::UINT8:
    case arrow::Type::UINT16:
    case arrow::Type::UINT32:
    case arrow::Type::UINT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DATE32:
    case arrow::Type::TIMESTAMP:
      return true;
    default:
      return false;
  }
}

std::string_view TextOf(const arrow::Array& column, int64_t row) {
  return column.type_id() == arrow::Type::LARGE_STRING
             ? As<arrow::LargeStringArray>(column).GetView(row)
             : As<arrow::StringArray>(column).GetView(row);
}

}  // namespace

arrow::Result<std::unique_ptr<CsvEncoder>> CsvEncoder::Make(
    const CsvDialect& dialect, const NullTokens& null_tokens,
    const std::shared_ptr<arrow::Schema>& schema) {
  if (schema->num_fields() == 0) return ConfigError("CSV needs at least one column");
  for (const auto& field : schema->fields()) {
    const arrow::Type::type type = field->type()->id();
    const bool is_known = IsPlainType(type) || type == arrow::Type::STRING ||
                          type == arrow::Type::LARGE_STRING || type == arrow::Type::NA;
    if (!is_known) {
      return ConfigError("CSV cannot hold this type, column and type: ", field->name(), " ",
                         field->type()->ToString());
    }
  }
  return std::unique_ptr<CsvEncoder>(new CsvEncoder(dialect, null_tokens, schema));
}

CsvEncoder::CsvEncoder(const CsvDialect& dialect, const NullTokens& null_tokens,
                       std::shared_ptr<arrow::Schema> schema)
    : dialect_(dialect),
      null_tokens_(null_tokens),
      schema_(std::move(schema)),
      has_header_to_write_(dialect.has_header) {
  special_ = {dialect.delimiter, '\n', '\r'};
  if (dialect.has_quote()) special_ += dialect.quote;
  // A row of one empty field would be an empty line, which is no record.
  const std::vector<std::string>& tokens = null_tokens_.tokens();
  const bool has_empty_token = null_tokens_.Matches("");
  if (schema_->num_fields() > 1 && (has_empty_token || tokens.empty())) return;
  const auto token =
      std::find_if(tokens.begin(), tokens.end(), [](const auto& text) { return !text.empty(); });
  if (token != tokens.end()) {
    null_text_ = *token;
  } else if (dialect.has_quote()) {
    null_text_ = std::string(2, dialect.quote);
  }
}

arrow::Status CsvEncoder::Encode(const arrow::RecordBatch& rows, std::string* bytes) {
  if (has_header_to_write_) ARROW_RETURN_NOT_OK(WriteHeader(bytes));
  const int column_count = schema_->num_fields();
  std::vector<const arrow::Array*> columns;
  for (int i = 0; i < column_count; ++i) columns.push_back(rows.column(i).get());
  for (int64_t row = 0; row < rows.num_rows(); ++row) {
    for (size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) bytes->push_back(dialect_.delimiter);
      ARROW_RETURN_NOT_OK(WriteCell(*columns[i], row, /*is_first=*/i == 0, bytes));
    }
    bytes->push_back('\n');
  }
  return arrow::Status::OK();
}

arrow::Status CsvEncoder::Finish(std::string* bytes) {
  // No rows at all: the header still tells what there could have been.
  return has_header_to_write_ ? WriteHeader(bytes) : arrow::Status::OK();
}

arrow::Status CsvEncoder::WriteHeader(std::string* bytes) {
  has_header_to_write_ = false;
  for (int i = 0; i < schema_->num_fields(); ++i) {
    if (i > 0) bytes->push_back(dialect_.delimiter);
    ARROW_RETURN_NOT_OK(WriteText(schema_->field(i)->name(), /*is_first=*/i == 0, bytes));
  }
  bytes->push_back('\n');
  return arrow::Status::OK();
}

arrow::Status CsvEncoder::WriteCell(const arrow::Array& column, int64_t row, bool is_first,
                                    std::string* bytes) const {
  if (column.IsNull(row)) {
    bytes->append(null_text_);
    return arrow::Status::OK();
  }
  if (AppendPlainCell(column, row, bytes)) return arrow::Status::OK();
  return WriteText(TextOf(column, row), is_first, bytes);
}

arrow::Status CsvEncoder::WriteText(std::string_view text, bool is_first,
                                    std::string* bytes) const {
  if (dialect_.has_quote() ? !NeedsQuotes(text, is_first)
                           : text.find_first_of(special_) == std::string_view::npos) {
    bytes->append(text);
    return arrow::Status::OK();
  }
  if (!dialect_.has_quote()) {
    return BadData("CSV text needs quotes, but the codec has `quote: none`, text: ", Excerpt(text));
  }
  bytes->push_back(dialect_.quote);
  for (const char letter : text) {
    if (letter == dialect_.quote) bytes->push_back(letter);
    bytes->push_back(letter);
  }
  bytes->push_back(dialect_.quote);
  return arrow::Status::OK();
}

bool CsvEncoder::NeedsQuotes(std::string_view text, bool is_first) const {
  if (text.empty() || null_tokens_.Matches(text)) return true;
  if (text.find_first_of(special_) != std::string_view::npos) return true;
  const auto is_blank = [](char letter) { return letter == ' ' || letter == '\t'; };
  if (dialect_.trims && (is_blank(text.front()) || is_blank(text.back()))) return true;
  return is_first && dialect_.has_comment() && text.front() == dialect_.comment;
}

}  // namespace catchwater
