/// \file
/// Which data files a snapshot has.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/lake/catalog.h"
#include "catchwater/lake/iceberg/manifest.h"

namespace catchwater {

/// A live entry: its numbers are filled in.
struct LiveFile {
  ManifestEntry entry;
  int32_t spec_id = 0;
};

/// The live data files of a snapshot (default: the current one), youngest manifest first. Manifests
/// that were read stay in the cache if they are small.
/// \retval kNotFound if the snapshot is not kept any more; kConfig if the snapshot has delete files
/// of another program, which we do not apply
arrow::Result<std::vector<LiveFile>> LiveFiles(Lake& lake, const TableState& table,
                                               std::optional<int64_t> snapshot_id = std::nullopt);

/// Streams the rows of data files as the table's current schema shows them, or of the given columns
/// of it in their order. Bounded: one row group at a time.
arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> ReadRows(
    Lake& lake, const TableState& table, const std::vector<LiveFile>& files,
    const std::vector<std::string>& columns = {});

/// The same for data files by their paths as manifests have them, all columns.
arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> ReadRows(
    Lake& lake, const TableState& table, const std::vector<std::string>& uris);

}  // namespace catchwater
