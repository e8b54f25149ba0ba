#include "catchwater/pipeline/stream_apps.h"

#include <algorithm>
#include <iterator>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"
#include "catchwater/ledger/names.h"

namespace catchwater {
namespace {

/// `ledger rebuild` raises the epochs of all leases by this (lake/rebuild.cc).
constexpr int64_t kEpochsOfRebuild = 1'000'000;

int64_t LakeRowsOf(const std::vector<RowAccount>& account) {
  int64_t row_count = 0;
  for (const RowAccount& line : account) {
    if (line.bucket == Bucket::kLake && line.consumer == kLakeConsumer) {
      row_count += line.row_count_added;
    }
  }
  return row_count;
}

}  // namespace

arrow::Result<std::unique_ptr<StreamApps>> StreamApps::Make(
    std::shared_ptr<const PipelinePlan> plan, const std::shared_ptr<arrow::Schema>& schema,
    StreamAppsContext context) {
  OperatorInput input{.schema = schema, .event_time_column = plan->event_time_column()};
  std::unique_ptr<StreamApps> made(
      new StreamApps(std::move(plan), std::move(input), std::move(context)));
  for (const StreamPlan& stream : made->plan_->streams) {
    if (stream.config.script) continue;  // It follows the table: pipeline/script_sink.h.
    ARROW_ASSIGN_OR_RAISE(App app, made->MakeApp(stream));
    made->apps_.push_back(std::move(app));
  }
  return made;
}

arrow::Status StreamApps::MakeOperator(App* app) const {
  const StreamConfig& config = app->plan->config;
  if (IsOrdered(config)) {
    ARROW_ASSIGN_OR_RAISE(app->timed, MakeTimedStream(config, input_));
    return arrow::Status::OK();
  }
  ARROW_ASSIGN_OR_RAISE(app->whole, MakeMergingOperator(config, input_));
  if (app->model == nullptr) {
    ARROW_ASSIGN_OR_RAISE(app->model, MakeMergingOperator(config, input_));
  }
  return arrow::Status::OK();
}

arrow::Result<StreamApps::App> StreamApps::MakeApp(const StreamPlan& stream) const {
  App app;
  app.plan = &stream;
  app.meter =
      context_.telemetry.NewMeter(context_.clock, stream.config.name, input_.event_time_column);
  ARROW_RETURN_NOT_OK(MakeOperator(&app));
  app.meaning =
      "1 " + plan_->lake->table.table_key + " " + MeaningOf(stream.config, *app.op().schema());
  app.state = std::make_unique<StreamState>(context_.state_folder + "/" + stream.config.name,
                                            context_.lake.files());
  for (const ChosenSink& chosen : stream.to) {
    // What is wrong with a destination is said before anything is read.
    ARROW_ASSIGN_OR_RAISE(const auto sink,
                          chosen.make(context_.sink_context(stream.config, app.op().schema())));
    ARROW_RETURN_NOT_OK(sink->Check());
  }
  ARROW_RETURN_NOT_OK(MakeTables(&app));
  return app;
}

arrow::Status StreamApps::MakeTables(App* app) const {
  const std::string actor = "pipeline/" + plan_->name;
  for (const std::string& table_key : app->plan->tables) {
    const TableSpec spec = app->timed != nullptr
                               ? OrderedTableSpec(table_key, app->timed->op(), plan_->name)
                               : ResultTableSpec(table_key, *app->op().schema(),
                                                 app->op().key_column_count(), plan_->name);
    ARROW_ASSIGN_OR_RAISE(auto table, context_.lake.EnsureTable(spec, actor, {context_.fence}));
    app->tables.push_back(std::move(table));
  }
  const auto& late = app->plan->config.late;
  if (!late || late->table.empty()) return arrow::Status::OK();
  TableSpec spec;
  spec.table_key = late->table;
  spec.schema = LateSchema(*input_.schema);
  spec.properties["catchwater.pipeline"] = plan_->name;
  ARROW_ASSIGN_OR_RAISE(app->late_table, context_.lake.EnsureTable(spec, actor, {context_.fence}));
  return arrow::Status::OK();
}

arrow::Status StreamApps::Restore(Committer& committer) {
  ARROW_ASSIGN_OR_RAISE(const auto account, context_.lake.ledger().Account(plan_->name));
  for (const AccountRecord& line : account) {
    if (line.bucket == Bucket::kLake && line.consumer == kLakeConsumer) {
      lake_rows_ += line.row_count;
    }
  }
  for (App& app : apps_) {
    app.is_on = IsWanted(app);
    if (app.is_on) ARROW_RETURN_NOT_OK(RestoreApp(&app, committer));
  }
  return arrow::Status::OK();
}

arrow::Status StreamApps::RestoreApp(App* app, Committer& committer) {
  ARROW_ASSIGN_OR_RAISE(const bool is_current, LoadState(app));
  if (is_current) return app->state->RemoveOthers();
  return WithContext(Rebuild(app, committer), "stream `" + app->plan->config.name + "`");
}

arrow::Result<bool> StreamApps::LoadState(App* app) {
  const std::string& name = app->plan->config.name;
  ARROW_ASSIGN_OR_RAISE(const auto saved, context_.lake.ledger().Checkpoints(plan_->name, name));
  if (saved.empty()) return HasNoRows();
  if (saved.front().meaning != app->meaning) return false;
  const auto head = app->state->Load(saved.front().files, [app](std::string_view state) {
    return app->timed != nullptr ? app->timed->Load(state) : app->whole->Load(state);
  });
  if (!head.ok()) {
    const ErrorKind kind = KindOf(head.status());
    // State that is gone or damaged is no loss: the table has the rows.
    const bool is_lost = kind == ErrorKind::kNotFound || kind == ErrorKind::kBadData;
    if (is_lost) return false;
    return head.status();
  }
  if (head->lake_rows != lake_rows_) return false;
  // A ledger that was rebuilt may count fewer rows than the table has.
  if (context_.fence.epoch - head->epoch >= kEpochsOfRebuild) return false;
  app->head = *head;
  return true;
}

arrow::Result<std::unique_ptr<StreamLane>> StreamApps::NewLane() {
  std::vector<MergingStream> merging;
  std::vector<OrderedStream> ordered;
  for (const App& app : apps_) {
    OrderedStream stream = OrderedOf(app);
    if (app.timed != nullptr) {
      ordered.push_back(std::move(stream));
    } else {
      merging.push_back({.model = app.model.get(),
                         .is_wanted = std::move(stream.is_wanted),
                         .meter = app.meter.get()});
    }
  }
  if (ordered_ == nullptr && !ordered.empty()) {
    ordered_ = std::make_unique<OrderedStreams>(std::move(ordered), /*keeps_state=*/true);
  }
  return StreamLane::Make(std::move(merging), ordered_.get());
}

OrderedStream StreamApps::OrderedOf(const App& app) const {
  return {.stream = app.timed.get(),
          .growth = app.state->growth(),
          .is_wanted = [&switches = context_.switches,
                        name = app.plan->config.name] { return switches.is_on(name); },
          .meter = app.meter.get(),
          .early = EarlyOf(app),
          .feeding = app.is_on ? OrderedStream::Feeding::kOn : OrderedStream::Feeding::kOff};
}

const std::vector<EarlyResults*>& StreamApps::EarlyOf(const App& app) const {
  static const std::vector<EarlyResults*> kNone;
  const auto found = context_.early.find(app.plan->config.name);
  return found == context_.early.end() ? kNone : found->second;
}

void StreamApps::TellFiles(const App& app, const CommitRequest& request, EarlyRange range,
                           EarlyResults* early) {
  for (const TableAppend& append : request.appends) {
    if (append.table_key != app.tables.front()->table_key) continue;
    for (const WrittenFile& file : append.files) early->Written(file.data_file.path, range);
  }
}

arrow::Status StreamApps::PreparePositions(App* app, const Epoch& epoch, CommitPlan* plan) const {
  const std::string& name = app->plan->config.name;
  for (const FrontierPart& part : epoch.frontier()) {
    PositionAdvance advance{.range = part.range, .consumer = name, .is_finished = part.is_finished};
    // An app that began after the partition has no position there yet; it has its rows.
    auto known = app->positions.find(part.range.partition_id);
    if (known == app->positions.end()) {
      ARROW_ASSIGN_OR_RAISE(Position at,
                            context_.lake.ledger().GetPosition(part.range.partition_id, name));
      known = app->positions.emplace(part.range.partition_id, std::move(at)).first;
    }
    advance.range.from = known->second;
    known->second = part.range.to;
    plan->positions.push_back(std::move(advance));
    if (part.is_finished) app->positions.erase(known);
  }
  return arrow::Status::OK();
}

arrow::Status StreamApps::SaveMerging(App* app, const MergingOperator& part,
                                      CommitRequest* request) const {
  app->head.lake_rows = lake_rows_;
  app->head.epoch = context_.fence.epoch;
  const std::string stem = std::to_string(context_.fence.epoch) + "-" + request->plan.id;
  ARROW_ASSIGN_OR_RAISE(app->names_next, app->state->Save(stem, app->head, *app->whole, part));
  Checkpoint(*app, request);
  return arrow::Status::OK();
}

arrow::Status StreamApps::SaveBytes(App* app, const PackedState& state, bool is_base,
                                    CommitRequest* request) const {
  app->head.lake_rows = lake_rows_;
  app->head.epoch = context_.fence.epoch;
  const std::string stem = std::to_string(context_.fence.epoch) + "-" + request->plan.id;
  ARROW_ASSIGN_OR_RAISE(app->names_next, app->state->SaveBytes(stem, app->head, state, is_base));
  Checkpoint(*app, request);
  return arrow::Status::OK();
}

void StreamApps::Checkpoint(const App& app, CommitRequest* request) const {
  std::optional<int64_t> watermark_us;
  if (app.timed != nullptr && app.watermark_us != EventTime::kNone) watermark_us = app.watermark_us;
  request->plan.state.push_back({.pipeline = plan_->name,
                                 .consumer = app.plan->config.name,
                                 .shard = "",
                                 .meaning = app.meaning,
                                 .files = app.names_next,
                                 .watermark_us = watermark_us});
}

arrow::Status StreamApps::AddResults(const App& app, const arrow::RecordBatchVector& rows,
                                     CommitRequest* request) const {
  for (const auto& batch : rows) {
    if (app.meter != nullptr && batch->num_rows() > 0) app.meter->PutOut(batch->num_rows());
  }
  for (const auto& table : app.tables) ARROW_RETURN_NOT_OK(Append(table, rows, request));
  return arrow::Status::OK();
}

arrow::Status StreamApps::Append(const std::shared_ptr<const TableState>& table,
                                 const arrow::RecordBatchVector& rows,
                                 CommitRequest* request) const {
  int64_t row_count = 0;
  for (const auto& batch : rows) row_count += batch->num_rows();
  if (row_count == 0) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const auto writer, PartitionWriter::Make(context_.lake, table,
                                                                 {.lease = context_.fence.lease,
                                                                  .epoch = context_.fence.epoch}));
  for (const auto& batch : rows) {
    if (batch->num_rows() > 0) ARROW_RETURN_NOT_OK(writer->Add(batch));
  }
  ARROW_ASSIGN_OR_RAISE(auto files, writer->Close());
  const auto same = std::ranges::find(request->appends, table->table_key,
                                      [](const TableAppend& append) { return append.table_key; });
  if (same == request->appends.end()) {
    request->appends.push_back(
        {.table_key = table->table_key, .files = std::move(files), .positions_json = ""});
  } else {
    std::move(files.begin(), files.end(), std::back_inserter(same->files));
  }
  return arrow::Status::OK();
}

