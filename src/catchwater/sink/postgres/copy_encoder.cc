#include "catchwater/sink/postgres/copy_encoder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstring>
#include <memory>

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int64_t kEpochDays = 10'957;                         // 1970-01-01 to 2000-01-01.
constexpr int64_t kEpochMicros = kEpochDays * 86'400'000'000;  // PostgreSQL counts from 2000.

template <std::unsigned_integral T>
void AppendBig(T value, std::string* bytes) {
  std::array<char, sizeof(T)> big;
  for (size_t i = 0; i < sizeof(T); ++i) {
    big[i] = static_cast<char>(value >> (8 * (sizeof(T) - 1 - i)));
  }
  bytes->append(big.data(), big.size());
}

/// Length, then the value, in one piece.
template <std::unsigned_integral T>
void AppendField(T value, std::string* bytes) {
  AppendBig<uint32_t>(sizeof(T), bytes);
  AppendBig(value, bytes);
}

template <class ArrayType>
auto ValueAt(const arrow::Array& array, int64_t row) {
  return static_cast<const ArrayType&>(array).Value(row);
}

void AppendBool(const arrow::Array& array, int64_t row, std::string* bytes) {
  AppendField<uint8_t>(ValueAt<arrow::BooleanArray>(array, row) ? 1 : 0, bytes);
}
void AppendInt32(const arrow::Array& array, int64_t row, std::string* bytes) {
  AppendField(static_cast<uint32_t>(ValueAt<arrow::Int32Array>(array, row)), bytes);
}
void AppendInt64(const arrow::Array& array, int64_t row, std::string* bytes) {
  AppendField(static_cast<uint64_t>(ValueAt<arrow::Int64Array>(array, row)), bytes);
}
void AppendFloat(const arrow::Array& array, int64_t row, std::string* bytes) {
  AppendField(std::bit_cast<uint32_t>(ValueAt<arrow::FloatArray>(array, row)), bytes);
}
void AppendDouble(const arrow::Array& array, int64_t row, std::string* bytes) {
  AppendField(std::bit_cast<uint64_t>(ValueAt<arrow::DoubleArray>(array, row)), bytes);
}
void AppendDate(const arrow::Array& array, int64_t row, std::string* bytes) {
  const int64_t days = ValueAt<arrow::Date32Array>(array, row) - kEpochDays;
  AppendField(static_cast<uint32_t>(static_cast<int32_t>(days)), bytes);
}
void AppendTimestamp(const arrow::Array& array, int64_t row, std::string* bytes) {
  const int64_t micros = ValueAt<arrow::TimestampArray>(array, row) - kEpochMicros;
  AppendField(static_cast<uint64_t>(micros), bytes);
}

template <class ArrayType>
void AppendText(const arrow::Array& array, int64_t row, std::string* bytes) {
  const std::string_view text = static_cast<const ArrayType&>(array).GetView(row);
  if (text.find('\0') == text.npos) [[likely]] {
    AppendBig(static_cast<uint32_t>(text.size()), bytes);
    bytes->append(text);
    return;
  }
  std::string without(text);
  std::erase(without, '\0');
  AppendBig(static_cast<uint32_t>(without.size()), bytes);
  bytes->append(without);
}
void AppendBinary(const arrow::Array& array, int64_t row, std::string* bytes) {
  const std::string_view value = static_cast<const arrow::BinaryArray&>(array).GetView(row);
  AppendBig(static_cast<uint32_t>(value.size()), bytes);
  bytes->append(value);
}

/// Groups of four decimal digits, the first of weight `weight` (10000^weight).
void AppendDecimal(const arrow::Array& array, int64_t row, std::string* bytes) {
  const auto& type = static_cast<const arrow::Decimal128Type&>(*array.type());
  const arrow::Decimal128 value(static_cast<const arrow::Decimal128Array&>(array).GetValue(row));
  std::string digits = arrow::Decimal128(arrow::BasicDecimal128::Abs(value)).ToIntegerString();
  const size_t scale = static_cast<size_t>(type.scale());
  if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
  size_t whole = digits.size() - scale;
  // The point falls between two groups.
  const size_t front = (4 - whole % 4) % 4;
  digits.insert(0, front, '0');
  whole += front;
  digits.append((4 - digits.size() % 4) % 4, '0');
  std::vector<uint16_t> groups;
  for (size_t i = 0; i < digits.size(); i += 4) {
    groups.push_back(static_cast<uint16_t>((digits[i] - '0') * 1000 + (digits[i + 1] - '0') * 100 +
                                           (digits[i + 2] - '0') * 10 + (digits[i + 3] - '0')));
  }
  int weight = static_cast<int>(whole / 4) - 1;
  const auto first = std::ranges::find_if(groups, [](uint16_t group) { return group != 0; });
  weight -= static_cast<int>(first - groups.begin());
  groups.erase(groups.begin(), first);
  while (!groups.empty() && groups.back() == 0) groups.pop_back();
  if (groups.empty()) weight = 0;
  AppendBig(static_cast<uint32_t>(8 + 2 * groups.size()), bytes);
  AppendBig(static_cast<uint16_t>(groups.size()), bytes);
  AppendBig(static_cast<uint16_t>(static_cast<int16_t>(weight)), bytes);
  AppendBig<uint16_t>(value < 0 && !groups.empty() ? 0x4000 : 0, bytes);
  AppendBig(static_cast<uint16_t>(scale), bytes);
  for (const uint16_t group : groups) AppendBig(group, bytes);
}

}  // namespace

