#include "catchwater/postgres/table_name.h"

#include "catchwater/postgres/pg_connection.h"

namespace catchwater {

PgTableName PgTableName::Parse(std::string_view text) {
  const size_t dot = text.find('.');
  if (dot == text.npos) return {"", std::string(text)};
  return {std::string(text.substr(0, dot)), std::string(text.substr(dot + 1))};
}

std::string PgTableName::Sql() const {
  return schema.empty() ? QuoteIdentifier(table)
                        : QuoteIdentifier(schema) + "." + QuoteIdentifier(table);
}

std::string ColumnList(const std::vector<std::string>& names, std::string_view prefix) {
  std::string list;
  for (const std::string& name : names) {
    list.append(list.empty() ? "" : ", ").append(prefix).append(QuoteIdentifier(name));
  }
  return list;
}

}  // namespace catchwater
