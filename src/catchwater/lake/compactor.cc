#include "catchwater/lake/compactor.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"
#include "catchwater/codec/parquet/parquet_reader.h"
#include "catchwater/lake/rewrite_change.h"
#include "catchwater/lake/sorted_merge.h"

namespace catchwater {
namespace {

constexpr int64_t kLeaseMs = 60'000;
constexpr int64_t kRenewUs = kLeaseMs * 1000 / 4;
constexpr int64_t kPendingMax = 100'000;

std::vector<SortTerm> SortTermsOf(const TableMetadata& metadata) {
  std::vector<SortTerm> terms;
  for (const SortField& field : metadata.sort_order().fields) {
    const IcebergField* source = metadata.schema().FieldById(field.source_id);
    if (source == nullptr || field.transform.kind != TransformKind::kIdentity) break;
    terms.push_back({.column = source->name, .is_descending = field.is_descending});
  }
  return terms;
}

/// The size at which the writer begins another file, so that the pieces are of one size near the
/// target: 130 MiB become one file, not one of 128 and one of 2.
int64_t PieceBytes(const MergeGroup& group, int64_t target_file_bytes) {
  int64_t byte_count = 0;
  for (const DataFileRecord& file : group.files) byte_count += file.file.byte_count;
  const int64_t pieces = (byte_count + target_file_bytes / 2) / target_file_bytes;
  if (pieces < 2) return std::numeric_limits<int64_t>::max() / 4;
  return byte_count / pieces + byte_count / pieces / 16;
}

}  // namespace

void CompactionReport::Merge(const CompactionReport& other) {
  merges += other.merges;
  files_in += other.files_in;
  files_out += other.files_out;
  rows += other.rows;
  bytes_in += other.bytes_in;
  bytes_out += other.bytes_out;
  failures += other.failures;
  is_disk_full |= other.is_disk_full;
  waits_us.insert(waits_us.end(), other.waits_us.begin(), other.waits_us.end());
  merges_us.insert(merges_us.end(), other.merges_us.begin(), other.merges_us.end());
}

Compactor::Compactor(Lake& lake, std::string owner, std::string spill_folder)
    : lake_(lake), owner_(std::move(owner)), spill_folder_(std::move(spill_folder)) {}

arrow::Result<std::vector<MergeGroup>> Compactor::Plan(const CompactionPolicy& policy) {
  WorkQuery query;
  query.table_key = policy.table_key;
  query.state = WorkState::kToProcess;
  query.live_only = true;
  query.due_only = true;
  query.limit = kPendingMax;
  ARROW_ASSIGN_OR_RAISE(auto pending, lake_.ledger().DataFiles(query));
  return PlanMerges(std::move(pending), policy, lake_.clock().NowMicros());
}

arrow::Result<bool> Compactor::HasCrashed(const std::string& table_key) {
  WorkQuery query;
  query.table_key = table_key;
  query.state = WorkState::kProcessing;
  query.limit = 1;
  ARROW_ASSIGN_OR_RAISE(const auto processing, lake_.ledger().DataFiles(query));
  return !processing.empty();
}

arrow::Result<bool> Compactor::HasRowDeletes(const std::string& table_key) {
  ARROW_ASSIGN_OR_RAISE(const auto table, lake_.LoadTable(table_key));
  const Snapshot* snapshot = table->metadata->current_snapshot();
  if (snapshot == nullptr) return false;
  ARROW_ASSIGN_OR_RAISE(const auto manifests, lake_.manifests().List(snapshot->manifest_list));
  return std::ranges::any_of(*manifests, [](const ManifestFile& manifest) {
    return manifest.is_deletes && manifest.live_files() > 0;
  });
}

arrow::Result<CompactionReport> Compactor::Run(const CompactionPolicy& policy,
                                               std::stop_token stop) {
  CompactionReport report;
  ARROW_ASSIGN_OR_RAISE(const auto planned, Plan(policy));
  if (planned.empty()) {
    ARROW_ASSIGN_OR_RAISE(const bool has_crashed, HasCrashed(policy.table_key));
    if (!has_crashed) return report;
  }
  const std::string lease = "compact/" + policy.table_key;
  ARROW_ASSIGN_OR_RAISE(const auto epoch, lake_.ledger().AcquireLease(lease, owner_, kLeaseMs));
  if (!epoch) return report;
  renewed_us_ = lake_.clock().NowMicros();
  const Fence fence{.lease = lease, .epoch = *epoch};
  const arrow::Status status = RunUnder(fence, policy, stop, &report);
  const arrow::Status released = lake_.ledger().ReleaseLease(lease, fence.epoch);
  ARROW_RETURN_NOT_OK(status);
  ARROW_RETURN_NOT_OK(released);
  return report;
}

arrow::Status Compactor::RunUnder(const Fence& fence, const CompactionPolicy& policy,
                                  std::stop_token stop, CompactionReport* report) {
  ARROW_RETURN_NOT_OK(Reach(FailPoint::kCompactLeased));
  ARROW_RETURN_NOT_OK(lake_.ledger().ReclaimDataFiles(fence).status());
  // Row-level deletes of another program would be lost in a merge.
  ARROW_ASSIGN_OR_RAISE(const bool has_row_deletes, HasRowDeletes(policy.table_key));
  if (has_row_deletes) return arrow::Status::OK();
  // Planned again under the lease: another worker may just have ended.
  ARROW_ASSIGN_OR_RAISE(const auto groups, Plan(policy));
  for (const MergeGroup& group : groups) {
    if (stop.stop_requested() || report->is_disk_full) break;
    const arrow::Status kept = KeepLease(fence);
    // Somebody else has it, and with it the rest of the work.
    if (!kept.ok() && KindOf(kept) == ErrorKind::kConflict) break;
    ARROW_RETURN_NOT_OK(kept);
    ARROW_RETURN_NOT_OK(Merge(policy, group, fence, report));
  }
  return arrow::Status::OK();
}

arrow::Status Compactor::KeepLease(const Fence& fence) {
  const int64_t now_us = lake_.clock().NowMicros();
  if (now_us - renewed_us_ < kRenewUs) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const bool is_ours,
                        lake_.ledger().RenewLease(fence.lease, fence.epoch, kLeaseMs));
  if (!is_ours) return Conflict("Lease is lost, name and epoch: ", fence.lease, ", ", fence.epoch);
  renewed_us_ = now_us;
  return arrow::Status::OK();
}