arrow::Status StreamApps::Prepare(const Epoch& epoch, CommitRequest* request,
                                  Committer& committer) {
  ARROW_RETURN_NOT_OK(context_.switches.Read(context_.lake.ledger()));
  std::vector<StreamCut> cuts;
  if (ordered_ != nullptr) {
    ARROW_ASSIGN_OR_RAISE(cuts, ordered_->Take(epoch.number()));
  }
  size_t merging = 0;
  size_t ordered = 0;
  for (App& app : apps_) {
    const size_t i = app.timed != nullptr ? ordered++ : merging++;
    StreamCut* cut = app.timed != nullptr ? &cuts.at(i) : nullptr;
    ARROW_RETURN_NOT_OK(WithContext(Switch(&app, i, epoch, cut, committer),
                                    "stream `" + app.plan->config.name + "`"));
  }
  lake_rows_ += LakeRowsOf(request->plan.account);
  merging = ordered = 0;
  for (App& app : apps_) {
    const size_t i = app.timed != nullptr ? ordered++ : merging++;
    app.names_next = app.state->names();
    app.results_next.clear();
    app.answered_us.clear();
    if (!app.is_on) continue;
    ARROW_RETURN_NOT_OK(PreparePositions(&app, epoch, &request->plan));
    if (app.timed != nullptr) {
      ARROW_RETURN_NOT_OK(PrepareOrdered(&app, std::move(cuts[i]), request));
    } else {
      ARROW_RETURN_NOT_OK(PrepareMerging(&app, i, epoch, request));
    }
  }
  return arrow::Status::OK();
}

