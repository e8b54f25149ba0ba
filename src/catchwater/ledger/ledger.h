/// \file
/// The one database: catalog pointers, work files, positions, leases, account, change feed.
///
/// Invariants:
/// 1. seq grows by one a commit and is the order of visibility.
/// 2. A position moves only by compare-and-set, in the transaction that makes its rows visible.
/// 3. A work file is `processing` only under a lease with its epoch.
/// 4. The account only grows.
/// Source: docs/formats/ledger.md. Any thread. Reads do not wait for writes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/clock.h"
#include "catchwater/ledger/commit_plan.h"
#include "catchwater/ledger/delivery.h"
#include "catchwater/ledger/records.h"

namespace catchwater {

struct LedgerOptions {
  std::string path;  ///< .../ledger.sqlite
  int64_t busy_timeout_ms = 10'000;
  bool is_read_only = false;
};

class Ledger {
 public:
  virtual ~Ledger() = default;

  /// Opens or creates. \retval kConfig for a newer format; kUnavailable if it is locked for longer
  /// than busy_timeout_ms; kBadData if damaged (the message names `catchwater ledger rebuild`)
  static arrow::Result<std::unique_ptr<Ledger>> Open(const LedgerOptions& options,
                                                     const Clock& clock);

  // --- The commit ---------------------------------------------------------------------------
  /// All or nothing; kUnknown only if the database did not answer.
  virtual arrow::Result<std::pair<Outcome, Receipt>> Commit(const CommitPlan& plan) = 0;
  /// After kUnknown: bumps the epochs of the plan's fences, then looks the id up. Never kUnknown
  /// twice: kCommitted or kFenced.
  virtual arrow::Result<std::pair<Outcome, Receipt>> Settle(const CommitPlan& plan) = 0;

  // --- Leases -------------------------------------------------------------------------------
  /// Takes the lease if it is free, expired or ours. \return the epoch (bumped on every take-over
  /// by another owner), or nullopt if somebody else holds it
  virtual arrow::Result<std::optional<int64_t>> AcquireLease(const std::string& name,
                                                             const std::string& owner,
                                                             int64_t duration_ms) = 0;
  /// \return false if the lease was lost
  virtual arrow::Result<bool> RenewLease(const std::string& name, int64_t epoch,
                                         int64_t duration_ms) = 0;
  /// Frees the lease in good order: work in processing under it is given back and the attempt does
  /// not count. A lost lease is left alone.
  virtual arrow::Status ReleaseLease(const std::string& name, int64_t epoch) = 0;
  virtual arrow::Result<std::vector<LeaseRecord>> Leases() = 0;
  /// Frees all leases and raises their epochs by the number, so that nothing that was under way
  /// anywhere can be committed any more.
  virtual arrow::Status FenceAll(int64_t epochs) = 0;

  // --- Source partitions and positions --------------------------------------------------------
  /// Finds or creates. \return its id
  virtual arrow::Result<int64_t> OpenPartition(const PartitionKey& key) = 0;
  virtual arrow::Result<std::vector<PartitionRecord>> Partitions(const std::string& pipeline) = 0;
  /// Ordinal 0 if the consumer has none yet.
  virtual arrow::Result<Position> GetPosition(int64_t partition_id,
                                              const std::string& consumer) = 0;

  // --- Input files ------------------------------------------------------------------------------
  /// Records a file that was found. A known identity (same pipeline, source and full identity)
  /// is not recorded again. See InputFound.
  virtual arrow::Result<InputRegistered> RegisterInput(const InputFound& found) = 0;
  /// Moves up to `limit` inputs of a source from to_process (whose back-off is over) to processing
  /// under the lease, oldest first; takes over those of an older epoch of the same lease, whose
  /// worker crashed. After 3 starts that crashed at an unmoved position an input is failed; its
  /// last start is made alone, so that it takes no other with it: then at most one is returned,
  /// and none while that one is processing. \retval kConflict if the lease is lost
  virtual arrow::Result<std::vector<InputFileRecord>> ClaimInputs(const std::string& pipeline,
                                                                  const std::string& source,
                                                                  const Fence& fence,
                                                                  int64_t limit) = 0;
  /// A failed attempt: back to to_process with reason and back-off, after 3 attempts failed.
  /// \retval kConflict if the input is not processing under the fence
  virtual arrow::Status FailInput(int64_t partition_id, const Fence& fence,
                                  const std::string& reason, bool is_retryable) = 0;
  /// Best when the file was read to its end, where the hash costs nothing. Empty: the file is gone
  /// and can never be hashed; another of its size and head then counts as the same if this one was
  /// read, as another one if it was not.
  virtual arrow::Status SetInputFullHash(int64_t partition_id, const std::string& full_hash) = 0;
  virtual arrow::Result<std::vector<InputFileRecord>> Inputs(const WorkQuery& query) = 0;
  virtual arrow::Result<WorkCounts> InputCounts(const std::string& pipeline) = 0;
  /// failed -> to_process with attempts 0. \return how many (inputs and data files)
  virtual arrow::Result<int64_t> Retry(const WorkQuery& query) = 0;

