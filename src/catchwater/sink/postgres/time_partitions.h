/// \file
/// Native range partitions of a table by time, made as rows need them, dropped when they are old.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include <arrow/array.h>
#include <arrow/result.h>

#include "catchwater/postgres/pg_connection.h"
#include "catchwater/sink/postgres/target_table.h"

namespace catchwater {

/// One thread at a time.
class TimePartitions {
 public:
  TimePartitions(PgTableName table, int64_t chunk_us)
      : table_(std::move(table)), chunk_us_(chunk_us) {}

  /// The starts of partitions that hold the times and are not known to be there; nulls are ignored.
  std::set<int64_t> Missing(const arrow::TimestampArray& times_us) const;
  /// Makes them, in the caller's transaction.
  arrow::Status Make(PgConnection& connection, const std::set<int64_t>& starts_us);
  /// A transaction was undone: what it made is gone.
  void Forget() { known_.clear(); }
  /// Drops the partitions whose rows are all older. \return how many
  arrow::Result<int64_t> DropBefore(PgConnection& connection, int64_t before_us);

  /// `readings_p202601020000`: the start of the partition, UTC.
  static std::string NameOf(const std::string& table, int64_t start_us);
  static std::optional<int64_t> StartOf(const std::string& table, const std::string& partition);

 private:
  const PgTableName table_;
  const int64_t chunk_us_;
  std::set<int64_t> known_;  // Starts.
};

}  // namespace catchwater
