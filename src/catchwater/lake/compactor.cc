#include "catchwater/lake/compactor.h"

#include <algorithm>
#include <map>
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

/// Leaves out files that are larger than all smaller ones together: rewriting them again and again
/// for a few new rows would cost more than it saves. Bytes are so rewritten O(log) times.
void DropTooLarge(std::vector<DataFileRecord>* files) {
  std::ranges::sort(*files, std::ranges::greater(),
                    [](const DataFileRecord& file) { return file.file.byte_count; });
  int64_t rest = 0;
  for (const DataFileRecord& file : *files) rest += file.file.byte_count;
  size_t dropped = 0;
  while (dropped < files->size()) {
    const int64_t byte_count = (*files)[dropped].file.byte_count;
    rest -= byte_count;
    if (byte_count <= rest) break;
    ++dropped;
  }
  files->erase(files->begin(), files->begin() + static_cast<std::ptrdiff_t>(dropped));
  std::ranges::sort(*files, {}, &DataFileRecord::added_us);
}

}  // namespace

std::vector<MergeGroup> PlanMerges(std::vector<DataFileRecord> pending,
                                   const CompactionPolicy& policy, int64_t now_us) {
  std::map<std::pair<std::string, int>, MergeGroup> groups;
  for (DataFileRecord& file : pending) {
    MergeGroup& group = groups[{file.file.partition_key, file.file.tier}];
    group.partition_key = file.file.partition_key;
    group.tier = file.file.tier;
    group.files.push_back(std::move(file));
  }
  // A partition whose pending files are old is merged over all tiers: nothing more may come that
  // would fill a tier up.
  std::map<std::string, MergeGroup> old_partitions;
  std::vector<MergeGroup> due;
  for (auto& [key, group] : groups) {
    std::ranges::sort(group.files, {}, &DataFileRecord::added_us);
    const bool is_enough = static_cast<int64_t>(group.files.size()) >= policy.min_files;
    const bool is_old =
        now_us - group.files.front().added_us >= policy.max_age_ms * 1000;
    if (is_enough) {
      due.push_back(std::move(group));
    } else if (is_old) {
      MergeGroup& all = old_partitions[group.partition_key];
      all.partition_key = group.partition_key;
      std::ranges::move(group.files, std::back_inserter(all.files));
    }
  }
  for (auto& [partition_key, group] : old_partitions) {
    DropTooLarge(&group.files);
    if (group.files.size() > 1) due.push_back(std::move(group));
  }
  for (MergeGroup& group : due) {
    if (static_cast<int64_t>(group.files.size()) > policy.files_max) {
      group.files.resize(static_cast<size_t>(policy.files_max));
    }
  }
  std::ranges::sort(due, {}, [](const MergeGroup& group) { return group.files.front().added_us; });
  return due;
}

void CompactionReport::Merge(const CompactionReport& other) {
  merges += other.merges;
  files_in += other.files_in;
  files_out += other.files_out;
  rows += other.rows;
  bytes_in += other.bytes_in;
  failures += other.failures;
  waits_us.insert(waits_us.end(), other.waits_us.begin(), other.waits_us.end());
  merges_us.insert(merges_us.end(), other.merges_us.begin(), other.merges_us.end());
}

Compactor::Compactor(Lake& lake, std::string owner, std::string spill_folder)
    : lake_(lake), owner_(std::move(owner)), spill_folder_(std::move(spill_folder)) {}

arrow::Result<CompactionReport> Compactor::Run(const CompactionPolicy& policy,
                                               std::stop_token stop) {
  CompactionReport report;
  const std::string lease = "compact/" + policy.table_key;
  ARROW_ASSIGN_OR_RAISE(const auto epoch, lake_.ledger().AcquireLease(lease, owner_, kLeaseMs));
  if (!epoch) return report;
  const Fence fence{.lease = lease, .epoch = *epoch};
  ARROW_RETURN_NOT_OK(Reach(FailPoint::kCompactLeased));
  ARROW_RETURN_NOT_OK(lake_.ledger().ReclaimDataFiles(fence).status());
  WorkQuery query;
  query.table_key = policy.table_key;
  query.state = WorkState::kToProcess;
  query.live_only = true;
  query.limit = kPendingMax;
  ARROW_ASSIGN_OR_RAISE(auto pending, lake_.ledger().DataFiles(query));
  for (const MergeGroup& group :
       PlanMerges(std::move(pending), policy, lake_.clock().NowMicros())) {
    if (stop.stop_requested()) break;
    ARROW_RETURN_NOT_OK(lake_.ledger().RenewLease(lease, fence.epoch, kLeaseMs).status());
    ARROW_RETURN_NOT_OK(Merge(policy, group, fence, &report));
  }
  ARROW_RETURN_NOT_OK(lake_.ledger().ReleaseLease(lease, fence.epoch));
  return report;
}

