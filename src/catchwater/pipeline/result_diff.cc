#include "catchwater/pipeline/result_diff.h"

#include <algorithm>
#include <bit>
#include <sstream>
#include <utility>

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/scalar.h>

#include "catchwater/base/error.h"
#include "catchwater/batch/select_rows.h"
#include "catchwater/batch/text_hash.h"
#include "catchwater/batch/text_table.h"
#include "catchwater/lake/scan.h"
#include "catchwater/pipeline/result_table.h"
#include "catchwater/stream/window_results.h"

namespace catchwater {
namespace {

constexpr char kSeparator = '\x1f';
constexpr uint64_t kHalfOfRounding = 1 << 15;  // 37 of the 53 bits of a number stay.

void AppendValue(const arrow::Array& column, int64_t row, std::string* text) {
  text->push_back(kSeparator);
  if (column.IsNull(row)) return text->push_back('\x00');
  if (column.type_id() != arrow::Type::DOUBLE) return AppendCell(column, row, text);
  const double value = static_cast<const arrow::DoubleArray&>(column).Value(row);
  const uint64_t bits = std::bit_cast<uint64_t>(value) + kHalfOfRounding;
  text->append(std::to_string(bits & ~(2 * kHalfOfRounding - 1)));
}

int64_t RevisionOf(const arrow::RecordBatch& rows, int64_t row) {
  const auto column = rows.GetColumnByName(kWindowColumns[2]);
  const auto& revisions = static_cast<const arrow::Int64Array&>(*column);
  return revisions.IsValid(row) ? revisions.Value(row) : 0;
}

bool IsRetracted(const arrow::RecordBatch& rows, int64_t row) {
  const auto column = rows.GetColumnByName(kWindowColumns[3]);
  const auto& retracted = static_cast<const arrow::BooleanArray&>(*column);
  return retracted.IsValid(row) && retracted.Value(row);
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Keep(std::shared_ptr<arrow::RecordBatch> rows,
                                                        const std::vector<uint8_t>& keep) {
  Batch batch;
  batch.rows = std::move(rows);
  ARROW_ASSIGN_OR_RAISE(batch, FilterBatch(std::move(batch), keep));
  return batch.rows;
}

}  // namespace

arrow::Result<ResultDiff> ResultDiff::Make(Lake& lake, std::shared_ptr<const TableState> table) {
  ResultDiff diff(lake, std::move(table));
  const arrow::Schema& schema = *diff.table_->schema;
  std::istringstream lines(diff.table_->metadata->properties.at(kResultKeyProperty));
  for (std::string column; std::getline(lines, column);) {
    diff.key_.push_back(schema.GetFieldIndex(column));
    CATCHWATER_CHECK(diff.key_.back() >= 0, "the key of results is columns of their table");
  }
  for (int i = 0; i < schema.num_fields(); ++i) {
    const std::string& name = schema.field(i)->name();
    const bool is_key = std::ranges::find(diff.key_, i) != diff.key_.end();
    if (!is_key && name != kWindowColumns[2] && name != kWindowColumns[3]) {
      diff.values_.push_back(i);
    }
  }
  ARROW_RETURN_NOT_OK(diff.Read());
  return diff;
}

std::string ResultDiff::KeyOf(const arrow::RecordBatch& rows, int64_t row) const {
  std::string text;
  for (const int i : key_) AppendValue(*rows.column(i), row, &text);
  return text.size() <= 32 ? text : TextHash(text);
}

std::string ResultDiff::ValuesOf(const arrow::RecordBatch& rows, int64_t row) const {
  std::string text;
  for (const int i : values_) AppendValue(*rows.column(i), row, &text);
  return TextHash(text).substr(0, 15);  // Fits into a string without memory of its own.
}

arrow::Status ResultDiff::Read() {
  ARROW_ASSIGN_OR_RAISE(const auto files, LiveFiles(lake_, *table_));
  if (files.empty()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const auto reader, ReadRows(lake_, *table_, files));
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto rows, reader->Next());
    if (rows == nullptr) return arrow::Status::OK();
    for (int64_t row = 0; row < rows->num_rows(); ++row) {
      const int64_t revision = RevisionOf(*rows, row);
      const bool is_retracted = IsRetracted(*rows, row);
      Shown& shown = shown_[KeyOf(*rows, row)];
      // A revision that is retracted stands beside the row that retracts it.
      if (revision < shown.revision || (revision == shown.revision && !is_retracted)) continue;
      shown = {.values = ValuesOf(*rows, row), .revision = revision, .is_retracted = is_retracted};
    }
  }
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> ResultDiff::Retracting(
    const arrow::RecordBatch& rows, int64_t revision) const {
  arrow::ArrayVector columns;
  for (int i = 0; i < rows.num_columns(); ++i) {
    const auto& field = rows.schema()->field(i);
    auto column = rows.column(i);
    if (field->name() == kWindowColumns[2]) {
      ARROW_ASSIGN_OR_RAISE(
          column, arrow::MakeArrayFromScalar(arrow::Int64Scalar(revision), rows.num_rows()));
    } else if (field->name() == kWindowColumns[3]) {
      ARROW_ASSIGN_OR_RAISE(
          column, arrow::MakeArrayFromScalar(arrow::BooleanScalar(true), rows.num_rows()));
    } else if (std::ranges::find(key_, i) == key_.end()) {
      ARROW_ASSIGN_OR_RAISE(column, arrow::MakeArrayOfNull(field->type(), rows.num_rows()));
    }
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(rows.schema(), rows.num_rows(), std::move(columns));
}

arrow::Result<arrow::RecordBatchVector> ResultDiff::NewOf(
    const std::shared_ptr<arrow::RecordBatch>& results, int64_t retracting_revision) {
  CATCHWATER_CHECK(results->schema()->Equals(*table_->schema), "results are rows of their table");
  const auto row_count = static_cast<size_t>(results->num_rows());
  std::vector<uint8_t> is_new(row_count, 1);
  std::vector<uint8_t> replaces(row_count, 0);
  for (size_t i = 0; i < row_count; ++i) {
    const auto row = static_cast<int64_t>(i);
    const auto found = shown_.find(KeyOf(*results, row));
    if (found == shown_.end()) continue;
    Shown& shown = found->second;
    if (shown.is_retracted || std::exchange(shown.is_there, true)) continue;
    is_new[i] = shown.values != ValuesOf(*results, row);
    replaces[i] = is_new[i];
  }
  arrow::RecordBatchVector rows;
  ARROW_ASSIGN_OR_RAISE(const auto replaced, Keep(results, replaces));
  if (replaced->num_rows() > 0) {
    ARROW_ASSIGN_OR_RAISE(rows.emplace_back(), Retracting(*replaced, retracting_revision));
  }
  ARROW_ASSIGN_OR_RAISE(const auto added, Keep(results, is_new));
  if (added->num_rows() > 0) rows.push_back(added);
  return rows;
}

arrow::Result<arrow::RecordBatchVector> ResultDiff::Gone(int64_t retracting_revision) {
  arrow::RecordBatchVector gone;
  const bool is_all_there = std::ranges::all_of(
      shown_, [](const auto& one) { return one.second.is_there || one.second.is_retracted; });
  if (is_all_there) return gone;
  ARROW_ASSIGN_OR_RAISE(const auto files, LiveFiles(lake_, *table_));
  ARROW_ASSIGN_OR_RAISE(const auto reader, ReadRows(lake_, *table_, files));
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto rows, reader->Next());
    if (rows == nullptr) return gone;
    std::vector<uint8_t> keep(static_cast<size_t>(rows->num_rows()), 0);
    for (size_t i = 0; i < keep.size(); ++i) {
      Shown& shown = shown_[KeyOf(*rows, static_cast<int64_t>(i))];
      if (shown.is_there || shown.is_retracted) continue;
      keep[i] = 1;
      shown.is_there = true;  // Once.
    }
    ARROW_ASSIGN_OR_RAISE(const auto kept, Keep(rows, keep));
    if (kept->num_rows() == 0) continue;
    ARROW_ASSIGN_OR_RAISE(gone.emplace_back(), Retracting(*kept, retracting_revision));
  }
}

}  // namespace catchwater
