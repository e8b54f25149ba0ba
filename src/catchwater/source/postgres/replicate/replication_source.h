/// \file
/// Source `postgres`, `mode: replicate`: changes of a table, as PostgreSQL's log has them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "catchwater/base/random.h"
#include "catchwater/component/source.h"
#include "catchwater/source/postgres/postgres_source.h"
#include "catchwater/source/postgres/replicate/change_json.h"
#include "catchwater/source/postgres/replicate/replication_position.h"
#include "catchwater/source/postgres/replicate/replication_server.h"
#include "catchwater/source/postgres/replicate/snapshot_spool.h"
#include "catchwater/source/postgres/row_blocks.h"

namespace catchwater {

/// One partition, the table; a frame is a row as JSON, its ordinal the number of rows before it.
/// One thread at a time.
///
/// 1. The slot is confirmed up to a place only when a position there is committed: a slot that is
///    farther than the position was moved by somebody else.
/// 2. A position names the slot and may stand inside a transaction, which then comes again; rows
///    before it are left out here.
/// 3. The rows that were there where the slot begins are on our disk before the first of them is
///    handed on: until then all is begun anew, then they come as any others.
class ReplicationSource final : public Source {
 public:
  ReplicationSource(PostgresSourceConfig config, const SourceContext& context,
                    std::unique_ptr<ReplicationServer> server);

  arrow::Status Check() override;
  arrow::Result<std::vector<Offer>> Discover() override;
  arrow::Status Open(const Offer& offer, int64_t partition_id, const Position& resume_at) override;
  arrow::Result<NextResult> Next(std::stop_token stop) override;
  arrow::Status Acknowledge(int64_t partition_id, const Position& position) override;
  arrow::Status Close() override;
  int64_t discover_interval_ms() const override { return 0; }
  int64_t pending_count() const override {
    return phase_ == Phase::kClosed || is_caught_up() ? 0 : 1;
  }

 private:
  enum class Phase {
    kClosed,
    kCopying,   // Rows of the snapshot to our disk.
    kSnapshot,  // From our disk.
    kChanges,
  };
  /// The transaction whose changes come now.
  struct Transaction {
    uint64_t lsn = 0;  ///< Of its commit.
    int64_t commit_us = 0;
    uint64_t row_count = 0;
    bool is_open = false;
  };

  std::string NotePath() const;
  std::string SnapshotFolder() const;
  arrow::Status Resume();
  arrow::Status BeginAnew(bool is_again);
  arrow::Status DropOwnSlot();
  arrow::Status MakeSlot();
  arrow::Result<std::string> NewSlotName();
  arrow::Result<std::string> LostReason();
  arrow::Status BeginCopy(bool is_again);
  arrow::Status Copy(std::stop_token stop);
  arrow::Status ReadSnapshot();
  arrow::Status StartChanges();
  ChangeHead SnapshotHead() const;
  void MoveTo(std::string reason, int64_t frames_lost = 0);
  arrow::Status Collect();
  arrow::Status Take(std::string_view bytes);
  arrow::Status TakeMessage(const PgMessage& message);
  arrow::Status TakeRelation(const PgRelation& relation);
  arrow::Status TakeChange(const PgChange& change);
  arrow::Status TakeTruncate(const PgTruncate& truncate);
  void TakeCommit(const PgCommit& commit);
  bool HasIdentityChanged(const PgChange& change) const;
  bool IsKnown(uint64_t row_count) const;
  /// The transaction's next row. \return there until the next call; nothing if it was taken before
  std::optional<std::string_view> NextRow(std::string_view op, const PgTuple* row,
                                          const PgTuple* before, bool is_key_only);
  void AddRow(std::string_view op, const PgTuple* row, const PgTuple* before, bool is_key_only);
  void AddMovedRow(const PgChange& change);
  void Add(std::string_view json, uint64_t row_count, size_t with_bytes);
  void Cut() { blocks_.Cut(at_.Token()); }
  arrow::Status Tell(bool wants_answer);
  arrow::Status TellNowAndThen();
  arrow::Status LookWhenIdle();
  bool is_caught_up() const { return phase_ == Phase::kChanges && seen_lsn_ >= target_lsn_; }

  const PostgresSourceConfig config_;
  Files& files_;
  const Clock& clock_;
  const std::string pipeline_;
  const std::string data_folder_;
  Random random_;
  const std::unique_ptr<ReplicationServer> server_;
  RowBlocks blocks_;
  ChangeJson json_;
  Phase phase_ = Phase::kClosed;
  bool has_columns_ = false;
  int64_t partition_id_ = 0;
  ReplicationPosition at_;  // Of the last row that was taken.
  std::unique_ptr<SnapshotSpool> snapshot_;
  bool is_snapshot_kept_ = false;  // On disk, until the position behind it is committed.
  int64_t snapshot_us_ = 0;
  Transaction transaction_;
  std::optional<Skip> skip_;
  uint64_t seen_lsn_ = 0;       // All before it was sent to us.
  uint64_t target_lsn_ = 0;     // Up to where the log was when reading began.
  uint64_t confirmed_lsn_ = 0;  // Of the last commit.
  int64_t told_us_ = 0;         // Monotonic, as below.
  int64_t asked_us_ = 0;
  int64_t moved_us_ = 0;
};

}  // namespace catchwater
