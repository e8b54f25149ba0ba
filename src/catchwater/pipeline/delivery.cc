#include "catchwater/pipeline/delivery.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"

namespace catchwater {
namespace {

constexpr int64_t kFilesMax = 256;         // Looked at for one transaction.
constexpr int64_t kFirstLookBack = 1'000;  // Commits in which the current pointer is looked for.

/// The commit that made the metadata file current.
arrow::Result<int64_t> SeqOf(Ledger& ledger, const std::string& table_key,
                             const std::string& location, int64_t seq_now) {
  for (int64_t back = kFirstLookBack;; back *= 8) {
    const int64_t after = std::max<int64_t>(0, seq_now - back);
    ARROW_ASSIGN_OR_RAISE(const auto commits, ledger.TableCommits(table_key, after));
    for (const TableCommitRecord& commit : commits) {
      if (commit.metadata_location == location) return commit.seq;
    }
    if (after == 0) return NotFound("Table's pointer is in no commit, table: ", table_key);
  }
}

DeliveryMark MarkOf(const DataFileRecord& file) {
  return {.seq = file.added_seq, .ordinal = file.ordinal, .file = file.file.path};
}

}  // namespace

arrow::Result<std::unique_ptr<Delivery>> Delivery::Open(Lake& lake, DeliveryTask task) {
  std::unique_ptr<Delivery> delivery(new Delivery(lake, std::move(task)));
  ARROW_RETURN_NOT_OK(delivery->Start());
  return delivery;
}

Delivery::~Delivery() {
  // What was flushed is safe; what was not is dropped, whatever the target says.
  if (sink_ != nullptr) static_cast<void>(sink_->Close());
}

arrow::Status Delivery::Start() {
  ARROW_ASSIGN_OR_RAISE(table_, lake_.LoadTable(task_.table_key));
  ARROW_ASSIGN_OR_RAISE(sink_, task_.make(table_->schema));
  ARROW_ASSIGN_OR_RAISE(mark_, FindMark());
  if (task_.early != nullptr) task_.early->Open();  // The sink before may have failed with some.
  ARROW_RETURN_NOT_OK(Reach(FailPoint::kDeliverOpened));
  if (!needs_resync_) {
    ARROW_RETURN_NOT_OK(Record(mark_));
    ARROW_ASSIGN_OR_RAISE(const bool can_follow, lake_.ledger().CanFollow(task_.table_key, mark_));
    needs_resync_ = !can_follow;
  }
  // All that the table has now stays until the resync is over.
  if (needs_resync_) ARROW_RETURN_NOT_OK(Record({}));
  return arrow::Status::OK();
}

arrow::Result<DeliveryMark> Delivery::FindMark() {
  ARROW_ASSIGN_OR_RAISE(const auto in_target, sink_->Open());
  ARROW_ASSIGN_OR_RAISE(const auto deliveries, lake_.ledger().Deliveries(task_.table_key));
  const auto known = std::ranges::find(deliveries, task_.sink, &DeliveryRecord::sink);
  needs_resync_ = known != deliveries.end() && known->state == DeliveryState::kResync;
  if (sink_->traits().keeps_mark) return in_target.value_or(DeliveryMark{});
  return known == deliveries.end() ? DeliveryMark{} : known->mark;
}

arrow::Status Delivery::Record(DeliveryMark mark) {
  return lake_.ledger().SetDelivery({.sink = task_.sink,
                                     .table_key = task_.table_key,
                                     .mark = std::move(mark),
                                     .schema_id = table_->metadata->current_schema_id,
                                     .state = DeliveryState::kLive,
                                     .reason = {}});
}

arrow::Result<int64_t> Delivery::WriteFile(const TableState& table, const DeliveryMark& file,
                                           std::stop_token stop) {
  if (task_.early != nullptr && task_.early->Settle(file.file)) return 0;
  const std::vector<std::string> uris{file.file};
  ARROW_ASSIGN_OR_RAISE(const auto reader, ReadRows(lake_, table, uris));
  sink_->BeginFile(file);
  int64_t row_count = 0;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto rows, reader->Next());
    if (rows == nullptr) break;
    ARROW_RETURN_NOT_OK(Write(*rows, stop));
    row_count += rows->num_rows();
  }
  ARROW_RETURN_NOT_OK(Reach(FailPoint::kDeliverFileWritten));
  return row_count;
}

