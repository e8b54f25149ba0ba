#include "catchwater/lake/sorted_merge.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>
#include <arrow/ipc/api.h>
#include <arrow/table.h>
#include <arrow/util/byte_size.h>

#include "catchwater/base/error.h"
#include "catchwater/base/random.h"
#include "catchwater/lake/compare_rows.h"

namespace catchwater {
namespace {

constexpr int64_t kOutputRows = 64 << 10;
constexpr int64_t kRunBatchRows = 16 << 10;
constexpr int64_t kRunBatchRowsMin = 64;
constexpr int64_t kRunBatchBytes = 1 << 20;  // In memory for each run while they are merged.

/// Floats as whole numbers of the same order, NaN last: Arrow sorts NaN beside the nulls, tables
/// have it behind all numbers. Source: Iceberg spec, sort orders.
template <typename ArrayType, typename Bits>
arrow::Result<std::shared_ptr<arrow::Array>> OrderedBits(const arrow::Array& array) {
  const auto& floats = static_cast<const ArrayType&>(array);
  arrow::Int64Builder builder;
  ARROW_RETURN_NOT_OK(builder.Reserve(floats.length()));
  for (int64_t i = 0; i < floats.length(); ++i) {
    if (floats.IsNull(i)) {
      builder.UnsafeAppendNull();
      continue;
    }
    const auto value = floats.Value(i);
    if (std::isnan(value)) {
      builder.UnsafeAppend(std::numeric_limits<int64_t>::max());
      continue;
    }
    // Negative numbers have the sign bit set and grow away from zero; -0.0 becomes 0.
    const auto bits = std::bit_cast<Bits>(value);
    builder.UnsafeAppend(bits < 0 ? std::numeric_limits<Bits>::min() - bits : bits);
  }
  return builder.Finish();
}

arrow::Result<std::shared_ptr<arrow::Array>> SortableColumn(std::shared_ptr<arrow::Array> column) {
  switch (column->type_id()) {
    case arrow::Type::FLOAT:
      return OrderedBits<arrow::FloatArray, int32_t>(*column);
    case arrow::Type::DOUBLE:
      return OrderedBits<arrow::DoubleArray, int64_t>(*column);
    default:
      return column;
  }
}

}  // namespace

/// A sorted run on disk with the batch that is being taken from.
struct SortedMerge::Run {
  std::shared_ptr<arrow::ipc::RecordBatchFileReader> reader;
  int next_batch = 0;
  std::shared_ptr<arrow::RecordBatch> rows;  ///< What is left of the current batch; null: at end.

