#include "catchwater/lake/partition_split.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <arrow/array/builder_primitive.h>
#include <arrow/array/util.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int64_t kRunRowsMean = 256;  // Shorter runs are gathered: a slice costs a call a column.

/// One array of partition values a field.
using FieldValues = std::vector<std::shared_ptr<arrow::Array>>;

template <typename T>
std::pair<T, T> MinMax(const T* values, int64_t length) {
  T low = values[0], high = values[0];
  for (int64_t i = 1; i < length; ++i) {
    low = std::min(low, values[i]);
    high = std::max(high, values[i]);
  }
  return {low, high};
}

/// The values at the ends of an order-preserving transform's column: when they are equal, so is
/// everything between, and the column need not be transformed.
arrow::Result<std::shared_ptr<arrow::Array>> TransformIfVaried(
    const Transform& transform, const std::shared_ptr<arrow::Array>& column, bool& is_constant) {
  const bool is_micros = column->type_id() == arrow::Type::TIMESTAMP;
  const bool is_time =
      transform.kind == TransformKind::kDay || transform.kind == TransformKind::kHour ||
      transform.kind == TransformKind::kMonth || transform.kind == TransformKind::kYear;
  if (is_time && is_micros && column->null_count() == 0) {
    const auto [low, high] = MinMax(column->data()->GetValues<int64_t>(1), column->length());
    arrow::Int64Builder builder;
    ARROW_RETURN_NOT_OK(builder.AppendValues({low, high}));
    ARROW_ASSIGN_OR_RAISE(const auto ends, builder.Finish());
    ARROW_ASSIGN_OR_RAISE(const auto typed, ends->View(column->type()));
    ARROW_ASSIGN_OR_RAISE(auto values, ApplyTransform(transform, typed));
    const auto* parts = values->data()->GetValues<int32_t>(1);
    if (parts[0] == parts[1]) {
      is_constant = true;
      return values;
    }
  }
  is_constant = false;
  return ApplyTransform(transform, column);
}

/// Appends a value's identity to a key.
void AppendKey(std::string& key, const arrow::Array& values, int64_t row) {
  if (values.IsNull(row)) {
    key.push_back('\0');
    return;
  }
  key.push_back('\1');
  const std::string bytes = LiteralToBytes(LiteralAt(values, row));
  const auto byte_count = static_cast<uint32_t>(bytes.size());
  key.append(reinterpret_cast<const char*>(&byte_count), sizeof(byte_count));
  key += bytes;
}

/// Marks rows whose value differs from that of the row before.
void MarkChanges(const arrow::Array& values, std::vector<uint8_t>& is_change) {
  const int64_t length = values.length();
  if (values.type_id() == arrow::Type::INT32 && values.null_count() == 0) {
    const auto* numbers = values.data()->GetValues<int32_t>(1);
    for (int64_t i = 1; i < length; ++i) {
      is_change[static_cast<size_t>(i)] |= static_cast<uint8_t>(numbers[i] != numbers[i - 1]);
    }
    return;
  }
  for (int64_t i = 1; i < length; ++i) {
    if (!values.RangeEquals(i - 1, i, i, values)) is_change[static_cast<size_t>(i)] = 1;
  }
}

struct Run {
  int64_t offset = 0;
  int64_t length = 0;
  size_t group = 0;
};

struct Runs {
  std::vector<Run> runs;
  std::vector<PartitionValues> groups;
};

/// Runs of equal partitions, each with the number of its partition.
Runs FindRuns(const FieldValues& fields, const PartitionValues& constants, int64_t length) {
  std::vector<uint8_t> is_change(static_cast<size_t>(length), 0);
  is_change[0] = 1;
  for (const auto& values : fields) {
    if (values != nullptr) MarkChanges(*values, is_change);
  }
  Runs result;
  std::unordered_map<std::string, size_t> group_of_key;
  std::string key;
  for (int64_t row = 0; row < length; ++row) {
    if (is_change[static_cast<size_t>(row)] == 0) {
      ++result.runs.back().length;
      continue;
    }
    key.clear();
    for (const auto& values : fields) {
      if (values != nullptr) AppendKey(key, *values, row);
    }
    const auto [found, is_new] = group_of_key.try_emplace(key, result.groups.size());
    if (is_new) {
      PartitionValues partition = constants;
      for (size_t f = 0; f < fields.size(); ++f) {
        if (fields[f] != nullptr) partition[f] = LiteralAt(*fields[f], row);
      }
      result.groups.push_back(std::move(partition));
    }
    result.runs.push_back({.offset = row, .length = 1, .group = found->second});
  }
  return result;
}