arrow::Status Compactor::Merge(const CompactionPolicy& policy, const MergeGroup& group,
                               const Fence& fence, CompactionReport* report) {
  std::vector<int64_t> ids;
  for (const DataFileRecord& file : group.files) ids.push_back(file.id);
  const int64_t claimed_us = lake_.clock().NowMicros();
  const auto claimed = lake_.ledger().ClaimDataFiles(ids, fence);
  if (!claimed.ok() && KindOf(claimed.status()) == ErrorKind::kConflict) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(claimed.status());
  if (!*claimed) return arrow::Status::OK();

  int64_t files_out = 0;
  int64_t bytes_out = 0;
  auto attempt = [&]() -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(const auto written, WriteMerged(policy, group, fence));
    for (const WrittenFile& file : written) bytes_out += file.data_file.byte_count;
    files_out = static_cast<int64_t>(written.size());
    return CommitMerge(group, fence, policy.table_key, written, claimed_us);
  };
  const arrow::Status status = attempt();
  if (!status.ok()) {
    ++report->failures;
    // The ledger does not know: the files are given back when the next epoch reclaims them.
    if (KindOf(status) == ErrorKind::kCommitUnknown) return status;
    if (IsDiskFull(status)) {
      // No fault of theirs: the end of the lease gives them back, and no attempt is counted.
      report->is_disk_full = true;
      return arrow::Status::OK();
    }
    const arrow::Status failed = lake_.ledger().FailDataFiles(ids, fence, status.message());
    // A lost lease: whoever has it has given the files back.
    if (!failed.ok() && KindOf(failed) == ErrorKind::kConflict) return arrow::Status::OK();
    return failed;
  }
  ++report->merges;
  report->files_out += files_out;
  report->bytes_out += bytes_out;
  report->merges_us.push_back(lake_.clock().NowMicros() - claimed_us);
  for (const DataFileRecord& file : group.files) {
    ++report->files_in;
    report->rows += file.file.row_count;
    report->bytes_in += file.file.byte_count;
    report->waits_us.push_back(claimed_us - file.added_us);
  }
  return arrow::Status::OK();
}

