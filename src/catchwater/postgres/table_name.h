/// \file
/// Names of tables and columns as settings write them and as SQL wants them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace catchwater {

/// A name with its schema; empty: the first of the search path.
struct PgTableName {
  std::string schema;
  std::string table;

  static PgTableName Parse(std::string_view text);
  std::string Sql() const;  ///< Quoted.
  PgTableName Sibling(std::string_view other_table) const {
    return {schema, std::string(other_table)};
  }
};

/// `a, b`: quoted.
std::string ColumnList(const std::vector<std::string>& names, std::string_view prefix = "");

}  // namespace catchwater
