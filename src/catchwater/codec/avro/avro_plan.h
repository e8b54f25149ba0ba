/// \file
/// Which values of a writer's schema go into which columns.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "catchwater/avro/avro.h"
#include "catchwater/batch/column.h"

namespace catchwater {

/// For one type of the schema, in the same shape. Immutable.
struct AvroPlan {
  std::vector<size_t> columns{};     ///< That take the value itself.
  std::vector<AvroPlan> children{};  ///< kRecord: by field; kUnion: by branch. Empty: skip them.

  bool is_empty() const { return columns.empty() && children.empty(); }
};

/// A column takes the field of its `from`, a path over nested records (`device.id`), or of its own
/// name. One that the writer does not have is null in all rows.
AvroPlan PlanAvro(const AvroNode& schema, const std::vector<Column>& columns);

}  // namespace catchwater
