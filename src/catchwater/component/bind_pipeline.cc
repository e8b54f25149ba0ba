#include "catchwater/component/bind_pipeline.h"

#include <algorithm>
#include <utility>

namespace catchwater {
namespace {

bool IsNumber(ColumnType type) {
  switch (type) {
    case ColumnType::kInt32:
    case ColumnType::kInt64:
    case ColumnType::kFloat32:
    case ColumnType::kFloat64:
    case ColumnType::kDecimal:
      return true;
    default:
      return false;
  }
}

bool NeedsNumber(AggregateFunction function) {
  switch (function) {
    case AggregateFunction::kSum:
    case AggregateFunction::kMean:
    case AggregateFunction::kVariance:
    case AggregateFunction::kStddev:
    case AggregateFunction::kQuantile:
    case AggregateFunction::kStandardError:
    case AggregateFunction::kRate:
    case AggregateFunction::kTimeWeightedMean:
    case AggregateFunction::kHistogram:
      return true;
    default:
      return false;
  }
}

// The place where the word stands in the subtree, as a value or a key.
std::optional<Place> FindPlace(const ConfigNode& node, const std::string& word) {
  if (node.is_scalar() && node.text() == word) return node.place();
  for (const ConfigNode& item : node.items()) {
    if (auto place = FindPlace(item, word)) return place;
  }
  for (const ConfigEntry& entry : node.entries()) {
    if (entry.key == word) return entry.key_place;
    if (auto place = FindPlace(entry.value, word)) return place;
  }
  return std::nullopt;
}

// The same, or the subtree's own place where the word is part of a longer text.
Place PlaceOf(const ConfigNode& node, const std::string& word) {
  return FindPlace(node, word).value_or(node.place());
}

class Binder {
 public:
  Binder(const PipelineConfig& pipeline, const Registry& registry, Diagnostics& diagnostics)
      : pipeline_(pipeline), registry_(registry), diagnostics_(diagnostics) {}

  std::optional<BoundPipeline> Bind() {
    const int64_t errors_before = diagnostics_.error_count();
    BoundPipeline bound;
    bound.config = pipeline_;
    for (const Column& column : pipeline_.columns) columns_.push_back(column.name);
    BindSource(bound);
    if (!pipeline_.codec.is_missing()) {
      bound.codec = registry_.ChooseCodec(pipeline_.codec, diagnostics_);
    }
    for (const ConfigNode& node : pipeline_.steps) BindStep(node, bound);
    if (pipeline_.lake) CheckLake(pipeline_.document.At("lake"));
    for (const StreamConfig& stream : pipeline_.streams) BindStream(stream, bound);
    for (const ConfigNode& node : pipeline_.sinks) BindSink(node, bound.sinks);
    if (diagnostics_.error_count() != errors_before) return std::nullopt;
    return bound;
  }

 private:
  void BindSource(BoundPipeline& bound) {
    const ConfigNode& node = pipeline_.source.node;
    // A missing or malformed `source` is reported by the reader.
    if (!pipeline_.document.At("source").is_map() && !pipeline_.document.At("source").is_scalar()) {
      return;
    }
    if (auto chosen = registry_.ChooseSource(node, diagnostics_)) bound.source = std::move(*chosen);
  }

  void BindStep(const ConfigNode& node, BoundPipeline& bound) {
    auto chosen = registry_.ChooseStep(node, diagnostics_);
    if (!chosen) {
      // What it would have added is not known: no second errors about it.
      is_open_ |= registry_.MayAddColumns(node);
      return;
    }
    for (const std::string& column : chosen->columns.read) {
      CheckColumn(column, PlaceOf(chosen->config, column), "step `" + chosen->name + "`");
    }
    for (const std::string& column : chosen->columns.added) columns_.push_back(column);
    is_open_ |= chosen->columns.adds_unknown;
    bound.steps.push_back(std::move(*chosen));
  }

  void BindSink(const ConfigNode& node, std::vector<ChosenSink>& sinks) {
    if (auto chosen = registry_.ChooseSink(node, diagnostics_)) sinks.push_back(std::move(*chosen));
  }

