/// \file
/// The commits that made a table, as its manifest lists tell them: for a ledger that was lost.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/lake/catalog.h"
#include "catchwater/ledger/lost_commit.h"

namespace catchwater {

struct CommitChain {
  /// Oldest first, of the commits that this table has the notes of.
  std::vector<LostCommit> notes;
  std::set<std::string> commit_ids;
  /// The newest commit; empty: another program's, or none.
  std::string head_commit_id;
  /// If it changed several tables: it stands only if all of them have it.
  std::vector<std::string> head_tables;
  /// False: a manifest list between the ledger's last snapshot and the newest is gone.
  bool is_complete = true;
};

/// Walks from the current snapshot back to the first one that the ledger knows a commit of, or to
/// the table's first.
arrow::Result<CommitChain> ReadCommitChain(Lake& lake, const TableState& table);

}  // namespace catchwater
