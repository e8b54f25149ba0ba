#include "catchwater/pipeline/script_sink.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "catchwater/base/error.h"
#include "catchwater/batch/select_rows.h"
#include "catchwater/lake/partition_writer.h"
#include "catchwater/ledger/names.h"
#include "catchwater/pipeline/app_meter.h"
#include "catchwater/pipeline/flow.h"
#include "catchwater/pipeline/result_table.h"
#include "catchwater/pipeline/script_results.h"
#include "catchwater/pipeline/stream_state.h"
#include "catchwater/script/script_process.h"
#include "catchwater/stream/event_time.h"
#include "catchwater/stream/state_bytes.h"

namespace catchwater {
namespace {

constexpr const char* kMeaning = "script 1 ";

const StreamPlan& Find(const PipelinePlan& plan, const std::string& stream) {
  const auto found = std::ranges::find(plan.streams, stream,
                                       [](const StreamPlan& one) { return one.config.name; });
  CATCHWATER_CHECK(found != plan.streams.end(), "a sink of a script has its stream");
  return *found;
}

/// Nothing of ours: what is in our environment may be secret.
std::vector<std::string> EnvironmentOf(const ScriptConfig& config, const std::string& pipeline,
                                       const std::string& app) {
  std::vector<std::string> environment{"CATCHWATER_PIPELINE=" + pipeline, "CATCHWATER_APP=" + app};
  const auto is_given = [&](std::string_view name) {
    return std::ranges::any_of(config.environment,
                               [&](const auto& given) { return given.first == name; });
  };
  for (const char* name : {"PATH", "HOME", "LANG", "TZ"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && !is_given(name)) {
      environment.push_back(std::string(name) + "=" + value);
    }
  }
  for (const auto& [name, value] : config.environment) environment.push_back(name + "=" + value);
  return environment;
}

class ScriptSink final : public Sink {
 public:
  ScriptSink(ScriptSinkContext context, ScriptResults results, std::unique_ptr<Codec> codec)
      : plan_(std::move(context.plan)),
        stream_(Find(*plan_, context.stream)),
        config_(*stream_.config.script),
        name_(plan_->name + "/" + stream_.config.name),
        runner_(context.runner),
        fence_(std::move(context.fence)),
        stop_(std::move(context.stop)),
        schema_(std::move(context.schema)),
        results_(std::move(results)),
        codec_(std::move(codec)),
        committer_(*runner_.lake),
        state_(runner_.data_folder + "/streams/" + plan_->name + "/" + stream_.config.name,
               runner_.lake->files()) {
    if (runner_.telemetry == nullptr) return;
    meter_ = std::make_unique<AppMeter>(runner_.telemetry->metrics, runner_.clock, plan_->name,
                                        stream_.config.name, /*event_time_column=*/"");
  }

  arrow::Status Check() override { return arrow::Status::OK(); }
  SinkTraits traits() const override { return {.keeps_mark = true, .replaces_rows = false}; }
  arrow::Result<std::optional<DeliveryMark>> Open() override;
  arrow::Status Restart() override { return BeginAnew(); }
  void BeginFile(const DeliveryMark& file) override {
    file_ = file;
    batch_in_file_ = 0;
  }
  arrow::Status Write(const arrow::RecordBatch& rows) override;
  arrow::Result<SinkReceipt> Flush(const std::optional<DeliveryMark>& mark) override;
  arrow::Status Close() override;

 private:
  arrow::Status MakeTables();
  arrow::Result<bool> LoadState(std::optional<DeliveryMark>* mark);
  arrow::Status BeginAnew();
  arrow::Status OpenAccount();
  arrow::Status StartProgram();
  void Said(std::string_view line) const;
  void Failed(const arrow::Status& why) const;
  /// The rows from the event time on that the app begins with; the others are counted.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> FromOn(const arrow::RecordBatch& rows);
  /// Waits so long that no more rows than allowed are taken in a second.
  arrow::Status Pace(int64_t row_count);
  std::string Meaning() const;
  arrow::Result<int64_t> Work(const arrow::RecordBatch& rows);
  arrow::Status Take(ScriptAnswer answer, const std::string& batch);
  arrow::Status Add(const std::shared_ptr<arrow::RecordBatch>& rows);
  arrow::Status AddState(const DeliveryMark& mark, CommitRequest* request);
  void AddAccount(CommitRequest* request) const;

