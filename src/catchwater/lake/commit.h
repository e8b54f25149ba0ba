/// \file
/// Makes rows visible: builds snapshots and lets the ledger commit them with everything else of the
/// plan, all or nothing.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/lake/catalog.h"
#include "catchwater/lake/partition_writer.h"
#include "catchwater/lake/table_change.h"
#include "catchwater/ledger/commit_plan.h"
#include "catchwater/ledger/lost_commit.h"
#include "catchwater/ledger/records.h"

namespace catchwater {

/// Data files for one table. Without files the table gets no snapshot.
struct TableAppend {
  std::string table_key;
  std::vector<WrittenFile> files;
  std::string positions_json;  ///< Becomes property `catchwater.positions`; empty: unchanged.
};

struct CommitRequest {
  CommitPlan plan;                        ///< `tables` empty: the committer fills them in.
  std::vector<TableAppend> appends;       ///< Each table once, over appends and changes.
  std::vector<TableChange*> changes;      ///< Borrowed: other kinds of change. Not null.
  std::vector<PartitionCopy> partitions;  ///< That the plan speaks of, for a rebuild.
};

struct CommitResult {
  Outcome outcome = Outcome::kUnknown;  ///< Never kUnknown; kPointerMoved: attempts used up.
  Receipt receipt;                      ///< If kCommitted.
  /// The tables of the commit as they are after it, by key; if kCommitted.
  std::map<std::string, std::shared_ptr<const TableState>> tables;
  int attempts = 0;
};

/// One thread at a time; all commits of a table in a process go through one of these.
class Committer {
 public:
  explicit Committer(Lake& lake) : lake_(lake) {}
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  /// kPointerMoved is rebased and tried again, kUnknown is settled. On any other outcome than
  /// kCommitted the data files of `appends` are the caller's again (RemoveWritten); metadata that
  /// was written is gone.
  /// \retval kCommitUnknown if the ledger could not even settle: delete nothing
  /// \retval kNotFound if a table does not exist; any other kind: nothing was committed
  arrow::Result<CommitResult> Commit(CommitRequest request);

  /// Hands superseded metadata files to the ledger's unlink queue now; else every
  /// kSupersededMax-th file and at the end of this object.
  arrow::Status QueueSuperseded() { return QueueSuperseded(/*count_min=*/1); }

 private:
  struct Attempt;
  arrow::Status Prepare(const std::vector<TableChange*>& changes, const std::string& note,
                        Attempt& attempt);
  arrow::Status WriteNote(const std::string& note, Attempt& attempt);
  arrow::Result<Outcome> Ask(const CommitPlan& plan, Receipt& receipt);
  void Finish(Attempt attempt, CommitResult& result);
  arrow::Status QueueSuperseded(size_t count_min);
  void Drop(const Attempt& attempt);

  // Of four equal rivals one loses three times of four; 20 attempts were used up now and then.
  static constexpr int kAttemptsMax = 100;
  static constexpr size_t kSupersededMax = 64;
  static constexpr size_t kForgottenMax = 10'000;

  Lake& lake_;
  std::vector<UnlinkRecord> superseded_;  // Not yet queued; at most kForgottenMax and a commit's.
};

}  // namespace catchwater
