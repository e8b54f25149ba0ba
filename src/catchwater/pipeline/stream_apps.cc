#include "catchwater/pipeline/stream_apps.h"

#include <algorithm>
#include <iterator>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"
#include "catchwater/lake/scan.h"
#include "catchwater/stream/whole_input.h"

namespace catchwater {
namespace {

constexpr const char* kLakeConsumer = "lake";
/// `ledger rebuild` raises the epochs of all leases by this (lake/rebuild.cc).
constexpr int64_t kEpochsOfRebuild = 1'000'000;

/// What must be the same for state to be of use.
std::string MeaningOf(const StreamPlan& stream, const StreamOperator& whole,
                      const std::string& table_key) {
  std::string meaning = "1 " + table_key + " all";
  for (const std::string& key : stream.config.key) meaning += " " + key;
  meaning += ":";
  for (const Aggregate& aggregate : stream.config.compute) {
    meaning += " " + aggregate.name + "=" + std::string(AggregateFunctionName(aggregate.function)) +
               "(" + aggregate.column + "," + std::to_string(aggregate.quantile) + ")";
  }
  for (const auto& field : whole.schema()->fields()) meaning += " " + field->type()->ToString();
  return meaning;
}

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
  std::unique_ptr<StreamApps> made(new StreamApps(std::move(plan), std::move(context)));
  for (const StreamPlan& stream : made->plan_->streams) {
    ARROW_ASSIGN_OR_RAISE(App app, made->MakeApp(stream, schema));
    made->apps_.push_back(std::move(app));
  }
  return made;
}

arrow::Result<StreamApps::App> StreamApps::MakeApp(
    const StreamPlan& stream, const std::shared_ptr<arrow::Schema>& schema) const {
  App app;
  app.plan = &stream;
  ARROW_ASSIGN_OR_RAISE(app.whole,
                        WholeInput::Make({.key = stream.config.key,
                                          .compute = stream.config.compute,
                                          .event_time_column = plan_->event_time_column()},
                                         schema));
  app.meaning = MeaningOf(stream, *app.whole, plan_->lake->table.table_key);
  app.state = std::make_unique<StreamState>(context_.state_folder + "/" + stream.config.name,
                                            context_.lake.files());
  for (const ChosenSink& chosen : stream.to) {
    // What is wrong with a destination is said before anything is read.
    ARROW_ASSIGN_OR_RAISE(const auto sink,
                          chosen.make(context_.sink_context(stream.config, app.whole->schema())));
    ARROW_RETURN_NOT_OK(sink->Check());
  }
  for (const std::string& table_key : stream.tables) {
    ARROW_ASSIGN_OR_RAISE(
        auto table,
        context_.lake.EnsureTable(ResultTableSpec(table_key, *app.whole->schema(),
                                                  app.whole->key_column_count(), plan_->name),
                                  "pipeline/" + plan_->name, {context_.fence}));
    app.tables.push_back(std::move(table));
  }
  return app;
}

arrow::Status StreamApps::Restore(Committer& committer) {
  ARROW_ASSIGN_OR_RAISE(const auto account, context_.lake.ledger().Account(plan_->name));
  for (const AccountRecord& line : account) {
    if (line.bucket == Bucket::kLake && line.consumer == kLakeConsumer) {
      lake_rows_ += line.row_count;
    }
  }
  for (App& app : apps_) ARROW_RETURN_NOT_OK(RestoreApp(&app, committer));
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
  ARROW_ASSIGN_OR_RAISE(auto loaded, app->whole->NewPart());
  const auto head = app->state->Load(saved.front().files, loaded.get());
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
  app->whole = std::move(loaded);
  return true;
}

arrow::Result<bool> StreamApps::HasNoRows() const {
  ARROW_ASSIGN_OR_RAISE(const auto table, context_.lake.LoadTable(plan_->lake->table.table_key));
  ARROW_ASSIGN_OR_RAISE(const auto files, LiveFiles(context_.lake, *table));
  return lake_rows_ == 0 && files.empty();
}

arrow::Result<int64_t> StreamApps::ReadTable(StreamOperator* into) const {
  ARROW_ASSIGN_OR_RAISE(const auto table, context_.lake.LoadTable(plan_->lake->table.table_key));
  ARROW_ASSIGN_OR_RAISE(const auto files, LiveFiles(context_.lake, *table));
  int64_t row_count = 0;
  if (files.empty()) return row_count;
  ARROW_ASSIGN_OR_RAISE(const auto reader, ReadRows(context_.lake, *table, files));
  while (true) {
    Batch batch;
    ARROW_ASSIGN_OR_RAISE(batch.rows, reader->Next());
    if (batch.rows == nullptr) return row_count;
    batch.origin.range.from.ordinal = static_cast<uint64_t>(row_count);
    ARROW_ASSIGN_OR_RAISE(const StreamTally tally, into->Add(batch));
    row_count += tally.used;
  }
}

arrow::Status StreamApps::Rebuild(App* app, Committer& committer) {
  const std::string& name = app->plan->config.name;
  ARROW_ASSIGN_OR_RAISE(app->whole, app->whole->NewPart());
  app->state =
      std::make_unique<StreamState>(context_.state_folder + "/" + name, context_.lake.files());
  ARROW_ASSIGN_OR_RAISE(const int64_t row_count, ReadTable(app->whole.get()));
  context_.telemetry.StreamRebuilt(name, row_count);
  ARROW_RETURN_NOT_OK(Reach(FailPoint::kStreamRebuilt));

  CommitRequest request;
  CommitPlan& plan = request.plan;
  plan.id = context_.lake.NewUuid();
  plan.actor = "pipeline/" + plan_->name;
  plan.fences = {context_.fence};
  if (row_count > 0) {
    // The lake is the source here: a partition of its own in the account.
    ARROW_ASSIGN_OR_RAISE(const int64_t partition_id, context_.lake.ledger().OpenPartition(
                                                          {.pipeline = plan_->name,
                                                           .source = "lake",
                                                           .name = "lake/" + name + "/" + plan.id,
                                                           .incarnation = ""}));
    Range range{.partition_id = partition_id, .from = {}, .to = {}};
    range.to.ordinal = static_cast<uint64_t>(row_count);
    plan.positions = {{.range = range, .consumer = name, .is_finished = true}};
    for (const Bucket bucket : {Bucket::kRows, Bucket::kUsed}) {
      plan.account.push_back({.partition_id = partition_id,
                              .consumer = name,
                              .reason = "",
                              .bucket = bucket,
                              .row_count_added = row_count});
    }
  }
  ARROW_ASSIGN_OR_RAISE(const auto rows, app->whole->Current());
  const int key_column_count = app->whole->key_column_count();
  for (const auto& table : app->tables) {
    ARROW_ASSIGN_OR_RAISE(const int64_t last, LastRevision(context_.lake, *table));
    app->head.revision = std::max(app->head.revision, last);
  }
  if (!app->tables.empty()) {
    // Keys that were there and are no more must not stay valid. All tables of an app hold the same.
    ARROW_ASSIGN_OR_RAISE(const auto retracted,
                          RetractionRows(context_.lake, *app->tables.front(), *rows->schema(),
                                         key_column_count, app->head.revision + 1));
    if (retracted != nullptr) ARROW_RETURN_NOT_OK(AddResults(*app, retracted, &request));
  }
  app->head.revision += 2;
  ARROW_ASSIGN_OR_RAISE(const auto revised,
                        RevisionRows(*rows, key_column_count, app->head.revision, false));
  ARROW_RETURN_NOT_OK(AddResults(*app, revised, &request));
  ARROW_RETURN_NOT_OK(SaveState(app, *app->whole, &request));
  const auto committed = committer.Commit(request);
  ARROW_RETURN_NOT_OK(committed.status());
  if (committed->outcome != Outcome::kCommitted) {
    for (const TableAppend& append : request.appends) {
      ARROW_RETURN_NOT_OK(RemoveWritten(context_.lake.files(), append.files));
    }
    return Conflict("Commit was refused, pipeline and outcome: ", plan_->name, " ",
                    OutcomeName(committed->outcome));
  }
  app->state->Committed(std::move(app->names_next));
  return app->state->RemoveOthers();
}

arrow::Result<std::unique_ptr<StreamLane>> StreamApps::NewLane() const {
  std::vector<const StreamOperator*> wholes;
  for (const App& app : apps_) wholes.push_back(app.whole.get());
  return StreamLane::Make(std::move(wholes));
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

arrow::Status StreamApps::SaveState(App* app, const StreamOperator& part, CommitRequest* request) {
  app->head.lake_rows = lake_rows_;
  app->head.epoch = context_.fence.epoch;
  const std::string stem = std::to_string(context_.fence.epoch) + "-" + request->plan.id;
  ARROW_ASSIGN_OR_RAISE(app->names_next, app->state->Save(stem, app->head, *app->whole, part));
  request->plan.state.push_back({.pipeline = plan_->name,
                                 .consumer = app->plan->config.name,
                                 .shard = "",
                                 .meaning = app->meaning,
                                 .files = app->names_next,
                                 .watermark_us = std::nullopt});
  return arrow::Status::OK();
}

arrow::Status StreamApps::AddResults(const App& app,
                                     const std::shared_ptr<arrow::RecordBatch>& rows,
                                     CommitRequest* request) const {
  if (rows->num_rows() == 0) return arrow::Status::OK();
  for (const auto& table : app.tables) {
    ARROW_ASSIGN_OR_RAISE(
        const auto writer,
        PartitionWriter::Make(context_.lake, table,
                              {.lease = context_.fence.lease, .epoch = context_.fence.epoch}));
    ARROW_RETURN_NOT_OK(writer->Add(rows));
    ARROW_ASSIGN_OR_RAISE(auto files, writer->Close());
    const auto same = std::ranges::find(request->appends, table->table_key,
                                        [](const TableAppend& append) { return append.table_key; });
    if (same == request->appends.end()) {
      request->appends.push_back(
          {.table_key = table->table_key, .files = std::move(files), .positions_json = ""});
    } else {
      std::move(files.begin(), files.end(), std::back_inserter(same->files));
    }
  }
  return arrow::Status::OK();
}

arrow::Status StreamApps::Prepare(const Epoch& epoch, CommitRequest* request) {
  lake_rows_ += LakeRowsOf(request->plan.account);
  for (size_t i = 0; i < apps_.size(); ++i) {
    App& app = apps_[i];
    ARROW_ASSIGN_OR_RAISE(const auto part, app.whole->NewPart());
    Flows flows;
    for (const auto& shares : epoch.streams()) {
      ARROW_RETURN_NOT_OK(part->Merge(*shares[i].part));
      for (const auto& [partition_id, flow] : shares[i].flows) flows[partition_id].Merge(flow);
    }
    ARROW_RETURN_NOT_OK(PreparePositions(&app, epoch, &request->plan));
    for (const auto& [partition_id, flow] : flows) {
      flow.AppendAccount(partition_id, app.plan->config.name, &request->plan.account);
    }
    app.names_next = app.state->names();
    if (part->is_empty()) continue;
    ARROW_RETURN_NOT_OK(app.whole->Merge(*part));
    ++app.head.revision;
    if (!app.tables.empty()) {
      ARROW_ASSIGN_OR_RAISE(const auto results, app.whole->ResultsOf(*part));
      ARROW_ASSIGN_OR_RAISE(const auto rows, RevisionRows(*results, app.whole->key_column_count(),
                                                          app.head.revision, false));
      ARROW_RETURN_NOT_OK(AddResults(app, rows, request));
    }
    ARROW_RETURN_NOT_OK(SaveState(&app, *part, request));
  }
  return arrow::Status::OK();
}

void StreamApps::Committed() {
  for (App& app : apps_) app.state->Committed(std::move(app.names_next));
}

bool StreamApps::has_sinks() const {
  return std::ranges::any_of(apps_, [](const App& app) { return !app.plan->to.empty(); });
}

arrow::Status StreamApps::WriteResultsOf(const App& app) const {
  arrow::Status first;
  ARROW_ASSIGN_OR_RAISE(const auto rows, app.whole->Current());
  for (const ChosenSink& chosen : app.plan->to) {
    const auto write = [&]() -> arrow::Status {
      ARROW_ASSIGN_OR_RAISE(const auto sink, chosen.make(context_.sink_context(
                                                 app.plan->config, app.whole->schema())));
      ARROW_RETURN_NOT_OK(sink->Check());
      ARROW_RETURN_NOT_OK(sink->Write(*rows));
      ARROW_RETURN_NOT_OK(sink->Flush(/*mark=*/std::nullopt).status());
      return sink->Close();
    };
    const arrow::Status status = write();
    if (first.ok() && !status.ok()) {
      first = WithContext(status, "results of stream `" + app.plan->config.name + "`");
    }
  }
  return first;
}

arrow::Status StreamApps::WriteResults() {
  arrow::Status first;
  for (const App& app : apps_) {
    const arrow::Status status = WriteResultsOf(app);
    if (first.ok()) first = status;
  }
  ARROW_RETURN_NOT_OK(first);
  return Reach(FailPoint::kStreamResultsWritten);
}

}  // namespace catchwater
