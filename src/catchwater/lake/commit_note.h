/// \file
/// What a commit did beside its tables, kept in the header of its manifest list, so that a ledger
/// that was lost can be made again from the lake. The file is written and synced in any case, so
/// this costs no further sync; it stays until a copy of the ledger has the commit. A commit without
/// a snapshot has a file for it (lake/note_files.h).
/// Source: docs/formats/lake.md, notes of a commit.
#pragma once

#include <string>
#include <string_view>

#include <arrow/result.h>

#include "catchwater/ledger/commit_plan.h"
#include "catchwater/ledger/lost_commit.h"

namespace catchwater {

/// Header keys of a manifest list.
inline constexpr char kCommitIdNote[] = "catchwater.commit-id";
inline constexpr char kTablesNote[] = "catchwater.tables";  ///< If the commit changes several.
inline constexpr char kCommitNote[] = "catchwater.commit";  ///< In the first of its tables.

/// True if the plan does something that the tables do not tell themselves.
bool NeedsNote(const CommitPlan& plan);

/// The note of a commit as JSON.
std::string MakeCommitNote(const LostCommit& commit);

/// \retval kBadData if it is no such note
arrow::Result<LostCommit> ReadCommitNote(std::string_view json);

}  // namespace catchwater
