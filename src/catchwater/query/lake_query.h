/// \file
/// SQL over the lake's tables by name, at one read point.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/lake/catalog.h"
#include "catchwater/query/read_point.h"
#include "catchwater/query/sql_failure.h"
#include "catchwater/sql/sql_database.h"

namespace catchwater {

/// Rows that are not the lake's: read by a statement of ours wherever they lie.
struct ExternalTable {
  std::string select;
  bool is_in_store = false;
};

struct LakeQueryOptions {
  SqlOptions sql;
  std::string extension_folder;  ///< Of avro, httpfs and iceberg.
  /// Asked when a table lies in a store; may be empty when none does.
  std::function<arrow::Result<SqlS3Options>()> s3;
  std::map<std::string, ExternalTable> external;  ///< By `namespace.name`.
};

/// Tables are views `namespace.name` in the catalog `catchwater`; a filter on them prunes
/// partitions and files. One thread at a time.
class LakeQuery {
 public:
  static arrow::Result<std::unique_ptr<LakeQuery>> Open(Lake& lake, ReadPoint read_point,
                                                        const LakeQueryOptions& options);

  /// \retval kBadData the statement is wrong: what and where is said in words for people
  arrow::Result<SqlResult> Run(std::string_view sql) { return Run(SqlText{.sql = sql}); }
  arrow::Result<SqlResult> Run(const SqlText& text);

 private:
  LakeQuery(Lake& lake, ReadPoint read_point) : lake_(lake), read_point_(std::move(read_point)) {}
  arrow::Status DefineView(const std::string& table_key);
  arrow::Status DefineExternal(const std::string& table_key, const ExternalTable& table);
  arrow::Status ReachStore();
  arrow::Result<std::string> LakeSource(const TableState& table);
  arrow::Result<std::string> WithLetterStates(const std::string& table_key,
                                              const std::string& select);
  std::vector<std::string> TableNames() const;

  Lake& lake_;
  const ReadPoint read_point_;
  std::shared_ptr<SqlDatabase> database_;
  std::unique_ptr<SqlConnection> connection_;
  LakeQueryOptions options_;
  bool uses_s3_ = false;
  std::map<std::string, bool> is_defined_;
  std::set<std::string> columns_;  // Of the tables that are defined.
};

}  // namespace catchwater
