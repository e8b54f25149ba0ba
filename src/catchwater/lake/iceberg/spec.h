/// \file
/// Partition specs and sort orders as in table metadata.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/lake/iceberg/transform.h"
#include "catchwater/lake/iceberg/type.h"

namespace catchwater {

struct PartitionField {
  int32_t source_id = 0;
  int32_t field_id = 1000;
  std::string name;
  Transform transform;

  bool operator==(const PartitionField&) const = default;
};

struct PartitionSpec {
  int32_t spec_id = 0;
  std::vector<PartitionField> fields;
};

struct SortField {
  int32_t source_id = 0;
  Transform transform;
  bool is_descending = false;
  bool is_nulls_first = true;

  bool operator==(const SortField&) const = default;
};

/// order_id 0 is the unsorted order.
struct SortOrder {
  int32_t order_id = 0;
  std::vector<SortField> fields;
};

/// The result type of each partition field. \retval kBadData if a source column is unknown
arrow::Result<std::vector<IcebergType>> PartitionTypes(const PartitionSpec& spec,
                                                       const IcebergSchema& schema);

}  // namespace catchwater
