/// \file
/// Commits of a ledger that was lost, as the lake remembers them, made again in another one.
/// Source: docs/formats/ledger.md, rebuild.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/clock.h"
#include "catchwater/batch/position.h"
#include "catchwater/ledger/commit_plan.h"

namespace catchwater {

/// A source partition with what is known of its file: enough to find it again.
struct PartitionCopy {
  struct File {
    std::string path;
    int64_t byte_count = 0;
    std::string head_hash;
    std::string full_hash;  ///< Empty: not known yet.
    int64_t created_us = 0;
    bool is_growing = false;
  };
  int64_t id = 0;
  PartitionKey key;          ///< incarnation empty for a file: the ledger made it of its identity.
  std::optional<File> file;  ///< It is an input file.
};

/// A commit without what it did to tables, and the partitions that it speaks of.
struct LostCommit {
  int64_t at_us = 0;
  CommitPlan plan;
  std::vector<PartitionCopy> partitions;
};

/// Ids of notes that cannot have been committed: another one, a later one, moved a position from
/// the same place. Their programs ended between the note and the ledger.
std::set<std::string> OverruledCommits(const std::vector<const LostCommit*>& commits);

struct RestoredCommits {
  int64_t count = 0;  ///< That the ledger lacked.
  int64_t gaps = 0;   ///< Of them: those with nothing known of the commit just before.
};

/// Makes the commits again in the ledger at the path, each when the positions that it moves stand
/// where it moves them from: partitions with their ids, positions, work of input files, account,
/// checkpoints, dead letter marks. Nobody may be working with the ledger.
/// \retval kBadData if one does not fit to what the ledger has
arrow::Result<RestoredCommits> RestoreCommits(const std::string& path, const Clock& clock,
                                              const std::vector<LostCommit>& commits);

/// Which of the commits the ledger at the path has.
arrow::Result<std::set<std::string>> CommitsAmong(const std::string& path,
                                                  const std::vector<std::string>& ids);

}  // namespace catchwater