arrow::Status StreamApps::Switch(App* app, size_t i, const Epoch& epoch, StreamCut* cut,
                                 Committer& committer) {
  bool is_void = cut != nullptr && cut->is_void;
  if (cut == nullptr) {
    for (const auto& shares : epoch.streams()) is_void |= shares[i].is_void;
  }
  if (is_void || !IsWanted(*app)) {
    // The lanes may not have noticed yet, and may not before it is switched on again.
    if (!is_void && app->is_on && cut != nullptr) ordered_->TurnOff(i);
    app->is_on = false;
    app->results_new.clear();
    return arrow::Status::OK();
  }
  const bool is_joining = cut != nullptr && cut->is_joining;
  if (app->is_on && !is_joining) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(Rebuild(app, committer));
  app->is_on = true;
  return cut == nullptr ? arrow::Status::OK() : ordered_->Join(i, OrderedOf(*app), cut);
}

arrow::Status StreamApps::PrepareMerging(App* app, size_t i, const Epoch& epoch,
                                         CommitRequest* request) {
  ARROW_ASSIGN_OR_RAISE(const auto part, app->whole->NewPart());
  Flows flows;
  for (const auto& shares : epoch.streams()) {
    ARROW_RETURN_NOT_OK(part->Merge(*shares[i].part));
    for (const auto& [partition_id, flow] : shares[i].flows) flows[partition_id].Merge(flow);
  }
  int64_t used_count = 0;
  for (const auto& [partition_id, flow] : flows) {
    flow.AppendAccount(partition_id, app->plan->config.name, &request->plan.account);
    used_count += flow.Total(Bucket::kUsed);
  }
  if (app->meter != nullptr) app->meter->LedToResult(used_count);
  for (const auto& [receive_us, row_count] : epoch.receipts()) {
    if (used_count > 0) app->answered_us.push_back(receive_us);
  }
  if (part->is_empty()) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(app->whole->Merge(*part));
  ++app->head.revision;
  if (!app->tables.empty()) {  // Other sinks get all that is current, after the commit.
    ARROW_ASSIGN_OR_RAISE(const auto results, app->whole->ResultsOf(*part));
    ARROW_ASSIGN_OR_RAISE(const auto rows, RevisionRows(*results, app->whole->key_column_count(),
                                                        app->head.revision, false));
    ARROW_RETURN_NOT_OK(AddResults(*app, {rows}, request));
  }
  return SaveMerging(app, *part, request);
}