arrow::Status Delivery::Write(const arrow::RecordBatch& rows, std::stop_token stop) {
  const int64_t at_once = task_.rows_at_once > 0 ? task_.rows_at_once : rows.num_rows();
  for (int64_t row = 0; row < rows.num_rows(); row += at_once) {
    if (stop.stop_requested()) return Cancelled("Delivery was stopped");
    ARROW_RETURN_NOT_OK(sink_->Write(*rows.Slice(row, at_once)));
  }
  return arrow::Status::OK();
}

arrow::Result<int64_t> Delivery::TryShare(const TableState& table, const Share& share,
                                          std::stop_token stop) {
  int64_t row_count = 0;
  for (const DeliveryMark& file : share.files) {
    ARROW_ASSIGN_OR_RAISE(const int64_t of_file, WriteFile(table, file, stop));
    row_count += of_file;
  }
  ARROW_RETURN_NOT_OK(sink_->Flush(share.mark).status());
  ARROW_RETURN_NOT_OK(Reach(FailPoint::kDeliverFlushed));
  return row_count;
}

arrow::Result<int64_t> Delivery::DeliverShare(const TableState& table, const Share& share,
                                              std::stop_token stop) {
  auto row_count = TryShare(table, share, stop);
  const bool is_conflict = !row_count.ok() && KindOf(row_count.status()) == ErrorKind::kConflict;
  if (is_conflict) row_count = TryShare(table, share, stop);  // The sink takes another way now.
  ARROW_RETURN_NOT_OK(row_count.status());
  if (!share.mark) return row_count;
  mark_ = *share.mark;
  ARROW_RETURN_NOT_OK(Record(mark_));
  ARROW_RETURN_NOT_OK(Reach(FailPoint::kDeliverRecorded));
  return row_count;
}

arrow::Result<DeliveryStep> Delivery::Resync(std::stop_token stop) {
  ARROW_RETURN_NOT_OK(sink_->Restart());
  ARROW_ASSIGN_OR_RAISE(const CatalogView catalog, lake_.ledger().Catalog());
  const auto pointer = catalog.metadata_location.find(task_.table_key);
  if (pointer == catalog.metadata_location.end()) {
    return NotFound("Table is not there any more: ", task_.table_key);
  }
  const std::string& location = pointer->second;
  ARROW_ASSIGN_OR_RAISE(const auto table, lake_.LoadAt(task_.table_key, location));
  if (!table->schema->Equals(*table_->schema)) {
    return DeliveryStep{.kind = DeliveryStep::Kind::kSchemaChanged};
  }
  ARROW_ASSIGN_OR_RAISE(const int64_t seq,
                        SeqOf(lake_.ledger(), task_.table_key, location, catalog.seq));
  ARROW_ASSIGN_OR_RAISE(const auto files, FilesOf(*table));
  const DeliveryMark mark{.seq = seq, .ordinal = kWholeCommit, .file = location};

  DeliveryStep step{.kind = DeliveryStep::Kind::kDelivered};
  Share share;
  int64_t byte_count = 0;
  for (size_t i = 0; i < files.size(); ++i) {
    share.files.push_back(MarkOf(files[i]));
    byte_count += files[i].file.byte_count;
    // Rows that cannot be replaced must not come twice: they come in one transaction.
    const bool is_full = byte_count >= task_.batch_bytes && sink_->traits().replaces_rows;
    if (!is_full || i + 1 == files.size()) continue;
    ARROW_ASSIGN_OR_RAISE(const int64_t row_count, DeliverShare(*table, share, stop));
    step.row_count += row_count;
    share.files.clear();
    byte_count = 0;
  }
  share.mark = mark;
  ARROW_ASSIGN_OR_RAISE(const int64_t row_count, DeliverShare(*table, share, stop));
  step.row_count += row_count;
  step.file_count = static_cast<int64_t>(files.size());
  needs_resync_ = false;
  return step;
}