  const std::shared_ptr<const PipelinePlan> plan_;
  const StreamPlan& stream_;
  const ScriptConfig& config_;
  const std::string name_;  // pipeline/app
  const RunnerContext& runner_;
  const Fence fence_;
  const std::stop_token stop_;
  const std::shared_ptr<arrow::Schema> schema_;
  ScriptResults results_;
  const std::unique_ptr<Codec> codec_;
  std::unique_ptr<Encoder> encoder_;
  Committer committer_;
  StreamState state_;
  std::unique_ptr<AppMeter> meter_;  // Null: nothing is measured.
  std::vector<std::shared_ptr<const TableState>> tables_;
  std::vector<std::unique_ptr<PartitionWriter>> writers_;  // Of tables_.
  PartitionCopy account_;
  Position position_;                       // In the account: rows that the script was given.
  std::unique_ptr<ScriptProcess> program_;  // Null: it is not needed yet.
  std::string script_state_;                // JSON text; empty: it gave none.
  DeliveryMark file_;
  int64_t batch_in_file_ = 0;
  bool has_begun_anew_ = false;
  int64_t revision_ = 0;      // Of the last result.
  int64_t row_count_ = 0;     // Given since the last Flush.
  int64_t before_count_ = 0;  // Left out since then: they are before `from`.
  int64_t paced_us_ = 0;      // When the next rows may be taken; monotonic.
  DeliveryMark mark_;         // Of the last commit.
};

arrow::Status ScriptSink::MakeTables() {
  const auto results = ScriptResultSchema(config_);
  for (const std::string& table_key : stream_.tables) {
    const TableSpec spec = RevisedTableSpec(table_key, results, {"id"}, plan_->name);
    ARROW_ASSIGN_OR_RAISE(auto table,
                          runner_.lake->EnsureTable(spec, "pipeline/" + plan_->name, {fence_}));
    ARROW_ASSIGN_OR_RAISE(auto writer,
                          PartitionWriter::Make(*runner_.lake, table,
                                                {.lease = fence_.lease, .epoch = fence_.epoch}));
    tables_.push_back(std::move(table));
    writers_.push_back(std::move(writer));
  }
  return arrow::Status::OK();
}

arrow::Result<bool> ScriptSink::LoadState(std::optional<DeliveryMark>* mark) {
  ARROW_ASSIGN_OR_RAISE(const auto saved,
                        runner_.ledger->Checkpoints(plan_->name, stream_.config.name));
  if (saved.empty() || saved.front().meaning != Meaning()) return false;
  const auto load = [&](std::string_view bytes) {
    StateReader reader(bytes);
    DeliveryMark read{.seq = reader.Get<int64_t>(), .ordinal = reader.Get<int64_t>()};
    read.file = reader.GetText();
    script_state_ = reader.GetText();
    if (!reader.is_at_end()) reader.Fail();
    *mark = std::move(read);
    return reader.status();
  };
  const auto head = state_.Load(saved.front().files, load);
  if (!head.ok()) {
    const ErrorKind kind = KindOf(head.status());
    const bool is_lost = kind == ErrorKind::kNotFound || kind == ErrorKind::kBadData;
    if (is_lost) return false;
    return head.status();
  }
  revision_ = head->revision;
  return true;
}

arrow::Status ScriptSink::OpenAccount() {
  // The table is the source here: a partition of its own in the account.
  account_.key = {.pipeline = plan_->name,
                  .source = "lake",
                  .name = "lake/" + stream_.config.name,
                  .incarnation = ""};
  ARROW_ASSIGN_OR_RAISE(account_.id, runner_.ledger->OpenPartition(account_.key));
  ARROW_ASSIGN_OR_RAISE(position_, runner_.ledger->GetPosition(account_.id, stream_.config.name));
  return arrow::Status::OK();
}

arrow::Result<std::optional<DeliveryMark>> ScriptSink::Open() {
  ARROW_RETURN_NOT_OK(MakeTables());
  ARROW_RETURN_NOT_OK(OpenAccount());
  ARROW_ASSIGN_OR_RAISE(encoder_, codec_->MakeEncoder(schema_));
  std::optional<DeliveryMark> mark;
  ARROW_ASSIGN_OR_RAISE(const bool is_known, LoadState(&mark));
  if (is_known) {
    mark_ = *mark;
    ARROW_RETURN_NOT_OK(state_.RemoveOthers());
    return mark;
  }
  ARROW_RETURN_NOT_OK(BeginAnew());
  return std::nullopt;
}

arrow::Status ScriptSink::BeginAnew() {
  if (std::exchange(has_begun_anew_, true)) return arrow::Status::OK();
  script_state_.clear();
  mark_ = {};
  ARROW_ASSIGN_OR_RAISE(revision_, LastRevision(*runner_.lake, *tables_.front()));
  if (revision_ == 0) return arrow::Status::OK();
  ++revision_;
  ARROW_ASSIGN_OR_RAISE(const auto retracted,
                        RetractionRows(*runner_.lake, *tables_.front(), revision_));
  return retracted == nullptr ? arrow::Status::OK() : Add(retracted);
}

void ScriptSink::Said(std::string_view line) const {
  if (runner_.telemetry == nullptr) return;
  runner_.telemetry->log.Info("script.said", {{"object", name_}, {"text", line}});
}

void ScriptSink::Failed(const arrow::Status& why) const {
  if (KindOf(why) == ErrorKind::kCancelled) return;
  if (meter_ != nullptr) meter_->Failed();
  if (runner_.telemetry == nullptr) return;
  runner_.telemetry->log.Warning("script.failed", {{"object", name_}, {"error", why}});
}

arrow::Status ScriptSink::StartProgram() {
  if (program_ != nullptr) return arrow::Status::OK();
  const ChildOptions child{.command = config_.command,
                           .folder = std::filesystem::absolute(plan_->project_folder).string(),
                           .environment = EnvironmentOf(config_, plan_->name, stream_.config.name),
                           .memory_bytes_max = config_.memory_max.bytes};
  const ScriptLimits limits{.time_us_max = config_.time_max.us(),
                            .output_bytes_max = config_.output_max.bytes};
  auto started = ScriptProcess::Start(child, limits, runner_.clock,
                                      [this](std::string_view line) { Said(line); });
  if (!started.ok()) Failed(started.status());
  ARROW_ASSIGN_OR_RAISE(program_, std::move(started));
  if (!script_state_.empty()) program_->GiveState(script_state_);
  if (meter_ != nullptr) meter_->Started();
  return arrow::Status::OK();
}

std::string ScriptSink::Meaning() const {
  const auto& from_us = stream_.config.from_us;
  return kMeaning + plan_->lake->table.table_key +
         (from_us ? " from " + std::to_string(*from_us) : "");
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> ScriptSink::FromOn(
    const arrow::RecordBatch& rows) {
  Batch all{.rows = rows.Slice(0), .origin = {}};
  if (!stream_.config.from_us) return all.rows;
  const auto column = rows.GetColumnByName(plan_->event_time_column());
  if (column == nullptr || column->type_id() != arrow::Type::TIMESTAMP) {
    return ConfigError("Column of the event time is gone or no timestamp, app: ", name_);
  }
  const auto& times = static_cast<const arrow::TimestampArray&>(*column);
  std::vector<uint8_t> keep(static_cast<size_t>(rows.num_rows()));
  for (int64_t row = 0; row < rows.num_rows(); ++row) {
    const bool is_kept = times.IsValid(row) && times.Value(row) >= *stream_.config.from_us;
    keep[static_cast<size_t>(row)] = is_kept ? 1 : 0;
  }
  ARROW_ASSIGN_OR_RAISE(const Batch kept, FilterBatch(std::move(all), keep));
  const int64_t before_count = rows.num_rows() - kept.rows->num_rows();
  before_count_ += before_count;
  if (meter_ != nullptr && before_count > 0) meter_->Dropped(kBeforeFrom, before_count);
  return kept.rows;
}

arrow::Status ScriptSink::Pace(int64_t row_count) {
  const int64_t rows_max = stream_.config.rows_per_second_max;
  if (rows_max == 0) return arrow::Status::OK();
  const int64_t now_us = runner_.clock.MonotonicMicros();
  const int64_t wait_us = paced_us_ - now_us;
  if (wait_us > 0 && !runner_.clock.SleepMicros(wait_us, stop_)) {
    return Cancelled("Script is stopping");
  }
  paced_us_ = std::max(now_us, paced_us_) + row_count * 1'000'000 / rows_max;
  return arrow::Status::OK();
}

arrow::Status ScriptSink::Write(const arrow::RecordBatch& all) {
  ARROW_ASSIGN_OR_RAISE(const auto rows, FromOn(all));
  const int64_t rows_max = stream_.config.rows_per_second_max;
  const int64_t batch_rows =
      rows_max > 0 ? std::min(config_.batch_rows, rows_max) : config_.batch_rows;
  for (int64_t begin = 0; begin < rows->num_rows(); begin += batch_rows) {
    const auto batch = rows->Slice(begin, batch_rows);
    ARROW_RETURN_NOT_OK(Pace(batch->num_rows()));
    const int64_t from_us = runner_.clock.MonotonicMicros();
    ARROW_ASSIGN_OR_RAISE(const int64_t result_count, Work(*batch));
    row_count_ += batch->num_rows();
    if (meter_ == nullptr) continue;
    meter_->Analysed({.rows = batch, .origin = {}}, runner_.clock.MonotonicMicros() - from_us,
                     runner_.clock.NowMicros(), /*is_ordered=*/false);
    if (result_count == 0) continue;
    meter_->PutOut(result_count);
    // Which rows of the batch they are of, the program does not say.
    meter_->LedToResult(std::min(result_count, batch->num_rows()));
  }
  return arrow::Status::OK();
}

arrow::Result<int64_t> ScriptSink::Work(const arrow::RecordBatch& rows) {
  ARROW_RETURN_NOT_OK(StartProgram());
  const std::string batch = std::to_string(file_.seq) + "-" + std::to_string(file_.ordinal) + "-" +
                            std::to_string(batch_in_file_++);
  std::string lines;
  ARROW_RETURN_NOT_OK(encoder_->Encode(rows, &lines));
  auto answer = program_->Exchange(lines, batch, stop_);
  if (!answer.ok()) {
    Failed(answer.status());
    return answer.status();
  }
  const int64_t before = revision_;
  ARROW_RETURN_NOT_OK(Take(*std::move(answer), batch));
  return revision_ - before;
}

arrow::Status ScriptSink::Take(ScriptAnswer answer, const std::string& batch) {
  if (answer.state) script_state_ = *std::move(answer.state);
  if (answer.results.empty()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const ScriptRows taken, results_.Read(std::move(answer.results),
                                                              revision_ + 1, name_ + "/" + batch));
  for (const std::string& why : taken.refused) {
    if (meter_ != nullptr) meter_->Failed();
    if (runner_.telemetry == nullptr) continue;
    runner_.telemetry->log.Warning("script.bad_result", {{"object", name_}, {"error", why}});
  }
  if (taken.rows == nullptr || taken.rows->num_rows() == 0) return arrow::Status::OK();
  revision_ += taken.rows->num_rows();
  return Add(taken.rows);
}

arrow::Status ScriptSink::Add(const std::shared_ptr<arrow::RecordBatch>& rows) {
  for (const auto& writer : writers_) ARROW_RETURN_NOT_OK(writer->Add(rows));
  return arrow::Status::OK();
}

arrow::Status ScriptSink::AddState(const DeliveryMark& mark, CommitRequest* request) {
  StateWriter writer;
  writer.Put(mark.seq);
  writer.Put(mark.ordinal);
  writer.PutText(mark.file);
  writer.PutText(script_state_);
  const std::string stem = std::to_string(fence_.epoch) + "-" + request->plan.id;
  ARROW_ASSIGN_OR_RAISE(const PackedState state, PackedState::Of(writer.Take()));
  ARROW_ASSIGN_OR_RAISE(const auto files,
                        state_.SaveBytes(stem, {.revision = revision_, .epoch = fence_.epoch},
                                         state, /*is_base=*/true));
  request->plan.state.push_back({.pipeline = plan_->name,
                                 .consumer = stream_.config.name,
                                 .shard = "",
                                 .meaning = Meaning(),
                                 .files = files,
                                 .watermark_us = std::nullopt});
  return arrow::Status::OK();
}

void ScriptSink::AddAccount(CommitRequest* request) const {
  if (row_count_ + before_count_ == 0) return;
  const std::string& app = stream_.config.name;
  Range range{.partition_id = account_.id, .from = position_, .to = position_};
  range.to.ordinal += static_cast<uint64_t>(row_count_ + before_count_);
  request->partitions = {account_};
  request->plan.positions = {{.range = range, .consumer = app, .is_finished = false}};
  PartitionFlow flow;
  flow.Count(Bucket::kRows, "", row_count_ + before_count_);
  flow.Count(Bucket::kUsed, "", row_count_);
  flow.Count(Bucket::kFiltered, kBeforeFrom, before_count_);
  flow.AppendAccount(account_.id, app, &request->plan.account);
}

arrow::Result<SinkReceipt> ScriptSink::Flush(const std::optional<DeliveryMark>& mark) {
  if (mark && *mark == mark_ && row_count_ + before_count_ == 0) return SinkReceipt{};
  CommitRequest request;
  request.plan.id = runner_.lake->NewUuid();
  request.plan.actor = "pipeline/" + plan_->name;
  request.plan.fences = {fence_};
  for (size_t i = 0; i < tables_.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(auto files, writers_[i]->Close());
    if (files.empty()) continue;
    request.appends.push_back(
        {.table_key = tables_[i]->table_key, .files = std::move(files), .positions_json = ""});
  }
  // Files of a resync that come before its last one have no mark: all are one commit.
  CATCHWATER_CHECK(mark.has_value(), "rows that cannot be replaced come with their mark");
  ARROW_RETURN_NOT_OK(AddState(*mark, &request));
  AddAccount(&request);
  std::vector<std::string> checkpoint = request.plan.state.front().files;
  const auto result = committer_.Commit(request);
  if (!result.ok() && KindOf(result.status()) == ErrorKind::kConflict) {
    // A conflict would ask for the same rows once more of this program.
    return Unavailable(result.status().message());
  }
  ARROW_ASSIGN_OR_RAISE(const CommitResult committed, result);
  if (committed.outcome != Outcome::kCommitted) {
    for (const TableAppend& append : request.appends) {
      ARROW_RETURN_NOT_OK(RemoveWritten(runner_.lake->files(), append.files));
    }
    return Unavailable("Commit of a script's results was refused, app and outcome: ", name_, " ",
                       OutcomeName(committed.outcome));
  }
  state_.Committed(std::move(checkpoint));
  mark_ = *mark;
  position_.ordinal += static_cast<uint64_t>(row_count_ + std::exchange(before_count_, 0));
  return SinkReceipt{.row_count = std::exchange(row_count_, 0)};
}

arrow::Status ScriptSink::Close() {
  program_.reset();
  arrow::Status first;
  for (const auto& writer : writers_) {
    const arrow::Status abandoned = writer->Abandon();
    if (first.ok()) first = abandoned;
  }
  return first;
}

}  // namespace

arrow::Result<std::unique_ptr<Sink>> MakeScriptSink(ScriptSinkContext context) {
  const StreamPlan& stream = Find(*context.plan, context.stream);
  ARROW_ASSIGN_OR_RAISE(auto results,
                        ScriptResults::Make(*stream.config.script, context.runner.registry,
                                            context.plan->frame_bytes_max));
  ARROW_ASSIGN_OR_RAISE(auto codec, context.runner.registry.MakeCodec("json"));
  return std::make_unique<ScriptSink>(std::move(context), std::move(results), std::move(codec));
}

}  // namespace catchwater
