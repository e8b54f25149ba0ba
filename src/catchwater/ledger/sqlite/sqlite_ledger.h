/// \file
/// The ledger in an SQLite file: WAL, synchronous=FULL, one writer at a time.
///
/// Invariants:
/// 1. Every write is one BEGIN IMMEDIATE transaction on `writer_`; what changes a state that people
///    see also moves the clock and adds to the change feed.
/// 2. Reads are single statements on `reader_`, so each is one instant and waits for no commit.
/// 3. What reads the whole file (copy, checks, checkpoint) has a connection of its own for the
/// call.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catchwater/ledger/ledger.h"
#include "catchwater/ledger/sqlite/connection.h"
#include "catchwater/ledger/sqlite/fair_mutex.h"

namespace catchwater {

/// Any thread.
class SqliteLedger final : public Ledger {
 public:
  SqliteLedger(LedgerOptions options, const Clock& clock, Connection writer, Connection reader);

  arrow::Result<std::pair<Outcome, Receipt>> Commit(const CommitPlan& plan) override;
  arrow::Result<std::pair<Outcome, Receipt>> Settle(const CommitPlan& plan) override;

  arrow::Result<std::optional<int64_t>> AcquireLease(const std::string& name,
                                                     const std::string& owner,
                                                     int64_t duration_ms) override;
  arrow::Result<bool> RenewLease(const std::string& name, int64_t epoch,
                                 int64_t duration_ms) override;
  arrow::Status ReleaseLease(const std::string& name, int64_t epoch) override;
  arrow::Result<std::vector<LeaseRecord>> Leases() override;
  arrow::Status FenceAll(int64_t epochs) override;

  arrow::Result<int64_t> OpenPartition(const PartitionKey& key) override;
  arrow::Result<std::vector<PartitionRecord>> Partitions(const std::string& pipeline) override;
  arrow::Result<Position> GetPosition(int64_t partition_id, const std::string& consumer) override;

  arrow::Result<InputRegistered> RegisterInput(const InputFound& found) override;
  arrow::Result<std::vector<InputFileRecord>> ClaimInputs(const std::string& pipeline,
                                                          const std::string& source,
                                                          const Fence& fence,
                                                          int64_t limit) override;
  arrow::Status FailInput(int64_t partition_id, const Fence& fence, const std::string& reason,
                          bool is_retryable) override;
  arrow::Status SetInputFullHash(int64_t partition_id, const std::string& full_hash) override;
  arrow::Result<std::vector<InputFileRecord>> Inputs(const WorkQuery& query) override;
  arrow::Result<WorkCounts> InputCounts(const std::string& pipeline) override;
  arrow::Result<int64_t> Retry(const WorkQuery& query) override;

  arrow::Result<std::optional<std::string>> TablePointer(const std::string& table_key) override;
  arrow::Result<CatalogView> Catalog() override;
  arrow::Result<std::vector<TableCommitRecord>> TableCommits(const std::string& table_key,
                                                             int64_t after_seq) override;
  arrow::Status RecordForeignCommit(const std::string& metadata_location,
                                    const PointerSwap& what_it_did) override;
  arrow::Result<std::vector<DataFileRecord>> DataFiles(const WorkQuery& query) override;
  arrow::Result<bool> ClaimDataFiles(const std::vector<int64_t>& ids, const Fence& fence) override;
  arrow::Status FailDataFiles(const std::vector<int64_t>& ids, const Fence& fence,
                              const std::string& reason) override;
  arrow::Result<int64_t> ReclaimDataFiles(const Fence& fence) override;
  arrow::Result<WorkCounts> DataFileCounts(const std::string& table_key) override;
  arrow::Result<std::vector<ForeignCommitRecord>> UnreadForeignCommits(int64_t limit) override;
  arrow::Result<TableRowCounts> RowCounts(const std::string& table_key) override;
  arrow::Result<std::vector<std::pair<int64_t, int64_t>>> SnapshotSeqs(
      const std::string& table_key, const std::vector<int64_t>& snapshot_ids) override;
  arrow::Result<std::vector<std::string>> UnknownDataFiles(
      const std::vector<std::string>& paths) override;

  arrow::Result<std::vector<DeliveryRecord>> Deliveries(const std::string& table_key) override;
  arrow::Status SetDelivery(const DeliveryRecord& delivery) override;
  arrow::Status RemoveDelivery(const std::string& sink, const std::string& table_key) override;
  arrow::Result<std::vector<DataFileRecord>> FilesToDeliver(const std::string& table_key,
                                                            const DeliveryMark& mark,
                                                            int64_t limit) override;
  arrow::Result<DeliveryBacklog> Backlog(const std::string& table_key,
                                         const DeliveryMark& mark) override;
  arrow::Result<bool> CanFollow(const std::string& table_key, const DeliveryMark& mark) override;

  arrow::Result<std::vector<DataFileRecord>> RemovedDataFiles(const std::string& table_key,
                                                              const RemovedCursor& after,
                                                              int64_t limit) override;
  arrow::Status QueueUnlink(const std::vector<UnlinkRecord>& files) override;
  arrow::Result<std::vector<UnlinkRecord>> DueUnlinks(int64_t limit) override;
  arrow::Status RemoveUnlinks(const std::vector<std::string>& paths) override;
  arrow::Result<std::vector<std::string>> QueuedUnlinks(
      const std::vector<std::string>& paths) override;
  arrow::Status Prune(int64_t older_than_us) override;
  arrow::Status CopyTo(const std::string& path) override;
  arrow::Status CheckpointWal() override;

  arrow::Result<std::vector<AccountRecord>> Account(const std::string& pipeline) override;
  arrow::Result<std::vector<DeadLetterMark>> MarksAmong(
      const std::vector<std::string>& dead_letter_ids) override;
  arrow::Result<std::vector<DeadLetterMark>> Marks(int64_t seq_max) override;
  arrow::Result<DeadLetterCounts> CountMarks(const std::string& pipeline) override;
  arrow::Result<std::vector<Event>> Feed(int64_t after_seq, int64_t limit) override;
  arrow::Result<std::vector<Checkpoint>> Checkpoints(const std::string& pipeline,
                                                     const std::string& consumer) override;
  arrow::Result<std::string> LedgerUuid() override;
  arrow::Result<std::vector<std::string>> CheckInvariants() override;

 private:
  /// Runs the body in a transaction. An error of the body rolls it back.
  /// \retval kCommitUnknown if it is not known whether the transaction is durable
  arrow::Status Write(const std::function<arrow::Status(Connection&)>& body);
  /// Shows the rows of one statement.
  arrow::Status Read(std::string_view sql, std::span<const Value> parameters,
                     const RowVisitor& visit);
  arrow::Status Read(std::string_view sql, std::initializer_list<Value> parameters,
                     const RowVisitor& visit);
  /// A connection for one call.
  arrow::Result<Connection> OpenBeside(bool is_read_only) const;
  arrow::Result<WorkCounts> Counts(std::string_view sql, const std::string& key);

  const LedgerOptions options_;
  const Clock& clock_;
  FairMutex writer_mutex_;
  Connection writer_;  // Guarded by writer_mutex_.
  std::mutex reader_mutex_;
  Connection reader_;  // Guarded by reader_mutex_.
};

}  // namespace catchwater
