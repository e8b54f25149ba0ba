/// \file
/// Seam: where records come from.
///
/// The protocol, all calls from the source's one thread:
///   Check -> { Discover -> (the pipeline asks the ledger) -> Open ... -> Next* } -> Close.
/// The pipeline calls Discover at the start and again every `discover_interval_ms`. It opens the
/// partitions that it may take, with the position that the ledger holds. Next returns blocks of
/// opened partitions. After a commit, Acknowledge says up to where.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/error.h"
#include "catchwater/batch/batch.h"
#include "catchwater/batch/position.h"

namespace catchwater {

/// Facts about an input file, for its row in the ledger.
struct InputFileFacts {
  std::string path;
  int64_t byte_count = 0;
  std::string head_hash;  ///< Of the first 64 KiB and the identity attributes: cheap to compute.
  int64_t modified_us = 0;
  uint64_t inode = 0;
};

/// A partition that exists now. For files name = path and incarnation = "" until it is taken.
struct Offer {
  std::string name;
  std::string incarnation;
  std::shared_ptr<const Attributes> attributes;
  std::optional<InputFileFacts> file;
  /// The partition has an end (a file that does not grow); otherwise it stays open.
  bool is_bounded = true;
};

/// Nothing now; ask again.
struct NotYet {
  bool is_caught_up = true;  ///< False: more is known to be there already.
};
/// A bounded partition is read to its end.
struct PartitionEnd {
  int64_t partition_id = 0;
};
struct SourceEnd {};  ///< Nothing will ever come again.
/// A partition cannot be read (e.g. a truncated gzip): what was delivered before stays.
struct PartitionFailed {
  int64_t partition_id = 0;
  std::string reason;
  bool is_retryable = true;
};
/// The partition goes on at `to` though no frame lies between: where reading starts at all, marks
/// that are no records, or records that are gone (frames_lost > 0, said in the ledger).
struct Skip {
  int64_t partition_id = 0;
  Position to;
  int64_t frames_lost = 0;
  std::string reason;
};
/// Group sources: the partitions go to another member. The pipeline commits what was read of them
/// and lets them go; when it calls Next again the source may give them away.
struct PartitionsRevoked {
  std::vector<int64_t> partition_ids;
};
struct OffersChanged {};  ///< Discover would return something else now.
using NextResult = std::variant<Block, NotYet, PartitionEnd, PartitionFailed, SourceEnd, Skip,
                                PartitionsRevoked, OffersChanged>;

/// When pending input files may be taken: once there are min_files of them, or once one of them has
/// waited for max_age_ms. The pipeline decides with the ledger.
struct TakePolicy {
  int64_t min_files = 1;
  int64_t max_age_ms = 0;
};

/// Token of a position without rows: the partition's name was known, with another incarnation, so
/// all of this one is new.
inline constexpr std::string_view kNewIncarnation = "anew";

/// One thread at a time.
class Source {
 public:
  virtual ~Source() = default;

  /// Tests that the source can be reached, without consuming anything.
  virtual arrow::Status Check() = 0;

  /// Returns the partitions that exist now, in the order in which they should be taken.
  virtual arrow::Result<std::vector<Offer>> Discover() = 0;

  /// Returns the hash of the whole content, for an offer whose head hash and size match one that
  /// was taken before. Files only.
  virtual arrow::Result<std::string> FullHash(const Offer& offer) {
    return Internal("Only files have a content hash, partition: ", offer.name);
  }

  /// Begins to deliver a partition from the position on. What is wrong with this one partition (it
  /// vanished, may not be read) is told by Next as PartitionFailed, so that the others go on.
  virtual arrow::Status Open(const Offer& offer, int64_t partition_id,
                             const Position& resume_at) = 0;

  /// Returns the next block of any open partition. May wait up to `linger` (1 ms), not longer.
  /// Ranges of a partition follow each other without gaps; only the first may begin behind the
  /// position that the partition was opened at (the header of a file is no frame).
  /// SourceEnd: all open partitions are ended and Discover will offer no others; Open may still be
  /// called for offers that wait.
  virtual arrow::Result<NextResult> Next(std::stop_token stop) = 0;

  /// Called before a frontier is drawn. \retval kConflict if what was delivered is not of the
  /// partitions as they were opened (a topic was deleted and made anew): it is abandoned, and all
  /// is opened again
  virtual arrow::Status Confirm() { return arrow::Status::OK(); }

  /// Everything before the position is committed. Called after the commit.
  virtual arrow::Status Acknowledge(int64_t partition_id, const Position& position) = 0;

  virtual arrow::Status Close() = 0;

  /// How often to call Discover; 0: only once.
  virtual int64_t discover_interval_ms() const = 0;

  virtual TakePolicy take_policy() const { return {}; }

  /// Partitions that the last Discover saw but did not offer yet, e.g. a file that is still being
  /// written. Not idle while there are any.
  virtual int64_t pending_count() const { return 0; }

  /// Why the last Check or Discover found nothing, in the words of the settings, for one who
  /// mistyped a path. Empty: there is something, or that there is nothing is no wonder.
  virtual std::string nothing_found() const { return ""; }

  /// Tells before the first Discover which attributes the pipeline's columns use: their values are
  /// part of a file's identity, so that a copy for another sensor is taken and a mere copy is not.
  virtual void SetIdentityAttributes(std::vector<std::string> names) { static_cast<void>(names); }

  /// Tells before the first Discover which parts of a message the pipeline's columns use: the
  /// columns of Block::frame_columns.
  virtual void SetFrameColumns(std::vector<std::string> names) { static_cast<void>(names); }
};

}  // namespace catchwater
