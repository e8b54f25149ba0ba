/// \file
/// Source `postgres`: reads new and changed rows of a table by a column that grows, or its changes
/// from the log (replicate/replication_source.h).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catchwater/component/registry.h"
#include "catchwater/component/source.h"
#include "catchwater/source/postgres/poll_table.h"
#include "catchwater/source/postgres/row_blocks.h"
#include "catchwater/source/postgres/settling.h"

namespace catchwater {

enum class PostgresMode { kPoll, kReplicate };
constexpr auto EnumWords(PostgresMode) {
  using Pair = std::pair<PostgresMode, std::string_view>;
  return std::array{Pair{PostgresMode::kPoll, "poll"}, Pair{PostgresMode::kReplicate, "replicate"}};
}
enum class OnTruncate { kRow, kIgnore, kFail };
constexpr auto EnumWords(OnTruncate) {
  using Pair = std::pair<OnTruncate, std::string_view>;
  return std::array{Pair{OnTruncate::kRow, "row"}, Pair{OnTruncate::kIgnore, "ignore"},
                    Pair{OnTruncate::kFail, "fail"}};
}

enum class OnLost { kFail, kResnapshot };
constexpr auto EnumWords(OnLost) {
  using Pair = std::pair<OnLost, std::string_view>;
  return std::array{Pair{OnLost::kFail, "fail"}, Pair{OnLost::kResnapshot, "resnapshot"}};
}

enum class OnColumns { kFollow, kFail };
constexpr auto EnumWords(OnColumns) {
  using Pair = std::pair<OnColumns, std::string_view>;
  return std::array{Pair{OnColumns::kFollow, "follow"}, Pair{OnColumns::kFail, "fail"}};
}

struct PostgresSourceConfig {
  Secret url;
  std::string table;
  PostgresMode mode = PostgresMode::kPoll;
  std::string column;
  std::vector<std::string> key;
  std::vector<std::string> columns;
  Duration every = Duration::Seconds(1);
  Duration delay = Duration::Seconds(1);
  bool once = false;
  ByteSize block_bytes = ByteSize::MiB(1);
  std::string slot;
  std::string publication;
  std::string prefix;
  OnTruncate on_truncate = OnTruncate::kRow;
  bool snapshot = true;
  ByteSize snapshot_bytes_max = ByteSize::GiB(64);
  OnLost on_lost = OnLost::kFail;
  OnColumns on_columns = OnColumns::kFollow;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("url", url, "Where it is: `postgres://user:password@host:5432/database`.",
                   Example{"\"${PG_URL}\""});
    field.Required("table", table, "Table to read; `schema.table` too.", Example{"orders"});
    field.Optional("mode", mode,
                   "`poll` reads rows by `column`; `replicate` reads all changes, deletions too, "
                   "from the server's log.");
    field.Optional("column", column,
                   "Polling: column that grows with every row that is written: a number from a "
                   "sequence, or the time at which a row was made or changed.",
                   Example{"updated_at"});
    field.Optional("key", key,
                   "Columns that tell rows with the same value of `column` apart. Default: the "
                   "primary key.",
                   Count{0, 8}, Example{"[id]"});
    field.Optional("columns", columns, "Columns to read. Default: all.", Count{0, 1'600});
    field.Optional("every", every, "Polling: time between two looks for new rows.",
                   Bounds{Duration::Millis(10), Duration::Hours(24)});
    field.Optional("delay", delay,
                   "Polling, `column` is a time: rows that are younger wait for the next look, so "
                   "that clocks and programs that write their own times may be so much apart.",
                   Bounds{Duration::Millis(100), Duration::Days(1)});
    field.Optional("once", once, "Polling: reads the rows that are there at the start, then ends.");
    field.Optional("block_bytes", block_bytes, "Bytes of rows that are handed on together.",
                   Bounds{ByteSize::KiB(1), ByteSize::MiB(64)});
    field.Optional("slot", slot,
                   "Replication slot: one that is there is read from where it stands. Default: one "
                   "is made, `catchwater_`, the pipeline and a number.",
                   Example{"orders_slot"});
    field.Optional("publication", publication,
                   "Publication that has the table; it is made if it is not there. Default: "
                   "`catchwater_` and the table.",
                   Example{"orders_changes"});
    field.Optional("prefix", prefix,
                   "Put before `op`, `lsn`, `seq`, `commit_time` and `unchanged`, which a change "
                   "has beside the columns.",
                   Example{"change_"});
    field.Optional("on_truncate", on_truncate,
                   "`row` makes TRUNCATE a row with `op: truncate`, `ignore` leaves it out, `fail` "
                   "stops the pipeline.");
    field.Optional("snapshot", snapshot,
                   "Reads the rows that are there first, as they were where the slot begins; "
                   "`false` reads changes only.");
    field.Optional("snapshot_bytes_max", snapshot_bytes_max,
                   "The most that those rows, as JSON, may take in the data folder until they are "
                   "committed.",
                   Bounds{ByteSize::MiB(1), ByteSize::GiB(16'384)});
    field.Optional("on_lost", on_lost,
                   "When changes are gone, because the slot is: `fail` stops the pipeline, "
                   "`resnapshot` takes the table anew, behind a row with `op: truncate`.");
    field.Optional("on_columns", on_columns,
                   "When the table's columns or their types change: `follow` goes on, with the "
                   "new ones as members of the row; `fail` stops the pipeline before the first row "
                   "of them.");
  }
  arrow::Status Check() const;
  std::string PublicationName() const {
    return publication.empty() ? "catchwater_" + table : publication;
  }
};

/// One partition, the table; a frame is a row as JSON, its ordinal the number of rows before it.
/// The token of a position is the cursor behind it. One thread at a time.
class PostgresSource final : public Source {
 public:
  PostgresSource(PostgresSourceConfig config, const SourceContext& context,
                 std::unique_ptr<PollTable> table);

  arrow::Status Check() override { return table_->Check(); }
  arrow::Result<std::vector<Offer>> Discover() override;
  arrow::Status Open(const Offer& offer, int64_t partition_id, const Position& resume_at) override;
  arrow::Result<NextResult> Next(std::stop_token stop) override;
  arrow::Status Acknowledge(int64_t partition_id, const Position& position) override;
  arrow::Status Close() override;
  int64_t discover_interval_ms() const override { return 0; }
  int64_t pending_count() const override {
    return phase_ == Phase::kClosed || is_caught_up_ ? 0 : 1;
  }

 private:
  enum class Phase {
    kClosed,
    kWaiting,   // For the next look.
    kSettling,  // For those who were writing at the look.
    kReading,   // Up to the look's ceiling.
  };
  arrow::Status Look();
  arrow::Result<bool> HasSettled();
  arrow::Status ReadPage();
  NextResult EndRound();

  const PostgresSourceConfig config_;
  const Clock& clock_;
  const std::unique_ptr<PollTable> table_;
  RowBlocks blocks_;
  Phase phase_ = Phase::kClosed;
  int64_t partition_id_ = 0;
  PollRequest request_;
  Settling settling_;
  std::string ceiling_done_;  // Read up to there.
  bool has_younger_ = false;
  bool is_last_round_ = false;
  bool is_caught_up_ = false;
  int64_t look_us_ = 0;  // Monotonic: when to ask again.
};

arrow::Status RegisterPostgresSource(Registry& registry);

}  // namespace catchwater
