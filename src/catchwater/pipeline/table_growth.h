/// \file
/// The contract `evolve`: the table takes up new fields and wider values while the pipeline runs.
///
/// Invariants:
/// 1. Each change is one commit of the table and tells the ledger's feed (`schema_change`) in it.
/// 2. A change is committed before any row that needs it is written, so that a kill in between
///    leaves a column without values and no value without a column.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/lake/catalog.h"
#include "catchwater/lake/table_spec.h"
#include "catchwater/ledger/commit_plan.h"

namespace catchwater {

/// Columns that a table gets beside those declared; what comes then is left out and told.
inline constexpr size_t kNewColumnsMax = 100;

/// A column that the rows want; the example is for people.
struct WantedColumn {
  std::string name;
  std::shared_ptr<arrow::DataType> type;
  std::string example;
};

/// Shared by the lanes of a pipeline; any thread. A lane that wants nothing new never waits.
class TableGrowth {
 public:
  /// spec: of the table, with the declared columns. fence: of the writer.
  /// \param actor as in the ledger's commits: "pipeline/sensors"
  TableGrowth(Lake& lake, TableSpec spec, std::string actor, Fence fence,
              std::shared_ptr<const TableState> table);

  /// The table as the last change of this program left it.
  std::shared_ptr<const TableState> table() const;
  bool IsDeclared(std::string_view name) const;

  /// Adds the columns that the table lacks; one that it has, whatever its type, stays as it is.
  /// \retval kConflict if the fence is lost
  arrow::Status Add(const std::vector<WantedColumn>& wanted);

  /// Why a field cannot be a column of the table; empty: it can.
  std::string Refusal(std::string_view name) const;

  /// The rows with the types of the table: values of int64 and float64 columns become those of a
  /// narrower column where all fit, else the column is widened first.
  /// \retval kConflict if the fence is lost
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Fit(
      const std::shared_ptr<arrow::RecordBatch>& rows);

 private:
  arrow::Status Change(const std::vector<WantedColumn>& wanted, bool widens);

  Lake& lake_;
  const TableSpec spec_;
  const std::string actor_;
  const Fence fence_;
  std::mutex change_mutex_;  // Held by a change; taken before mutex_.
  mutable std::mutex mutex_;
  std::shared_ptr<const TableState> table_;  // Guarded by mutex_.
};

/// Brings batches of an older schema of the table to its newest: what they lack is null, narrower
/// values become wider ones.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> ToSchema(
    const std::shared_ptr<arrow::RecordBatch>& rows, const arrow::Schema& schema);

}  // namespace catchwater
