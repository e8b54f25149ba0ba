/// \file
/// What a pipeline or job wants a table to be; EnsureTable makes it so.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

#include "catchwater/lake/iceberg/transform.h"

namespace catchwater {

/// `day(ts)`: one field of the partition, by column name.
struct PartitionTerm {
  Transform transform;
  std::string column;
  std::string
      name;  ///< Of the partition field: `ts_day`, `id_bucket`, `s_trunc`, the column itself.

  bool operator==(const PartitionTerm&) const = default;
};

struct SortTerm {
  std::string column;
  bool is_descending = false;

  bool operator==(const SortTerm&) const = default;
};

struct TableSpec {
  std::string table_key;  ///< `namespace.name`: letters, digits, `_`; 128 characters at most.
  std::shared_ptr<arrow::Schema> schema;  ///< Not nullable: required. See ArrowSchema(columns).
  std::vector<PartitionTerm> partition;   ///< Empty: not partitioned.
  std::vector<SortTerm> sort;             ///< Key or entity columns, then the event time.
  std::map<std::string, std::string> properties;
  std::string event_time_column;  ///< Empty: none. Gives DataFile::event_us_min and max.
};

/// Parses `day(ts)`, `hour(ts)`, `month(ts)`, `year(ts)`, `bucket(16, id)`, `truncate(8, s)` or a
/// bare column name. \retval kConfig with the text and what was expected
arrow::Result<PartitionTerm> ParsePartitionTerm(std::string_view text);

/// Parses `column` or `column desc`. \retval kConfig
arrow::Result<SortTerm> ParseSortTerm(std::string_view text);

/// The default sort: the entity columns in the order given, then the event time; empty names are
/// left out.
std::vector<SortTerm> DefaultSort(const std::vector<std::string>& entity_columns,
                                  const std::string& event_time_column);

/// Checks names, types, transforms and sort columns. \retval kConfig naming the column
arrow::Status CheckTableSpec(const TableSpec& spec);

}  // namespace catchwater