  // --- Tables and data files
  // ----------------------------------------------------------------------
  /// The metadata location, or nullopt if there is no such table.
  virtual arrow::Result<std::optional<std::string>> TablePointer(const std::string& table_key) = 0;
  /// All tables at one instant: the seq and the pointers.
  virtual arrow::Result<CatalogView> Catalog() = 0;
  virtual arrow::Result<std::vector<TableCommitRecord>> TableCommits(const std::string& table_key,
                                                                     int64_t after_seq) = 0;
  /// After a foreign commit: records the files and counts that the table watcher read.
  virtual arrow::Status RecordForeignCommit(const std::string& metadata_location,
                                            const PointerSwap& what_it_did) = 0;
  virtual arrow::Result<std::vector<DataFileRecord>> DataFiles(const WorkQuery& query) = 0;
  /// Moves the pending files to processing under the lease, all or none; false if one is not
  /// pending, is removed or waits for its back-off. \retval kConflict if the lease is lost
  virtual arrow::Result<bool> ClaimDataFiles(const std::vector<int64_t>& ids,
                                             const Fence& fence) = 0;
  virtual arrow::Status FailDataFiles(const std::vector<int64_t>& ids, const Fence& fence,
                                      const std::string& reason) = 0;
  /// Gives back data files that an older epoch of the lease left in processing.
  virtual arrow::Result<int64_t> ReclaimDataFiles(const Fence& fence) = 0;
  virtual arrow::Result<WorkCounts> DataFileCounts(const std::string& table_key) = 0;
  /// Foreign commits without counts, oldest first.
  virtual arrow::Result<std::vector<ForeignCommitRecord>> UnreadForeignCommits(int64_t limit) = 0;
  virtual arrow::Result<TableRowCounts> RowCounts(const std::string& table_key) = 0;
  /// (snapshot id, seq) of each commit that made one of the snapshots current; pruned ones lack.
  virtual arrow::Result<std::vector<std::pair<int64_t, int64_t>>> SnapshotSeqs(
      const std::string& table_key, const std::vector<int64_t>& snapshot_ids) = 0;
  /// Of the paths, those that no data file ever had (as far as rows are not pruned).
  virtual arrow::Result<std::vector<std::string>> UnknownDataFiles(
      const std::vector<std::string>& paths) = 0;

  // --- Sinks ---------------------------------------------------------------------------------
  /// Of the table, or of all for an empty key; by sink.
  virtual arrow::Result<std::vector<DeliveryRecord>> Deliveries(const std::string& table_key) = 0;
  /// Adds or replaces the record. Another state or reason is an event of the change feed.
  virtual arrow::Status SetDelivery(const DeliveryRecord& delivery) = 0;
  virtual arrow::Status RemoveDelivery(const std::string& sink, const std::string& table_key) = 0;
  /// The data files behind the mark that a sink must get, in order of commits: without those of a
  /// *replace*, and none from the first foreign commit on that nobody has read yet.
  virtual arrow::Result<std::vector<DataFileRecord>> FilesToDeliver(const std::string& table_key,
                                                                    const DeliveryMark& mark,
                                                                    int64_t limit) = 0;
  virtual arrow::Result<DeliveryBacklog> Backlog(const std::string& table_key,
                                                 const DeliveryMark& mark) = 0;
  /// True if the mark is of this ledger's history and every file that is to be delivered behind it
  /// is still there. Call it when the delivery's record holds them.
  virtual arrow::Result<bool> CanFollow(const std::string& table_key, const DeliveryMark& mark) = 0;

  // --- Clean-up
  // -------------------------------------------------------------------------------------
  /// Removed data files that are not queued for unlinking and that every sink has, by removed_seq
  /// and id, behind the cursor.
  virtual arrow::Result<std::vector<DataFileRecord>> RemovedDataFiles(const std::string& table_key,
                                                                      const RemovedCursor& after,
                                                                      int64_t limit) = 0;
  virtual arrow::Status QueueUnlink(const std::vector<UnlinkRecord>& files) = 0;
  virtual arrow::Result<std::vector<UnlinkRecord>> DueUnlinks(int64_t limit) = 0;
  virtual arrow::Status RemoveUnlinks(const std::vector<std::string>& paths) = 0;
  /// Of the paths, those that wait in the queue, due or not.
  virtual arrow::Result<std::vector<std::string>> QueuedUnlinks(
      const std::vector<std::string>& paths) = 0;
  /// Finished rows of commit log, feed and inputs older than the limit; hashes are kept.
  virtual arrow::Status Prune(int64_t older_than_us) = 0;
  /// Writes a consistent, durable copy (VACUUM INTO). \retval kAlreadyExists
  virtual arrow::Status CopyTo(const std::string& path) = 0;
  /// Folds the write-ahead log into the file beside running commits; maintenance calls it every few
  /// seconds, so that no commit has to.
  virtual arrow::Status CheckpointWal() = 0;

  // --- The account, dead letters, feed
  // ------------------------------------------------------------
  virtual arrow::Result<std::vector<AccountRecord>> Account(const std::string& pipeline) = 0;
  virtual arrow::Result<std::vector<DeadLetterMark>> MarksAmong(
      const std::vector<std::string>& dead_letter_ids) = 0;
  /// All marks of commits up to the sequence number, by id.
  virtual arrow::Result<std::vector<DeadLetterMark>> Marks(int64_t seq_max) = 0;
  virtual arrow::Result<DeadLetterCounts> CountMarks(const std::string& pipeline) = 0;
  /// Events of commits after the seq, oldest first: at most `limit`, but the last commit's whole.
  virtual arrow::Result<std::vector<Event>> Feed(int64_t after_seq, int64_t limit) = 0;
  virtual arrow::Result<std::vector<Checkpoint>> Checkpoints(const std::string& pipeline,
                                                             const std::string& consumer) = 0;
  virtual arrow::Result<std::string> LedgerUuid() = 0;
  /// Integrity and cross checks of the ledger alone. \return one sentence for each violation
  virtual arrow::Result<std::vector<std::string>> CheckInvariants() = 0;
};

}  // namespace catchwater
