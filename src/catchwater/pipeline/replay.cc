#include "catchwater/pipeline/replay.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>
#include <set>
#include <stop_token>
#include <utility>

#include <arrow/array.h>

#include "catchwater/base/error.h"
#include "catchwater/lake/commit.h"
#include "catchwater/lake/partition_writer.h"
#include "catchwater/pipeline/entity_collector.h"
#include "catchwater/pipeline/flow.h"
#include "catchwater/pipeline/lake_tables.h"
#include "catchwater/pipeline/origin_finder.h"
#include "catchwater/pipeline/row_path.h"
#include "catchwater/pipeline/step_chain.h"
#include "catchwater/pipeline/table_growth.h"
#include "catchwater/pipeline/timer.h"

namespace catchwater {
namespace {

constexpr int64_t kLeaseMs = 30'000;
constexpr size_t kFailuresShownMax = 20;
constexpr int64_t kFutureUsMax = 86'400'000'000;  // As the pipeline's own rows.
constexpr size_t kIdsAPage = 1'000;

/// One replay. One thread.
class Replay {
 public:
  Replay(std::shared_ptr<const PipelinePlan> plan, RunnerContext context, bool is_dry_run)
      : plan_(std::move(plan)),
        context_(std::move(context)),
        is_dry_run_(is_dry_run),
        frame_column_names_(AttributeColumns(plan_->columns).frame_column_names()) {}

  arrow::Result<ReplayReport> Run(const std::vector<StoredLetter>& letters);

 private:
  arrow::Status Prepare();
  arrow::Status OpenTable();
  arrow::Status Write(std::shared_ptr<arrow::RecordBatch> rows);
  arrow::Result<std::vector<const StoredLetter*>> Unmarked(
      const std::vector<StoredLetter>& letters);
  arrow::Status Take(const StoredLetter& letter);
  arrow::Result<RowPathResult> Decode(const StoredLetter& letter, PartitionFlow* flow);
  std::string OutOfBounds(const arrow::RecordBatch& rows) const;
  arrow::Status Commit();
  CommitRequest MakeRequest(int64_t partition_id, std::vector<WrittenFile> written) const;
  void Fail(const StoredLetter& letter, std::string reason);