arrow::Result<std::vector<WrittenFile>> Compactor::WriteMerged(const CompactionPolicy& policy,
                                                               const MergeGroup& group,
                                                               const Fence& fence) {
  ARROW_ASSIGN_OR_RAISE(const auto table, lake_.LoadTable(policy.table_key));
  std::vector<std::string> paths;
  int64_t rows_expected = 0;
  for (const DataFileRecord& file : group.files) {
    ARROW_ASSIGN_OR_RAISE(std::string path, PathOfUri(file.file.path));
    paths.push_back(std::move(path));
    rows_expected += file.file.row_count;
  }
  SortedMerge merge(lake_.files(), table->schema,
                    {.sort = SortTermsOf(*table->metadata),
                     .memory_bytes_max = policy.memory_bytes_max,
                     .spill_folder = spill_folder_});
  const bool has_names = table->metadata->properties.contains("schema.name-mapping.default");
  ARROW_ASSIGN_OR_RAISE(auto reader, ReadParquet(lake_.files(), std::move(paths), table->schema,
                                                 {.allow_names = has_names}));
  while (true) {
    ARROW_ASSIGN_OR_RAISE(auto rows, reader->Next());
    if (rows == nullptr) break;
    ARROW_RETURN_NOT_OK(merge.Add(std::move(rows)));
    ARROW_RETURN_NOT_OK(KeepLease(fence));
  }
  ARROW_RETURN_NOT_OK(merge.Finish());

  ARROW_ASSIGN_OR_RAISE(
      auto writer,
      PartitionWriter::Make(lake_, table,
                            {.lease = fence.lease,
                             .epoch = fence.epoch,
                             .target_file_bytes = PieceBytes(group, policy.target_file_bytes)}));
  auto write = [&]() -> arrow::Result<std::vector<WrittenFile>> {
    while (true) {
      ARROW_ASSIGN_OR_RAISE(auto rows, merge.Next());
      if (rows == nullptr) break;
      ARROW_RETURN_NOT_OK(writer->Add(rows));
      ARROW_RETURN_NOT_OK(KeepLease(fence));
    }
    if (writer->row_count() == rows_expected) return writer->Close();
    return BadData(
        "Data files hold another number of rows than the ledger says, rows and rows of "
        "the ledger: ",
        writer->row_count(), ", ", rows_expected);
  };
  auto written = write();
  if (!written.ok()) {
    // What stays is found by orphan clean-up.
    static_cast<void>(writer->Abandon());
    return written.status();
  }
  for (WrittenFile& file : *written) {
    file.data_file.tier = SizeTier(file.data_file.byte_count, policy.target_file_bytes);
  }
  ARROW_RETURN_NOT_OK(Reach(FailPoint::kCompactFileWritten));
  return written;
}

arrow::Status Compactor::CommitMerge(const MergeGroup& group, const Fence& fence,
                                     const std::string& table_key,
                                     const std::vector<WrittenFile>& written, int64_t claimed_us) {
  RewriteRequest rewrite{.table_key = table_key,
                         .operation = "replace",
                         .removed = {},
                         .added = written,
                         .fail_points = {.metadata_written = FailPoint::kCompactMetadataWritten}};
  CommitRequest request;
  request.plan.id = lake_.NewUuid();
  request.plan.actor = fence.lease;
  request.plan.fences = {fence};
  for (const DataFileRecord& file : group.files) {
    rewrite.removed.insert(file.file.path);
    request.plan.work.push_back({.kind = WorkMove::Kind::kData,
                                 .id = file.id,
                                 .from = WorkState::kProcessing,
                                 .to = WorkState::kDone,
                                 .lease = fence.lease,
                                 .epoch = fence.epoch});
  }
  request.plan.events.push_back({.kind = "merge",
                                 .object = table_key,
                                 .body_json = nlohmann::json{
                                     {"partition", group.partition_key},
                                     {"files", group.files.size()},
                                     {"claimed_us",
                                      claimed_us}}.dump()});
  RewriteChange change(lake_, std::move(rewrite));
  request.changes = {&change};
  Committer committer(lake_);
  auto committed = committer.Commit(std::move(request));
  if (committed.ok() && committed->outcome == Outcome::kCommitted) {
    return Reach(FailPoint::kCompactCommitted);
  }
  if (!committed.ok() && KindOf(committed.status()) == ErrorKind::kCommitUnknown) {
    return committed.status();  // Nothing may be deleted.
  }
  ARROW_RETURN_NOT_OK(RemoveWritten(lake_.files(), written));
  if (!committed.ok()) return committed.status();
  return Conflict("Merge was refused, table and outcome: ", table_key, " ",
                  OutcomeName(committed->outcome));
}

}  // namespace catchwater
