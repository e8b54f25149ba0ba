/// \file
/// The conditions that most pipelines have, run without a database: comparisons of columns with
/// literals, IS [NOT] NULL, [NOT] IN, [NOT] BETWEEN, AND, OR, NOT, with SQL's three truth values
/// and DuckDB's rules (NaN is greater than all numbers and equals itself).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace catchwater {

/// One thread at a time. Never fails on a row.
class SimpleCondition {
 public:
  /// Compiles the condition, or returns nullopt if anything in it is not as simple as this, or not
  /// valid: then DuckDB decides (SqlBatchProgram).
  static std::optional<SimpleCondition> Compile(std::string_view sql, const arrow::Schema& schema);
  SimpleCondition(SimpleCondition&&) noexcept;
  SimpleCondition& operator=(SimpleCondition&&) noexcept;
  ~SimpleCondition();

  /// Writes per row 1 where the condition is true, 0 where it is false or null.
  /// \pre rows have the schema of Compile, is_true.size() == rows.num_rows()
  void Evaluate(const arrow::RecordBatch& rows, std::span<uint8_t> is_true);

 private:
  struct Program;
  explicit SimpleCondition(std::unique_ptr<Program> program);
  std::unique_ptr<Program> program_;
};

}  // namespace catchwater
