/// \file
/// Turns a WorkQuery into the end of a statement.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catchwater/ledger/records.h"
#include "catchwater/ledger/sqlite/connection.h"

namespace catchwater {

/// Conditions joined by AND with their values. The texts are from a small fixed set, so that few
/// different statements arise; values are borrowed from the query.
class WorkConditions {
 public:
  void Add(std::string_view condition, Value value) {
    sql_ += sql_.empty() ? " WHERE " : " AND ";
    sql_ += condition;
    if (condition.find('?') != std::string_view::npos) values_.push_back(value);
  }
  void Add(std::string_view condition) { Add(condition, std::nullopt); }
  /// Without statistics the planner takes a whole index before a partial one; this names it.
  void UseIndex(std::string_view name) { index_ = name; }
  /// Ends the statement: order and limit.
  void Finish(std::string_view order, int64_t limit) {
    sql_ += " ORDER BY ";
    sql_ += order;
    sql_ += " LIMIT ?";
    values_.push_back(limit);
  }
  /// What follows the table's name.
  std::string sql() const { return (index_.empty() ? "" : " INDEXED BY " + index_) + sql_; }
  const std::vector<Value>& values() const { return values_; }

 private:
  std::string index_;
  std::string sql_;
  std::vector<Value> values_;
};

}  // namespace catchwater
