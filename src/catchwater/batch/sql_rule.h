/// \file
/// What `select` and `derive` are made of, so that neighbouring ones can be run as one.
#pragma once

#include <string>

namespace catchwater {

/// One rule of a pipeline that is written in SQL.
struct SqlRule {
  /// For tallies, messages and dead letters: "select[0]", "derive[2].fahrenheit".
  std::string name;
  /// A condition (kSelect: rows for which it is not true go), or the value of the column.
  std::string expression;
  /// kDerive: the column that is added or replaced; empty: the rule selects.
  std::string column;

  bool is_select() const { return column.empty(); }
};

}  // namespace catchwater
