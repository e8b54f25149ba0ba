/// \file
/// What the ledger answers: rows of its tables as plain data.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catchwater/batch/batch.h"
#include "catchwater/batch/position.h"
#include "catchwater/ledger/commit_plan.h"
#include "catchwater/ledger/dead_letter_mark.h"

namespace catchwater {

/// Bytes of a file that InputFound::head_hash covers. A file that is not longer needs no full hash.
inline constexpr int64_t kInputHeadBytesMax = 64 << 10;

/// Reason of an input that is no failure but stays with it: its first bytes were taken before.
inline constexpr std::string_view kGrownInputReason = "File begins with what was read of it before";

struct LeaseRecord {
  std::string name;
  std::string owner;
  int64_t epoch = 0;
  int64_t expires_us = 0;
};

struct PartitionRecord {
  int64_t id = 0;
  PartitionKey key;
  std::string state;                          ///< open | finished | gone
  std::map<std::string, Position> positions;  ///< By consumer.
};

/// A file that a source found. The identity of its content is (byte_count, head_hash) while no
/// other file shares them, else with full_hash.
struct InputFound {
  PartitionKey key;  ///< name: the path; incarnation: empty, the ledger sets it to the identity.
  std::string path;
  int64_t byte_count = 0;
  std::string head_hash;
  std::optional<std::string> full_hash;
  int64_t created_us = 0;
  /// follow: identity is path and head hash; byte_count is not compared, more bytes reopen the
  /// file. head_hash must cover only bytes that stay as the file grows, e.g. its first line.
  bool is_growing = false;
  /// After kMayContinue: the input whose content this one begins with and whose reading it goes on
  /// with; 0: none.
  std::optional<int64_t> continues;
  std::string reason;  ///< Of a new row: what is to be said of it from the beginning.
};

struct InputRegistered {
  enum class Result {
    kNew,
    kKnown,          ///< The same identity is there already: its id.
    kNeedsFullHash,  ///< Size and head match another input: call again with full_hash.
    kMayContinue,    ///< A shorter content of the path was read: call again with continues.
  };
  /// A content of the path that was read to its end, or cannot be read further.
  struct Shorter {
    int64_t partition_id = 0;
    int64_t byte_count = 0;
    std::string full_hash;
    bool is_done = false;  ///< Read to its end: nothing goes on with it.
  };
  Result result = Result::kNew;
  int64_t partition_id = 0;
  /// kNeedsFullHash: inputs without a full hash whose own file must be hashed first, with paths.
  std::vector<std::pair<int64_t, std::string>> hash_first;
  Shorter shorter;  ///< kMayContinue.
};

struct InputFileRecord {
  int64_t partition_id = 0;
  std::string pipeline;
  std::string source;
  std::string name;
  std::string path;
  int64_t byte_count = 0;
  std::string head_hash;
  std::string full_hash;
  WorkState state = WorkState::kToProcess;
  int attempts = 0;
  std::string lease;
  int64_t epoch = 0;
  std::string reason;
  std::vector<std::string> entities;  ///< Up to 100; then the last is "+N".
  std::optional<int64_t> event_us_min;
  std::optional<int64_t> event_us_max;
  int64_t created_us = 0;
  std::optional<int64_t> started_us;
  std::optional<int64_t> finished_us;
  int64_t not_before_us = 0;  ///< to_process: the back-off ends then.
  bool is_growing = false;
};

struct DataFileRecord {
  int64_t id = 0;
  std::string table_key;
  DataFile file;
  int64_t added_seq = 0;
  int64_t ordinal = 0;   ///< Within its commit.
  std::string added_by;  ///< The operation: append, replace, foreign.
  std::optional<int64_t> removed_seq;
  WorkState state = WorkState::kToProcess;
  int attempts = 0;
  std::string lease;
  int64_t epoch = 0;
  std::string reason;
  int64_t added_us = 0;  ///< When its commit was made.
  std::optional<int64_t> finished_us;
  int64_t not_before_us = 0;  ///< to_process: the back-off ends then.
};

struct WorkQuery {
  std::string pipeline;   ///< Empty: all.
  std::string table_key;  ///< Empty: all.
  std::optional<WorkState> state;
  std::string path_contains;
  bool live_only = false;  ///< Data files: not removed.
  int64_t limit = 10'000;
  bool due_only = false;                      ///< Without those whose back-off is not over.
  std::optional<int64_t> event_us_max_below;  ///< Data files: all their event times are earlier.
};

struct WorkCounts {
  int64_t to_process = 0, processing = 0, done = 0, failed = 0;
  int64_t replaced = 0;    ///< Inputs that failed, whose file has another content by now.
  int64_t open_bytes = 0;  ///< Of files that are to_process or processing.
};

struct CatalogView {
  int64_t seq = 0;
  std::map<std::string, std::string> metadata_location;  ///< By table_key.
};

struct TableCommitRecord {
  int64_t seq = 0;
  std::string commit_id;
  std::string actor;
  int64_t at_us = 0;
  std::string metadata_location;
  std::string operation;
  std::optional<int64_t> snapshot_id;
  std::optional<int64_t> rows_added;
  std::optional<int64_t> rows_removed;
};

struct UnlinkRecord {
  std::string path;
  std::string table_key;
  int64_t not_before_us = 0;
  int64_t data_file_id = 0;  ///< Not 0: QueueUnlink notes in this data file that it did.
};

/// Where a page of RemovedDataFiles ended.
struct RemovedCursor {
  int64_t removed_seq = 0;
  int64_t id = 0;
};

/// A commit of another program whose files and counts nobody has read yet.
struct ForeignCommitRecord {
  int64_t seq = 0;
  std::string table_key;
  std::string metadata_location;
  /// Of the table's commit before; nullopt: the other program made the table.
  std::optional<std::string> previous_location;
};

/// Sums over all commits of a table, those that were pruned too.
struct TableRowCounts {
  int64_t rows_added = 0;
  int64_t rows_removed = 0;
  int64_t foreign_rows_added = 0;    ///< Part of rows_added; of commits that are not pruned.
  int64_t foreign_rows_removed = 0;  ///< Part of rows_removed likewise.
  int64_t foreign_commits = 0;
  int64_t unread_commits = 0;  ///< Of other programs, with counts that are not known yet.
};

struct AccountRecord {
  int64_t partition_id = 0;
  std::string consumer;
  Bucket bucket = Bucket::kRows;
  std::string reason;
  int64_t row_count = 0;
};

}  // namespace catchwater
