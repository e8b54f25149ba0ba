/// \file
/// The steps that every change with a snapshot shares: ids, manifests, list, summary, expiry,
/// metadata. A change makes one builder per attempt and calls the steps in this order.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/fail_point.h"
#include "catchwater/lake/catalog.h"
#include "catchwater/lake/iceberg/manifest.h"
#include "catchwater/lake/table_change.h"
#include "catchwater/lake/unsynced_files.h"

namespace catchwater {

/// What a snapshot adds and removes.
struct SnapshotDelta {
  std::string operation = "append";  ///< append | replace | delete | overwrite
  int64_t added_files = 0, added_rows = 0, added_bytes = 0;
  int64_t removed_files = 0, removed_rows = 0, removed_bytes = 0;
  int64_t changed_partitions = 0;
};

/// The named steps of a kind of change, for drills.
struct SnapshotFailPoints {
  FailPoint manifest_written = FailPoint::kAppendManifestWritten;
  FailPoint manifest_list_written = FailPoint::kAppendManifestListWritten;
  FailPoint metadata_written = FailPoint::kAppendMetadataWritten;
};

/// One thread at a time. Lake, base and stamp are borrowed.
class SnapshotBuilder {
 public:
  SnapshotBuilder(Lake& lake, const TableState& base, const CommitStamp& stamp,
                  SnapshotFailPoints fail_points = {});
  /// Removes what was written if Finish did not succeed.
  ~SnapshotBuilder();
  SnapshotBuilder(const SnapshotBuilder&) = delete;
  SnapshotBuilder& operator=(const SnapshotBuilder&) = delete;

  int64_t snapshot_id() const { return snapshot_id_; }
  int64_t sequence_number() const { return sequence_number_; }

  /// The manifests of the base's current snapshot; empty without one.
  arrow::Result<std::vector<ManifestFile>> BaseManifests();

  /// Entries of a manifest as they are carried into a new one: live ones EXISTING with their
  /// numbers, deleted ones left out.
  arrow::Result<std::vector<ManifestEntry>> CarriedEntries(const ManifestFile& manifest);

  /// Writes a manifest of entries of one spec; Finish makes it durable. \return its list row
  arrow::Result<ManifestFile> WriteManifest(std::vector<ManifestEntry> entries, int32_t spec_id);

  /// Expires snapshots by the ladder, writes list and metadata. `properties` are set in the
  /// metadata. Afterwards the builder is used up.
  arrow::Result<PreparedChange> Finish(std::vector<ManifestFile> manifests,
                                       const SnapshotDelta& delta, const StringMap& properties);

 private:
  arrow::Result<StringMap> Summary(const SnapshotDelta& delta);
  arrow::Result<StringMap> BaseTotals();
  arrow::Status ExpireByLadder(TableMetadata& next, std::vector<UnlinkRecord>& superseded);
  std::string FolderPath() const;

  Lake& lake_;
  const TableState& base_;
  const CommitStamp& stamp_;
  const SnapshotFailPoints fail_points_;
  const int64_t snapshot_id_;
  const int64_t sequence_number_;
  const int64_t timestamp_ms_;
  const std::string uuid_;
  int64_t manifest_count_ = 0;
  std::vector<std::string> written_paths_;
  UnsyncedFiles unsynced_;
};

}  // namespace catchwater