/// Copies the rows of each partition together, by counting.
arrow::Result<std::vector<PartitionSlice>> Gather(const std::shared_ptr<arrow::RecordBatch>& rows,
                                                  const Runs& runs) {
  std::vector<int64_t> ends(runs.groups.size(), 0);
  for (const Run& run : runs.runs) ends[run.group] += run.length;
  std::vector<int64_t> begins(ends.size(), 0);
  for (size_t g = 1; g < ends.size(); ++g) begins[g] = begins[g - 1] + ends[g - 1];
  ARROW_ASSIGN_OR_RAISE(
      std::shared_ptr<arrow::Buffer> buffer,
      arrow::AllocateBuffer(rows->num_rows() * static_cast<int64_t>(sizeof(int32_t))));
  auto* order = reinterpret_cast<int32_t*>(buffer->mutable_data());
  std::vector<int64_t> next = begins;
  for (const Run& run : runs.runs) {
    for (int64_t i = 0; i < run.length; ++i) {
      order[next[run.group]++] = static_cast<int32_t>(run.offset + i);
    }
  }
  const auto indices = std::make_shared<arrow::Int32Array>(rows->num_rows(), buffer);
  ARROW_ASSIGN_OR_RAISE(const arrow::Datum taken,
                        arrow::compute::Take(arrow::Datum(rows), arrow::Datum(indices),
                                             arrow::compute::TakeOptions::NoBoundsCheck()));
  std::vector<PartitionSlice> slices;
  for (size_t g = 0; g < runs.groups.size(); ++g) {
    slices.push_back({.rows = taken.record_batch(),
                      .offset = begins[g],
                      .length = ends[g],
                      .values = runs.groups[g]});
  }
  return slices;
}

}  // namespace

arrow::Result<std::vector<PartitionSlice>> SplitByPartition(
    const std::shared_ptr<arrow::RecordBatch>& rows, const PartitionSpec& spec,
    const std::vector<int>& columns) {
  CATCHWATER_CHECK(columns.size() == spec.fields.size(), "a column for each partition field");
  CATCHWATER_CHECK(rows->num_rows() <= INT32_MAX, "batches are far smaller");
  const int64_t length = rows->num_rows();
  if (length == 0) return std::vector<PartitionSlice>{};
  PartitionValues constants(spec.fields.size());
  FieldValues varied(spec.fields.size());
  bool is_one_partition = true;
  for (size_t f = 0; f < spec.fields.size(); ++f) {
    if (columns[f] < 0 || spec.fields[f].transform.kind == TransformKind::kVoid) continue;
    bool is_constant = false;
    ARROW_ASSIGN_OR_RAISE(auto values, TransformIfVaried(spec.fields[f].transform,
                                                         rows->column(columns[f]), is_constant));
    if (is_constant) {
      constants[f] = LiteralAt(*values, 0);
    } else {
      varied[f] = std::move(values);
      is_one_partition = false;
    }
  }
  if (is_one_partition) {
    return std::vector<PartitionSlice>{{.rows = rows, .length = length, .values = constants}};
  }
  const Runs runs = FindRuns(varied, constants, length);
  if (static_cast<int64_t>(runs.runs.size()) * kRunRowsMean > length && runs.groups.size() > 1) {
    return Gather(rows, runs);
  }
  std::vector<PartitionSlice> slices;
  for (const Run& run : runs.runs) {
    slices.push_back({.rows = rows,
                      .offset = run.offset,
                      .length = run.length,
                      .values = runs.groups[run.group]});
  }
  return slices;
}

}  // namespace catchwater
