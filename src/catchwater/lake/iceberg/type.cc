#include "catchwater/lake/iceberg/type.h"

#include <array>
#include <charconv>
#include <utility>

#include <arrow/util/key_value_metadata.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr std::string_view kFieldIdKey = "PARQUET:field_id";

constexpr std::array<std::pair<std::string_view, TypeKind>, 12> kWords{{
    {"boolean", TypeKind::kBool},
    {"int", TypeKind::kInt},
    {"long", TypeKind::kLong},
    {"float", TypeKind::kFloat},
    {"double", TypeKind::kDouble},
    {"date", TypeKind::kDate},
    {"time", TypeKind::kTime},
    {"timestamp", TypeKind::kTimestamp},
    {"timestamptz", TypeKind::kTimestampTz},
    {"string", TypeKind::kString},
    {"uuid", TypeKind::kUuid},
    {"binary", TypeKind::kBinary},
}};

/// Reads the numbers of `prefix a , b suffix`; -1 for a text of another shape.
std::pair<int32_t, int32_t> ReadNumbers(std::string_view text, std::string_view prefix,
                                        char suffix) {
  text.remove_prefix(prefix.size());
  std::array<int32_t, 2> numbers{-1, -1};
  for (int32_t& number : numbers) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return {-1, -1};
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    if (text == std::string_view(&suffix, 1)) return {numbers[0], numbers[1]};
    if (text.empty() || text.front() != ',') return {-1, -1};
    text.remove_prefix(1);
  }
  return {-1, -1};
}

}  // namespace

const IcebergField* IcebergSchema::FieldByName(std::string_view name) const {
  for (const IcebergField& field : fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

const IcebergField* IcebergSchema::FieldById(int32_t id) const {
  for (const IcebergField& field : fields) {
    if (field.id == id) return &field;
  }
  return nullptr;
}

std::string TypeText(const IcebergType& type) {
  for (const auto& [word, kind] : kWords) {
    if (kind == type.kind) return std::string(word);
  }
  if (type.kind == TypeKind::kDecimal) {
    return "decimal(" + std::to_string(type.precision) + ", " + std::to_string(type.scale) + ")";
  }
  if (type.kind == TypeKind::kFixed) return "fixed[" + std::to_string(type.byte_width) + "]";
  return "struct|list|map";
}

arrow::Result<IcebergType> ParseType(std::string_view text) {
  for (const auto& [word, kind] : kWords) {
    if (word == text) return IcebergType{.kind = kind};
  }
  if (text.starts_with("decimal(")) {
    const auto [precision, scale] = ReadNumbers(text, "decimal(", ')');
    if (precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision) {
      return IcebergType{.kind = TypeKind::kDecimal, .precision = precision, .scale = scale};
    }
  } else if (text.starts_with("fixed[")) {
    const auto [width, nothing] = ReadNumbers(text, "fixed[", ']');
    if (width >= 1 && nothing == -1) {
      return IcebergType{.kind = TypeKind::kFixed, .byte_width = width};
    }
  }
  return BadData("Not a type of Iceberg format v2: ", text);
}

bool CanPromote(const IcebergType& from, const IcebergType& to) {
  if (from == to) return true;
  switch (from.kind) {
    case TypeKind::kInt:
      return to.kind == TypeKind::kLong;
    case TypeKind::kFloat:
      return to.kind == TypeKind::kDouble;
    case TypeKind::kDecimal:
      return to.kind == TypeKind::kDecimal && to.scale == from.scale &&
             to.precision >= from.precision;
    default:
      return false;
  }
}

arrow::Result<IcebergType> TypeFromArrow(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
      return IcebergType{.kind = TypeKind::kBool};
    case arrow::Type::INT32:
      return IcebergType{.kind = TypeKind::kInt};
    case arrow::Type::INT64:
      return IcebergType{.kind = TypeKind::kLong};
    case arrow::Type::FLOAT:
      return IcebergType{.kind = TypeKind::kFloat};
    case arrow::Type::DOUBLE:
      return IcebergType{.kind = TypeKind::kDouble};
    case arrow::Type::DATE32:
      return IcebergType{.kind = TypeKind::kDate};
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
      return IcebergType{.kind = TypeKind::kString};
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
      return IcebergType{.kind = TypeKind::kBinary};
    case arrow::Type::DICTIONARY:
      return TypeFromArrow(*static_cast<const arrow::DictionaryType&>(type).value_type());
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::Decimal128Type&>(type);
      if (decimal.scale() < 0 || decimal.scale() > decimal.precision()) break;
      return IcebergType{
          .kind = TypeKind::kDecimal, .precision = decimal.precision(), .scale = decimal.scale()};
    }
    case arrow::Type::TIMESTAMP: {
      const auto& timestamp = static_cast<const arrow::TimestampType&>(type);
      if (timestamp.unit() != arrow::TimeUnit::MICRO) break;
      return IcebergType{.kind = timestamp.timezone().empty() ? TypeKind::kTimestamp
                                                              : TypeKind::kTimestampTz};
    }
    default:
      break;
  }
  return ConfigError("Type cannot be a column of a lake table: ", type.ToString());
}

arrow::Result<std::shared_ptr<arrow::DataType>> TypeToArrow(const IcebergType& type) {
  switch (type.kind) {
    case TypeKind::kBool:
      return arrow::boolean();
    case TypeKind::kInt:
      return arrow::int32();
    case TypeKind::kLong:
      return arrow::int64();
    case TypeKind::kFloat:
      return arrow::float32();
    case TypeKind::kDouble:
      return arrow::float64();
    case TypeKind::kDecimal:
      return arrow::decimal128(type.precision, type.scale);
    case TypeKind::kDate:
      return arrow::date32();
    case TypeKind::kTimestamp:
      return arrow::timestamp(arrow::TimeUnit::MICRO);
    case TypeKind::kTimestampTz:
      return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case TypeKind::kString:
      return arrow::utf8();
    case TypeKind::kBinary:
      return arrow::binary();
    case TypeKind::kTime:
    case TypeKind::kUuid:
    case TypeKind::kFixed:
    case TypeKind::kNested:
      break;
  }
  return ConfigError("Columns of this Iceberg type cannot be read or written: ", TypeText(type));
}

arrow::Result<std::shared_ptr<arrow::Schema>> SchemaToArrow(const IcebergSchema& schema) {
  arrow::FieldVector fields;
  for (const IcebergField& field : schema.fields) {
    auto type = TypeToArrow(field.type);
    if (!type.ok()) continue;  // Other programs read such a column; for us it is not there.
    fields.push_back(arrow::field(
        field.name, *type, !field.is_required,
        arrow::key_value_metadata({std::string(kFieldIdKey)}, {std::to_string(field.id)})));
  }
  return arrow::schema(std::move(fields));
}

int32_t FieldIdOf(const arrow::Field& field) {
  if (field.metadata() == nullptr) return -1;
  const auto text = field.metadata()->Get(kFieldIdKey);
  int32_t id = -1;
  if (text.ok()) std::from_chars(text->data(), text->data() + text->size(), id);
  return id;
}

}  // namespace catchwater
