#include "catchwater/query/lake_query.h"

#include <algorithm>
#include <utility>

#include <arrow/builder.h>
#include <arrow/type.h>

#include "catchwater/base/error.h"
#include "catchwater/io/store_path.h"
#include "catchwater/sql/sql_text.h"

namespace catchwater {
namespace {

/// The SQL type of a column, for a table without rows.
std::string SqlTypeOf(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
      return "BOOLEAN";
    case arrow::Type::INT32:
      return "INTEGER";
    case arrow::Type::INT64:
      return "BIGINT";
    case arrow::Type::FLOAT:
      return "FLOAT";
    case arrow::Type::DOUBLE:
      return "DOUBLE";
    case arrow::Type::DATE32:
      return "DATE";
    case arrow::Type::TIMESTAMP:
      return static_cast<const arrow::TimestampType&>(type).timezone().empty()
                 ? "TIMESTAMP"
                 : "TIMESTAMP WITH TIME ZONE";
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::Decimal128Type&>(type);
      return "DECIMAL(" + std::to_string(decimal.precision()) + "," +
             std::to_string(decimal.scale()) + ")";
    }
    case arrow::Type::BINARY:
    case arrow::Type::FIXED_SIZE_BINARY:
      return "BLOB";
    default:
      return "VARCHAR";
  }
}

std::string EmptySource(const arrow::Schema& schema) {
  std::string sql = "(SELECT ";
  for (int i = 0; i < schema.num_fields(); ++i) {
    if (i > 0) sql += ", ";
    sql += "NULL::" + SqlTypeOf(*schema.field(i)->type()) + " AS " +
           QuoteSqlName(schema.field(i)->name());
  }
  return sql + " WHERE false)";
}

/// Of a table of stream results: the rows that hold now. `key` names its columns, a line each.
std::string LastRevisionOf(const std::string& select, std::string_view key) {
  std::string columns;
  while (!key.empty()) {
    const std::string_view column = key.substr(0, key.find('\n'));
    key.remove_prefix(std::min(column.size() + 1, key.size()));
    columns += (columns.empty() ? "" : ", ") + QuoteSqlName(column);
  }
  return "SELECT * EXCLUDE (retracted) FROM (" + select +
         ") QUALIFY row_number() OVER (PARTITION BY " + columns +
         " ORDER BY revision DESC, retracted DESC) = 1 AND NOT retracted";
}

/// True if the rows are dead letters that do not say themselves what became of them.
bool HoldsDeadLetters(const TableState& table) {
  return table.table_key.ends_with("__dead_letters") &&
         table.schema->GetFieldIndex("dead_letter_id") >= 0 &&
         table.schema->GetFieldIndex("state") < 0;
}

