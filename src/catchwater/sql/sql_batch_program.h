/// \file
/// SQL rules over one record batch after another, compiled once into one prepared statement.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/batch/sql_rule.h"
#include "catchwater/sql/sql_database.h"

namespace catchwater {

/// Opens the small database that programs run in: one thread, no files.
arrow::Result<std::shared_ptr<SqlDatabase>> OpenProgramDatabase();

/// Rules are applied in their order to every row: a selected-out row is not looked at by later
/// rules, a derived column is seen by them. Expressions see one row: aggregates, windows,
/// subqueries and random() are refused. One thread at a time.
class SqlBatchProgram {
 public:
  static constexpr size_t kRuleCountMax = 50;

  /// What became of each row of a batch.
  struct Outcome {
    /// uint8, no nulls: 0 = kept, k = gone by rule k - 1. Null pointer: no rule selects.
    std::shared_ptr<arrow::UInt8Array> verdicts;
    /// The columns of derived_schema(), as many rows as came in; without meaning where a row went.
    std::shared_ptr<arrow::RecordBatch> derived;
  };
  /// A row of which an expression cannot be computed: 'abc' as a number.
  struct Failure {
    int64_t row = 0;
    size_t rule = 0;      ///< Index of the rule.
    std::string message;  ///< DuckDB's.
  };

  /// Compiles the rules. \pre 1 to kRuleCountMax rules
  /// \retval kConfig an expression is not valid, with DuckDB's message and the column in the text;
  ///   or its type has no place in a table (INTERVAL, LIST, ...); or names differ in case only
  static arrow::Result<std::unique_ptr<SqlBatchProgram>> Make(
      std::shared_ptr<SqlDatabase> database, std::shared_ptr<arrow::Schema> input_schema,
      std::vector<SqlRule> rules);
  ~SqlBatchProgram();

  /// \retval kBadData an expression cannot be computed for some row: ask Explain() which
  arrow::Result<Outcome> Run(const std::shared_ptr<arrow::RecordBatch>& rows);

  /// Returns the rows that make Run() fail, ascending; the first kExplainedMax with DuckDB's own
  /// message.
  arrow::Result<std::vector<Failure>> Explain(const std::shared_ptr<arrow::RecordBatch>& rows);
  static constexpr size_t kExplainedMax = 16;

  const std::shared_ptr<arrow::Schema>& input_schema() const;
  /// The input's columns, with derived ones replaced where they stood or added at the end.
  const std::shared_ptr<arrow::Schema>& output_schema() const;
  /// The derived columns of the output, in its order.
  const std::shared_ptr<arrow::Schema>& derived_schema() const;
  const std::vector<SqlRule>& rules() const;

 private:
  struct State;
  explicit SqlBatchProgram(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace catchwater
