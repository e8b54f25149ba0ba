/// \file
/// What a path and the columns mean together: on which level of the document each column stands.
///
/// A path with n `[*]` has n + 1 levels. Level 0 is the document; an element of the k-th array is a
/// value of level k; the elements of the last array are the records. `$.name` stands on level 0,
/// `$.results[*].name` on level 1 of `results[*].values[*]`; all other columns are relative to the
/// record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <arrow/result.h>

#include "catchwater/batch/column.h"
#include "catchwater/codec/json/field_tree.h"
#include "catchwater/codec/json/json_path.h"

namespace catchwater {

/// Immutable.
struct JsonPlan {
  struct Level {
    FieldTree tree;
    JsonSteps array_steps;  ///< From here to the next array; empty at the records' level.
    int32_t array_target = FieldTree::kNone;
    bool has_columns = false;
  };
  std::vector<Level> levels;
  /// At the records' level: the record, where the path goes on behind the last `[*]`.
  int32_t record_target = FieldTree::kNone;
  /// Per column: its place in a row of values. A row has the targets of the records' level first,
  /// then those of level 0, 1, ...
  std::vector<int32_t> value_of_column;
  int32_t value_count = 0;
  /// At least one column reads a member of the record: then a record must be an object.
  bool needs_object = false;

  size_t record_level() const { return levels.size() - 1; }
  /// How many values a row has of its own; the rest is shared by the rows of one document.
  int32_t own_value_count() const { return levels.back().tree.target_count(); }
  /// Where the targets of a level begin in a row.
  int32_t value_begin(size_t level) const;

  /// \retval kConfig if a column's `from` is no path or leaves the path of the records
  static arrow::Result<JsonPlan> Make(const JsonPath& path, const std::vector<Column>& columns);
};

}  // namespace catchwater
