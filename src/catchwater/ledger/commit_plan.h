/// \file
/// A commit as plain data. The ledger knows no Iceberg; lake fills PointerSwap, pipeline and job
/// the rest. Source: docs/formats/ledger.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catchwater/batch/batch.h"
#include "catchwater/batch/position.h"

namespace catchwater {

enum class WorkState { kToProcess, kProcessing, kDone, kFailed };
/// "to_process", ... as stored.
std::string_view WorkStateName(WorkState state);

/// The lease row must still have our epoch: the first statement after the clock.
struct Fence {
  std::string lease;
  int64_t epoch = 0;
};

struct DataFile {
  std::string path;           ///< As in the manifest: `file:///...`.
  std::string partition_key;  ///< e.g. `ts_day=2026-01-02`, empty if not partitioned.
  int tier = 0;  ///< Size tier, see docs/formats/ledger.md; -1: of target size, no work.
  int64_t row_count = 0;
  int64_t byte_count = 0;
  std::optional<int64_t> event_us_min;
  std::optional<int64_t> event_us_max;
};

/// Compare-and-set of one table's metadata pointer. expected empty: the table is created.
struct PointerSwap {
  std::string table_key;  ///< `namespace.name`
  std::string expected;
  std::string next;
  std::string operation;  ///< append | replace | overwrite | delete | metadata
  int64_t snapshot_id = 0;
  int schema_id = 0;
  int64_t rows_added = 0;
  int64_t rows_removed = 0;
  std::vector<DataFile> added;
  std::vector<std::string> removed;  ///< Paths of data files that this commit removes.
};

/// Compare-and-set of a consumer's position, from -> to.
struct PositionAdvance {
  Range range;
  std::string consumer;      ///< "lake", or the name of a stream app.
  bool is_finished = false;  ///< The partition is bounded and `to` is its end.
};

/// Compare-and-set of a work file on state, lease and epoch.
struct WorkMove {
  enum class Kind { kInput, kData };
  Kind kind = Kind::kInput;
  int64_t id = 0;  ///< kInput: partition id; kData: data_file id.
  WorkState from = WorkState::kProcessing;
  WorkState to = WorkState::kDone;
  std::string lease;
  int64_t epoch = 0;
  std::string reason;
  /// kInput: entities (sensors) and the range of event times, merged into the row.
  std::vector<std::string> entities;
  std::optional<int64_t> event_us_min;
  std::optional<int64_t> event_us_max;
};

struct Checkpoint {
  std::string pipeline;
  std::string consumer;
  std::string shard;
  std::string meaning;
  std::vector<std::string> files;
  std::optional<int64_t> watermark_us;
};

/// One line of the account that this commit adds.
struct RowAccount {
  int64_t partition_id = 0;
  std::string consumer;
  std::string reason;
  Bucket bucket = Bucket::kRows;
  int64_t row_count_added = 0;
};

struct Event {
  std::string kind;
  std::string object;
  std::string body_json;
  int64_t seq = 0;  ///< Set by the ledger: Feed(after_seq) goes on from here.
};

/// All or nothing. Every file that it refers to is already durable.
struct CommitPlan {
  std::string id;     ///< A UUID, also in the snapshot summary `catchwater.commit-id`.
  std::string actor;  ///< e.g. `pipeline/sensors`, `compact/sensors.readings`.
  std::vector<Fence> fences;
  std::vector<PointerSwap> tables;  ///< Sorted by table_key.
  std::vector<PositionAdvance> positions;
  std::vector<WorkMove> work;
  std::vector<Checkpoint> state;
  std::vector<RowAccount> account;
  std::vector<std::string> replayed;  ///< Dead letter ids that this commit replays.
  std::vector<Event> events;
  std::vector<std::string> discarded;  ///< Dead letter ids that this commit gives up.
};

struct Receipt {
  int64_t seq = 0;  ///< Order of visibility, over all tables.
  int64_t committed_us = 0;
};

enum class Outcome {
  kCommitted,
  kPointerMoved,   ///< Rebase manifest list and metadata; same id, same data files; again.
  kPositionMoved,  ///< Abandon the rows, reopen from the ledger. Never retry.
  kFenced,         ///< Abandon and stop: the lease is lost.
  kWorkMoved,      ///< Abandon this work only.
  kUnknown,        ///< Delete nothing; Settle.
};
std::string_view OutcomeName(Outcome outcome);

}  // namespace catchwater