const std::shared_ptr<arrow::Schema>& MarkSchema() {
  static const auto schema = arrow::schema({
      arrow::field("marked_id", arrow::utf8(), false),
      arrow::field("state", arrow::utf8(), false),
      arrow::field("state_at", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
  });
  return schema;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> MarkRows(
    const std::vector<DeadLetterMark>& marks, const std::optional<int64_t>& as_of_us) {
  arrow::StringBuilder id;
  arrow::StringBuilder state;
  arrow::TimestampBuilder at(MarkSchema()->field(2)->type(), arrow::default_memory_pool());
  for (const DeadLetterMark& mark : marks) {
    if (as_of_us && mark.at_us > *as_of_us) continue;
    ARROW_RETURN_NOT_OK(id.Append(mark.dead_letter_id));
    ARROW_RETURN_NOT_OK(state.Append(mark.state));
    ARROW_RETURN_NOT_OK(mark.at_us > 0 ? at.Append(mark.at_us) : at.AppendNull());
  }
  const int64_t row_count = id.length();
  ARROW_ASSIGN_OR_RAISE(auto ids, id.Finish());
  ARROW_ASSIGN_OR_RAISE(auto states, state.Finish());
  ARROW_ASSIGN_OR_RAISE(auto times, at.Finish());
  return arrow::RecordBatch::Make(MarkSchema(), row_count, {ids, states, times});
}

}  // namespace

arrow::Result<std::unique_ptr<LakeQuery>> LakeQuery::Open(Lake& lake, ReadPoint read_point,
                                                          const LakeQueryOptions& options) {
  std::unique_ptr<LakeQuery> query(new LakeQuery(lake, std::move(read_point)));
  query->options_ = options;
  SqlOptions sql = options.sql;
  sql.trusts_extensions = true;  // Set-up checked them; RequireSignatures() comes before any text.
  ARROW_ASSIGN_OR_RAISE(query->database_, SqlDatabase::Open(sql));
  ARROW_ASSIGN_OR_RAISE(query->connection_, query->database_->Connect());
  ARROW_RETURN_NOT_OK(
      query->connection_->Execute("ATTACH ':memory:' AS catchwater; USE catchwater"));
  return query;
}

arrow::Result<std::string> LakeQuery::LakeSource(const TableState& table) {
  const Snapshot* snapshot = table.metadata->current_snapshot();
  if (read_point_.as_of_us && snapshot != nullptr) {
    const Snapshot* found = nullptr;
    for (const auto& candidate : table.metadata->snapshots) {
      const bool is_before = candidate->timestamp_ms * 1000 <= *read_point_.as_of_us;
      if (is_before && (found == nullptr || candidate->timestamp_ms >= found->timestamp_ms)) {
        found = candidate.get();
      }
    }
    if (found == nullptr) {
      return BadData("Table has no snapshot as old as that, table: ", table.table_key);
    }
    snapshot = found;
  }
  if (snapshot == nullptr) return EmptySource(*table.schema);
  ARROW_RETURN_NOT_OK(database_->LoadIcebergExtensions(options_.extension_folder));
  if (IsStorePath(table.location)) ARROW_RETURN_NOT_OK(ReachStore());
  return "iceberg_scan(" + QuoteSqlText(table.location) + ", snapshot_from_id => " +
         std::to_string(snapshot->snapshot_id) + ")";
}

arrow::Status LakeQuery::ReachStore() {
  if (uses_s3_ || !options_.s3) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const SqlS3Options s3, options_.s3());
  ARROW_RETURN_NOT_OK(database_->UseS3(s3));
  uses_s3_ = true;
  return arrow::Status::OK();
}

arrow::Status LakeQuery::DefineExternal(const std::string& table_key, const ExternalTable& table) {
  if (is_defined_[table_key]) return arrow::Status::OK();
  if (table.is_in_store) {
    ARROW_RETURN_NOT_OK(database_->LoadIcebergExtensions(options_.extension_folder));
    ARROW_RETURN_NOT_OK(ReachStore());
  }
  const size_t dot = table_key.rfind('.');
  const std::string schema = QuoteSqlName(table_key.substr(0, dot));
  ARROW_RETURN_NOT_OK(connection_->Execute("CREATE SCHEMA IF NOT EXISTS " + schema));
  const arrow::Status made =
      connection_->Execute("CREATE OR REPLACE VIEW " + schema + "." +
                           QuoteSqlName(table_key.substr(dot + 1)) + " AS " + table.select);
  if (!made.ok()) {
    const std::string message = made.message();
    return BadData("Files of an external table are not as the last crawl saw them; crawl again. ",
                   "Table: ", table_key, ": ", message.substr(0, message.find('\n')));
  }
  is_defined_[table_key] = true;
  return arrow::Status::OK();
}

