/// \file
/// `lake:` of a pipeline: its table, partitions, flushing, compaction and retention.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/config/describe.h"

namespace catchwater {

enum class PartitionTransform { kIdentity, kYear, kMonth, kDay, kHour, kBucket, kTruncate };
/// "identity", "year", ..., "truncate".
std::string_view PartitionTransformName(PartitionTransform transform);

/// One field of a partition spec: `site`, `day(ts)`, `bucket(16, id)`, `truncate(8, s)`.
struct PartitionSetting {
  PartitionTransform transform = PartitionTransform::kIdentity;
  int32_t parameter = 0;  ///< Buckets or width; 0 for the others.
  std::string column;

  bool operator==(const PartitionSetting&) const = default;
};
/// \retval kConfig naming what is wrong
arrow::Result<PartitionSetting> ParsePartitionField(std::string_view text);
std::string FormatPartitionField(const PartitionSetting& field);

/// One field of a sort order: `ts`, `ts desc`.
struct SortSetting {
  std::string column;
  bool is_descending = false;

  bool operator==(const SortSetting&) const = default;
};
arrow::Result<SortSetting> ParseSortField(std::string_view text);

struct FlushConfig {
  Duration every = Duration::Seconds(10);
  ByteSize bytes = ByteSize::MiB(128);

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("every", every, "Longest time between commits.",
                   Bounds{Duration::Millis(10), Duration::Hours(24)});
    field.Optional("bytes", bytes, "Commit when so many bytes of rows wait in memory.",
                   Bounds{ByteSize::KiB(64), ByteSize::GiB(16)});
  }
};

struct CompactConfig {
  bool is_enabled = true;
  int32_t min_files = 5;
  Duration max_age = Duration::Minutes(10);
  ByteSize target = ByteSize::MiB(128);

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("enabled", is_enabled, "Merge small data files.");
    field.Optional("min_files", min_files,
                   "Merge when so many small files of one size wait in a partition.",
                   Bounds{2, 1'000});
    field.Optional("max_age", max_age, "Merge when the oldest small file is older.",
                   Bounds{Duration::Seconds(1), Duration::Days(365)});
    field.Optional("target", target, "Files of this size are left alone.",
                   Bounds{ByteSize::KiB(64), ByteSize::GiB(16)});
  }
};

struct LakeConfig {
  std::string table;  ///< "namespace.name"
  std::vector<PartitionSetting> partition;
  std::vector<SortSetting> sort;
  FlushConfig flush;
  CompactConfig compact;
  std::optional<Duration> retain;
  std::vector<std::pair<std::string, std::string>> properties;

  /// As written; parsed into `partition` and `sort` by ReadPipeline.
  std::vector<std::string> partition_texts;
  std::vector<std::string> sort_texts;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("table", table, "Name of the table, `namespace.name`.",
                   Example{"sensors.readings"});
    field.Optional("partition", partition_texts,
                   "How files are divided: a column, or `year(c)`, `month(c)`, `day(c)`, "
                   "`hour(c)`, `bucket(n, c)`, `truncate(width, c)`.",
                   Count{0, 8}, Example{"[day(ts)]"});
    field.Optional("sort", sort_texts,
                   "Order of rows in a file: columns, each with `desc` if wanted. Default: the "
                   "entity column, then the event time.",
                   Count{0, 8}, Example{"[sensor_id, ts]"});
    field.Optional("flush", flush, "When rows become durable. SQL sees them before that.");
    field.Optional("compact", compact, "When small data files are merged.");
    field.Optional("retain", retain,
                   "Rows whose event time is older are removed. Default: kept for ever.",
                   Example{"400d"});
    field.Optional("properties", properties, "Iceberg table properties.");
  }
};

/// True for `namespace.name`, both `[a-z_][a-z0-9_]{0,62}`.
bool IsTableName(std::string_view text);

}  // namespace catchwater
