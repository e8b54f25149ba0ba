/// \file
/// Makes a table, or changes it to what a TableSpec says, without touching data files.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <arrow/result.h>

#include "catchwater/lake/catalog.h"
#include "catchwater/lake/table_change.h"
#include "catchwater/lake/table_spec.h"
#include "catchwater/lake/unsynced_files.h"

namespace catchwater {

/// Metadata of a new table without snapshots. \pre CheckTableSpec is OK
arrow::Result<TableMetadata> NewTableMetadata(const TableSpec& spec, std::string table_uuid,
                                              std::string location, int64_t now_ms);

/// The metadata changed to fit the spec, or nullopt if it fits already. Field ids are never used
/// again; columns that the spec lacks stay, but may not be required.
/// \retval kConfig naming the column and both types if they do not go together
arrow::Result<std::optional<TableMetadata>> EvolveMetadata(const TableMetadata& base,
                                                           const TableSpec& spec);

/// The spec and lake are borrowed.
class EvolveChange final : public TableChange {
 public:
  EvolveChange(Lake& lake, const TableSpec& spec) : lake_(lake), spec_(spec) {}

  const std::string& table_key() const override { return spec_.table_key; }
  arrow::Result<std::optional<PreparedChange>> Prepare(
      const std::shared_ptr<const TableState>& base, const CommitStamp& stamp) override;

  /// True if the table is there and needs no change. Errors show in the commit.
  bool IsFulfilledBy(Lake& lake) const;

 private:
  Lake& lake_;
  const TableSpec& spec_;
};

/// Writes the metadata file that follows `base` (null: the first) and fills swap.table_key,
/// expected, next and schema_id, `next`, written_paths and the superseded metadata files. Used by
/// every change. `next` must have last_updated_ms set; its metadata log is advanced here. What the
/// metadata refers to and is not yet durable comes in `unsynced` and is synced with it.
arrow::Result<PreparedChange> WriteNextMetadata(Lake& lake, const std::string& table_key,
                                                const std::shared_ptr<const TableState>& base,
                                                TableMetadata next, const CommitStamp& stamp,
                                                UnsyncedFiles unsynced = {});

}  // namespace catchwater
