/// \file
/// What PostgreSQL's catalog says of the table that is read: columns, key, rights.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/postgres/pg_connection.h"
#include "catchwater/postgres/table_name.h"

namespace catchwater {

/// One thread at a time.
class TableCatalog {
 public:
  struct Column {
    std::string name, type;
    bool is_required = false;
  };

  /// `kinds`: those of pg_class.relkind that can be read.
  TableCatalog(std::string table, std::string_view kinds);

  /// \retval kConfig, kNotFound, kDenied naming setting and remedy
  arrow::Status Look(PgConnection& connection);

  /// \retval kNotFound naming setting and columns that are there
  arrow::Result<const Column*> Find(std::string_view setting, const std::string& name) const;
  /// Unique indexes over whole columns.
  const std::vector<std::vector<std::string>>& unique_indexes() const { return indexes_; }
  const std::vector<std::string>& primary_key() const { return primary_key_; }
  const std::vector<Column>& columns() const { return columns_; }
  const std::string& oid() const { return oid_; }
  const std::string& kind() const { return kind_; }              ///< `r`, `p`, `m`
  const std::string& identity() const { return identity_; }      ///< pg_class.relreplident
  const std::string& schema_name() const { return schema_; }     ///< Where it was found.
  const std::string& table_name() const { return table_name_; }  ///< Without its schema.
  const std::string& user() const { return user_; }
  bool is_owned() const { return is_owned_; }
  std::string Sql() const { return name_.Sql(); }

 private:
  arrow::Status LookAtTable(PgConnection& connection);
  arrow::Status LookAtIndexes(PgConnection& connection);

  const std::string table_;
  const PgTableName name_;
  const std::string kinds_;
  std::string oid_, kind_, identity_, schema_, table_name_, user_;
  bool is_owned_ = false;
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> indexes_;
  std::vector<std::string> primary_key_;
};

}  // namespace catchwater