  void BindStream(const StreamConfig& config, BoundPipeline& bound) {
    BoundStream stream{config, {}, {}};
    const ConfigNode node = pipeline_.document.At("streams").At(config.name);
    const std::string who = "stream `" + config.name + "`";
    for (const std::string& column : config.key) {
      CheckColumn(column, PlaceOf(node.At("key"), column), who);
    }
    for (const Aggregate& aggregate : config.compute) {
      if (!aggregate.column.empty()) CheckAggregate(aggregate, node.At("compute"), who);
    }
    for (const DetectorConfig& detector : config.detect) {
      for (const std::string& column : ColumnsOf(detector)) {
        CheckColumn(column, PlaceOf(node.At("detect"), column), who);
      }
    }
    for (const ConfigNode& sink : config.to) {
      const ConfigNode table = sink.At("table");
      if (sink.entries().size() == 1 && !table.is_missing()) {
        BindTable(table, stream);
      } else {
        BindSink(sink, stream.sinks);
      }
    }
    bound.streams.push_back(std::move(stream));
  }

  void BindTable(const ConfigNode& table, BoundStream& stream) {
    if (table.is_scalar()) {
      stream.tables.push_back(table.text());
    } else if (!table.is_unknown()) {
      diagnostics_.Error("E1204", table.place(),
                         "`table` must be a table name, not " + std::string(table.KindName()));
    }
  }

  void CheckAggregate(const Aggregate& aggregate, const ConfigNode& compute,
                      const std::string& who) {
    const Place place = compute.At(aggregate.name).place();
    if (!CheckColumn(aggregate.column, place, who)) return;
    const Column* column = pipeline_.FindColumn(aggregate.column);
    if (column == nullptr || !NeedsNumber(aggregate.function) || IsNumber(column->type)) return;
    diagnostics_.Error("E1309", place,
                       "`" + std::string(AggregateFunctionName(aggregate.function)) +
                           "` needs numbers, but column `" + column->name + "` is of type " +
                           std::string(ColumnTypeName(column->type)));
  }

  void CheckLake(const ConfigNode& node) {
    const LakeConfig& lake = *pipeline_.lake;
    for (const PartitionSetting& field : lake.partition) {
      const Place place = ItemPlace(node.At("partition"), lake.partition_texts, field);
      if (CheckColumn(field.column, place, "`lake.partition`")) CheckPartitionType(field, place);
    }
    for (size_t i = 0; i < lake.sort.size() && i < node.At("sort").items().size(); ++i) {
      CheckColumn(lake.sort[i].column, node.At("sort").items()[i].place(), "`lake.sort`");
    }
  }

  // Malformed texts have no field, so the item is found by what it means.
  static Place ItemPlace(const ConfigNode& list, const std::vector<std::string>& texts,
                         const PartitionSetting& field) {
    for (size_t i = 0; i < texts.size() && i < list.items().size(); ++i) {
      const auto parsed = ParsePartitionField(texts[i]);
      if (parsed.ok() && *parsed == field) return list.items()[i].place();
    }
    return list.place();
  }

  void CheckPartitionType(const PartitionSetting& field, const Place& place) {
    const Column* column = pipeline_.FindColumn(field.column);
    if (column == nullptr) return;  // Added by a step: its type is known when it is made.
    const bool is_timestamp = column->type == ColumnType::kTimestamp;
    const bool is_date = column->type == ColumnType::kDate;
    const bool is_text = column->type == ColumnType::kString || column->type == ColumnType::kEnum;
    const bool is_integer =
        column->type == ColumnType::kInt32 || column->type == ColumnType::kInt64;
    bool fits = true;
    switch (field.transform) {
      case PartitionTransform::kHour:
        fits = is_timestamp;
        break;
      case PartitionTransform::kYear:
      case PartitionTransform::kMonth:
      case PartitionTransform::kDay:
        fits = is_timestamp || is_date;
        break;
      case PartitionTransform::kBucket:
        fits = is_timestamp || is_date || is_text || is_integer ||
               column->type == ColumnType::kDecimal;
        break;
      case PartitionTransform::kTruncate:
        fits = is_text || is_integer || column->type == ColumnType::kDecimal;
        break;
      case PartitionTransform::kIdentity:
        fits = column->type != ColumnType::kFloat32 && column->type != ColumnType::kFloat64;
        break;
    }
    if (fits) return;
    diagnostics_.Error("E1309", place,
                       "`" + std::string(PartitionTransformName(field.transform)) +
                           "` cannot divide column `" + column->name + "` of type " +
                           std::string(ColumnTypeName(column->type)));
  }

