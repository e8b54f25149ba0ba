#include "catchwater/lake/iceberg/transform.h"

#include <array>
#include <charconv>
#include <utility>

#include <arrow/array/builder_binary.h>
#include <arrow/array/util.h>
#include <arrow/compute/cast.h>
#include <arrow/util/bit_util.h>

#include "catchwater/base/error.h"
#include "catchwater/base/murmur3.h"

namespace catchwater {
namespace {

constexpr int64_t kMicrosPerHour = 3'600'000'000;
constexpr int64_t kMicrosPerDay = 24 * kMicrosPerHour;

constexpr std::array<std::pair<std::string_view, TransformKind>, 6> kWords{{
    {"identity", TransformKind::kIdentity},
    {"year", TransformKind::kYear},
    {"month", TransformKind::kMonth},
    {"day", TransformKind::kDay},
    {"hour", TransformKind::kHour},
    {"void", TransformKind::kVoid},
}};

/// Rounds down before 1970 too, where the division of C++ rounds up.
constexpr int64_t FloorDivide(int64_t value, int64_t divisor) {
  const int64_t quotient = value / divisor;
  return quotient - (value % divisor < 0 ? 1 : 0);
}

/// Months since 1970-01 of a day. Source: Hinnant, chrono-compatible date algorithms.
constexpr int32_t MonthOfDay(int64_t days) {
  days += 719'468;
  const int64_t era = FloorDivide(days, 146'097);
  const int64_t day_of_era = days - era * 146'097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted = (5 * day_of_year + 2) / 153;  // 0: March.
  const int64_t year = year_of_era + era * 400 + (shifted >= 10 ? 1 : 0);
  const int64_t month = shifted < 10 ? shifted + 2 : shifted - 10;
  return static_cast<int32_t>((year - 1970) * 12 + month);
}
static_assert(MonthOfDay(0) == 0 && MonthOfDay(-1) == -1 && MonthOfDay(59) == 2);

constexpr int32_t YearOfDay(int64_t days) {
  return static_cast<int32_t>(FloorDivide(MonthOfDay(days), 12));
}

/// The validity of `column` as a bitmap that starts at bit 0, or null if nothing is null.
arrow::Result<std::shared_ptr<arrow::Buffer>> ValidityOf(const arrow::Array& column) {
  if (column.null_count() == 0) return nullptr;
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> bits,
                        arrow::AllocateEmptyBitmap(column.length()));
  for (int64_t i = 0; i < column.length(); ++i) {
    if (column.IsValid(i)) arrow::bit_util::SetBit(bits->mutable_data(), i);
  }
  return bits;
}

/// Maps every row, null ones too, to a fixed-width value.
template <typename Out, typename Get>
arrow::Result<std::shared_ptr<arrow::Array>> Map(const arrow::Array& column,
                                                 const std::shared_ptr<arrow::DataType>& type,
                                                 Get&& get) {
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> values,
                        arrow::AllocateBuffer(column.length() * static_cast<int64_t>(sizeof(Out))));
  auto* out = reinterpret_cast<Out*>(values->mutable_data());
  for (int64_t i = 0; i < column.length(); ++i) out[i] = get(i);
  ARROW_ASSIGN_OR_RAISE(auto validity, ValidityOf(column));
  return arrow::MakeArray(arrow::ArrayData::Make(
      type, column.length(), {std::move(validity), std::move(values)}, column.null_count()));
}

arrow::Status CannotApply(const Transform& transform, const std::string& type) {
  return ConfigError("Transform cannot be applied to the type, transform and type: ",
                     TransformText(transform), " ", type);
}

arrow::Result<std::shared_ptr<arrow::Array>> ApplyTime(const Transform& transform,
                                                       const arrow::Array& column) {
  const bool is_date = column.type_id() == arrow::Type::DATE32;
  if (!is_date && column.type_id() != arrow::Type::TIMESTAMP) {
    return CannotApply(transform, column.type()->ToString());
  }
  const int32_t* days = is_date ? column.data()->GetValues<int32_t>(1) : nullptr;
  const int64_t* micros = is_date ? nullptr : column.data()->GetValues<int64_t>(1);
  auto day_at = [days, micros](int64_t i) {
    return days != nullptr ? days[i] : FloorDivide(micros[i], kMicrosPerDay);
  };
  switch (transform.kind) {
    case TransformKind::kDay:
      if (is_date)
        return Map<int32_t>(column, arrow::int32(), [days](int64_t i) { return days[i]; });
      return Map<int32_t>(column, arrow::int32(), [micros](int64_t i) {
        return static_cast<int32_t>(FloorDivide(micros[i], kMicrosPerDay));
      });
    case TransformKind::kHour:
      if (is_date) return CannotApply(transform, column.type()->ToString());
      return Map<int32_t>(column, arrow::int32(), [micros](int64_t i) {
        return static_cast<int32_t>(FloorDivide(micros[i], kMicrosPerHour));
      });
    case TransformKind::kMonth:
      return Map<int32_t>(column, arrow::int32(), [&](int64_t i) { return MonthOfDay(day_at(i)); });
    default:
      return Map<int32_t>(column, arrow::int32(), [&](int64_t i) { return YearOfDay(day_at(i)); });
  }
}

arrow::Result<std::shared_ptr<arrow::Array>> ApplyBucket(const Transform& transform,
                                                         const arrow::Array& column) {
  const auto bucket_count = static_cast<uint32_t>(transform.parameter);
  auto bucket = [bucket_count](uint32_t hash) {
    return static_cast<int32_t>((hash & 0x7fffffffU) % bucket_count);
  };
  switch (column.type_id()) {
    case arrow::Type::INT32:
    case arrow::Type::DATE32: {
      const auto* values = column.data()->GetValues<int32_t>(1);
      return Map<int32_t>(column, arrow::int32(),
                          [&](int64_t i) { return bucket(Murmur3OfInt64(values[i])); });
    }
    case arrow::Type::INT64:
    case arrow::Type::TIMESTAMP: {
      const auto* values = column.data()->GetValues<int64_t>(1);
      return Map<int32_t>(column, arrow::int32(),
                          [&](int64_t i) { return bucket(Murmur3OfInt64(values[i])); });
    }
    case arrow::Type::STRING:
    case arrow::Type::BINARY: {
      const auto& values = static_cast<const arrow::BinaryArray&>(column);
      return Map<int32_t>(column, arrow::int32(),
                          [&](int64_t i) { return bucket(Murmur3(values.GetView(i))); });
    }
    case arrow::Type::DECIMAL128: {
      const auto& values = static_cast<const arrow::Decimal128Array&>(column);
      return Map<int32_t>(column, arrow::int32(), [&](int64_t i) {
        return bucket(Murmur3(DecimalToBytes(arrow::Decimal128(values.GetValue(i)))));
      });
    }
    default:
      return CannotApply(transform, column.type()->ToString());
  }
}

/// v - (((v % width) + width) % width); wraps at the very low end, as Java does.
template <typename T>
T TruncateInteger(T value, T width) {
  using Unsigned = std::make_unsigned_t<T>;
  const T rest = static_cast<T>((value % width + width) % width);
  return static_cast<T>(static_cast<Unsigned>(value) - static_cast<Unsigned>(rest));
}

std::string_view TruncateText(std::string_view text, int32_t width, bool is_utf8) {
  if (!is_utf8) return text.substr(0, static_cast<size_t>(width));
  int32_t count = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const bool is_start = (static_cast<uint8_t>(text[at]) & 0xC0) != 0x80;
    if (is_start && count++ == width) return text.substr(0, at);
  }
  return text;
}