  const std::shared_ptr<const PipelinePlan> plan_;
  RunnerContext context_;
  std::optional<LakeTables> lake_tables_;  // Unless the caller gave another reader.
  const bool is_dry_run_;
  const std::vector<std::string> frame_column_names_;
  ReplayReport report_;
  Fence fence_;
  std::shared_ptr<arrow::Schema> output_schema_;
  std::optional<RowPath> path_;
  std::optional<OriginFinder> origins_;
  std::unique_ptr<FieldFinder> finder_;      // Null: what no column reads is left out.
  std::shared_ptr<TableGrowth> growth_;      // Null: no contract is `evolve`, or a dry run.
  std::unique_ptr<PartitionWriter> writer_;  // Null in a dry run.
  uint64_t next_sequence_ = 0;
  PartitionFlow flow_;  // Of the letters that are good now.
  std::vector<std::string> replayed_;
};

arrow::Status Replay::Prepare() {
  if (context_.table_reader == nullptr) {
    context_.table_reader = &lake_tables_.emplace(*context_.lake);
  }
  ARROW_ASSIGN_OR_RAISE(StepChain chain, BuildStepChain(*plan_, /*lane_count=*/1, context_.files,
                                                        context_.clock, context_.table_reader));
  output_schema_ = chain.output_schema;
  const DecodeOptions decode{.columns = AttributeColumns(plan_->columns).payload_columns(),
                             .row_origins = true,
                             .frame_bytes_max = plan_->frame_bytes_max};
  ARROW_ASSIGN_OR_RAISE(auto decoder, plan_->codec->MakeDecoder(decode));
  ARROW_ASSIGN_OR_RAISE(auto contract,
                        ContractKeeper::Make(plan_->contracts, *plan_->codec, decode));
  if (plan_->new_fields != nullptr) {
    ARROW_ASSIGN_OR_RAISE(finder_, plan_->new_fields->MakeFieldFinder(decode));
  }
  path_.emplace(AttributeColumns(plan_->columns), std::move(decoder), std::move(chain.lanes[0]),
                chain.tail, context_.clock, std::move(contract));
  SourceContext source{
      .files = context_.files,
      .clock = context_.clock,
      .random_seed = context_.lake->NewRandom(),
      .project_folder = plan_->project_folder,
      .pipeline = plan_->name,
      .make_framer = [codec = plan_->codec, decode] { return codec->MakeFramer(decode); },
      .frame_bytes_max = plan_->frame_bytes_max};
  origins_.emplace(*plan_, decode, std::move(source));
  return arrow::Status::OK();
}

arrow::Status Replay::OpenTable() {
  TableSpec spec = plan_->lake->table;
  spec.schema = plan_->TableSchema(*output_schema_);
  const std::string actor = "replay/" + plan_->name;
  ARROW_ASSIGN_OR_RAISE(const auto table, context_.lake->EnsureTable(spec, actor, {fence_}));
  if (plan_->evolves()) {
    growth_ = std::make_shared<TableGrowth>(*context_.lake, std::move(spec), actor, fence_, table);
  }
  if (finder_ != nullptr) {
    path_->TakeUp(std::make_unique<ExtraColumns>(std::move(finder_), growth_));
  }
  ARROW_ASSIGN_OR_RAISE(
      writer_, PartitionWriter::Make(*context_.lake, table,
                                     {.lease = fence_.lease,
                                      .epoch = fence_.epoch,
                                      .target_file_bytes = plan_->lake->target_file_bytes}));
  return arrow::Status::OK();
}

arrow::Status Replay::Write(std::shared_ptr<arrow::RecordBatch> rows) {
  if (growth_ != nullptr) {
    ARROW_ASSIGN_OR_RAISE(rows, growth_->Fit(rows));
    ARROW_RETURN_NOT_OK(writer_->UseTable(growth_->table()));
  }
  return writer_->Add(rows);
}

arrow::Result<std::vector<const StoredLetter*>> Replay::Unmarked(
    const std::vector<StoredLetter>& letters) {
  std::set<std::string> marked;
  for (size_t at = 0; at < letters.size(); at += kIdsAPage) {
    std::vector<std::string> ids;
    for (size_t i = at; i < std::min(letters.size(), at + kIdsAPage); ++i) {
      ids.push_back(letters[i].id);
    }
    ARROW_ASSIGN_OR_RAISE(const auto page, context_.ledger->MarksAmong(ids));
    for (const DeadLetterMark& mark : page) {
      marked.insert(mark.dead_letter_id);
      ++(mark.state == "replayed" ? report_.already_replayed : report_.already_discarded);
    }
  }
  std::vector<const StoredLetter*> unmarked;
  for (const StoredLetter& letter : letters) {
    if (!marked.contains(letter.id)) unmarked.push_back(&letter);
  }
  return unmarked;
}

void Replay::Fail(const StoredLetter& letter, std::string reason) {
  ++report_.failed;
  if (report_.failures.size() < kFailuresShownMax) {
    report_.failures.push_back({.id = letter.id, .reason = std::move(reason)});
  }
}

arrow::Result<RowPathResult> Replay::Decode(const StoredLetter& letter, PartitionFlow* flow) {
  std::string text = letter.raw;
  if (!text.ends_with('\n')) text += '\n';
  ARROW_ASSIGN_OR_RAISE(const OriginFinder::Found found, origins_->Find(letter.origin, text));
  Block block;
  block.origin = {
      .range = {.partition_id = 0, .from = {}, .to = {.ordinal = text.size(), .token = ""}},
      .receive_us = letter.receive_us};
  block.bytes = arrow::Buffer::FromString(std::move(text));
  block.preamble = found.preamble;
  block.attributes = found.attributes;
  auto result = path_->Process(block, next_sequence_, flow, std::stop_token());
  if (result.ok()) ++next_sequence_;  // A letter that failed never came to the gate.
  return result;
}

std::string Replay::OutOfBounds(const arrow::RecordBatch& rows) const {
  const std::string name = plan_->event_time_column();
  const auto column = name.empty() ? nullptr : rows.GetColumnByName(name);
  if (column == nullptr || column->type_id() != arrow::Type::TIMESTAMP) return "";
  const auto& times = static_cast<const arrow::TimestampArray&>(*column);
  const int64_t now_us = context_.clock.NowMicros();
  const int64_t us_min = plan_->lake->retain_ms ? now_us - *plan_->lake->retain_ms * 1000
                                                : std::numeric_limits<int64_t>::min();
  for (int64_t i = 0; i < times.length(); ++i) {
    if (times.IsNull(i)) continue;
    if (times.Value(i) < us_min) return "Event time is older than `retain`";
    if (times.Value(i) > now_us + kFutureUsMax) return "Event time is more than a day ahead";
  }
  return "";
}

arrow::Status Replay::Take(const StoredLetter& letter) {
  if (letter.raw_bytes > static_cast<int64_t>(letter.raw.size())) {
    Fail(letter, "Only the beginning of its bytes was kept");
    return arrow::Status::OK();
  }
  if (!frame_column_names_.empty()) {
    // Better an honest refusal than a row without the sensor that its topic named.
    Fail(letter, "Columns come from beside the message and were not kept with it: " +
                     frame_column_names_.front());
    return arrow::Status::OK();
  }
  PartitionFlow flow;
  const auto result = Decode(letter, &flow);
  if (!result.ok()) {
    const ErrorKind kind = KindOf(result.status());
    if (kind != ErrorKind::kBadData && kind != ErrorKind::kNotFound) return result.status();
    Fail(letter, result.status().message());
    return arrow::Status::OK();
  }
  if (!result->dead.empty()) {
    Fail(letter, result->dead.front().reason);
    return arrow::Status::OK();
  }
  const auto& rows = result->rows.rows;
  const int64_t row_count = rows == nullptr ? 0 : rows->num_rows();
  if (row_count > 0) {
    if (std::string reason = OutOfBounds(*rows); !reason.empty()) {
      Fail(letter, std::move(reason));
      return arrow::Status::OK();
    }
    ARROW_RETURN_NOT_OK(
        EntityCollector(plan_->event_time_column(), plan_->entity_column()).Collect(*rows, &flow));
    if (writer_ != nullptr) ARROW_RETURN_NOT_OK(Write(rows));
    flow.Count(Bucket::kLake, "", row_count);
  }
  ++report_.replayed;
  report_.rows += row_count;
  report_.taken_out += flow.Total(Bucket::kFiltered) + flow.Total(Bucket::kDropped) +
                       flow.Total(Bucket::kDeduplicated);
  flow_.Merge(flow);
  replayed_.push_back(letter.id);
  return arrow::Status::OK();
}

CommitRequest Replay::MakeRequest(int64_t partition_id, std::vector<WrittenFile> written) const {
  CommitRequest request;
  CommitPlan& plan = request.plan;
  plan.id = context_.lake->NewUuid();
  plan.actor = "replay/" + plan_->name;
  plan.fences = {fence_};
  Range range{.partition_id = partition_id, .from = {}, .to = {}};
  range.to.ordinal = replayed_.size();
  plan.positions = {{.range = range, .consumer = "lake", .is_finished = true}};
  flow_.AppendAccount(partition_id, "lake", &plan.account);
  plan.replayed = replayed_;
  plan.events = {{.kind = "replay",
                  .object = plan_->name,
                  .body_json = "{\"letters\":" + std::to_string(report_.replayed) +
                               ",\"rows\":" + std::to_string(report_.rows) + "}"}};
  if (!written.empty()) {
    request.appends.push_back({.table_key = plan_->lake->table.table_key,
                               .files = std::move(written),
                               .positions_json = ""});
  }
  return request;
}

arrow::Status Replay::Commit() {
  std::vector<WrittenFile> written;
  if (writer_->row_count() > 0) {
    ARROW_ASSIGN_OR_RAISE(written, writer_->Close());
  }
  const PartitionKey key{.pipeline = plan_->name,
                         .source = "replay",
                         .name = "replay/" + context_.lake->NewUuid(),
                         .incarnation = ""};
  ARROW_ASSIGN_OR_RAISE(const int64_t partition_id, context_.ledger->OpenPartition(key));
  Committer committer(*context_.lake);
  CommitRequest request = MakeRequest(partition_id, written);
  request.partitions = {{.id = partition_id, .key = key, .file = {}}};
  const auto committed = committer.Commit(std::move(request));
  if (!committed.ok()) {
    // Unknown outcome: nothing may be deleted. Anything else was refused before the ledger moved.
    if (KindOf(committed.status()) != ErrorKind::kCommitUnknown) {
      (void)RemoveWritten(context_.files, written);
    }
    return committed.status();
  }
  if (committed->outcome == Outcome::kCommitted) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(RemoveWritten(context_.files, written));
  return Conflict("Replay was refused, nothing was changed; run it again. Pipeline and outcome: ",
                  plan_->name, " ", OutcomeName(committed->outcome));
}

arrow::Result<ReplayReport> Replay::Run(const std::vector<StoredLetter>& letters) {
  report_.letters = static_cast<int64_t>(letters.size());
  ARROW_ASSIGN_OR_RAISE(const auto unmarked, Unmarked(letters));
  if (unmarked.empty()) return report_;
  ARROW_RETURN_NOT_OK(Prepare());
  std::optional<Timer> renewal;
  if (!is_dry_run_) {
    fence_.lease = "replay/" + plan_->name;
    ARROW_ASSIGN_OR_RAISE(const auto epoch,
                          context_.ledger->AcquireLease(fence_.lease, context_.owner, kLeaseMs));
    if (!epoch) return Conflict("Another replay of the pipeline is under way: ", plan_->name);
    fence_.epoch = *epoch;
    // A lost lease is found by the fence of the commit.
    renewal.emplace(context_.clock, kLeaseMs * 1000 / 3, [this] {
      (void)context_.ledger->RenewLease(fence_.lease, fence_.epoch, kLeaseMs);
    });
    ARROW_RETURN_NOT_OK(OpenTable());
  }
  arrow::Status status;
  for (const StoredLetter* letter : unmarked) {
    status = Take(*letter);
    if (!status.ok()) break;
  }
  if (status.ok() && !is_dry_run_ && !replayed_.empty()) status = Commit();
  if (!status.ok() && writer_ != nullptr) (void)writer_->Abandon();
  if (!is_dry_run_) {
    ARROW_RETURN_NOT_OK(context_.ledger->ReleaseLease(fence_.lease, fence_.epoch));
  }
  ARROW_RETURN_NOT_OK(status);
  report_.notes = origins_->notes();
  return report_;
}

}  // namespace

arrow::Result<ReplayReport> ReplayLetters(std::shared_ptr<const PipelinePlan> plan,
                                          RunnerContext context,
                                          const std::vector<StoredLetter>& letters,
                                          const ReplayOptions& options) {
  CATCHWATER_CHECK(plan->lake.has_value(), "only a pipeline with a lake has dead letters");
  CATCHWATER_CHECK(static_cast<int64_t>(letters.size()) <= kReplayLettersMax,
                   "a replay is one commit and bounded");
  return Replay(std::move(plan), std::move(context), options.is_dry_run).Run(letters);
}

}  // namespace catchwater
