/// \file
/// Decides with the ledger which of a source's partitions this pipeline reads, and from where.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/clock.h"
#include "catchwater/component/source.h"
#include "catchwater/ledger/ledger.h"
#include "catchwater/pipeline/partition_book.h"
#include "catchwater/telemetry/telemetry.h"

namespace catchwater {

class PartitionLeases;

struct IntakeOptions {
  std::string pipeline;
  std::string source;
  std::string consumer;  ///< "lake", or the name of a stream app.
  Fence fence;
  int64_t open_inputs_max = 16;
  /// Of a source whose partitions are shared by a group; null: the pipeline's lease covers all.
  PartitionLeases* leases = nullptr;
  Telemetry* telemetry = nullptr;  ///< Null: nothing is told.
};

/// Owned by the feeder's thread.
class Intake {
 public:
  /// ledger null: a pipeline without durable positions; everything is read from its beginning.
  Intake(IntakeOptions options, Source& source, Ledger* ledger, const Clock& clock,
         PartitionBook& book);

  /// Asks the source what exists and records new input files.
  arrow::Status Discover();
  /// Opens what may be read now. \return how many partitions were opened
  arrow::Result<int64_t> OpenWhatMayBeRead();
  /// A bounded partition was read to its end.
  arrow::Status Ended(int64_t partition_id);
  /// A partition cannot be read further; what was read of it is committed already.
  arrow::Status Failed(const PartitionFailed& failure);
  /// The partitions go to another member; what was read of them is committed already.
  arrow::Status Revoked(const PartitionsRevoked& revoked);
  /// A partition on offer is still held by another member: it is worth trying again soon.
  bool is_waiting() const { return is_waiting_; }
  /// What the ledger is to be told with the next commit.
  std::vector<Event> TakeEvents() { return std::exchange(events_, {}); }

 private:
  arrow::Result<int64_t> OpenUnmanaged(const Offer& offer);
  /// \return true if the partition was known with another incarnation
  bool NoteIncarnation(const Offer& offer);
  arrow::Status NoteFinished();
  arrow::Status RegisterFile(const Offer& offer);
  void NoteGrown(const InputFileFacts& file, int64_t read_bytes, InputFound* found);
  arrow::Status HashOthers(const InputRegistered& registered, const InputFileFacts& alike);
  arrow::Result<bool> MayTakeInputs();
  arrow::Result<int64_t> ClaimAndOpenInputs();
  PartitionCopy CopyOf(int64_t partition_id, const Offer& offer) const;
  /// Where the content of an input lies now: under its name, or under another since it was moved.
  const Offer* FindOffer(const InputFileRecord& input) const;
  arrow::Status OpenAt(int64_t partition_id, const Offer& offer, const Position& at,
                       std::optional<Fence> fence = std::nullopt);

  const IntakeOptions options_;
  Source& source_;
  Ledger* const ledger_;
  const Clock& clock_;
  PartitionBook& book_;

  std::map<std::string, Offer> offers_;  ///< Of the last Discover, by name.
  /// Files that are in the ledger already: path, bytes, modified, inode.
  std::set<std::tuple<std::string, int64_t, int64_t, uint64_t>> registered_;
  /// Names under which the content of an input was seen last, by partition.
  std::map<int64_t, std::string> seen_as_;
  std::set<std::string> opened_unmanaged_;  ///< Names of partitions that are not input files.
  /// Name and incarnation of partitions that were read to their end by an earlier run.
  std::set<std::pair<std::string, std::string>> finished_;
  bool is_finished_noted_ = false;
  bool is_waiting_ = false;
  std::map<std::string, std::string> incarnations_;  ///< The newest that is known, by name.
  std::vector<Event> events_;
  int64_t next_local_id_ = 1;  ///< Without a ledger.
};

}  // namespace catchwater
