/// \file
/// The table that is polled: what a source asks of it, and the answers of PostgreSQL.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/duration.h"
#include "catchwater/postgres/pg_connection.h"
#include "catchwater/source/postgres/table_catalog.h"

namespace catchwater {

/// Values of the growing column and of the key's other columns: rows behind them are not read yet.
using PollCursor = std::vector<std::string>;

struct PollRow {
  std::string json;
  PollCursor cursor;
};

/// The largest value that may be read when all writers of now have ended.
struct PollCeiling {
  std::optional<std::string> value;  ///< None: there are no rows.
  bool has_younger = false;          ///< There are rows that `delay` keeps back.
};

struct PollRequest {
  std::optional<PollCursor> after;
  uint64_t skip_count = 0;  ///< Rows left out behind it.
  std::string ceiling;
  int64_t row_count_max = 1;
};

/// Transactions that may have written rows that nobody sees yet.
struct PgTransactions {
  std::vector<std::string> running;
  std::vector<std::string> prepared;
};

/// One thread at a time.
class PollTable {
 public:
  virtual ~PollTable() = default;
  /// Looks at the table. \retval kConfig, kNotFound, kDenied naming setting and remedy
  virtual arrow::Status Check() = 0;
  /// Of the table in its server: another one after DROP and CREATE.
  virtual arrow::Result<std::string> Identity() = 0;
  virtual arrow::Result<PollCeiling> Ceiling() = 0;
  virtual arrow::Result<PgTransactions> Transactions() = 0;
  /// In the order of their cursors.
  virtual arrow::Result<std::vector<PollRow>> Rows(const PollRequest& request) = 0;
};

struct PollTableOptions {
  Secret url;
  std::string table;
  std::string column;
  std::vector<std::string> key;      ///< Empty: the primary key.
  std::vector<std::string> columns;  ///< Empty: all.
  Duration delay;
};

/// Connects at the first call.
class PgPollTable final : public PollTable {
 public:
  explicit PgPollTable(PollTableOptions options);

  arrow::Status Check() override;
  arrow::Result<std::string> Identity() override;
  arrow::Result<PollCeiling> Ceiling() override;
  arrow::Result<PgTransactions> Transactions() override;
  arrow::Result<std::vector<PollRow>> Rows(const PollRequest& request) override;

 private:
  arrow::Status Look();
  arrow::Status LookAtColumns();
  arrow::Status LookAtSequence();
  arrow::Status LookAtKey();
  arrow::Result<std::vector<std::string>> Texts(const std::string& sql);

  const PollTableOptions options_;
  TableCatalog catalog_;
  std::unique_ptr<PgConnection> connection_;
  std::vector<TableCatalog::Column> order_;  // The growing one, then the key's others.
};

/// SQL of a page; parameters: the ceiling, then the cursor's values. `columns` empty: all.
std::string PageSql(const std::string& table, const std::vector<std::string>& order,
                    const std::vector<std::string>& types, const std::vector<std::string>& columns,
                    const PollRequest& request);

}  // namespace catchwater
