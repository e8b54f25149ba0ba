#include "catchwater/pipeline/build_plan.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/io/store_path.h"
#include "catchwater/ledger/names.h"
#include "catchwater/pipeline/attribute_columns.h"
#include "catchwater/pipeline/dead_letters.h"
#include "catchwater/pipeline/result_table.h"
#include "catchwater/stream/make_operator.h"
#include "catchwater/stream/window_results.h"

namespace catchwater {
namespace {

/// The texts were checked when the configuration was read.
arrow::Result<LakePlan> BuildLakePlan(const PipelineConfig& config) {
  const LakeConfig& lake = *config.lake;
  LakePlan plan;
  plan.table.table_key = lake.table;
  plan.table.event_time_column = config.event_time() ? config.event_time()->name : "";
  for (const std::string& text : lake.partition_texts) {
    ARROW_ASSIGN_OR_RAISE(PartitionTerm term, ParsePartitionTerm(text));
    plan.table.partition.push_back(std::move(term));
  }
  for (const SortSetting& field : lake.sort) {
    plan.table.sort.push_back({.column = field.column, .is_descending = field.is_descending});
  }
  if (plan.table.sort.empty()) {
    plan.table.sort =
        DefaultSort({config.entity() ? config.entity()->name : ""}, plan.table.event_time_column);
  }
  plan.table.properties = {lake.properties.begin(), lake.properties.end()};
  plan.table.properties["catchwater.pipeline"] = config.name;

  plan.dead_letters.table_key = DeadLetterTableKey(lake.table);
  plan.dead_letters.schema = DeadLetterSchema();
  ARROW_ASSIGN_OR_RAISE(PartitionTerm by_day, ParsePartitionTerm("day(received_at)"));
  plan.dead_letters.partition = {std::move(by_day)};
  plan.dead_letters.event_time_column = "received_at";
  plan.dead_letters.properties["catchwater.pipeline"] = config.name;

  plan.flush_every_ms = lake.flush.every.ms;
  plan.flush_bytes = lake.flush.bytes.bytes;
  plan.is_compacted = lake.compact.is_enabled;
  plan.compact_min_files = lake.compact.min_files;
  plan.compact_max_age_ms = lake.compact.max_age.ms;
  plan.target_file_bytes = lake.compact.target.bytes;
  if (lake.retain) plan.retain_ms = lake.retain->ms;
  return plan;
}

bool PartitionsBy(const LakePlan& lake, const std::string& column) {
  return std::ranges::find(lake.table.partition, column, &PartitionTerm::column) !=
         lake.table.partition.end();
}

/// Columns that may be widened are read wide from the first row on, so that no step sees a change.
arrow::Status AddEvolution(const PipelineConfig& config, PipelinePlan* plan) {
  for (Column& column : plan->columns) {
    const auto contract = plan->contracts.find(column.name);
    if (contract == plan->contracts.end() || contract->second != ColumnContract::kEvolve) continue;
    if (!plan->lake) {
      return ConfigError(
          "`contract: evolve` changes the table: add `lake: {table: namespace.name}`, pipeline: ",
          plan->name);
    }
    if (PartitionsBy(*plan->lake, column.name)) continue;  // Its values are in the folders' names.
    const auto declared = ArrowType(column);
    if (column.type == ColumnType::kInt32) {
      column.type = ColumnType::kInt64;
    } else if (column.type == ColumnType::kFloat32) {
      column.type = ColumnType::kFloat64;
    } else {
      continue;
    }
    plan->declared_types[column.name] = declared;
  }
  if (config.contract != ColumnContract::kEvolve) return arrow::Status::OK();
  // The one question to a codec that only some can answer.
  const auto namer = std::dynamic_pointer_cast<const FieldNamer>(plan->codec);
  if (namer != nullptr) {
    const DecodeOptions options{.columns = AttributeColumns(plan->columns).payload_columns()};
    ARROW_ASSIGN_OR_RAISE(const auto finder, namer->MakeFieldFinder(options));
    if (finder != nullptr) {
      plan->new_fields = namer;
      return arrow::Status::OK();
    }
  }
  return ConfigError(
      "`contract: evolve` of a pipeline takes up new fields, and its codec names none; use `json` "
      "or `csv` with a header, or set the contract of single columns, pipeline: ",
      plan->name);
}

bool IsOfFrame(const std::vector<std::string>& frame_columns, const std::string& from) {
  return std::any_of(frame_columns.begin(), frame_columns.end(), [&](const std::string& known) {
    if (!known.ends_with("[]")) return from == known;
    const std::string_view stem(known.data(), known.size() - 1);
    return from.starts_with(stem) && from.ends_with(']') && from.size() > known.size();
  });
}

/// Adds a sink that is fed from a table. name: unless its options have one
arrow::Status AddSink(const std::string& name, SinkPlan sink, PipelinePlan* plan) {
  if (sink.component.delivery) sink.options = *sink.component.delivery;
  sink.name = sink.options.name.empty() ? name : sink.options.name;
  if (!IsName(sink.name)) {
    return ConfigError("Name of a sink must be letters, digits, `_` and `-`, name: ", sink.name);
  }
  if (std::ranges::find(plan->sinks, sink.name, &SinkPlan::name) != plan->sinks.end()) {
    return ConfigError(
        "Two sinks of a pipeline have one name; give one of them `name:`, pipeline and name: ",
        plan->name, " ", sink.name);
  }
  if (sink.options.before_commit && sink.stream.empty()) {
    return ConfigError(
        "`before_commit` is of results of streams: rows of the table are sent after their commit; "
        "leave it out, sink: ",
        sink.name);
  }
  plan->sinks.push_back(std::move(sink));
  return arrow::Status::OK();
}

arrow::Status AddSinks(const BoundPipeline& bound, PipelinePlan* plan) {
  if (!bound.sinks.empty() && !plan->lake) {
    return ConfigError(
        "Sinks are fed from the table: add `lake: {table: namespace.name}`, pipeline: ",
        plan->name);
  }
  for (const ChosenSink& chosen : bound.sinks) {
    if (!chosen.delivery) {
      return ConfigError(
          "Sink takes results of streams only; move it to `streams: ... to:`, sink: ", chosen.name);
    }
    SinkPlan sink{.component = chosen, .table_key = plan->lake->table.table_key};
    ARROW_RETURN_NOT_OK(AddSink(chosen.name, std::move(sink), plan));
  }
  return arrow::Status::OK();
}

KeepRawPlan BuildKeepRawPlan(const SourceSection& source, const std::string& project_folder) {
  std::string folder =
      ResolvePath(std::filesystem::absolute(project_folder).string(), source.keep_raw);
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  KeepRawPlan plan{.folder = std::move(folder)};
  if (source.keep_raw_retain) plan.retain_ms = source.keep_raw_retain->ms;
  return plan;
}

/// Names that the ledger's positions and checkpoints use for other consumers.
bool IsReservedName(const std::string& name) { return name == kLakeConsumer || name == "keep_raw"; }

arrow::Status CheckResultTable(const BoundStream& stream, const std::string& table_key,
                               const PipelinePlan& plan) {
  bool is_taken =
      table_key == plan.lake->table.table_key || table_key == plan.lake->dead_letters.table_key;
  for (const StreamPlan& other : plan.streams) {
    is_taken |= std::ranges::find(other.tables, table_key) != other.tables.end();
  }
  if (is_taken) {
    return ConfigError("A result table belongs to one stream alone, stream and table: ",
                       stream.config.name, " ", table_key);
  }
  const StreamConfig& config = stream.config;
  const bool is_window = config.detect.empty() && !config.coverage && !config.script;
  if (!is_window) return arrow::Status::OK();  // Its operator knows its columns.
  for (const char* column : kWindowColumns) {
    const bool is_used = std::ranges::find(stream.config.key, column) != stream.config.key.end() ||
                         std::ranges::find(stream.config.compute, column, &Aggregate::name) !=
                             stream.config.compute.end();
    if (!is_used) continue;
    return ConfigError(
        "A result table has a column of its own of this name; choose another, "
        "stream and column: ",
        stream.config.name, " ", column);
  }
  return arrow::Status::OK();
}

/// Of a stream that does not name a table for its results.
std::string ResultTableKey(const std::string& table_key, std::string stream) {
  std::ranges::replace(stream, '-', '_');
  return table_key + "__" + stream;
}

/// A script follows the pipeline's table as a sink does.
arrow::Status FeedScript(const StreamPlan& stream, PipelinePlan* plan) {
  constexpr Duration kEvery = Duration::Millis(100);
  SinkPlan sink{.component = {},
                .options = {.every = kEvery, .hold_max = stream.config.script->hold_max},
                .table_key = plan->lake->table.table_key,
                .stream = stream.config.name,
                .is_script = true};
  sink.component.name = "script";
  return AddSink(stream.config.name + "-script", std::move(sink), plan);
}

/// Results that other programs get come from a table, so that a kill between commit and send costs
/// none. Those of `window: all` come again whole with each commit.
arrow::Status FeedFromTable(StreamPlan* stream, PipelinePlan* plan) {
  if (!plan->lake) return arrow::Status::OK();
  if (!IsOrdered(stream->config)) {
    for (const ChosenSink& sink : stream->to) {
      if (!sink.delivery || !sink.delivery->before_commit) continue;
      return ConfigError(
          "Results of `window: all` are sent whole with each commit: leave `before_commit` out, "
          "stream and sink: ",
          stream->config.name, " ", sink.name);
    }
    return arrow::Status::OK();
  }
  const auto fed = std::ranges::stable_partition(
      stream->to, [](const ChosenSink& sink) { return !sink.delivery; });
  if (!fed.empty() && stream->tables.empty()) {
    stream->tables.push_back(ResultTableKey(plan->lake->table.table_key, stream->config.name));
  }
  for (ChosenSink& chosen : fed) {
    const std::string name = stream->config.name + "-" + chosen.name;
    if (chosen.delivery->before_commit && stream->config.script) {
      return ConfigError(
          "Results of a script are sent after their commit: leave `before_commit` out, sink: ",
          name);
    }
    SinkPlan sink{
        .component = std::move(chosen),
        .table_key = stream->tables.front(),
        .stream = stream->config.name,
        .key = stream->config.script ? std::vector<std::string>{"id"} : stream->config.key};
    ARROW_RETURN_NOT_OK(AddSink(name, std::move(sink), plan));
  }
  stream->to.erase(fed.begin(), fed.end());
  return stream->config.script ? FeedScript(*stream, plan) : arrow::Status::OK();
}

arrow::Result<AppMetricsPlan> BuildAppMetricsPlan(const PipelineConfig& config,
                                                  const PipelinePlan& plan) {
  const AppMetricsConfig& wanted = *config.app_metrics;
  AppMetricsPlan made{.table_key = wanted.table, .every_ms = wanted.every.ms};
  const std::string& lake_table = plan.lake->table.table_key;
  if (made.table_key.empty()) made.table_key = lake_table + "__app_metrics";
  if (wanted.retain) made.retain_ms = wanted.retain->ms;
  if (plan.streams.empty()) {
    return ConfigError("`app_metrics` are those of `streams`, and there are none, pipeline: ",
                       plan.name);
  }
  bool is_taken =
      made.table_key == lake_table || made.table_key == plan.lake->dead_letters.table_key;
  for (const StreamPlan& stream : plan.streams) {
    is_taken |= std::ranges::find(stream.tables, made.table_key) != stream.tables.end();
  }
  if (is_taken) {
    return ConfigError("The table of `app_metrics` holds nothing else, pipeline and table: ",
                       plan.name, " ", made.table_key);
  }
  return made;
}

arrow::Status CheckStream(const BoundStream& stream, const PipelinePlan& plan) {
  const std::string& name = stream.config.name;
  if (IsReservedName(name)) return ConfigError("A stream cannot have this name: ", name);
  const bool keeps_late = stream.config.late && stream.config.late->then == LateAction::kSideTable;
  if (keeps_late && !plan.lake) {
    return ConfigError(
        "Late rows go to a table only beside a `lake:`; use `then: drop`, which counts them, "
        "stream: ",
        name);
  }
  if (plan.lake && IsOrdered(stream.config)) {
    for (const ChosenSink& sink : stream.sinks) {
      if (stream.config.script && !sink.delivery) {
        return ConfigError(
            "Results of a script go to a table or a sink that is fed from it, not to `", sink.name,
            "`, stream: ", name);
      }
      if (sink.name != "file") continue;
      return ConfigError(
          "Beside a `lake:` the results of windows go to a table (`to: [{table: "
          "namespace.name}]`), "
          "which `catchwater query` writes into files; a file cannot be added to, stream: ",
          name);
    }
  }
  if (!stream.tables.empty() && !plan.lake) {
    return ConfigError(
        "Results go to a table only beside a `lake:`; use `file` or `console`, "
        "stream: ",
        name);
  }
  std::set<std::string> tables;
  for (const std::string& table_key : stream.tables) {
    ARROW_RETURN_NOT_OK(CheckResultTable(stream, table_key, plan));
    if (!tables.insert(table_key).second) {
      return ConfigError("Stream names a table twice, stream and table: ", name, " ", table_key);
    }
  }
  return arrow::Status::OK();
}

}  // namespace

std::string DeadLetterTableKey(const std::string& table_key) {
  return table_key + "__dead_letters";
}

arrow::Result<PipelinePlan> BuildPlan(const BoundPipeline& bound, const std::string& folder) {
  const PipelineConfig& config = bound.config;
  PipelinePlan plan;
  plan.name = config.name;
  plan.project_folder = folder;
  plan.source = bound.source;
  plan.columns = config.columns;
  for (const auto& [name, column] : config.column_configs) {
    const auto contract = column.contract ? column.contract : config.contract;
    if (contract) plan.contracts[name] = *contract;
  }
  for (Column& column : plan.columns) {
    if (!IsOfFrame(plan.source.frame_columns, column.from)) continue;
    column.from.insert(0, kFramePrefix);
  }
  plan.steps = bound.steps;
  if (!config.source.keep_raw.empty()) plan.keep_raw = BuildKeepRawPlan(config.source, folder);
  plan.frame_bytes_max = config.source.frame_bytes_max.bytes;
  if (!bound.codec) {
    return ConfigError("Pipeline needs a codec (`codec: csv`, `json` or `lines`), pipeline: ",
                       config.name);
  }
  ARROW_ASSIGN_OR_RAISE(plan.codec, bound.codec->make({}));
  if (config.lake) {
    ARROW_ASSIGN_OR_RAISE(plan.lake, BuildLakePlan(config));
  }
  ARROW_RETURN_NOT_OK(AddEvolution(config, &plan));
  ARROW_RETURN_NOT_OK(AddSinks(bound, &plan));
  for (const BoundStream& stream : bound.streams) {
    ARROW_RETURN_NOT_OK(CheckStream(stream, plan));
    plan.streams.push_back({.config = stream.config, .to = stream.sinks, .tables = stream.tables});
    auto& late = plan.streams.back().config.late;
    if (late && late->then == LateAction::kSideTable && late->table.empty()) {
      late->table = ResultTableKey(plan.lake->table.table_key, stream.config.name) + "_late";
    }
    ARROW_RETURN_NOT_OK(FeedFromTable(&plan.streams.back(), &plan));
  }
  if (config.app_metrics) {
    ARROW_ASSIGN_OR_RAISE(plan.app_metrics, BuildAppMetricsPlan(config, plan));
  }
  return plan;
}

}  // namespace catchwater
