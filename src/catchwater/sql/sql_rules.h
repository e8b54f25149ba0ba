/// \file
/// Neighbouring `select` and `derive` rules as one operation on a batch.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

#include "catchwater/batch/batch.h"
#include "catchwater/batch/sql_rule.h"

namespace catchwater {

struct SqlRulesOptions {
  /// Run simple conditions without DuckDB (SimpleCondition). Off only to compare the two.
  bool simple_conditions = true;
};

/// Applies the rules in their order. Simple conditions run natively; what stands between and behind
/// the others is compiled into as few prepared statements as can be. One thread at a time.
class SqlRules {
 public:
  /// \pre !rules.empty()
  /// \retval kConfig as SqlBatchProgram::Make
  static arrow::Result<std::unique_ptr<SqlRules>> Make(std::shared_ptr<arrow::Schema> input_schema,
                                                       std::vector<SqlRule> rules,
                                                       const SqlRulesOptions& options = {});
  ~SqlRules();

  /// Rows for which a condition is not true are counted: kFiltered with the rule's name. Rows of
  /// which an expression cannot be computed are dead letters with DuckDB's reason.
  /// \post good + dead + tallies = rows in
  arrow::Result<Split> Apply(Batch batch);

  const std::shared_ptr<arrow::Schema>& output_schema() const;
  const std::vector<SqlRule>& rules() const;
  /// False: no row can become a dead letter.
  bool may_refuse_rows() const;
  /// Prepared statements that a batch runs through: 0 if all is native.
  size_t statement_count() const;

 private:
  struct State;
  explicit SqlRules(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace catchwater
