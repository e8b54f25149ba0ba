/// \file
/// Rows that are changes of another table (source `postgres`, `mode: replicate`) -> the target as
/// that table is now.
///
/// They lie in the stage. Their order is the commit of the lake, then place and number of the
/// change; within a commit of the lake they may lie in any order.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

#include "catchwater/postgres/pg_connection.h"
#include "catchwater/postgres/table_name.h"
#include "catchwater/sink/postgres/postgres_sink.h"

namespace catchwater {

/// Ordinals of rows in the stage: the commit stands in the bits above.
inline constexpr int kOrdinalRowBits = 40;

/// Immutable; any thread.
class ChangeMerge {
 public:
  /// Where the changes go.
  struct Target {
    PgTableName name;
    bool has_mark = false;  ///< What it has came through this sink.
    bool is_anew = false;   ///< All changes that the lake has are in the stage.
  };

  /// \pre `changes` and `key` are set; `stage` is the name of a temporary table
  /// \retval kConfig for columns that are missing or of another type
  static arrow::Result<ChangeMerge> Make(const PostgresSinkConfig& config,
                                         const arrow::Schema& table, std::string stage,
                                         std::string ordinal);

  /// Columns of the target, and of the stage: those, then what is only needed to apply changes.
  const std::vector<std::string>& target_columns() const { return target_columns_; }
  const std::vector<std::string>& stage_columns() const { return stage_columns_; }
  /// `c, NULL::text AS op`: the stage's columns, selected from the target.
  std::string StageSelection() const;

  /// In the transaction that is open. \retval kConfig for rows that cannot be applied
  arrow::Status Apply(PgConnection& connection, const Target& target) const;

 private:
  struct Counts {
    int64_t unknown = 0, without_key = 0, snapshots = 0, truncates = 0, with_gaps = 0;
  };
  ChangeMerge() = default;
  std::string Place(const std::string& alias) const;
  std::string NewestFirst(const std::string& alias) const;
  std::string SameKey(const std::string& left, const std::string& right) const;
  std::string HasGap(const std::string& alias, const std::string& column) const;
  std::string WithoutGap(const std::string& alias, const std::string& column) const;
  std::string MovedRows() const;
  std::string Last() const;
  arrow::Result<Counts> Count(PgConnection& connection) const;
  arrow::Status CheckRows(PgConnection& connection, const Counts& counts) const;
  arrow::Status Truncate(PgConnection& connection, const Target& target) const;
  arrow::Status FillGaps(PgConnection& connection, const Target& target) const;
  arrow::Status FillMovedRows(PgConnection& connection, const Target& target,
                              const std::vector<std::string>& columns) const;
  arrow::Status FillLastRows(PgConnection& connection, const std::string& column) const;
  arrow::Status CheckGaps(PgConnection& connection, const Target& target) const;
  arrow::Status Merge(PgConnection& connection, const Target& target, bool has_gaps) const;

  std::vector<std::string> key_, target_columns_, stage_columns_, values_;
  // Quoted.
  std::string op_, lsn_, seq_, unchanged_, stage_, ordinal_;
};

}  // namespace catchwater