arrow::Result<std::vector<DataFileRecord>> Delivery::FilesOf(const TableState& table) {
  ARROW_ASSIGN_OR_RAISE(const auto live, LiveFiles(lake_, table));
  WorkQuery of_table;
  of_table.table_key = task_.table_key;
  of_table.limit = std::numeric_limits<int64_t>::max();
  ARROW_ASSIGN_OR_RAISE(const auto records, lake_.ledger().DataFiles(of_table));
  std::map<std::string_view, const DataFileRecord*> known;
  for (const DataFileRecord& record : records) known[record.file.path] = &record;
  std::vector<DataFileRecord> files;
  for (const LiveFile& file : live) {
    const auto found = known.find(file.entry.file.path);
    if (found == known.end()) {
      return Conflict("Table has a commit that is not read yet, file: ", file.entry.file.path);
    }
    files.push_back(*found->second);
  }
  // Merged files hold what came before: what was appended overwrites it.
  const auto place = [](const DataFileRecord& file) {
    return std::tuple(file.added_by != "replace", file.added_seq, file.ordinal);
  };
  std::ranges::sort(files, {}, place);
  return files;
}

arrow::Result<Delivery::Share> Delivery::NextShare(DeliveryStep* step) {
  const bool takes_whole_commits = sink_->traits().needs_whole_commits;
  Share share;
  int64_t byte_count = 0;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(
        const auto files,
        lake_.ledger().FilesToDeliver(task_.table_key, share.mark.value_or(mark_), kFilesMax));
    for (const DataFileRecord& file : files) {
      byte_count += file.file.byte_count;
      const bool is_full = share.mark && byte_count > task_.batch_bytes;
      const bool may_end = !takes_whole_commits || !share.mark || file.added_seq != share.mark->seq;
      if (is_full && may_end) return share;
      if (!share.mark) step->oldest_us = file.added_us;
      share.mark = share.files.emplace_back(MarkOf(file));
      step->files.push_back({.committed_us = file.added_us, .row_count = file.file.row_count});
    }
    const bool is_last = static_cast<int64_t>(files.size()) < kFilesMax;
    share.is_all = is_last;
    if (is_last || !takes_whole_commits) return share;
  }
}

arrow::Result<int64_t> Delivery::SendEarly(std::stop_token stop) {
  if (task_.early == nullptr || !is_caught_up_) return 0;
  // One share: where results never end, commits are to be looked at all the same.
  const auto share = task_.early->Take();
  if (!share) return 0;
  int64_t row_count = 0;
  for (const auto& rows : share->results) {
    if (!rows->schema()->Equals(*table_->schema)) {
      task_.early->Lose();  // The table brings them, in its columns.
      return row_count;
    }
    ARROW_RETURN_NOT_OK(Write(*rows, stop));
    row_count += rows->num_rows();
  }
  ARROW_RETURN_NOT_OK(sink_->Flush(/*mark=*/std::nullopt).status());
  task_.early->Sent(share->end);
  return row_count;
}

arrow::Result<DeliveryStep> Delivery::Step(std::stop_token stop) {
  DeliveryStep step{.kind = DeliveryStep::Kind::kDelivered};
  ARROW_ASSIGN_OR_RAISE(const Share share, NextShare(&step));
  // What is in the files was there before they were: it is sent, or it comes by them.
  ARROW_ASSIGN_OR_RAISE(const int64_t early_count, SendEarly(stop));
  is_caught_up_ = share.is_all;
  if (!share.mark) return DeliveryStep{.row_count = early_count};
  // The columns of the table as they are now fit all files that are in it.
  ARROW_ASSIGN_OR_RAISE(const auto table, lake_.LoadTable(task_.table_key));
  if (!table->schema->Equals(*table_->schema)) {
    return DeliveryStep{.kind = DeliveryStep::Kind::kSchemaChanged};
  }
  ARROW_ASSIGN_OR_RAISE(step.row_count, DeliverShare(*table, share, stop));
  step.row_count += early_count;
  step.file_count = static_cast<int64_t>(share.files.size());
  return step;
}

}  // namespace catchwater
