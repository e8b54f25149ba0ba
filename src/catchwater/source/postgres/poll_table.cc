#include "catchwater/source/postgres/poll_table.h"

#include <algorithm>
#include <array>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

// Values that only grow, at the resolution at which they are drawn. Whole days and rounded times
// are not: a later row could be before an earlier one.
constexpr std::array<std::string_view, 6> kGrowingTypes{"bigint",
                                                        "integer",
                                                        "smallint",
                                                        "numeric",
                                                        "timestamp with time zone",
                                                        "timestamp without time zone"};

bool IsTime(std::string_view type) { return type.starts_with("timestamp"); }

}  // namespace

std::string PageSql(const std::string& table, const std::vector<std::string>& order,
                    const std::vector<std::string>& types, const std::vector<std::string>& columns,
                    const PollRequest& request) {
  std::string sql = "SELECT ";
  sql += columns.empty()
             ? "row_to_json(t)::text"
             : "(SELECT row_to_json(r)::text FROM (SELECT " + ColumnList(columns, "t.") + ") r)";
  for (const std::string& name : order) sql += ", t." + QuoteIdentifier(name) + "::text";
  sql += " FROM " + table + " t WHERE t." + QuoteIdentifier(order[0]) + " <= $1::text::" + types[0];
  if (request.after) {
    sql += " AND (" + ColumnList(order, "t.") + ") > (";
    for (size_t i = 0; i < order.size(); ++i) {
      sql += (i == 0 ? "$" : ", $") + std::to_string(i + 2) + "::text::" + types[i];
    }
    sql += ")";
  }
  sql += " ORDER BY " + ColumnList(order, "t.") + " LIMIT " + std::to_string(request.row_count_max);
  if (request.skip_count > 0) sql += " OFFSET " + std::to_string(request.skip_count);
  return sql;
}

PgPollTable::PgPollTable(PollTableOptions options)
    : options_(std::move(options)), catalog_(options_.table, "rpm") {}

arrow::Status PgPollTable::Check() {
  order_.clear();
  return Look();
}

arrow::Status PgPollTable::Look() {
  if (connection_ == nullptr) {
    ARROW_ASSIGN_OR_RAISE(connection_, PgConnection::Connect(options_.url));
  }
  if (!order_.empty()) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(catalog_.Look(*connection_));
  ARROW_RETURN_NOT_OK(LookAtColumns());
  return LookAtKey();
}

arrow::Status PgPollTable::LookAtColumns() {
  for (const std::string& name : options_.columns) {
    ARROW_RETURN_NOT_OK(catalog_.Find("columns", name).status());
  }
  ARROW_ASSIGN_OR_RAISE(const auto* growing, catalog_.Find("column", options_.column));
  const bool grows = std::ranges::any_of(
      kGrowingTypes, [&](std::string_view type) { return growing->type == type; });
  if (!grows && !growing->type.starts_with("numeric(")) {
    return ConfigError(
        "`column` must be a number from a sequence or a time with microseconds, by "
        "which later rows are behind earlier ones, column and type: ",
        options_.column, " ", growing->type);
  }
  if (!growing->is_required) {
    return ConfigError(
        "`column` may be null in this table, and such rows would never be read; "
        "run: ALTER TABLE ",
        catalog_.Sql(), " ALTER COLUMN ", QuoteIdentifier(options_.column), " SET NOT NULL");
  }
  return LookAtSequence();
}

// A session that holds numbers in advance writes smaller ones after another's greater ones.
arrow::Status PgPollTable::LookAtSequence() {
  ARROW_ASSIGN_OR_RAISE(
      const auto found,
      connection_->Query("SELECT seqrelid::regclass FROM pg_sequence WHERE seqcache > 1 "
                         "AND seqrelid = pg_get_serial_sequence($1, $2)::regclass",
                         {catalog_.Sql(), options_.column}));
  if (found.empty()) return arrow::Status::OK();
  return ConfigError(
      "The sequence of `column` hands out numbers in advance, so that later rows may be "
      "before earlier ones; run: ALTER SEQUENCE ",
      found[0][0].value_or(""), " CACHE 1");
}

arrow::Status PgPollTable::LookAtKey() {
  const std::vector<std::string>& key =
      options_.key.empty() ? catalog_.primary_key() : options_.key;
  if (key.empty()) {
    return ConfigError(
        "Table has no primary key; name columns that tell its rows apart with "
        "`key`, table: ",
        options_.table);
  }
  std::vector<std::string> names{options_.column};
  for (const std::string& name : key) {
    if (name != options_.column) names.push_back(name);
  }
  std::vector<TableCatalog::Column> order;
  for (const std::string& name : names) {
    ARROW_ASSIGN_OR_RAISE(const auto* column, catalog_.Find("key", name));
    if (!column->is_required) {
      return ConfigError("A column of `key` may be null in this table; run: ALTER TABLE ",
                         catalog_.Sql(), " ALTER COLUMN ", QuoteIdentifier(name), " SET NOT NULL");
    }
    order.push_back(*column);
  }
  const auto has = [&](const std::string& name) { return std::ranges::count(names, name) > 0; };
  const bool is_unique = std::ranges::any_of(catalog_.unique_indexes(), [&](const auto& index) {
    return std::ranges::all_of(index, has);
  });
  if (!is_unique) {
    return ConfigError(
        "No unique index says that `column` and `key` tell the rows apart; run: "
        "CREATE UNIQUE INDEX ON ",
        catalog_.Sql(), " (", ColumnList(names), ")");
  }
  order_ = std::move(order);
  return arrow::Status::OK();
}

