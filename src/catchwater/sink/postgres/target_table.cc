#include "catchwater/sink/postgres/target_table.h"

#include <algorithm>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/sink/postgres/copy_encoder.h"

namespace catchwater {
namespace {

/// What pg_catalog calls the types that we make, and those that are the same on the wire.
bool IsSameType(std::string_view have, std::string_view want) {
  const auto base = [](std::string_view type) { return type.substr(0, type.find('(')); };
  if (base(have) == base(want)) {
    // A numeric with fewer digits than ours would round.
    return base(want) != "numeric" || have == "numeric" || have == want;
  }
  return want == "text" && base(have) == "character varying" && have.find('(') == have.npos;
}

std::string ConversionOf(const std::string& column, std::string_view have, std::string_view want) {
  const std::string quoted = QuoteIdentifier(column);
  if (have == "timestamp without time zone" && want == "timestamp with time zone") {
    return " USING " + quoted + " AT TIME ZONE 'UTC'";
  }
  return " USING " + quoted + "::" + std::string(want);
}

}  // namespace

std::string IntervalSql(Duration duration) {
  return "INTERVAL '" + std::to_string(duration.ms) + " milliseconds'";
}

TargetTable::TargetTable(PgConnection& connection, const PostgresSinkConfig& config,
                         std::shared_ptr<arrow::Schema> schema)
    : connection_(connection),
      config_(config),
      schema_(std::move(schema)),
      name_(PgTableName::Parse(config.table)) {}

arrow::Status TargetTable::Look() {
  ARROW_ASSIGN_OR_RAISE(
      const auto extension,
      connection_.Value("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'"));
  has_timescale_ = extension.has_value();
  const std::string regclass = "to_regclass(" + QuoteLiteral(name_.Sql()) + ")";
  ARROW_ASSIGN_OR_RAISE(const auto kind,
                        connection_.Value("SELECT relkind FROM pg_class WHERE oid = " + regclass));
  exists_ = kind.has_value();
  is_partitioned_ = kind == "p";
  if (kind && *kind != "r" && *kind != "p") {
    return ConfigError("Target of the sink is no table; name another one in `table`: ",
                       config_.table);
  }
  columns_.clear();
  ARROW_ASSIGN_OR_RAISE(
      const auto rows,
      connection_.Query("SELECT attname, format_type(atttypid, atttypmod), attnotnull, "
                        "atthasdef OR attidentity <> '' FROM pg_attribute WHERE attrelid = " +
                        regclass + " AND attnum > 0 AND NOT attisdropped ORDER BY attnum"));
  for (const PgRow& row : rows) {
    columns_.push_back({.name = row[0].value_or(""),
                        .type = row[1].value_or(""),
                        .is_required = row[2] == "t",
                        .has_default = row[3] == "t"});
  }
  return arrow::Status::OK();
}

arrow::Status TargetTable::Check() {
  ARROW_RETURN_NOT_OK(Look());
  if (!exists_) {
    const std::string schema =
        name_.schema.empty() ? "current_schema()" : QuoteLiteral(name_.schema);
    ARROW_ASSIGN_OR_RAISE(
        const auto may,
        connection_.Value("SELECT has_schema_privilege(nspname, 'CREATE') FROM pg_namespace "
                          "WHERE nspname = " +
                          schema));
    if (!may) {
      return NotFound("Schema of the table is not there; run: CREATE SCHEMA ",
                      QuoteIdentifier(name_.schema), ";");
    }
    if (may == "f") {
      return Denied("User may not make the table; run as its owner: GRANT CREATE, USAGE ON SCHEMA ",
                    name_.schema.empty() ? "public" : QuoteIdentifier(name_.schema), " TO <user>;");
    }
    return CreateStatement().status();
  }
  ARROW_RETURN_NOT_OK(Migration().status());
  if (config_.key.empty()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const bool has_index, HasKeyIndex());
  if (has_index) return arrow::Status::OK();
  return ConfigError("Table has no unique index on the sink's `key`; run: ", KeyIndexStatement());
}

arrow::Status TargetTable::Prepare() {
  ARROW_RETURN_NOT_OK(Look());
  if (!exists_) return Create();
  ARROW_ASSIGN_OR_RAISE(const auto statements, Migration());
  for (const std::string& statement : statements) {
    ARROW_RETURN_NOT_OK(connection_.Execute(statement));
  }
  if (config_.key.empty()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const bool has_index, HasKeyIndex());
  if (has_index) return arrow::Status::OK();
  // Building one may take long and fail on rows that are there: not without being asked.
  return ConfigError("Table has no unique index on the sink's `key`; run: ", KeyIndexStatement());
}

arrow::Result<std::string> TargetTable::CreateStatement() const {
  std::string columns;
  for (const auto& field : schema_->fields()) {
    ARROW_ASSIGN_OR_RAISE(const std::string type, PgTypeOf(*field->type()));
    columns += (columns.empty() ? "" : ", ") + QuoteIdentifier(field->name()) + " " + type;
    if (field->name() == config_.hypertable) columns += " NOT NULL";
  }
  std::string statement = "CREATE TABLE " + name_.Sql() + " (" + columns + ")";
  if (!config_.hypertable.empty() && !has_timescale_) {
    statement += " PARTITION BY RANGE (" + QuoteIdentifier(config_.hypertable) + ")";
  }
  return statement;
}

arrow::Status TargetTable::Create() {
  ARROW_ASSIGN_OR_RAISE(const std::string statement, CreateStatement());
  ARROW_RETURN_NOT_OK(connection_.Execute("BEGIN"));
  ARROW_RETURN_NOT_OK(connection_.Execute(statement));
  if (!config_.hypertable.empty() && has_timescale_) ARROW_RETURN_NOT_OK(MakeHypertable());
  if (!config_.key.empty()) ARROW_RETURN_NOT_OK(connection_.Execute(KeyIndexStatement()));
  ARROW_RETURN_NOT_OK(connection_.Execute("COMMIT"));
  return Look();
}

arrow::Status TargetTable::MakeHypertable() {
  return connection_.Execute("SELECT create_hypertable(" + QuoteLiteral(name_.Sql()) +
                             ", by_range(" + QuoteLiteral(config_.hypertable) + ", " +
                             IntervalSql(config_.chunk) + "), create_default_indexes => false)");
}

arrow::Result<std::vector<std::string>> TargetTable::Migration() const {
  std::vector<std::string> statements;
  const std::string alter = "ALTER TABLE " + name_.Sql();
  for (const auto& field : schema_->fields()) {
    ARROW_ASSIGN_OR_RAISE(const std::string want, PgTypeOf(*field->type()));
    const auto have = std::ranges::find(columns_, field->name(), &Column::name);
    if (have == columns_.end()) {
      statements.push_back(alter + " ADD COLUMN " + QuoteIdentifier(field->name()) + " " + want);
    } else if (!IsSameType(have->type, want)) {
      return ConfigError("Column of the target has another type than the lake's; run: ", alter,
                         " ALTER COLUMN ", QuoteIdentifier(field->name()), " TYPE ", want,
                         ConversionOf(field->name(), have->type, want), ";");
    } else if (have->is_required && field->nullable() && !have->has_default &&
               std::ranges::find(config_.key, field->name()) == config_.key.end() &&
               field->name() != config_.hypertable) {
      return ConfigError("Column of the target must not be null, the lake's may be; run: ", alter,
                         " ALTER COLUMN ", QuoteIdentifier(field->name()), " DROP NOT NULL;");
    }
  }
  for (const Column& column : columns_) {
    const bool is_ours = schema_->GetFieldIndex(column.name) >= 0;
    if (is_ours || !column.is_required || column.has_default) continue;
    return ConfigError(
        "Column of the target must not be null, but does not come from the lake; "
        "run: ",
        alter, " ALTER COLUMN ", QuoteIdentifier(column.name), " DROP NOT NULL;");
  }
  return statements;
}

arrow::Result<bool> TargetTable::HasKeyIndex() {
  std::vector<std::string> key = config_.key;
  std::ranges::sort(key);
  ARROW_ASSIGN_OR_RAISE(
      const auto rows,
      connection_.Query(
          "SELECT (SELECT json_agg(attname ORDER BY attname COLLATE \"C\") FROM pg_attribute "
          "WHERE attrelid = indrelid AND attnum = ANY(indkey[0:indnkeyatts-1])) FROM pg_index "
          "WHERE indrelid = to_regclass(" +
          QuoteLiteral(name_.Sql()) +
          ") AND indisunique AND indisvalid AND indpred IS NULL AND indexprs IS NULL"));
  std::string json = "[";
  for (const std::string& column : key) {
    std::string escaped;
    for (const char c : column) {
      if (c == '"' || c == '\\') escaped += '\\';
      escaped += c;
    }
    json += (json.size() > 1 ? ", \"" : "\"") + escaped + "\"";
  }
  json += "]";
  return std::ranges::any_of(rows, [&](const PgRow& row) { return row[0] == json; });
}

std::string TargetTable::KeyIndexStatement() const {
  // Null is a value like others in a key; older servers take such rows as all different.
  const bool can_compare_nulls = connection_.server_version() >= 150'000 && !has_timescale_;
  return "CREATE UNIQUE INDEX ON " + name_.Sql() + " (" + ColumnList(config_.key) + ")" +
         (can_compare_nulls ? " NULLS NOT DISTINCT;" : ";");
}

}  // namespace catchwater
