#include "catchwater/source/postgres/table_catalog.h"

#include <algorithm>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

std::string NamesOf(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

TableCatalog::TableCatalog(std::string table, std::string_view kinds)
    : table_(std::move(table)), name_(PgTableName::Parse(table_)), kinds_(kinds) {}

arrow::Status TableCatalog::Look(PgConnection& connection) {
  ARROW_RETURN_NOT_OK(LookAtTable(connection));
  ARROW_ASSIGN_OR_RAISE(
      const auto found,
      connection.Query("SELECT attname, format_type(atttypid, atttypmod), attnotnull "
                       "FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 "
                       "AND NOT attisdropped ORDER BY attnum",
                       {oid_}));
  columns_.clear();
  for (const PgRow& row : found) {
    columns_.push_back({row[0].value_or(""), row[1].value_or(""), row[2] == "t"});
  }
  return LookAtIndexes(connection);
}

arrow::Status TableCatalog::LookAtTable(PgConnection& connection) {
  ARROW_ASSIGN_OR_RAISE(
      const auto found,
      connection.Query("SELECT c.oid, c.relkind, pg_is_in_recovery(), "
                       "has_table_privilege(c.oid, 'SELECT'), current_user, c.relreplident, "
                       "n.nspname, c.relname, pg_has_role(c.relowner, 'USAGE') FROM pg_class c "
                       "JOIN pg_namespace n ON n.oid = c.relnamespace "
                       "WHERE c.oid = to_regclass($1)",
                       {name_.Sql()}));
  if (found.empty()) {
    return NotFound(
        "PostgreSQL does not have the table of `table`, or this user may not use its "
        "schema; correct the name (`schema.table`) or create it: ",
        table_);
  }
  const PgRow& table = found[0];
  kind_ = table[1].value_or("");
  if (kinds_.find(kind_) == kinds_.npos) {
    return ConfigError("`table` is no table that has rows of its own; name the table, not a view: ",
                       table_);
  }
  if (table[2] == "t") {
    return ConfigError(
        "This PostgreSQL is a standby, where one cannot see which transactions still "
        "write; put the primary's host into `url`");
  }
  user_ = table[4].value_or("");
  if (table[3] != "t") {
    return Denied("PostgreSQL does not let this user read the table; run: GRANT SELECT ON ",
                  name_.Sql(), " TO ", QuoteIdentifier(user_));
  }
  oid_ = table[0].value_or("");
  identity_ = table[5].value_or("");
  schema_ = table[6].value_or("");
  table_name_ = table[7].value_or("");
  is_owned_ = table[8] == "t";
  return arrow::Status::OK();
}

arrow::Status TableCatalog::LookAtIndexes(PgConnection& connection) {
  // The primary key first.
  ARROW_ASSIGN_OR_RAISE(
      const auto found,
      connection.Query("SELECT i.indexrelid, i.indisprimary, a.attname FROM pg_index i "
                       "JOIN unnest(i.indkey::int2[]) WITH ORDINALITY k(num, at) "
                       "ON k.at <= i.indnkeyatts "
                       "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num "
                       "WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid "
                       "AND i.indpred IS NULL AND i.indexprs IS NULL "
                       "ORDER BY i.indisprimary DESC, i.indexrelid, k.at",
                       {oid_}));
  indexes_.clear();
  primary_key_.clear();
  for (size_t i = 0; i < found.size(); ++i) {
    if (i == 0 || found[i][0] != found[i - 1][0]) indexes_.emplace_back();
    indexes_.back().push_back(found[i][2].value_or(""));
    if (found[i][1] == "t") primary_key_ = indexes_.back();
  }
  return arrow::Status::OK();
}

arrow::Result<const TableCatalog::Column*> TableCatalog::Find(std::string_view setting,
                                                              const std::string& name) const {
  const auto found = std::ranges::find(columns_, name, &Column::name);
  if (found != columns_.end()) return &*found;
  std::vector<std::string> names;
  for (const Column& column : columns_) names.push_back(column.name);
  return NotFound("Table ", table_, " does not have the column of `", setting,
                  "`; correct the name, column and those that are there: ", name, ", of ",
                  NamesOf(names));
}

}  // namespace catchwater