template <typename Builder>
arrow::Result<std::shared_ptr<arrow::Array>> TruncateTexts(const arrow::Array& column,
                                                           int32_t width, bool is_utf8) {
  const auto& texts = static_cast<const arrow::BinaryArray&>(column);
  Builder builder;
  ARROW_RETURN_NOT_OK(builder.Reserve(column.length()));
  ARROW_RETURN_NOT_OK(builder.ReserveData(texts.total_values_length()));
  for (int64_t i = 0; i < column.length(); ++i) {
    if (column.IsNull(i)) {
      builder.UnsafeAppendNull();
    } else {
      builder.UnsafeAppend(TruncateText(texts.GetView(i), width, is_utf8));
    }
  }
  return builder.Finish();
}

arrow::Result<std::shared_ptr<arrow::Array>> ApplyTruncate(const Transform& transform,
                                                           const arrow::Array& column) {
  const int32_t width = transform.parameter;
  switch (column.type_id()) {
    case arrow::Type::INT32: {
      const auto* values = column.data()->GetValues<int32_t>(1);
      return Map<int32_t>(column, column.type(), [&](int64_t i) {
        return static_cast<int32_t>(TruncateInteger<int64_t>(values[i], width));
      });
    }
    case arrow::Type::INT64: {
      const auto* values = column.data()->GetValues<int64_t>(1);
      return Map<int64_t>(column, column.type(),
                          [&](int64_t i) { return TruncateInteger<int64_t>(values[i], width); });
    }
    case arrow::Type::DECIMAL128: {
      const auto& values = static_cast<const arrow::Decimal128Array&>(column);
      const arrow::Decimal128 wide(width);
      return Map<arrow::Decimal128>(column, column.type(), [&](int64_t i) {
        const arrow::Decimal128 value(values.GetValue(i));
        return arrow::Decimal128(value - (value % wide + wide) % wide);
      });
    }
    case arrow::Type::STRING:
      return TruncateTexts<arrow::StringBuilder>(column, width, /*is_utf8=*/true);
    case arrow::Type::BINARY:
      return TruncateTexts<arrow::BinaryBuilder>(column, width, /*is_utf8=*/false);
    default:
      return CannotApply(transform, column.type()->ToString());
  }
}

}  // namespace

