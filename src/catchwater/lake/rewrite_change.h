/// \file
/// Replaces or deletes whole data files: compaction (`replace`), retention (`delete`).
///
/// A manifest that holds one of the files is written anew: gone files DELETED, others EXISTING. A
/// commit that changes no rows to readers is a `replace`: its row counts balance.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catchwater/lake/partition_writer.h"
#include "catchwater/lake/snapshot_builder.h"
#include "catchwater/lake/table_change.h"

namespace catchwater {

struct RewriteRequest {
  std::string table_key;
  std::string operation;           ///< replace | delete
  std::set<std::string> removed;   ///< Paths as in the manifests; not empty.
  std::vector<WrittenFile> added;  ///< replace: the same rows in fewer files.
  SnapshotFailPoints fail_points;
};

/// The request is owned. One thread at a time.
class RewriteChange final : public TableChange {
 public:
  RewriteChange(Lake& lake, RewriteRequest request) : lake_(lake), request_(std::move(request)) {}

  const std::string& table_key() const override { return request_.table_key; }
  /// \retval kConflict if one of the files is gone, or the table has row-level deletes
  /// \retval kBadData if a replace would change the rows of the table
  arrow::Result<std::optional<PreparedChange>> Prepare(
      const std::shared_ptr<const TableState>& base, const CommitStamp& stamp) override;

 private:
  struct Rewritten;
  void GatherAdded(int64_t snapshot_id, Rewritten* rewritten) const;
  arrow::Status RewriteManifests(SnapshotBuilder& builder, Rewritten* rewritten) const;
  arrow::Status RewriteManifest(SnapshotBuilder& builder, const ManifestFile& manifest,
                                Rewritten* rewritten) const;

  Lake& lake_;
  const RewriteRequest request_;
};

}  // namespace catchwater
