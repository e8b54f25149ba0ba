/// \file
/// Events of alarms as rows of a result table.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/stream/detect/alarm_book.h"
#include "catchwater/stream/group_index.h"

namespace catchwater {

struct AlarmRow {
  AlarmEvent event;
  uint32_t key = 0;           ///< A group of the key columns.
  bool is_of_source = false;  ///< Only the columns that name the source are told.
  std::string column;         ///< That was judged; empty: none.
};

/// Columns: the key, then id, kind, column, state, since, until (null until it is cleared), at (of
/// the event), value, lead_time_s, tolerance_s, suppressed, why, revision, retracted. Immutable.
class AlarmRows {
 public:
  /// \retval kConfig if a key column has the name of one of the others
  static arrow::Result<AlarmRows> Make(const arrow::FieldVector& key,
                                       const std::vector<std::string>& source);

  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  static constexpr const char* kIdColumn = "id";

  /// \param revision_base revisions are this and the number of the event in its alarm
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> ToBatch(std::span<const AlarmRow> rows,
                                                             const GroupIndex& keys,
                                                             int64_t revision_base) const;

 private:
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<bool> is_source_column_;  // By key column.
};

}  // namespace catchwater
