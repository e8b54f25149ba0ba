/// \file
/// Sink `postgres`: a table of PostgreSQL or TimescaleDB that follows a table of the lake, row by
/// row of a key, exactly once: rows and delivered mark are one transaction.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catchwater/component/delivery_options.h"
#include "catchwater/component/registry.h"

namespace catchwater {

enum class PgLoad { kAuto, kStaging, kInsert };
constexpr auto EnumWords(PgLoad) {
  using Pair = std::pair<PgLoad, std::string_view>;
  return std::array{Pair{PgLoad::kAuto, "auto"}, Pair{PgLoad::kStaging, "staging"},
                    Pair{PgLoad::kInsert, "insert"}};
}

/// `aggregates: {hourly: {bucket: 1h, key: [sensor_id], compute: {mean: avg(temperature)}}}`
struct PgAggregateConfig {
  Duration bucket;
  std::vector<std::string> key;
  std::vector<std::pair<std::string, std::string>> compute;
  Duration refresh_every = Duration::Minutes(10);

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("bucket", bucket, "Width of a row in time.", Example{"1h"});
    field.Optional("key", key, "Columns that divide the rows of a bucket.", Count{0, 8});
    field.Required("compute", compute, "Columns and their SQL aggregates.", Count{1, 64},
                   Example{"{mean: avg(temperature)}"});
    field.Optional("refresh_every", refresh_every,
                   "How often TimescaleDB brings it up to date. Without TimescaleDB it is a plain "
                   "view and always is.",
                   Bounds{Duration::Seconds(10), Duration::Days(30)});
  }
};

struct PostgresSinkConfig {
  Secret url;
  std::string table;
  std::vector<std::string> key;
  std::vector<std::string> columns;
  std::string changes;
  std::string hypertable;
  Duration chunk = Duration::Days(7);
  std::optional<Duration> compress_after;
  std::optional<Duration> retain;
  std::vector<std::pair<std::string, PgAggregateConfig>> aggregates;
  PgLoad load = PgLoad::kAuto;
  DeliveryOptions delivery;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("url", url, "Where it is: `postgres://user:password@host:5432/database`.",
                   Example{"\"${PG_URL}\""});
    field.Required("table", table, "Table to write, made if it is not there; `schema.table` too.",
                   Example{"readings"});
    field.Optional("key", key,
                   "Columns by which a row takes the place of an older one. Without: every row is "
                   "added.",
                   Count{0, 16}, Example{"[sensor_id, ts]"});
    field.Optional("columns", columns, "Columns to write, in order. Default: all.");
    field.Optional(
        "changes", changes,
        "Rows are changes of a table, from the source `postgres` with `mode: "
        "replicate`: the target is kept as that table is. Names the column `op`, with "
        "the source's `prefix`; `lsn`, `seq` and `unchanged` must be there, too. None of "
        "them is written unless `columns` names it.",
        Example{"op"});
    field.Optional("hypertable", hypertable,
                   "Time column by which the table is divided: a hypertable where TimescaleDB is, "
                   "else native partitions. Must be part of the key.",
                   Example{"ts"});
    field.Optional("chunk", chunk, "Time that one chunk or partition covers.",
                   Bounds{Duration::Minutes(1), Duration::Days(3650)});
    field.Optional("compress_after", compress_after,
                   "Age at which TimescaleDB compresses a chunk. Default: never.", Example{"30d"});
    field.Optional("retain", retain,
                   "Age at which rows are deleted here, by whole chunks where there are some. "
                   "Default: never, also when the lake deletes them.",
                   Example{"400d"});
    field.Optional("aggregates", aggregates,
                   "Views by time bucket, continuous aggregates where TimescaleDB is.",
                   Count{0, 32});
    field.Optional(
        "load", load,
        "`auto`: rows go straight into the table while none has the key of another; "
        "else, and always with `staging`, through a temporary table and a merge. `insert`: as "
        "`staging`, but without COPY, for servers that do not have it; slow.");
    delivery.Describe(field);
  }
  arrow::Status Check() const;
};

arrow::Status RegisterPostgresSink(Registry& registry);

}  // namespace catchwater