arrow::Result<std::string> PgPollTable::Identity() {
  ARROW_RETURN_NOT_OK(Look());
  ARROW_ASSIGN_OR_RAISE(
      const auto database,
      connection_->Value("SELECT oid FROM pg_database WHERE datname = current_database()"));
  std::string identity = "table=" + database.value_or("") + "/" + catalog_.oid() + ",order=";
  for (const TableCatalog::Column& column : order_) identity += QuoteIdentifier(column.name);
  return identity;
}

arrow::Result<PollCeiling> PgPollTable::Ceiling() {
  ARROW_RETURN_NOT_OK(Look());
  const std::string column = QuoteIdentifier(order_[0].name);
  const std::string from = " FROM " + catalog_.Sql();
  if (!IsTime(order_[0].type)) {
    ARROW_ASSIGN_OR_RAISE(auto value,
                          connection_->Value("SELECT max(" + column + ")::text" + from));
    // The greatest of all numbers to PostgreSQL: nothing would ever be behind it.
    if (value == "NaN" || value == "Infinity") {
      return ConfigError("`column` holds a value that no later row can be behind; remove it, ",
                         "column and value: ", order_[0].name, " ", *value);
    }
    return PollCeiling{.value = std::move(value), .has_younger = false};
  }
  // The session's zone is UTC. Times of the future are left until they have come.
  ARROW_ASSIGN_OR_RAISE(const auto now, connection_->Value("SELECT clock_timestamp()::text"));
  const std::string end = QuoteLiteral(now.value_or("")) + "::timestamptz::" + order_[0].type;
  const std::string settled =
      "(" + end + " - INTERVAL '" + std::to_string(options_.delay.ms) + " milliseconds')";
  ARROW_ASSIGN_OR_RAISE(auto value, connection_->Value("SELECT max(" + column + ")::text" + from +
                                                       " WHERE " + column + " <= " + settled));
  ARROW_ASSIGN_OR_RAISE(
      const auto younger,
      connection_->Value("SELECT EXISTS(SELECT 1" + from + " WHERE " + column + " > " + settled +
                         " AND " + column + " <= " + end + ")"));
  return PollCeiling{.value = std::move(value), .has_younger = younger == "t"};
}

arrow::Result<std::vector<std::string>> PgPollTable::Texts(const std::string& sql) {
  ARROW_ASSIGN_OR_RAISE(const auto rows, connection_->Query(sql));
  std::vector<std::string> texts;
  for (const PgRow& row : rows) texts.push_back(row[0].value_or(""));
  return texts;
}

// Every transaction holds the lock of its virtual id from its begin until its rows are seen, and
// everybody may see these locks. In this order: one that is prepared shows up among the prepared
// before it is gone from the running.
arrow::Result<PgTransactions> PgPollTable::Transactions() {
  ARROW_RETURN_NOT_OK(Look());
  PgTransactions found;
  ARROW_ASSIGN_OR_RAISE(found.running,
                        Texts("SELECT DISTINCT l.virtualtransaction FROM pg_locks l "
                              "JOIN pg_stat_activity a ON a.pid = l.pid "
                              "WHERE l.locktype = 'virtualxid' AND l.pid <> pg_backend_pid() "
                              "AND a.usesysid IS NOT NULL AND a.datname = current_database()"));
  ARROW_ASSIGN_OR_RAISE(found.prepared, Texts("SELECT transaction::text FROM pg_prepared_xacts "
                                              "WHERE database = current_database()"));
  return found;
}

arrow::Result<std::vector<PollRow>> PgPollTable::Rows(const PollRequest& request) {
  ARROW_RETURN_NOT_OK(Look());
  std::vector<std::string> order, types;
  for (const TableCatalog::Column& column : order_) {
    order.push_back(column.name);
    types.push_back(column.type);
  }
  std::vector<std::optional<std::string>> values{request.ceiling};
  if (request.after) {
    if (request.after->size() != order.size()) {
      return Internal("Cursor has another number of values than the order has columns: ",
                      request.after->size(), " ", order.size());
    }
    values.insert(values.end(), request.after->begin(), request.after->end());
  }
  ARROW_ASSIGN_OR_RAISE(
      auto found,
      connection_->Query(PageSql(catalog_.Sql(), order, types, options_.columns, request), values));
  std::vector<PollRow> rows;
  for (PgRow& row : found) {
    PollRow& made = rows.emplace_back();
    made.json = std::move(row[0]).value_or("null");
    for (size_t i = 1; i < row.size(); ++i) made.cursor.push_back(row[i].value_or(""));
  }
  return rows;
}

}  // namespace catchwater
