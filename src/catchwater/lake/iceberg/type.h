/// \file
/// Iceberg types, fields and schemas, and their conversion from and to Arrow.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

namespace catchwater {

enum class TypeKind {
  kBool,
  kInt,
  kLong,
  kFloat,
  kDouble,
  kDecimal,
  kDate,
  kTime,
  kTimestamp,
  kTimestampTz,
  kString,
  kUuid,
  kFixed,
  kBinary,
  kNested,  ///< struct, list or map: kept as text; we neither write nor read such columns.
};

struct IcebergType {
  TypeKind kind = TypeKind::kString;
  int32_t precision = 0;         ///< kDecimal.
  int32_t scale = 0;             ///< kDecimal.
  int32_t byte_width = 0;        ///< kFixed.
  std::string nested_json = {};  ///< kNested: the type's JSON as found.

  bool operator==(const IcebergType&) const = default;
};

struct IcebergField {
  int32_t id = 0;
  std::string name;
  bool is_required = false;
  IcebergType type;
  std::string doc = {};

  bool operator==(const IcebergField&) const = default;
};

/// Immutable once in a TableMetadata.
struct IcebergSchema {
  int32_t schema_id = 0;
  std::vector<IcebergField> fields;
  std::vector<int32_t> identifier_field_ids;

  /// nullptr if there is none.
  const IcebergField* FieldByName(std::string_view name) const;
  const IcebergField* FieldById(int32_t id) const;
};

/// "long", "decimal(18, 4)", ... as in metadata; "struct|list|map" for nested ones.
std::string TypeText(const IcebergType& type);
/// \retval kBadData for a word that is no Iceberg v2 type
arrow::Result<IcebergType> ParseType(std::string_view text);

/// True if every value of `from` is a value of `to` by the promotions of format v2: int -> long,
/// float -> double, a decimal of more digits with the same scale.
bool CanPromote(const IcebergType& from, const IcebergType& to);

/// \retval kConfig for an Arrow type that has no Iceberg type here
arrow::Result<IcebergType> TypeFromArrow(const arrow::DataType& type);
/// \retval kConfig for nested types, time, uuid and fixed, which we do not write or read
arrow::Result<std::shared_ptr<arrow::DataType>> TypeToArrow(const IcebergType& type);

/// Arrow schema with the key PARQUET:field_id on each field. Columns without an Arrow type here are
/// left out.
arrow::Result<std::shared_ptr<arrow::Schema>> SchemaToArrow(const IcebergSchema& schema);

/// The field id of an Arrow field, or -1.
int32_t FieldIdOf(const arrow::Field& field);

}  // namespace catchwater
