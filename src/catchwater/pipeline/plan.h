/// \file
/// A pipeline ready to run: configuration resolved into components, tables and limits.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catchwater/batch/column.h"
#include "catchwater/component/codec.h"
#include "catchwater/component/field_finder.h"
#include "catchwater/component/registry.h"
#include "catchwater/config/column_config.h"
#include "catchwater/config/stream_config.h"
#include "catchwater/lake/table_spec.h"

namespace catchwater {

/// What `lake:` asks for.
struct LakePlan {
  TableSpec table;
  TableSpec dead_letters;
  int64_t flush_every_ms = 10'000;
  int64_t flush_bytes = 128LL << 20;
  bool is_compacted = true;
  int64_t compact_min_files = 5;
  int64_t compact_max_age_ms = 600'000;
  int64_t target_file_bytes = 128LL << 20;
  std::optional<int64_t> retain_ms;
};

/// A stream app, and where its results go.
struct StreamPlan {
  StreamConfig config;
  std::vector<ChosenSink> to;       ///< Those that are not fed from a result table.
  std::vector<std::string> tables;  ///< Keys of result tables; only with a lake.
};

/// What `app_metrics:` asks for.
struct AppMetricsPlan {
  std::string table_key;
  int64_t every_ms = 60'000;
  std::optional<int64_t> retain_ms;
};

/// Where the bytes of the source are kept as they were received, and for how long.
struct KeepRawPlan {
  std::string folder;  ///< Absolute.
  std::optional<int64_t> retain_ms;
  bool compresses = false;
};

/// A sink that is fed from a table: the pipeline's, or one of a stream's results.
struct SinkPlan {
  ChosenSink component;
  std::string name;  ///< Unique in the pipeline.
  DeliveryOptions options;
  std::string table_key;
  std::string stream;            ///< Empty: the rows are the pipeline's.
  std::vector<std::string> key;  ///< Of the stream.
  /// The stream is a script: it is fed from the pipeline's table and makes the result tables
  /// itself. There is no component.
  bool is_script = false;
};

/// Immutable; shared by the threads of a pipeline.
struct PipelinePlan {
  std::string name;
  std::string project_folder;
  ChosenSource source;
  std::shared_ptr<const Codec> codec;
  std::vector<Column> columns;
  ColumnContracts contracts;
  std::vector<ChosenStep> steps;
  std::optional<LakePlan> lake;
  std::vector<StreamPlan> streams;
  std::vector<SinkPlan> sinks;                ///< Only with a lake.
  std::optional<AppMetricsPlan> app_metrics;  ///< The same.
  std::optional<KeepRawPlan> keep_raw;
  int64_t frame_bytes_max = 16 << 20;
  uint64_t fingerprint = 0;  ///< Of all that its file says: a reload restarts what has another.
  /// Not null: what no column reads becomes a column of the table.
  std::shared_ptr<const FieldNamer> new_fields;
  /// Of columns that the table's may be widened for: they are read as the wider type, and this is
  /// what the table begins with.
  std::map<std::string, std::shared_ptr<arrow::DataType>> declared_types;

  bool evolves() const { return new_fields != nullptr || !declared_types.empty(); }
  /// The schema that the table begins with. rows: as they come out of the steps
  std::shared_ptr<arrow::Schema> TableSchema(const arrow::Schema& rows) const {
    arrow::FieldVector fields = rows.fields();
    for (auto& field : fields) {
      const auto declared = declared_types.find(field->name());
      if (declared == declared_types.end()) continue;
      // Unless a step made something else of it.
      const bool is_as_read =
          field->type()->id() == arrow::Type::INT64 || field->type()->id() == arrow::Type::DOUBLE;
      if (is_as_read) field = field->WithType(declared->second);
    }
    return arrow::schema(std::move(fields));
  }

  std::string event_time_column() const {
    for (const Column& column : columns) {
      if (column.is_event_time) return column.name;
    }
    return "";
  }
  std::string entity_column() const {
    for (const Column& column : columns) {
      if (column.is_entity) return column.name;
    }
    return "";
  }
};

}  // namespace catchwater
