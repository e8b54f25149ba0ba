/// \file
/// Partition transforms: a column becomes partition values. Source: Iceberg spec, partition
/// transforms and appendix B (hash).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <arrow/array.h>
#include <arrow/result.h>

#include "catchwater/lake/iceberg/literal.h"
#include "catchwater/lake/iceberg/type.h"

namespace catchwater {

enum class TransformKind { kIdentity, kBucket, kTruncate, kYear, kMonth, kDay, kHour, kVoid };

struct Transform {
  TransformKind kind = TransformKind::kIdentity;
  int32_t parameter = 0;  ///< kBucket: number of buckets; kTruncate: width. Positive.

  bool operator==(const Transform&) const = default;
};

/// "identity", "bucket[16]", "day", ... as in metadata.
std::string TransformText(const Transform& transform);
/// \retval kBadData for an unknown transform
arrow::Result<Transform> ParseTransform(std::string_view text);

/// The type of the transform's results. \retval kConfig if it cannot be applied to the type
arrow::Result<IcebergType> TransformResultType(const Transform& transform,
                                               const IcebergType& source);

/// Applies the transform to a whole column; nulls stay null. In: an array of the source's Arrow
/// type. Out: same length; int32 for bucket, year, month, day, hour (days and hours since 1970,
/// rounded down before it too); the source's type for identity and truncate; null type for void.
arrow::Result<std::shared_ptr<arrow::Array>> ApplyTransform(
    const Transform& transform, const std::shared_ptr<arrow::Array>& column);

/// The value of a partition array at a row, as a literal of the result type.
Literal LiteralAt(const arrow::Array& values, int64_t row);

/// True if a < b implies transform(a) <= transform(b), so that whole partitions lie before a cut.
bool IsOrderPreserving(const Transform& transform);

}  // namespace catchwater