  arrow::Status Refill() {
    while (rows == nullptr || rows->num_rows() == 0) {
      if (next_batch >= reader->num_record_batches()) {
        rows = nullptr;
        return arrow::Status::OK();
      }
      ARROW_ASSIGN_OR_RAISE(rows, reader->ReadRecordBatch(next_batch++));
    }
    return arrow::Status::OK();
  }
};

SortedMerge::SortedMerge(Files& files, std::shared_ptr<arrow::Schema> schema,
                         SortedMergeOptions options)
    : files_(files), schema_(std::move(schema)), options_(std::move(options)) {
  for (const SortTerm& term : options_.sort) {
    const int index = schema_->GetFieldIndex(term.column);
    if (index < 0) break;  // Behind a column that is not known here there is no order.
    key_indices_.push_back(index);
  }
}

SortedMerge::~SortedMerge() {
  runs_.clear();
  // What stays lies in a folder for temporary files.
  for (const std::string& path : run_paths_) static_cast<void>(files_.Remove(path));
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> SortedMerge::Sorted(
    std::vector<std::shared_ptr<arrow::RecordBatch>> batches) const {
  ARROW_ASSIGN_OR_RAISE(auto table, arrow::Table::FromRecordBatches(schema_, batches));
  ARROW_ASSIGN_OR_RAISE(const auto rows, table->CombineChunksToBatch());
  table.reset();  // The rows are here twice already, and will be for the sorted ones.
  batches.clear();
  if (key_indices_.empty() || rows->num_rows() < 2) return rows;
  std::vector<arrow::compute::SortKey> keys;
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  for (size_t i = 0; i < key_indices_.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(auto column, SortableColumn(rows->column(key_indices_[i])));
    const std::string name = std::to_string(i);
    fields.push_back(arrow::field(name, column->type()));
    columns.push_back(std::move(column));
    // As in the table's sort order: nulls first ascending, last descending.
    if (options_.sort[i].is_descending) {
      keys.emplace_back(name, arrow::compute::SortOrder::Descending,
                        arrow::compute::NullPlacement::AtEnd);
    } else {
      keys.emplace_back(name, arrow::compute::SortOrder::Ascending,
                        arrow::compute::NullPlacement::AtStart);
    }
  }
  ARROW_RETURN_NOT_OK(arrow::compute::Initialize());
  const auto key_rows = arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows->num_rows(),
                                                 std::move(columns));
  ARROW_ASSIGN_OR_RAISE(const auto order,
                        arrow::compute::SortIndices(key_rows, arrow::compute::SortOptions(keys)));
  ARROW_ASSIGN_OR_RAISE(const auto sorted, arrow::compute::Take(rows, order));
  return sorted.record_batch();
}

arrow::Status SortedMerge::Add(std::shared_ptr<arrow::RecordBatch> rows) {
  ARROW_ASSIGN_OR_RAISE(const int64_t byte_count, arrow::util::ReferencedBufferSize(*rows));
  pending_bytes_ += byte_count;
  pending_.push_back(std::move(rows));
  // Sorting holds the rows twice for a moment.
  return pending_bytes_ * 2 > options_.memory_bytes_max ? Spill() : arrow::Status::OK();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> SortedMerge::SortPending() {
  pending_bytes_ = 0;
  return Sorted(std::exchange(pending_, {}));
}

arrow::Status SortedMerge::Spill() {
  const int64_t byte_count = pending_bytes_;
  ARROW_ASSIGN_OR_RAISE(const auto rows, SortPending());
  const int64_t row_bytes = 1 + byte_count / std::max<int64_t>(1, rows->num_rows());
  const int64_t batch_rows =
      std::clamp(kRunBatchBytes / row_bytes, kRunBatchRowsMin, kRunBatchRows);
  ARROW_RETURN_NOT_OK(files_.CreateDirectories(options_.spill_folder));
  const std::string path = options_.spill_folder + "/run-" + Random::FromSystem().Uuid() + ".arrow";
  ARROW_ASSIGN_OR_RAISE(auto file, files_.CreateNew(path));
  run_paths_.push_back(path);
  ARROW_ASSIGN_OR_RAISE(auto writer, arrow::ipc::MakeFileWriter(file.get(), schema_));
  for (int64_t row = 0; row < rows->num_rows(); row += batch_rows) {
    ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(*rows->Slice(row, batch_rows)));
  }
  ARROW_RETURN_NOT_OK(writer->Close());
  return file->Close();
}

arrow::Status SortedMerge::OpenRuns() {
  for (const std::string& path : run_paths_) {
    ARROW_ASSIGN_OR_RAISE(auto file, files_.OpenInput(path));
    auto run = std::make_unique<Run>();
    ARROW_ASSIGN_OR_RAISE(run->reader, arrow::ipc::RecordBatchFileReader::Open(std::move(file)));
    ARROW_RETURN_NOT_OK(run->Refill());
    if (run->rows != nullptr) runs_.push_back(std::move(run));
  }
  return arrow::Status::OK();
}

arrow::Status SortedMerge::Finish() {
  if (!run_paths_.empty()) {
    if (!pending_.empty()) ARROW_RETURN_NOT_OK(Spill());
    return OpenRuns();
  }
  ARROW_ASSIGN_OR_RAISE(rest_, SortPending());
  return arrow::Status::OK();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> SortedMerge::Next() {
  if (!run_paths_.empty()) return NextOfRuns();
  if (rest_ == nullptr || rest_->num_rows() == 0) return nullptr;
  auto rows = rest_->Slice(0, kOutputRows);
  rest_ = rest_->Slice(rows->num_rows());
  return rows;
}

/// Takes from every run all rows up to the least of the runs' last rows in memory: nothing that is
/// still on disk can come before those. One sort of the taken rows then gives them in order.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> SortedMerge::NextOfRuns() {
  if (runs_.empty()) return nullptr;
  const RowOrderComparator compare(key_indices_, options_.sort);
  const Run* least = runs_.front().get();
  for (const auto& run : runs_) {
    if (compare.Compare(*run->rows, run->rows->num_rows() - 1, *least->rows,
                        least->rows->num_rows() - 1) < 0) {
      least = run.get();
    }
  }
  const auto bound_rows = least->rows;
  const int64_t bound = bound_rows->num_rows() - 1;
  std::vector<std::shared_ptr<arrow::RecordBatch>> taken;
  for (auto& run : runs_) {
    int64_t low = 0;
    int64_t high = run->rows->num_rows();
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      if (compare.Compare(*run->rows, middle, *bound_rows, bound) <= 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low == 0) continue;
    taken.push_back(run->rows->Slice(0, low));
    run->rows = run->rows->Slice(low);
    ARROW_RETURN_NOT_OK(run->Refill());
  }
  std::erase_if(runs_, [](const auto& run) { return run->rows == nullptr; });
  return Sorted(std::move(taken));
}

}  // namespace catchwater