// The ledger knows what became of a letter: columns `state` and `state_at`.
arrow::Result<std::string> LakeQuery::WithLetterStates(const std::string& table_key,
                                                       const std::string& select) {
  ARROW_ASSIGN_OR_RAISE(const auto marks, lake_.ledger().Marks(read_point_.seq));
  ARROW_ASSIGN_OR_RAISE(auto rows, MarkRows(marks, read_point_.as_of_us));
  const std::string name = table_key + ".marks";
  ARROW_RETURN_NOT_OK(connection_->RegisterBatch(name, MarkSchema(), {std::move(rows)}));
  ARROW_ASSIGN_OR_RAISE(const std::string source, connection_->BatchSource(name));
  return "SELECT letters.*, coalesce(marks.state, 'open') AS state, marks.state_at FROM (" +
         select + ") AS letters LEFT JOIN " + source +
         " AS marks ON marks.marked_id = letters.dead_letter_id";
}

arrow::Status LakeQuery::DefineView(const std::string& table_key) {
  if (is_defined_[table_key]) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const auto table,
                        lake_.LoadAt(table_key, read_point_.metadata_location.at(table_key)));
  ARROW_ASSIGN_OR_RAISE(std::string source, LakeSource(*table));
  std::string select = "SELECT * FROM " + source;
  const auto unflushed = read_point_.unflushed.find(table_key);
  if (unflushed != read_point_.unflushed.end() && !unflushed->second.empty()) {
    ARROW_RETURN_NOT_OK(connection_->RegisterBatch(table_key, unflushed->second));
    ARROW_ASSIGN_OR_RAISE(const std::string rows, connection_->BatchSource(table_key));
    select += " UNION ALL BY NAME SELECT * FROM " + rows;
  }
  if (HoldsDeadLetters(*table)) {
    ARROW_ASSIGN_OR_RAISE(select, WithLetterStates(table_key, select));
  }
  const size_t dot = table_key.rfind('.');
  const std::string schema = QuoteSqlName(table_key.substr(0, dot));
  ARROW_RETURN_NOT_OK(connection_->Execute("CREATE SCHEMA IF NOT EXISTS " + schema));
  const auto result_key = table->metadata->properties.find("catchwater.result-key");
  if (result_key != table->metadata->properties.end()) {
    ARROW_RETURN_NOT_OK(connection_->Execute(
        "CREATE OR REPLACE VIEW " + schema + "." +
        QuoteSqlName(table_key.substr(dot + 1) + "__revisions") + " AS " + select));
    select = LastRevisionOf(select, result_key->second);
  }
  ARROW_RETURN_NOT_OK(connection_->Execute("CREATE OR REPLACE VIEW " + schema + "." +
                                           QuoteSqlName(table_key.substr(dot + 1)) + " AS " +
                                           select));
  for (const auto& field : table->schema->fields()) columns_.insert(field->name());
  is_defined_[table_key] = true;
  return arrow::Status::OK();
}

std::vector<std::string> LakeQuery::TableNames() const {
  std::vector<std::string> names;
  for (const auto& [table_key, location] : read_point_.metadata_location) {
    names.push_back(table_key);
  }
  for (const auto& [table_key, table] : options_.external) names.push_back(table_key);
  return names;
}

arrow::Result<SqlResult> LakeQuery::Run(const SqlText& text) {
  // A view costs a look at its table's metadata, so only tables that the text can mean get one.
  const auto is_meant = [&](const std::string& table_key) {
    return text.sql.find(table_key.substr(table_key.rfind('.') + 1)) != text.sql.npos;
  };
  for (const auto& [table_key, location] : read_point_.metadata_location) {
    if (is_meant(table_key)) ARROW_RETURN_NOT_OK(DefineView(table_key));
  }
  for (const auto& [table_key, table] : options_.external) {
    if (is_meant(table_key)) ARROW_RETURN_NOT_OK(DefineExternal(table_key, table));
  }
  ARROW_RETURN_NOT_OK(database_->RequireSignatures());
  auto result = text.may_write ? connection_->Query(text.sql) : connection_->QueryOnly(text.sql);
  if (result.ok()) return result;
  return ExplainSqlFailure(result.status(), text,
                           {.tables = TableNames(), .columns = {columns_.begin(), columns_.end()}});
}

}  // namespace catchwater
