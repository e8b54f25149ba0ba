/// \file
/// One table's part of a commit, rebuilt on top of whatever the table is by then. Append, replace,
/// delete, expiry and schema changes are each one of these.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/lake/catalog.h"
#include "catchwater/ledger/commit_plan.h"
#include "catchwater/ledger/records.h"

namespace catchwater {

/// A manifest list that no snapshot needs any more is kept so long: until a copy of the ledger,
/// taken every ten minutes, has what it notes (lake/commit_note.h).
inline constexpr int64_t kNotesKeptUs = 1'500'000'000;

/// What all changes of one commit share.
struct CommitStamp {
  std::string commit_id;
  std::string actor;
  std::string lease;  ///< Of the plan's first fence, with its epoch: part of new names.
  int64_t epoch = 0;
  int64_t now_us = 0;
  /// Keys for the header of the manifest list (lake/commit_note.h).
  std::map<std::string, std::string> notes = {};
};

/// What a change became on one base. All files that `swap` refers to are durable.
struct PreparedChange {
  PointerSwap swap;
  std::shared_ptr<const TableState> next;
  std::vector<std::string> written_paths;  ///< Removed again if this attempt is certainly lost.
  std::vector<UnlinkRecord> superseded;    ///< Queued for unlinking once committed.
};

/// One thread at a time.
class TableChange {
 public:
  virtual ~TableChange() = default;
  virtual const std::string& table_key() const = 0;
  /// Builds manifests, list and metadata on `base` (null: the table does not exist). Called again
  /// with a newer base when the pointer moved. nullopt: nothing to do on this base.
  /// \retval kConflict if it cannot be rebased (a replaced file is gone)
  virtual arrow::Result<std::optional<PreparedChange>> Prepare(
      const std::shared_ptr<const TableState>& base, const CommitStamp& stamp) = 0;
};

}  // namespace catchwater