arrow::Result<std::string> PgTypeOf(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
      return "boolean";
    case arrow::Type::INT32:
      return "integer";
    case arrow::Type::INT64:
      return "bigint";
    case arrow::Type::FLOAT:
      return "real";
    case arrow::Type::DOUBLE:
      return "double precision";
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
      return "text";
    case arrow::Type::BINARY:
      return "bytea";
    case arrow::Type::DATE32:
      return "date";
    case arrow::Type::TIMESTAMP: {
      const auto& timestamp = static_cast<const arrow::TimestampType&>(type);
      if (timestamp.unit() != arrow::TimeUnit::MICRO) break;
      return timestamp.timezone().empty() ? "timestamp without time zone"
                                          : "timestamp with time zone";
    }
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::Decimal128Type&>(type);
      if (decimal.scale() < 0) break;
      return "numeric(" + std::to_string(decimal.precision()) + "," +
             std::to_string(decimal.scale()) + ")";
    }
    default:
      break;
  }
  return ConfigError("PostgreSQL sink cannot hold a column of this type: ", type.ToString());
}

arrow::Result<CopyEncoder> CopyEncoder::Make(const std::shared_ptr<arrow::Schema>& schema) {
  CopyEncoder encoder;
  for (const auto& field : schema->fields()) {
    ARROW_RETURN_NOT_OK(PgTypeOf(*field->type()).status());
    AppendValue append = nullptr;
    switch (field->type()->id()) {
      case arrow::Type::BOOL:
        append = AppendBool;
        break;
      case arrow::Type::INT32:
        append = AppendInt32;
        break;
      case arrow::Type::INT64:
        append = AppendInt64;
        break;
      case arrow::Type::FLOAT:
        append = AppendFloat;
        break;
      case arrow::Type::DOUBLE:
        append = AppendDouble;
        break;
      case arrow::Type::STRING:
        append = AppendText<arrow::StringArray>;
        break;
      case arrow::Type::LARGE_STRING:
        append = AppendText<arrow::LargeStringArray>;
        break;
      case arrow::Type::BINARY:
        append = AppendBinary;
        break;
      case arrow::Type::DATE32:
        append = AppendDate;
        break;
      case arrow::Type::TIMESTAMP:
        append = AppendTimestamp;
        break;
      case arrow::Type::DECIMAL128:
        append = AppendDecimal;
        break;
      default:
        return Internal("Type has a PostgreSQL type but no encoding: ", field->type()->ToString());
    }
    encoder.appends_.push_back(append);
  }
  return encoder;
}

void CopyEncoder::AppendHeader(std::string* bytes) {
  constexpr std::string_view kSignature("PGCOPY\n\377\r\n\0", 11);
  bytes->append(kSignature);
  AppendBig<uint32_t>(0, bytes);  // No flags,
  AppendBig<uint32_t>(0, bytes);  // no extension.
}

void CopyEncoder::AppendTrailer(std::string* bytes) { AppendBig<uint16_t>(0xFFFF, bytes); }

int64_t CopyEncoder::AppendRows(const arrow::RecordBatch& rows, const std::vector<bool>& keep,
                                int64_t* ordinal, std::string* bytes) const {
  const auto field_count = static_cast<uint16_t>(appends_.size() + (ordinal != nullptr ? 1 : 0));
  int64_t row_count = 0;
  for (int64_t row = 0; row < rows.num_rows(); ++row) {
    if (!keep.empty() && !keep[static_cast<size_t>(row)]) continue;
    AppendBig(field_count, bytes);
    for (size_t c = 0; c < appends_.size(); ++c) {
      const arrow::Array& array = *rows.column(static_cast<int>(c));
      if (array.IsNull(row)) {
        AppendBig<uint32_t>(0xFFFFFFFF, bytes);
      } else {
        appends_[c](array, row, bytes);
      }
    }
    if (ordinal != nullptr) AppendField(static_cast<uint64_t>((*ordinal)++), bytes);
    ++row_count;
  }
  return row_count;
}

}  // namespace catchwater
