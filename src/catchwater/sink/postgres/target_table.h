/// \file
/// The table in PostgreSQL: made, compared with the wanted columns, brought to them as far as that
/// loses nothing; for all else the exact statement for a person.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

#include "catchwater/postgres/pg_connection.h"
#include "catchwater/postgres/table_name.h"
#include "catchwater/sink/postgres/postgres_sink.h"

namespace catchwater {

/// One thread at a time.
class TargetTable {
 public:
  TargetTable(PgConnection& connection, const PostgresSinkConfig& config,
              std::shared_ptr<arrow::Schema> schema);

  /// Compares only. \retval kConfig with the statement to run
  arrow::Status Check();
  /// Makes or brings it up. \retval kConfig with the statement to run
  arrow::Status Prepare();

  const PgTableName& name() const { return name_; }
  bool has_timescale() const { return has_timescale_; }
  /// Rows must have a partition before they come (native partitions).
  bool is_partitioned() const { return is_partitioned_; }

 private:
  struct Column {
    std::string name, type;
    bool is_required = false, has_default = false;
  };
  arrow::Status Look();
  arrow::Result<std::string> CreateStatement() const;
  arrow::Status Create();
  /// Statements that add what may be added; the rest is an error.
  arrow::Result<std::vector<std::string>> Migration() const;
  arrow::Result<bool> HasKeyIndex();
  std::string KeyIndexStatement() const;
  arrow::Status MakeHypertable();

  PgConnection& connection_;
  const PostgresSinkConfig& config_;
  const std::shared_ptr<arrow::Schema> schema_;
  const PgTableName name_;
  bool exists_ = false;
  bool is_partitioned_ = false;
  bool has_timescale_ = false;
  std::vector<Column> columns_;  // As they are there.
};

/// Policies and views beside the table: compression, retention, aggregates. Made anew when their
/// settings change. Not in a transaction.
arrow::Status PrepareTimeFeatures(PgConnection& connection, const PostgresSinkConfig& config,
                                  const TargetTable& table);

/// `INTERVAL '90000 milliseconds'`
std::string IntervalSql(Duration duration);

}  // namespace catchwater
