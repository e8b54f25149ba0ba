/// \file
/// Source `postgres`: reads new and changed rows of a table by a column that grows.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catchwater/component/registry.h"
#include "catchwater/component/source.h"
#include "catchwater/io/read_buffer_pool.h"
#include "catchwater/source/postgres/poll_table.h"
#include "catchwater/source/postgres/settling.h"

namespace catchwater {

struct PostgresSourceConfig {
  Secret url;
  std::string table;
  std::string column;
  std::vector<std::string> key;
  std::vector<std::string> columns;
  Duration every = Duration::Seconds(1);
  Duration delay = Duration::Seconds(1);
  bool once = false;
  ByteSize block_bytes = ByteSize::MiB(1);

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("url", url, "Where it is: `postgres://user:password@host:5432/database`.",
                   Example{"\"${PG_URL}\""});
    field.Required("table", table, "Table to read; `schema.table` too.", Example{"orders"});
    field.Required("column", column,
                   "Column that grows with every row that is written: a number from a sequence, or "
                   "the time at which a row was made or changed.",
                   Example{"updated_at"});
    field.Optional("key", key,
                   "Columns that tell rows with the same value of `column` apart. Default: the "
                   "primary key.",
                   Count{0, 8}, Example{"[id]"});
    field.Optional("columns", columns, "Columns to read. Default: all.", Count{0, 1'600});
    field.Optional("every", every, "Time between two looks for new rows.",
                   Bounds{Duration::Millis(10), Duration::Hours(24)});
    field.Optional("delay", delay,
                   "`column` is a time: rows that are younger wait for the next look, so that "
                   "clocks and programs that write their own times may be so much apart.",
                   Bounds{Duration::Millis(100), Duration::Days(1)});
    field.Optional("once", once, "Reads the rows that are there at the start, then ends.");
    field.Optional("block_bytes", block_bytes, "Bytes of rows that are handed on together.",
                   Bounds{ByteSize::KiB(1), ByteSize::MiB(64)});
  }
  arrow::Status Check() const { return CheckPgUrl(url); }
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
  void CutBlocks(std::vector<PollRow> rows);
  Block MakeBlock(std::vector<PollRow> rows);
  Block MakeRejected(const PollRow& row);
  Range NextRange(const PollCursor& cursor, size_t row_count);

  const PostgresSourceConfig config_;
  const Clock& clock_;
  const int64_t frame_bytes_max_;
  const std::unique_ptr<PollTable> table_;
  const std::shared_ptr<ReadBufferPool> pool_;
  Phase phase_ = Phase::kClosed;
  int64_t partition_id_ = 0;
  PollRequest request_;
  Position end_;  // Of what is in `ready_`.
  std::deque<Block> ready_;
  Settling settling_;
  std::string ceiling_done_;  // Read up to there.
  bool has_younger_ = false;
  bool is_last_round_ = false;
  bool is_caught_up_ = false;
  int64_t look_us_ = 0;  // Monotonic: when to ask again.
};

arrow::Status RegisterPostgresSource(Registry& registry);

}  // namespace catchwater
