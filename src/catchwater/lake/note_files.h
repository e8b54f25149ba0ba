/// \file
/// Notes of commits that made no snapshot, so that no manifest list could carry them: a small file
/// each, `<warehouse>/.ledger/commits/<microseconds>-<commit id>.json`. They go with the next copy
/// of the ledger. Source: docs/formats/lake.md, notes of a commit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/io/files.h"
#include "catchwater/ledger/lost_commit.h"

namespace catchwater {

struct NoteFile {
  std::string path;
  int64_t at_us = 0;
  std::string commit_id;
};

/// Writes and syncs it, its name included. \return its path
arrow::Result<std::string> WriteNoteFile(Files& files, const std::string& warehouse, int64_t at_us,
                                         const std::string& commit_id, std::string_view note);

/// Oldest first; none if there is no folder.
arrow::Result<std::vector<NoteFile>> ListNoteFiles(Files& files, const std::string& warehouse);

/// The commits of all of them; what cannot be read is told, in one sentence each.
arrow::Result<std::vector<LostCommit>> ReadNoteFiles(Files& files, const std::string& warehouse,
                                                     std::vector<std::string>* told);

/// Leaves in the list what may go: notes of commits that the ledger at the path, a copy, has, and
/// those that are so old that nobody can commit them any more.
arrow::Status KeepRemovable(const std::string& ledger_path, int64_t now_us,
                            std::vector<NoteFile>* notes);

}  // namespace catchwater
