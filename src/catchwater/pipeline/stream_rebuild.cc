// Stream apps whose state does not prove that it has all rows of the table: they read the table.
#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <string_view>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"
#include "catchwater/lake/scan.h"
#include "catchwater/pipeline/result_table.h"
#include "catchwater/pipeline/stream_apps.h"

namespace catchwater {
namespace {

constexpr int64_t kNoTime = std::numeric_limits<int64_t>::max();

struct TimedFile {
  LiveFile file;
  int64_t row_count = 0;
  int64_t event_us_min = std::numeric_limits<int64_t>::min();
  int64_t event_us_max = std::numeric_limits<int64_t>::max();
};

/// Files by the time of their oldest row: windows close as the files behind begin later.
arrow::Result<std::vector<TimedFile>> ByTime(Lake& lake, const std::string& table_key,
                                             std::vector<LiveFile> files) {
  WorkQuery query;
  query.table_key = table_key;
  query.live_only = true;
  query.limit = std::numeric_limits<int64_t>::max();
  ARROW_ASSIGN_OR_RAISE(const auto records, lake.ledger().DataFiles(query));
  std::map<std::string_view, const DataFileRecord*> known;
  for (const DataFileRecord& record : records) known[record.file.path] = &record;
  std::vector<TimedFile> timed;
  for (LiveFile& file : files) {
    // One whose times are not known may hold anything: it is read first.
    const auto found = known.find(file.entry.file.path);
    TimedFile one;
    if (found != known.end() && found->second->file.event_us_min &&
        found->second->file.event_us_max) {
      one.row_count = found->second->file.row_count;
      one.event_us_min = *found->second->file.event_us_min;
      one.event_us_max = *found->second->file.event_us_max;
    }
    one.file = std::move(file);
    timed.push_back(std::move(one));
  }
  std::ranges::stable_sort(timed, {}, &TimedFile::event_us_min);
  return timed;
}

}  // namespace

arrow::Result<bool> StreamApps::HasNoRows() const {
  if (lake_rows_ != 0) return false;
  ARROW_ASSIGN_OR_RAISE(const auto table, context_.lake.LoadTable(plan_->lake->table.table_key));
  ARROW_ASSIGN_OR_RAISE(const auto files, LiveFiles(context_.lake, *table));
  return files.empty();
}

void StreamApps::CountResultRows(App* app) {
  if (app->meter != nullptr) app->meter->LedToResult(app->timed->TakeResultRowCount());
}

arrow::Result<std::unique_ptr<ResultDiff>> StreamApps::DiffOf(const App& app) const {
  const StreamConfig& config = app.plan->config;
  // Of others a key has a history, of which each row counts.
  const bool come_once = config.detect.empty() && !config.coverage;
  if (app.tables.empty() || !come_once) return nullptr;
  const auto& table = app.tables.front();
  auto results = app.op().schema();
  if (app.timed == nullptr) {
    results =
        ResultTableSpec(table->table_key, *results, app.whole->key_column_count(), plan_->name)
            .schema;
  } else if (app.timed->op().result_key().empty()) {
    return nullptr;
  }
  ARROW_ASSIGN_OR_RAISE(auto now, context_.lake.LoadTable(table->table_key));
  if (!now->schema->Equals(*results)) return nullptr;  // All rows are others.
  ARROW_ASSIGN_OR_RAISE(ResultDiff diff, ResultDiff::Make(context_.lake, std::move(now)));
  return std::make_unique<ResultDiff>(std::move(diff));
}

arrow::Status StreamApps::AddAnew(const App& app, const arrow::RecordBatchVector& results,
                                  ResultDiff* diff, CommitRequest* request) const {
  if (diff == nullptr) return AddResults(app, results, request);
  for (const auto& rows : results) {
    ARROW_ASSIGN_OR_RAISE(const auto added, diff->NewOf(rows, app.head.revision - 1));
    ARROW_RETURN_NOT_OK(AddResults(app, added, request));
  }
  return arrow::Status::OK();
}

arrow::Result<PartitionFlow> StreamApps::ReadTable(App* app, ResultDiff* diff,
                                                   CommitRequest* request) const {
  const std::string& table_key = plan_->lake->table.table_key;
  ARROW_ASSIGN_OR_RAISE(const auto table, context_.lake.LoadTable(table_key));
  ARROW_ASSIGN_OR_RAISE(auto live, LiveFiles(context_.lake, *table));
  ARROW_ASSIGN_OR_RAISE(const auto files, ByTime(context_.lake, table_key, std::move(live)));
  PartitionFlow flow;
  int64_t row_count = 0;
  const auto from_us = app->plan->config.from_us;
  for (size_t i = 0; i < files.size(); ++i) {
    if (from_us && files[i].event_us_max < *from_us) {
      row_count += files[i].row_count;
      flow.Count(Bucket::kRows, "", files[i].row_count);
      flow.Count(Bucket::kFiltered, kBeforeFrom, files[i].row_count);
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(const auto reader, ReadRows(context_.lake, *table, {files[i].file}));
    while (true) {
      Batch batch;
      ARROW_ASSIGN_OR_RAISE(batch.rows, reader->Next());
      if (batch.rows == nullptr) break;
      batch.origin.range.from.ordinal = static_cast<uint64_t>(row_count);
      row_count += batch.rows->num_rows();
      ARROW_ASSIGN_OR_RAISE(const StreamTally tally, app->timed != nullptr
                                                         ? app->timed->AddStored(batch)
                                                         : app->whole->Add(batch));
      flow.Count(Bucket::kRows, "", batch.rows->num_rows());
      flow.Count(Bucket::kUsed, "", tally.used);
      for (const Tally& other : tally.others) {
        flow.Count(other.bucket, other.reason, other.row_count);
      }
    }
    if (app->timed == nullptr) continue;
    const int64_t next_us = i + 1 < files.size() ? files[i + 1].event_us_min : kNoTime;
    ARROW_RETURN_NOT_OK(app->timed->StoredUpTo(next_us));
    CountResultRows(app);
    ARROW_RETURN_NOT_OK(AddAnew(*app, app->timed->TakeResults(), diff, request));
  }
  return flow;
}

arrow::Status StreamApps::BeginAnew(App* app, bool retracts, CommitRequest* request) {
  ARROW_RETURN_NOT_OK(MakeOperator(app));
  app->state = std::make_unique<StreamState>(context_.state_folder + "/" + app->plan->config.name,
                                             context_.lake.files());
  // Events are not revised: what was put out stays.
  if (app->timed != nullptr && app->timed->op().result_key().empty()) return arrow::Status::OK();
  for (const auto& table : app->tables) {
    ARROW_ASSIGN_OR_RAISE(const int64_t last, LastRevision(context_.lake, *table));
    app->head.revision = std::max(app->head.revision, last);
  }
  if (retracts && !app->tables.empty()) {
    // Keys that were there and are no more must not stay valid. All tables of an app hold the same.
    ARROW_ASSIGN_OR_RAISE(const auto retracted, RetractionRows(context_.lake, *app->tables.front(),
                                                               app->head.revision + 1));
    if (retracted != nullptr) ARROW_RETURN_NOT_OK(AddResults(*app, {retracted}, request));
  }
  app->head.revision += 2;
  if (app->timed != nullptr) app->timed->BeginRevisionsAfter(app->head.revision - 1);
  return arrow::Status::OK();
}

arrow::Status StreamApps::Rebuild(App* app, Committer& committer) {
  const std::string& name = app->plan->config.name;
  CommitRequest request;
  CommitPlan& plan = request.plan;
  plan.id = context_.lake.NewUuid();
  plan.actor = "pipeline/" + plan_->name;
  plan.fences = {context_.fence};
  ARROW_ASSIGN_OR_RAISE(const auto diff, DiffOf(*app));
  ARROW_RETURN_NOT_OK(BeginAnew(app, /*retracts=*/diff == nullptr, &request));
  ARROW_ASSIGN_OR_RAISE(const PartitionFlow flow, ReadTable(app, diff.get(), &request));
  const int64_t row_count = flow.Total(Bucket::kRows);
  context_.telemetry.StreamRebuilt(name, row_count);
  ARROW_RETURN_NOT_OK(Reach(FailPoint::kStreamRebuilt));

  if (row_count > 0) {
    // The lake is the source here: a partition of its own in the account.
    const PartitionKey key{.pipeline = plan_->name,
                           .source = "lake",
                           .name = "lake/" + name + "/" + plan.id,
                           .incarnation = ""};
    ARROW_ASSIGN_OR_RAISE(const int64_t partition_id, context_.lake.ledger().OpenPartition(key));
    request.partitions = {{.id = partition_id, .key = key, .file = {}}};
    Range range{.partition_id = partition_id, .from = {}, .to = {}};
    range.to.ordinal = static_cast<uint64_t>(row_count);
    plan.positions = {{.range = range, .consumer = name, .is_finished = true}};
    flow.AppendAccount(partition_id, name, &plan.account);
  }
  if (app->timed != nullptr) {
    ARROW_ASSIGN_OR_RAISE(std::string state, app->timed->Save());
    ARROW_ASSIGN_OR_RAISE(const PackedState packed, PackedState::Of(std::move(state)));
    app->timed->Saved();
    app->watermark_us = app->timed->watermark_us();
    ARROW_RETURN_NOT_OK(SaveBytes(app, packed, /*is_base=*/true, &request));
  } else {
    ARROW_ASSIGN_OR_RAISE(const auto rows, app->whole->Current());
    ARROW_ASSIGN_OR_RAISE(const auto revised, RevisionRows(*rows, app->whole->key_column_count(),
                                                           app->head.revision, false));
    ARROW_RETURN_NOT_OK(AddAnew(*app, {revised}, diff.get(), &request));
    ARROW_RETURN_NOT_OK(SaveMerging(app, *app->whole, &request));
  }
  if (diff != nullptr) {
    ARROW_ASSIGN_OR_RAISE(const auto gone, diff->Gone(app->head.revision - 1));
    ARROW_RETURN_NOT_OK(AddResults(*app, gone, &request));
  }
  for (EarlyResults* early : EarlyOf(*app)) {
    if (!request.appends.empty()) TellFiles(*app, request, early->AddToTable(), early);
  }
  ARROW_RETURN_NOT_OK(CommitAlone(app, &request, committer));
  return app->state->RemoveOthers();
}

arrow::Status StreamApps::CommitAlone(App* app, CommitRequest* request,
                                      Committer& committer) const {
  const auto committed = committer.Commit(*request);
  ARROW_RETURN_NOT_OK(committed.status());
  if (committed->outcome != Outcome::kCommitted) {
    for (const TableAppend& append : request->appends) {
      ARROW_RETURN_NOT_OK(RemoveWritten(context_.lake.files(), append.files));
    }
    return Conflict("Commit was refused, pipeline and outcome: ", plan_->name, " ",
                    OutcomeName(committed->outcome));
  }
  app->state->Committed(std::move(app->names_next));
  return arrow::Status::OK();
}

arrow::Status StreamApps::End(Committer& committer) {
  for (App& app : apps_) {
    if (!IsWanted(app)) continue;
    if (!app.is_on) {  // Switched on when no more rows came.
      ARROW_RETURN_NOT_OK(Rebuild(&app, committer));
      app.is_on = true;
    }
    if (app.timed == nullptr) continue;
    ARROW_RETURN_NOT_OK(app.timed->End());
    CountResultRows(&app);
    arrow::RecordBatchVector results = app.timed->TakeResults();
    if (results.empty()) continue;
    CommitRequest request;
    request.plan.id = context_.lake.NewUuid();
    request.plan.actor = "pipeline/" + plan_->name;
    request.plan.fences = {context_.fence};
    ARROW_RETURN_NOT_OK(AddResults(app, results, &request));
    ARROW_ASSIGN_OR_RAISE(std::string state, app.timed->Save());
    ARROW_ASSIGN_OR_RAISE(const PackedState packed, PackedState::Of(std::move(state)));
    app.timed->Saved();
    ARROW_RETURN_NOT_OK(SaveBytes(&app, packed, /*is_base=*/true, &request));
    ARROW_RETURN_NOT_OK(CommitAlone(&app, &request, committer));
    if (!app.plan->to.empty()) {
      std::move(results.begin(), results.end(), std::back_inserter(app.results_new));
    }
  }
  return arrow::Status::OK();
}

}  // namespace catchwater
