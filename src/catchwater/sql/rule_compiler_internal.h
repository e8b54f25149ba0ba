/// \file
/// SQL rules -> the text of statements. Private to sql/; knows SQL, but no database.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

#include "catchwater/batch/sql_rule.h"

namespace catchwater::duckdb_internal {

inline constexpr const char* kVerdictColumn = "catchwater verdict";
inline constexpr const char* kFailureColumn = "catchwater failure";

/// A rule whose column's SQL type is known: every derived value is cast to it.
struct TypedRule {
  SqlRule rule;
  std::string sql_type;  // Empty: as the expression gives it.
};

/// Returns the statement of SqlBatchProgram::Run: verdict (if a rule selects), then the derived
/// columns. Every rule is a level of its own:
///   SELECT * REPLACE (CASE WHEN verdict <> 0 THEN verdict WHEN (rule) THEN 0 ELSE 2 END AS
///   verdict)
/// CASE is lazy, so a row that is gone is not computed by later rules.
std::string RunStatement(const std::string& source, const arrow::Schema& input,
                         const std::vector<TypedRule>& rules,
                         const std::vector<std::string>& derived);

/// Returns the statement of SqlBatchProgram::Explain: per row 0, or k: rule k - 1 has no value.
/// The same levels, but every expression stands in TRY(), which gives NULL for an error.
std::string ExplainStatement(const std::string& source, const arrow::Schema& input,
                             const std::vector<TypedRule>& rules);

/// Returns a statement that can be prepared if and only if the last rule's expression is valid over
/// the columns that the rules before it leave. The expression stands alone on line 2.
std::string CheckStatement(const std::string& source, const arrow::Schema& input,
                           const std::vector<TypedRule>& rules);

/// Returns a statement whose one column has the type of the last rule's expression.
std::string TypeStatement(const std::string& source, const arrow::Schema& input,
                          const std::vector<TypedRule>& rules);

}  // namespace catchwater::duckdb_internal