arrow::Status StreamApps::PrepareOrdered(App* app, StreamCut cut, CommitRequest* request) {
  for (const auto& [partition_id, flow] : cut.flows) {
    flow.AppendAccount(partition_id, app->plan->config.name, &request->plan.account);
  }
  if (!cut.has_rows) return arrow::Status::OK();
  app->watermark_us = cut.watermark_us;
  ARROW_RETURN_NOT_OK(AddResults(*app, cut.results, request));
  for (EarlyResults* early : EarlyOf(*app)) TellFiles(*app, *request, cut.early, early);
  if (app->late_table != nullptr) {
    ARROW_RETURN_NOT_OK(Append(app->late_table, cut.late, request));
  }
  app->results_next = std::move(cut.results);
  app->answered_us = std::move(cut.answered_us);
  return SaveBytes(app, cut.state, cut.is_base, request);
}

void StreamApps::Committed() {
  for (App& app : apps_) {
    app.state->Committed(std::move(app.names_next));
    for (const int64_t receive_us : std::exchange(app.answered_us, {})) {
      if (app.meter != nullptr) app.meter->Responded(receive_us);
    }
    if (app.timed != nullptr && app.watermark_us != EventTime::kNone) {
      context_.telemetry.Watermark(app.plan->config.name, app.watermark_us);
    }
    if (app.plan->to.empty()) continue;
    std::move(app.results_next.begin(), app.results_next.end(),
              std::back_inserter(app.results_new));
    app.results_next.clear();
  }
}

arrow::Status StreamApps::WriteResultsOf(App& app) const {
  if (!app.is_on || !IsWanted(app)) return arrow::Status::OK();
  arrow::Status first;
  arrow::RecordBatchVector results = std::exchange(app.results_new, {});
  if (app.timed == nullptr) {
    ARROW_ASSIGN_OR_RAISE(results.emplace_back(), app.whole->Current());
  }
  if (results.empty()) return arrow::Status::OK();
  for (const ChosenSink& chosen : app.plan->to) {
    const auto write = [&]() -> arrow::Status {
      ARROW_ASSIGN_OR_RAISE(
          const auto sink, chosen.make(context_.sink_context(app.plan->config, app.op().schema())));
      ARROW_RETURN_NOT_OK(sink->Check());
      for (const auto& rows : results) ARROW_RETURN_NOT_OK(sink->Write(*rows));
      ARROW_RETURN_NOT_OK(sink->Flush(/*mark=*/std::nullopt).status());
      return sink->Close();
    };
    const arrow::Status status = write();
    if (!status.ok() && app.meter != nullptr) app.meter->Failed();
    if (first.ok() && !status.ok()) {
      first = WithContext(status, "results of stream `" + app.plan->config.name + "`");
    }
  }
  return first;
}

arrow::Status StreamApps::WriteResults() {
  arrow::Status first;
  for (App& app : apps_) {
    const arrow::Status status = WriteResultsOf(app);
    if (first.ok()) first = status;
  }
  ARROW_RETURN_NOT_OK(first);
  return Reach(FailPoint::kStreamResultsWritten);
}

}  // namespace catchwater