std::string TransformText(const Transform& transform) {
  for (const auto& [word, kind] : kWords) {
    if (kind == transform.kind) return std::string(word);
  }
  const std::string_view word = transform.kind == TransformKind::kBucket ? "bucket[" : "truncate[";
  return std::string(word) + std::to_string(transform.parameter) + "]";
}

arrow::Result<Transform> ParseTransform(std::string_view text) {
  for (const auto& [word, kind] : kWords) {
    if (word == text) return Transform{.kind = kind};
  }
  for (const auto& [prefix, kind] :
       {std::pair<std::string_view, TransformKind>{"bucket[", TransformKind::kBucket},
        {"truncate[", TransformKind::kTruncate}}) {
    if (!text.starts_with(prefix)) continue;
    int32_t parameter = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data() + prefix.size(), last, parameter);
    if (error == std::errc() && parameter > 0 && std::string_view(end, last) == "]") {
      return Transform{.kind = kind, .parameter = parameter};
    }
  }
  return BadData("Not a transform of Iceberg format v2: ", text);
}

arrow::Result<IcebergType> TransformResultType(const Transform& transform,
                                               const IcebergType& source) {
  const TypeKind kind = source.kind;
  const bool is_timestamp = kind == TypeKind::kTimestamp || kind == TypeKind::kTimestampTz;
  bool is_allowed = kind != TypeKind::kNested;
  IcebergType result{.kind = TypeKind::kInt};
  switch (transform.kind) {
    case TransformKind::kIdentity:
    case TransformKind::kVoid:
      result = source;
      break;
    case TransformKind::kBucket:
      is_allowed = is_allowed && kind != TypeKind::kBool && kind != TypeKind::kFloat &&
                   kind != TypeKind::kDouble;
      break;
    case TransformKind::kTruncate:
      result = source;
      is_allowed = kind == TypeKind::kInt || kind == TypeKind::kLong ||
                   kind == TypeKind::kDecimal || kind == TypeKind::kString ||
                   kind == TypeKind::kBinary;
      break;
    case TransformKind::kDay:
      result.kind = TypeKind::kDate;
      [[fallthrough]];
    case TransformKind::kYear:
    case TransformKind::kMonth:
      is_allowed = is_timestamp || kind == TypeKind::kDate;
      break;
    case TransformKind::kHour:
      is_allowed = is_timestamp;
      break;
  }
  if (!is_allowed) return CannotApply(transform, TypeText(source));
  return result;
}

arrow::Result<std::shared_ptr<arrow::Array>> ApplyTransform(
    const Transform& transform, const std::shared_ptr<arrow::Array>& column) {
  if (column->type_id() == arrow::Type::DICTIONARY) {
    const auto& type = static_cast<const arrow::DictionaryType&>(*column->type());
    ARROW_ASSIGN_OR_RAISE(auto dense, arrow::compute::Cast(*column, type.value_type()));
    return ApplyTransform(transform, dense);
  }
  switch (transform.kind) {
    case TransformKind::kIdentity:
      return column;
    case TransformKind::kVoid:
      return arrow::MakeArrayOfNull(arrow::null(), column->length());
    case TransformKind::kBucket:
      return ApplyBucket(transform, *column);
    case TransformKind::kTruncate:
      return ApplyTruncate(transform, *column);
    case TransformKind::kYear:
    case TransformKind::kMonth:
    case TransformKind::kDay:
    case TransformKind::kHour:
      break;
  }
  return ApplyTime(transform, *column);
}

Literal LiteralAt(const arrow::Array& values, int64_t row) {
  if (values.IsNull(row)) return std::monostate{};
  switch (values.type_id()) {
    case arrow::Type::BOOL:
      return static_cast<const arrow::BooleanArray&>(values).Value(row);
    case arrow::Type::INT32:
    case arrow::Type::DATE32:
      return values.data()->GetValues<int32_t>(1)[row];
    case arrow::Type::INT64:
    case arrow::Type::TIMESTAMP:
      return values.data()->GetValues<int64_t>(1)[row];
    case arrow::Type::FLOAT:
      return values.data()->GetValues<float>(1)[row];
    case arrow::Type::DOUBLE:
      return values.data()->GetValues<double>(1)[row];
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return static_cast<const arrow::BinaryArray&>(values).GetString(row);
    case arrow::Type::DECIMAL128:
      return arrow::Decimal128(static_cast<const arrow::Decimal128Array&>(values).GetValue(row));
    default:
      return std::monostate{};
  }
}

bool IsOrderPreserving(const Transform& transform) {
  return transform.kind != TransformKind::kBucket && transform.kind != TransformKind::kVoid;
}

}  // namespace catchwater