arrow::Status Compactor::Merge(const CompactionPolicy& policy, const MergeGroup& group,
                               const Fence& fence, CompactionReport* report) {
  std::vector<int64_t> ids;
  for (const DataFileRecord& file : group.files) ids.push_back(file.id);
  const int64_t claimed_us = lake_.clock().NowMicros();
  ARROW_ASSIGN_OR_RAISE(const bool is_ours, lake_.ledger().ClaimDataFiles(ids, fence));
  if (!is_ours) return arrow::Status::OK();

  auto attempt = [&]() -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(const auto table, lake_.LoadTable(policy.table_key));
    ARROW_ASSIGN_OR_RAISE(auto written, WriteMerged(policy, *table, group, fence));
    report->files_out += static_cast<int64_t>(written.size());
    return CommitMerge(group, fence, policy.table_key, std::move(written), claimed_us);
  };
  const arrow::Status status = attempt();
  if (!status.ok()) {
    ++report->failures;
    return lake_.ledger().FailDataFiles(ids, fence, status.message());
  }
  ++report->merges;
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
                                                               const TableState& table,
                                                               const MergeGroup& group,
                                                               const Fence& fence) {
  std::vector<std::string> paths;
  int64_t rows_expected = 0;
  for (const DataFileRecord& file : group.files) {
    ARROW_ASSIGN_OR_RAISE(std::string path, PathOfUri(file.file.path));
    paths.push_back(std::move(path));
    rows_expected += file.file.row_count;
  }
  SortedMerge merge(lake_.files(), table.schema,
                    {.sort = SortTermsOf(*table.metadata),
                     .memory_bytes_max = policy.memory_bytes_max,
                     .spill_folder = spill_folder_});
  ARROW_ASSIGN_OR_RAISE(auto reader, ReadParquet(lake_.files(), std::move(paths),
                                                 table.schema, {}));
  while (true) {
    ARROW_ASSIGN_OR_RAISE(auto rows, reader->Next());
    if (rows == nullptr) break;
    ARROW_RETURN_NOT_OK(merge.Add(std::move(rows)));
  }
  ARROW_RETURN_NOT_OK(merge.Finish());

  ARROW_ASSIGN_OR_RAISE(const auto newest, lake_.LoadTable(policy.table_key));
  PartitionWriterOptions options;
  options.lease = fence.lease;
  options.epoch = fence.epoch;
  options.target_file_bytes = policy.target_file_bytes;
  ARROW_ASSIGN_OR_RAISE(auto writer, PartitionWriter::Make(lake_, newest, options));
  while (true) {
    ARROW_ASSIGN_OR_RAISE(auto rows, merge.Next());
    if (rows == nullptr) break;
    ARROW_RETURN_NOT_OK(writer->Add(rows));
  }
  CATCHWATER_CHECK(writer->row_count() == rows_expected, "a merge keeps every row");
  ARROW_ASSIGN_OR_RAISE(auto written, writer->Close());
  ARROW_RETURN_NOT_OK(Reach(FailPoint::kCompactFileWritten));
  return written;
}

arrow::Status Compactor::CommitMerge(const MergeGroup& group, const Fence& fence,
                                     const std::string& table_key,
                                     std::vector<WrittenFile> written, int64_t claimed_us) {
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
  request.plan.events.push_back(
      {.kind = "merge",
       .object = table_key,
       .body_json = nlohmann::json{{"partition", group.partition_key},
                                   {"files", group.files.size()},
                                   {"claimed_us", claimed_us}}
                        .dump()});
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
