#include <algorithm>
#include <utility>

#include "catchwater/sql/rule_compiler_internal.h"
#include "catchwater/sql/sql_text.h"

namespace catchwater::duckdb_internal {
namespace {

/// A query over the rows as one rule after the other leaves them.
class Levels {
 public:
  Levels(const std::string& source, const arrow::Schema& input) : query_("FROM " + source) {
    for (const auto& field : input.fields()) names_.push_back(field->name());
  }

  /// Puts a level on top: each pair replaces a column, or adds it.
  void Add(const std::vector<std::pair<std::string, std::string>>& columns) {
    std::string replaced;
    std::string added;
    for (const auto& [name, expression] : columns) {
      const bool is_known = std::find(names_.begin(), names_.end(), name) != names_.end();
      std::string& list = is_known ? replaced : added;
      if (!list.empty() || !is_known) list += ", ";
      list += expression + " AS " + QuoteSqlName(name);
      if (!is_known) names_.push_back(name);
    }
    query_ = "SELECT *" + (replaced.empty() ? "" : " REPLACE (" + replaced + ")") + added +
             " FROM (" + query_ + ")";
  }

  const std::string& query() const { return query_; }
  bool Has(const std::string& name) const {
    return std::find(names_.begin(), names_.end(), name) != names_.end();
  }

 private:
  std::string query_;
  std::vector<std::string> names_;
};

/// The line ends keep a `--` comment in the user's text from swallowing what follows.
std::string InBrackets(const std::string& expression) { return "(\n" + expression + "\n)"; }

std::string Value(const TypedRule& typed) {
  const std::string value = InBrackets(typed.rule.expression);
  return typed.sql_type.empty() ? value : "CAST(" + value + " AS " + typed.sql_type + ")";
}

void AddRunLevel(const TypedRule& typed, size_t index, Levels& levels) {
  const std::string verdict = QuoteSqlName(kVerdictColumn);
  const bool is_first = !levels.Has(kVerdictColumn);
  if (typed.rule.is_select()) {
    const std::string gone = is_first ? "" : " WHEN " + verdict + " <> 0 THEN " + verdict;
    levels.Add({{kVerdictColumn, "CASE" + gone + " WHEN " + InBrackets(typed.rule.expression) +
                                     " THEN 0::UTINYINT ELSE " + std::to_string(index + 1) +
                                     "::UTINYINT END"}});
  } else if (is_first) {
    levels.Add({{typed.rule.column, Value(typed)}});
  } else {
    levels.Add(
        {{typed.rule.column, "CASE WHEN " + verdict + " = 0 THEN " + Value(typed) + " END"}});
  }
}

void AddExplainLevel(const TypedRule& typed, size_t index, Levels& levels) {
  const std::string verdict = QuoteSqlName(kVerdictColumn);
  const std::string failure = QuoteSqlName(kFailureColumn);
  const std::string is_here = failure + " = 0 AND " + verdict + " = 0";
  const std::string number = std::to_string(index + 1) + "::UTINYINT";
  // Of a condition that has no value at all, not even NULL, IS NULL has no value either.
  const std::string is_failed = "TRY((" + Value(typed) + ") IS NULL) IS NULL";
  const std::string next_failure = "CASE WHEN " + is_here + " AND " + is_failed + " THEN " +
                                   number + " ELSE " + failure + " END";
  if (typed.rule.is_select()) {
    levels.Add({{kFailureColumn, next_failure},
                {kVerdictColumn, "CASE WHEN " + verdict + " <> 0 THEN " + verdict + " WHEN TRY(" +
                                     InBrackets(typed.rule.expression) +
                                     " IS TRUE) THEN 0::UTINYINT ELSE " + number + " END"}});
  } else {
    levels.Add(
        {{kFailureColumn, next_failure},
         {typed.rule.column, "CASE WHEN " + is_here + " THEN TRY(" + Value(typed) + ") END"}});
  }
}

/// The rows that the last rule sees.
Levels LevelsBeforeTheLast(const std::string& source, const arrow::Schema& input,
                           const std::vector<TypedRule>& rules) {
  Levels levels(source, input);
  for (size_t i = 0; i + 1 < rules.size(); ++i) AddRunLevel(rules[i], i, levels);
  return levels;
}

}  // namespace

std::string RunStatement(const std::string& source, const arrow::Schema& input,
                         const std::vector<TypedRule>& rules,
                         const std::vector<std::string>& derived) {
  Levels levels(source, input);
  for (size_t i = 0; i < rules.size(); ++i) AddRunLevel(rules[i], i, levels);
  std::string columns = levels.Has(kVerdictColumn) ? QuoteSqlName(kVerdictColumn) : "";
  for (const std::string& name : derived) {
    columns += (columns.empty() ? "" : ", ") + QuoteSqlName(name);
  }
  return "SELECT " + columns + " FROM (" + levels.query() + ")";
}

std::string ExplainStatement(const std::string& source, const arrow::Schema& input,
                             const std::vector<TypedRule>& rules) {
  Levels levels(source, input);
  levels.Add({{kFailureColumn, "0::UTINYINT"}, {kVerdictColumn, "0::UTINYINT"}});
  for (size_t i = 0; i < rules.size(); ++i) AddExplainLevel(rules[i], i, levels);
  return "SELECT " + QuoteSqlName(kFailureColumn) + " FROM (" + levels.query() + ")";
}

std::string CheckStatement(const std::string& source, const arrow::Schema& input,
                           const std::vector<TypedRule>& rules) {
  const Levels levels = LevelsBeforeTheLast(source, input, rules);
  return "SELECT TRY((\n" + rules.back().rule.expression + "\n) IS NULL) FROM (" + levels.query() +
         ")";
}

std::string TypeStatement(const std::string& source, const arrow::Schema& input,
                          const std::vector<TypedRule>& rules) {
  const Levels levels = LevelsBeforeTheLast(source, input, rules);
  return "SELECT " + InBrackets(rules.back().rule.expression) + " FROM (" + levels.query() + ")";
}

}  // namespace catchwater::duckdb_internal
