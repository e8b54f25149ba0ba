// Compression, retention and views by time bucket.
#include <algorithm>
#include <string>

#include "catchwater/base/error.h"
#include "catchwater/sink/postgres/target_table.h"

namespace catchwater {
namespace {

/// TimescaleDB under the Apache licence alone has hypertables, but neither compression nor
/// policies nor continuous aggregates: the sink works without them.
bool IsNotLicensed(const arrow::Status& status) { return SqlStateOf(status) == "0A000"; }

std::string Literal(const PgTableName& name) { return QuoteLiteral(name.Sql()); }

std::string SelectOf(const PgAggregateConfig& aggregate, const PostgresSinkConfig& config,
                     const TargetTable& table) {
  const std::string time = QuoteIdentifier(config.hypertable);
  const std::string bucket =
      table.has_timescale()
          ? "time_bucket(" + IntervalSql(aggregate.bucket) + ", " + time + ")"
          : "date_bin(" + IntervalSql(aggregate.bucket) + ", " + time +
                ", TIMESTAMPTZ '2000-01-03 00:00:00+00')";  // As time_bucket counts.
  std::string sql = "SELECT " + bucket + " AS bucket";
  for (const std::string& column : aggregate.key) sql += ", " + QuoteIdentifier(column);
  for (const auto& [name, expression] : aggregate.compute) {
    sql += ", " + expression + " AS " + QuoteIdentifier(name);
  }
  sql += " FROM " + table.name().Sql() + " GROUP BY 1";
  for (size_t i = 0; i < aggregate.key.size(); ++i) sql += ", " + std::to_string(i + 2);
  return sql;
}

arrow::Status PrepareAggregate(PgConnection& connection, const PostgresSinkConfig& config,
                               const TargetTable& table, const std::string& name,
                               const PgAggregateConfig& aggregate) {
  const PgTableName view = table.name().Sibling(name);
  ARROW_ASSIGN_OR_RAISE(
      const auto exists,
      connection.Value("SELECT 1 FROM pg_class WHERE oid = to_regclass(" + Literal(view) + ")"));
  const std::string select = SelectOf(aggregate, config, table);
  if (!table.has_timescale()) {
    return connection.Execute("CREATE OR REPLACE VIEW " + view.Sql() + " AS " + select);
  }
  if (!exists) {
    const arrow::Status made =
        connection.Execute("CREATE MATERIALIZED VIEW " + view.Sql() +
                           " WITH (timescaledb.continuous, timescaledb.materialized_only = false) "
                           "AS " +
                           select + " WITH NO DATA");
    if (!made.ok() && IsNotLicensed(made)) {
      return connection.Execute("CREATE OR REPLACE VIEW " + view.Sql() + " AS " + select);
    }
    ARROW_RETURN_NOT_OK(made);
  }
  // Late rows of the last 30 buckets are taken in; the newest one is computed when it is asked for.
  return connection.Execute("SELECT add_continuous_aggregate_policy(" + Literal(view) +
                            ", start_offset => " + IntervalSql(Duration{aggregate.bucket.ms * 30}) +
                            ", end_offset => " + IntervalSql(aggregate.bucket) +
                            ", schedule_interval => " + IntervalSql(aggregate.refresh_every) +
                            ", if_not_exists => true)");
}

arrow::Status PreparePolicies(PgConnection& connection, const PostgresSinkConfig& config,
                              const TargetTable& table) {
  const std::string name = Literal(table.name());
  if (config.compress_after) {
    std::string segments;
    for (const std::string& column : config.key) {
      if (column == config.hypertable) continue;
      segments += (segments.empty() ? "" : ", ") + QuoteIdentifier(column);
    }
    ARROW_ASSIGN_OR_RAISE(
        const auto is_on,
        connection.Value("SELECT 1 FROM timescaledb_information.hypertables WHERE "
                         "compression_enabled AND format('%I.%I', hypertable_schema, "
                         "hypertable_name)::regclass = " +
                         name + "::regclass"));
    if (!is_on) {
      const std::string segment_by =
          segments.empty() ? "" : ", timescaledb.compress_segmentby = " + QuoteLiteral(segments);
      ARROW_RETURN_NOT_OK(
          connection.Execute("ALTER TABLE " + table.name().Sql() + " SET (timescaledb.compress" +
                             segment_by + ", timescaledb.compress_orderby = " +
                             QuoteLiteral(QuoteIdentifier(config.hypertable) + " DESC") + ")"));
    }
    ARROW_RETURN_NOT_OK(connection.Execute("SELECT add_compression_policy(" + name + ", " +
                                           IntervalSql(*config.compress_after) +
                                           ", if_not_exists => true)"));
  }
  if (!config.retain) return arrow::Status::OK();
  return connection.Execute("SELECT add_retention_policy(" + name + ", " +
                            IntervalSql(*config.retain) + ", if_not_exists => true)");
}

}  // namespace

arrow::Status PrepareTimeFeatures(PgConnection& connection, const PostgresSinkConfig& config,
                                  const TargetTable& table) {
  if (config.hypertable.empty()) return arrow::Status::OK();
  if (table.has_timescale()) {
    const arrow::Status status = PreparePolicies(connection, config, table);
    if (!status.ok() && !IsNotLicensed(status)) return status;
  }
  for (const auto& [name, aggregate] : config.aggregates) {
    ARROW_RETURN_NOT_OK(PrepareAggregate(connection, config, table, name, aggregate));
  }
  return arrow::Status::OK();
}

}  // namespace catchwater
