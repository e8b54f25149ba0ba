/// \file
/// One pipeline file (`pipelines/*.yaml`) as a struct. Components are kept as ConfigNode; the
/// registry resolves them (component/bind_pipeline.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/config/app_metrics_config.h"
#include "catchwater/config/column_config.h"
#include "catchwater/config/control_config.h"
#include "catchwater/config/describe.h"
#include "catchwater/config/lake_config.h"
#include "catchwater/config/stream_config.h"

namespace catchwater {

/// `source: { file: {...}, keep_raw: raw/, keep_raw_retain: 90d }`
struct SourceSection {
  std::string keep_raw;
  std::optional<Duration> keep_raw_retain;
  ByteSize frame_bytes_max = ByteSize::MiB(16);
  std::vector<std::pair<std::string, ConfigNode>> component;  ///< As written beside the others.
  ConfigNode node;  ///< The component as a map of one key, for Registry::ChooseSource.

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("keep_raw", keep_raw,
                   "Folder that keeps the bytes as they were received, in date=/hour= folders.",
                   Example{"raw/"});
    field.Optional("keep_raw_retain", keep_raw_retain, "How long they are kept. Default: for ever.",
                   Example{"90d"});
    field.Optional("frame_bytes_max", frame_bytes_max, "A record that is longer is a dead letter.",
                   Bounds{ByteSize::KiB(1), ByteSize::GiB(1)});
    field.Rest("component", component, "The source and its options.", Holds{"source"});
  }
};

struct PipelineConfig {
  std::string name;
  SourceSection source;
  ConfigNode codec;                        ///< Missing: the source makes rows itself.
  std::vector<Column> columns;             ///< In declared order.
  std::vector<ConfigNode> steps;           ///< Each of one key.
  std::optional<ColumnContract> contract;  ///< Of columns without their own.
  std::optional<LakeConfig> lake;
  std::vector<StreamConfig> streams;
  std::vector<ConfigNode> sinks;  ///< Each of one key.
  std::vector<ControlConfig> control;
  std::optional<AppMetricsConfig> app_metrics;

  ConfigNode document;  ///< The whole file with overrides: for places and for later questions.
  std::string file;     ///< Its path, as the user gave it.

  /// Filled by reading: `columns` and `streams` before their names are put in.
  std::vector<std::pair<std::string, ColumnConfig>> column_configs;
  std::vector<std::pair<std::string, StreamConfig>> stream_configs;

  const Column* FindColumn(std::string_view column_name) const;
  /// The column with `event_time: true`, or null.
  const Column* event_time() const;
  /// The column with `entity: true`, or null.
  const Column* entity() const;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("pipeline", name, "Name of the pipeline: letters, digits, `_` and `-`.",
                   Example{"sensors"});
    field.Required("source", source, "Where records come from.", Example{"{file: {path: in.csv}}"});
    field.Optional("codec", codec, "How bytes become rows.", Holds{"codec"}, Example{"csv"});
    field.Required("columns", column_configs, "The columns and their types, in order.",
                   Count{1, 2'000}, Example{"{ts: {type: timestamp, event_time: true}}"});
    field.Optional("contract", contract,
                   "When the values of any column turn into another type: `reject` makes the row a "
                   "dead letter, `null` keeps it without the value, `stop` ends the pipeline, "
                   "`evolve` widens the table's column where it can and adds fields that no column "
                   "reads as new columns. With it the ledger is told of each change. Default: "
                   "`reject`, and nothing is told.");
    field.Optional("steps", steps, "What happens to rows, in order.", Holds{"step"}, Count{0, 100});
    field.Optional("lake", lake, "The table that rows are kept in.");
    field.Optional("streams", stream_configs, "Aggregations over windows of time, by name.",
                   Count{0, 100});
    field.Optional("sinks", sinks, "Destinations beside the lake.", Holds{"sink"}, Count{0, 20});
    field.Optional("control", control,
                   "Queues on which tenants switch their own streams and ask about them; only "
                   "beside a lake.",
                   Count{0, 100});
    field.Optional("app_metrics", app_metrics,
                   "A table of the metrics of all streams; only beside a lake.",
                   Example{"{every: 1m}"});
  }
};

/// Reads a pipeline's tree. With errors, which are in the diagnostics, the result is what could be
/// read: good for finding more errors, not for running.
PipelineConfig ReadPipeline(const ConfigNode& document, Diagnostics& diagnostics);

/// True for `[A-Za-z][A-Za-z0-9_-]{0,62}`: names of pipelines and streams.
bool IsName(std::string_view text);

}  // namespace catchwater
