#include "catchwater/pipeline/build_plan.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/pipeline/attribute_columns.h"
#include "catchwater/pipeline/dead_letters.h"

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

bool IsOfFrame(const std::vector<std::string>& frame_columns, const std::string& from) {
  return std::any_of(frame_columns.begin(), frame_columns.end(), [&](const std::string& known) {
    if (!known.ends_with("[]")) return from == known;
    const std::string_view stem(known.data(), known.size() - 1);
    return from.starts_with(stem) && from.ends_with(']') && from.size() > known.size();
  });
}

arrow::Result<std::vector<SinkPlan>> BuildSinkPlans(const BoundPipeline& bound) {
  std::vector<SinkPlan> sinks;
  if (!bound.sinks.empty() && !bound.config.lake) {
    return ConfigError(
        "Sinks are fed from the table: add `lake: {table: namespace.name}`, pipeline: ",
        bound.config.name);
  }
  for (const ChosenSink& chosen : bound.sinks) {
    if (!chosen.delivery) {
      return ConfigError(
          "Sink takes results of streams only; move it to `streams: ... to:`, sink: ", chosen.name);
    }
    SinkPlan sink{.component = chosen, .name = chosen.name, .options = *chosen.delivery};
    if (!chosen.delivery->name.empty()) sink.name = chosen.delivery->name;
    if (!IsName(sink.name)) {
      return ConfigError("Name of a sink must be letters, digits, `_` and `-`, name: ", sink.name);
    }
    for (const SinkPlan& other : sinks) {
      if (other.name != sink.name) continue;
      return ConfigError(
          "Two sinks of a pipeline have one name; give one of them `name:`, pipeline and name: ",
          bound.config.name, " ", sink.name);
    }
    sinks.push_back(std::move(sink));
  }
  return sinks;
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
  for (Column& column : plan.columns) {
    if (!IsOfFrame(plan.source.frame_columns, column.from)) continue;
    column.from.insert(0, kFramePrefix);
  }
  plan.steps = bound.steps;
  plan.keep_raw = config.source.keep_raw;
  if (config.source.keep_raw_retain) plan.keep_raw_retain_ms = config.source.keep_raw_retain->ms;
  if (!plan.keep_raw.empty()) {
    return ConfigError(
        "Option `keep_raw` of a source is not supported by this version; remove it, pipeline: ",
        config.name);
  }
  plan.frame_bytes_max = config.source.frame_bytes_max.bytes;
  if (!bound.codec) {
    return ConfigError("Pipeline needs a codec (`codec: csv`, `json` or `lines`), pipeline: ",
                       config.name);
  }
  ARROW_ASSIGN_OR_RAISE(plan.codec, bound.codec->make({}));
  if (config.lake) {
    ARROW_ASSIGN_OR_RAISE(plan.lake, BuildLakePlan(config));
    if (!bound.streams.empty()) {
      return ConfigError(
          "Streams over the whole input need a pipeline without `lake:`; ask the table by SQL, or "
          "write a second pipeline, pipeline: ",
          config.name);
    }
  }
  for (const BoundStream& stream : bound.streams) {
    if (!stream.config.is_window_all()) {
      return ConfigError("Streams have `window: all` only, stream: ", stream.config.name);
    }
    if (!stream.tables.empty()) {
      return ConfigError("Results of `window: all` go to `file` or `console`, stream: ",
                         stream.config.name);
    }
    plan.streams.push_back({.config = stream.config, .to = stream.sinks});
  }
  ARROW_ASSIGN_OR_RAISE(plan.sinks, BuildSinkPlans(bound));
  return plan;
}

}  // namespace catchwater
