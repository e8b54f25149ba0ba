#include "catchwater/pipeline/app_metrics_table.h"

#include <type_traits>
#include <utility>

#include <arrow/builder.h>
#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/lake/partition_writer.h"
#include "catchwater/ledger/names.h"

namespace catchwater {
namespace {

constexpr int64_t kLeaseMs = 60'000;  // Of one commit.

std::shared_ptr<arrow::DataType> TimeType() {
  return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
}

template <class Value>
std::shared_ptr<arrow::DataType> TypeOf() {
  if constexpr (std::is_same_v<Value, int64_t>) return arrow::int64();
  if constexpr (std::is_same_v<Value, double>) return arrow::float64();
  return arrow::utf8();
}

/// Calls field(name, type) for each column.
template <class Field>
void ForEachColumn(Field&& field) {
  field("pipeline", arrow::utf8());
  field("app", arrow::utf8());
  field("measured_at", TimeType());
  field("since", TimeType());
  AppReport().ForEach([&](const char* name, const auto& value) {
    field(name, TypeOf<std::decay_t<decltype(value)>>());
  });
  field("dropped", arrow::utf8());
  field("script_starts", arrow::int64());
}

std::shared_ptr<arrow::Schema> Schema() {
  arrow::FieldVector fields;
  ForEachColumn([&](const char* name, std::shared_ptr<arrow::DataType> type) {
    fields.push_back(arrow::field(name, std::move(type)));
  });
  return arrow::schema(std::move(fields));
}

/// Appends the values of a row, column after column.
class RowAppender {
 public:
  explicit RowAppender(const std::vector<std::unique_ptr<arrow::ArrayBuilder>>& builders)
      : builders_(builders) {}

  void operator()(const char* /*name*/, int64_t value) {
    arrow::ArrayBuilder& builder = Next();
    Note(builder.type()->id() == arrow::Type::TIMESTAMP
             ? static_cast<arrow::TimestampBuilder&>(builder).Append(value)
             : static_cast<arrow::Int64Builder&>(builder).Append(value));
  }
  void operator()(const char* /*name*/, double value) {
    Note(static_cast<arrow::DoubleBuilder&>(Next()).Append(value));
  }
  void operator()(const char* /*name*/, const std::string& value) {
    Note(static_cast<arrow::StringBuilder&>(Next()).Append(value));
  }
  const arrow::Status& status() const { return status_; }

 private:
  arrow::ArrayBuilder& Next() { return *builders_[next_++]; }
  void Note(const arrow::Status& appended) {
    if (status_.ok()) status_ = appended;
  }

  const std::vector<std::unique_ptr<arrow::ArrayBuilder>>& builders_;
  size_t next_ = 0;
  arrow::Status status_;
};

}  // namespace

arrow::Result<std::shared_ptr<arrow::RecordBatch>> AppMetricsRows(
    const std::string& pipeline, const std::vector<AppReport>& reports, AppMetricsTime time) {
  const auto schema = Schema();
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders;
  for (const auto& field : schema->fields()) {
    ARROW_ASSIGN_OR_RAISE(builders.emplace_back(), arrow::MakeBuilder(field->type()));
  }
  for (const AppReport& report : reports) {
    RowAppender append(builders);
    append("pipeline", pipeline);
    append("app", report.app);
    append("measured_at", time.at_us);
    append("since", time.since_us);
    report.ForEach(append);
    append("dropped", nlohmann::json(report.dropped).dump());
    append("script_starts", report.script_starts);
    ARROW_RETURN_NOT_OK(append.status());
  }
  arrow::ArrayVector columns;
  for (const auto& builder : builders) {
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), builder->Finish());
  }
  return arrow::RecordBatch::Make(schema, static_cast<int64_t>(reports.size()), std::move(columns));
}

TableSpec AppMetricsSpec(const std::string& table_key, const std::string& pipeline) {
  TableSpec spec;
  spec.table_key = table_key;
  spec.schema = Schema();
  spec.partition = {ParsePartitionTerm("day(measured_at)").ValueOrDie()};
  spec.sort = DefaultSort({"app"}, "measured_at");
  spec.event_time_column = "measured_at";
  spec.properties["catchwater.pipeline"] = pipeline;
  return spec;
}

AppMetricsTable::AppMetricsTable(std::shared_ptr<const PipelinePlan> plan, RunnerContext context,
                                 int64_t since_us, std::function<std::vector<AppReport>()> reports)
    : plan_(std::move(plan)),
      context_(std::move(context)),
      since_us_(since_us),
      reports_(std::move(reports)),
      committer_(*context_.lake) {}

void AppMetricsTable::Run(std::stop_token stop) {
  bool goes_on = true;
  while (goes_on) {
    goes_on = context_.clock.SleepMicros(plan_->app_metrics->every_ms * 1000, stop);
    const arrow::Status written = Write();
    if (written.ok() || context_.telemetry == nullptr) continue;
    // The next row has what this one would have told, but for its time.
    context_.telemetry->log.Warning("app_metrics.failed",
                                    {{"object", plan_->name}, {"error", written}});
  }
}

arrow::Status AppMetricsTable::Write() {
  const std::vector<AppReport> reports = reports_();
  if (reports.empty()) return arrow::Status::OK();
  const std::string lease = "app_metrics/" + plan_->name;
  ARROW_ASSIGN_OR_RAISE(const auto epoch,
                        context_.ledger->AcquireLease(lease, context_.owner, kLeaseMs));
  if (!epoch) return Unavailable("Another process writes the metrics, lease: ", lease);
  const arrow::Status written = Append(reports, {.lease = lease, .epoch = *epoch});
  const arrow::Status released = context_.ledger->ReleaseLease(lease, *epoch);
  return written.ok() ? released : written;
}

arrow::Status AppMetricsTable::Append(const std::vector<AppReport>& reports, const Fence& fence) {
  const std::string actor = "app_metrics/" + plan_->name;
  Lake& lake = *context_.lake;
  ARROW_ASSIGN_OR_RAISE(
      const auto table,
      lake.EnsureTable(AppMetricsSpec(plan_->app_metrics->table_key, plan_->name), actor, {fence}));
  ARROW_ASSIGN_OR_RAISE(const auto rows, AppMetricsRows(plan_->name, reports,
                                                        {.at_us = context_.clock.NowMicros(),
                                                         .since_us = since_us_}));
  ARROW_ASSIGN_OR_RAISE(
      const auto writer,
      PartitionWriter::Make(lake, table, {.lease = fence.lease, .epoch = fence.epoch}));
  ARROW_RETURN_NOT_OK(writer->Add(rows));
  CommitRequest request;
  request.plan.id = lake.NewUuid();
  request.plan.actor = actor;
  request.plan.fences = {fence};
  ARROW_ASSIGN_OR_RAISE(auto files, writer->Close());
  request.appends = {
      {.table_key = table->table_key, .files = std::move(files), .positions_json = ""}};
  const auto committed = committer_.Commit(request);
  const bool is_unknown =
      !committed.ok() && KindOf(committed.status()) == ErrorKind::kCommitUnknown;
  const bool is_taken = committed.ok() && committed->outcome == Outcome::kCommitted;
  if (!is_taken && !is_unknown) {
    ARROW_RETURN_NOT_OK(RemoveWritten(lake.files(), request.appends.front().files));
  }
  ARROW_RETURN_NOT_OK(committed.status());
  if (is_taken) return arrow::Status::OK();
  return Conflict("Commit was refused, outcome: ", OutcomeName(committed->outcome));
}

}  // namespace catchwater
