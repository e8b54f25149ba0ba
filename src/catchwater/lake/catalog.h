/// \file
/// The tables of a warehouse folder, found through the ledger.
///
/// Invariants:
/// 1. The ledger's pointer is the only truth of what a table is; a TableState is one such instant.
/// 2. Metadata files are immutable, so a state is cached by its location for ever.
/// Source: docs/formats/lake.md.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <arrow/result.h>
#include <arrow/type.h>

#include "catchwater/base/clock.h"
#include "catchwater/base/random.h"
#include "catchwater/io/files.h"
#include "catchwater/lake/iceberg/metadata.h"
#include "catchwater/lake/manifest_cache.h"
#include "catchwater/lake/table_spec.h"
#include "catchwater/ledger/ledger.h"

namespace catchwater {

/// One table at one instant. Immutable; any thread.
struct TableState {
  std::string table_key;
  std::string location;  ///< Of the metadata file: `file:///...metadata.json`.
  std::shared_ptr<const TableMetadata> metadata;
  std::shared_ptr<arrow::Schema> schema;  ///< The current one, with PARQUET:field_id on each field.
  std::string event_time_column;          ///< Property `catchwater.event-time`; may be empty.

  int64_t record_count() const;     ///< total-records of the current snapshot, 0 without one.
  int64_t data_file_count() const;  ///< total-data-files of the current snapshot.
};

struct SnapshotLadder {
  int64_t all_ms = 5 * 60'000;            ///< Younger than this: every snapshot.
  int64_t by_minute_ms = 3'600'000;       ///< Then the last of each minute, up to this age.
  int64_t by_hour_ms = 7 * 86'400'000LL;  ///< Then the last of each hour; older ones go.
  int64_t count_max = 300;                ///< The youngest; tags and branches are kept besides.
};

struct LakeOptions {
  std::string warehouse;  ///< Absolute folder or `s3://bucket/prefix`, of `<namespace>/<name>`.
  SnapshotLadder ladder;
  int metadata_log_max = 20;               ///< Older metadata files that are kept.
  int64_t metadata_grace_us = 60'000'000;  ///< A superseded metadata file may be read so long.
  int64_t unlink_grace_us = 600'000'000;   ///< Expired lists, manifests and data files likewise.
  int64_t target_file_bytes = 128LL << 20;
};

/// Any thread.
class Lake {
 public:
  /// Makes the warehouse folder. \retval kConfig if the path is not absolute
  static arrow::Result<std::unique_ptr<Lake>> Open(Files& files, Ledger& ledger, const Clock& clock,
                                                   Random random, LakeOptions options);

  /// The table as the ledger points to it now. \retval kNotFound, kBadData
  arrow::Result<std::shared_ptr<const TableState>> LoadTable(const std::string& table_key);
  /// The table as of a metadata location, from the cache or the disk.
  arrow::Result<std::shared_ptr<const TableState>> LoadAt(const std::string& table_key,
                                                          const std::string& location);

  /// Creates the table, or brings it to the spec: adds columns (nullable), widens int32 -> int64,
  /// float32 -> float64 and decimals, changes partitioning, sort order and properties for files to
  /// come. Columns of the table that the spec lacks stay. The commit fences `fences`.
  /// \retval kConfig naming column and both types if the schemas do not go together; kConflict if a
  /// fence is lost
  arrow::Result<std::shared_ptr<const TableState>> EnsureTable(const TableSpec& spec,
                                                               const std::string& actor,
                                                               const std::vector<Fence>& fences);

  /// Remembers a state that a commit made, so that nobody reads it back from disk.
  void Remember(std::shared_ptr<const TableState> state);

  std::string NewUuid();
  int64_t NewSnapshotId();  ///< Positive, random.
  uint64_t NewRandom();

  Files& files() { return files_; }
  Ledger& ledger() { return ledger_; }
  const Clock& clock() const { return clock_; }
  const LakeOptions& options() const { return options_; }
  ManifestCache& manifests() { return manifests_; }
  /// `<warehouse>/<namespace>/<name>`, a path without scheme.
  std::string TableFolder(std::string_view table_key) const;

 private:
  Lake(Files& files, Ledger& ledger, const Clock& clock, Random random, LakeOptions options);

  Files& files_;
  Ledger& ledger_;
  const Clock& clock_;
  const LakeOptions options_;
  ManifestCache manifests_;
  std::mutex mutex_;  // Guards what follows.
  Random random_;
  std::map<std::string, std::shared_ptr<const TableState>> newest_;  // By table key.
};

/// Property names that are ours.
inline constexpr char kPositionsProperty[] = "catchwater.positions";
inline constexpr char kEventTimeProperty[] = "catchwater.event-time";

/// Makes the state of a parsed metadata file.
arrow::Result<std::shared_ptr<const TableState>> MakeTableState(
    std::string table_key, std::string location, std::shared_ptr<const TableMetadata> metadata);

/// `file:///a/b` -> `/a/b`; others and `s3://` stay, `s3a://` -> `s3://`. \retval kConfig
arrow::Result<std::string> PathOfUri(std::string_view uri);
std::string UriOfPath(std::string_view path);

}  // namespace catchwater