  // \return true if the column exists; else it is reported
  bool CheckColumn(const std::string& column, const Place& place, const std::string& who) {
    if (is_open_ || std::find(columns_.begin(), columns_.end(), column) != columns_.end()) {
      return true;
    }
    Diagnostic& error =
        diagnostics_.Error("E1302", place, "unknown column `" + column + "` in " + who);
    if (const std::string_view near = Nearest(column, columns_); !near.empty()) {
      error.label = "did you mean `" + std::string(near) + "`?";
    }
    std::string known;
    for (const std::string& name : columns_) known.append(known.empty() ? "" : ", ").append(name);
    error.notes.push_back("columns here: " + known);
    return false;
  }

  const PipelineConfig& pipeline_;
  const Registry& registry_;
  Diagnostics& diagnostics_;
  std::vector<std::string> columns_;
  bool is_open_ = false;  // A step adds columns that are not known before rows flow.
};

bool HasErrorIn(const std::string& file, const Diagnostics& diagnostics) {
  if (diagnostics.all().size() >= Diagnostics::kKeptMax) return true;  // Others are only counted.
  return std::ranges::any_of(diagnostics.all(), [&](const Diagnostic& diagnostic) {
    return diagnostic.severity == Severity::kError && diagnostic.place.source &&
           diagnostic.place.source->name() == file;
  });
}

}  // namespace

std::optional<BoundPipeline> BindPipeline(const PipelineConfig& pipeline, const Registry& registry,
                                          Diagnostics& diagnostics) {
  return Binder(pipeline, registry, diagnostics).Bind();
}

void ReportMakeFailure(std::string_view what, const ConfigNode& config,
                       const arrow::Status& failure, Diagnostics& diagnostics) {
  diagnostics.Error("E1312", config.place(),
                    std::string(what) + ": " + MaskSecrets(failure.message()));
}

const BoundPipeline* BoundProject::FindPipeline(std::string_view name) const {
  for (const BoundPipeline& pipeline : pipelines) {
    if (pipeline.config.name == name) return &pipeline;
  }
  return nullptr;
}

std::optional<BoundProject> LoadBoundProject(const LoadRequest& request, const Registry& registry,
                                             Diagnostics& diagnostics) {
  const int64_t errors_before = diagnostics.error_count();
  const Project project = ReadProject(request, diagnostics);
  BoundProject bound{project.folder, project.settings, {}};
  for (const PipelineConfig& pipeline : project.pipelines) {
    if (auto one = BindPipeline(pipeline, registry, diagnostics)) {
      bound.pipelines.push_back(std::move(*one));
    }
  }
  if (diagnostics.error_count() != errors_before) return std::nullopt;
  return bound;
}

std::optional<BoundProject> LoadReadableProject(const LoadRequest& request,
                                                const Registry& registry,
                                                Diagnostics& diagnostics) {
  const Project project = ReadProject(request, diagnostics);
  if (!project.has_settings) return std::nullopt;
  BoundProject bound{project.folder, project.settings, {}};
  for (const PipelineConfig& pipeline : project.pipelines) {
    // Bound for its errors, too: they are all said.
    auto one = BindPipeline(pipeline, registry, diagnostics);
    if (one && !HasErrorIn(pipeline.file, diagnostics)) bound.pipelines.push_back(std::move(*one));
  }
  return bound;
}

}  // namespace catchwater
