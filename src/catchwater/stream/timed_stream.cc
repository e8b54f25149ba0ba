#include "catchwater/stream/timed_stream.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include <arrow/builder.h>

#include "catchwater/base/error.h"
#include "catchwater/stream/state_bytes.h"

namespace catchwater {
namespace {

std::shared_ptr<arrow::DataType> TimeType() {
  return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
}

void Append(std::vector<Tally> more, std::vector<Tally>* tallies) {
  std::move(more.begin(), more.end(), std::back_inserter(*tallies));
}

bool HasRows(const Batch& batch) { return batch.rows != nullptr && batch.rows->num_rows() > 0; }

}  // namespace

std::shared_ptr<arrow::Schema> LateSchema(const arrow::Schema& input) {
  arrow::FieldVector fields = input.fields();
  fields.push_back(arrow::field("watermark", TimeType()));
  fields.push_back(arrow::field("late_by_ms", arrow::int64()));
  return arrow::schema(std::move(fields));
}

arrow::Result<StreamTally> TimedStream::Add(const Batch& batch) {
  ARROW_ASSIGN_OR_RAISE(const auto classes, classes_.Of(*batch.rows));
  ARROW_ASSIGN_OR_RAISE(SortedByTime sorted, time_.Sort(batch, classes));
  StreamTally tally;
  ARROW_RETURN_NOT_OK(AddInTime(sorted.in_time, &tally));
  Append(std::move(sorted.others), &tally.others);
  ARROW_RETURN_NOT_OK(AddLate(sorted, &tally));
  ARROW_RETURN_NOT_OK(Advance());
  return tally;
}

arrow::Status TimedStream::AddInTime(const Batch& rows, StreamTally* tally) {
  if (!HasRows(rows)) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const auto parts, classes_.Split(rows));
  for (size_t i = 0; i < ops_.size(); ++i) {
    if (!HasRows(parts[i])) continue;
    ARROW_ASSIGN_OR_RAISE(StreamTally added, ops_[i]->Add(parts[i]));
    tally->used += added.used;
    Append(std::move(added.others), &tally->others);
  }
  return arrow::Status::OK();
}

arrow::Status TimedStream::AddLate(const SortedByTime& sorted, StreamTally* tally) {
  if (!HasRows(sorted.late)) return arrow::Status::OK();
  if (!op().takes_late_rows()) {
    if (keeps_late_) ARROW_RETURN_NOT_OK(KeepLate(sorted));
    Append(sorted.lateness, &tally->others);
    return arrow::Status::OK();
  }
  ARROW_ASSIGN_OR_RAISE(const auto parts, classes_.Split(sorted.late));
  for (size_t i = 0; i < ops_.size(); ++i) {
    if (!HasRows(parts[i])) continue;
    ARROW_ASSIGN_OR_RAISE(StreamTally late, ops_[i]->AddLate(parts[i]));
    tally->used += late.used;
    Append(std::move(late.others), &tally->others);
  }
  return arrow::Status::OK();
}

arrow::Status TimedStream::Advance() {
  for (size_t i = 0; i < ops_.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(auto results, ops_[i]->AdvanceTo(time_.watermark_us(i)));
    std::move(results.begin(), results.end(), std::back_inserter(results_));
  }
  return arrow::Status::OK();
}

arrow::Status TimedStream::End() {
  for (const auto& op : ops_) {
    ARROW_ASSIGN_OR_RAISE(auto results, op->End());
    std::move(results.begin(), results.end(), std::back_inserter(results_));
  }
  return arrow::Status::OK();
}

arrow::Result<StreamTally> TimedStream::AddStored(const Batch& batch) {
  ARROW_ASSIGN_OR_RAISE(SortedByTime sorted, time_.SortStored(batch));
  StreamTally tally;
  ARROW_RETURN_NOT_OK(AddInTime(sorted.in_time, &tally));
  Append(std::move(sorted.others), &tally.others);
  return tally;
}

arrow::Status TimedStream::StoredUpTo(int64_t event_us) {
  time_.RaiseStoredTo(event_us);
  return Advance();
}

void TimedStream::Saved() {
  for (const auto& op : ops_) op->Saved();
}

void TimedStream::BeginRevisionsAfter(int64_t revision) {
  for (const auto& op : ops_) op->BeginRevisionsAfter(revision);
}

int64_t TimedStream::TakeResultRowCount() {
  int64_t row_count = 0;
  for (const auto& op : ops_) row_count += op->TakeResultRowCount();
  return row_count;
}

arrow::Status TimedStream::KeepLate(const SortedByTime& sorted) {
  const arrow::RecordBatch& rows = *sorted.late.rows;
  auto columns = rows.columns();
  ARROW_ASSIGN_OR_RAISE(const auto classes, classes_.Of(rows));
  arrow::TimestampBuilder watermarks(TimeType(), arrow::default_memory_pool());
  for (int64_t row = 0; row < rows.num_rows(); ++row) {
    const size_t of_class = classes.empty() ? 0 : classes[static_cast<size_t>(row)];
    ARROW_RETURN_NOT_OK(watermarks.Append(time_.watermark_us(of_class)));
  }
  ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), watermarks.Finish());
  arrow::Int64Builder late_by;
  for (const int64_t late_us : sorted.late_by_us) {
    ARROW_RETURN_NOT_OK(late_by.Append(late_us / 1'000));
  }
  ARROW_ASSIGN_OR_RAISE(auto lateness, late_by.Finish());
  columns.push_back(std::move(lateness));
  late_.push_back(
      arrow::RecordBatch::Make(LateSchema(*rows.schema()), rows.num_rows(), std::move(columns)));
  return arrow::Status::OK();
}

std::string TimedStream::WithTime(std::string_view state) const {
  StateWriter writer;
  StateWriter time;
  time_.Save(&time);
  writer.PutText(time.Take());
  writer.PutText(state);
  return writer.Take();
}

arrow::Result<std::string> TimedStream::Save() const {
  if (ops_.size() == 1) {
    ARROW_ASSIGN_OR_RAISE(const std::string state, op().Save());
    return WithTime(state);
  }
  StateWriter all;
  for (const auto& op : ops_) {
    ARROW_ASSIGN_OR_RAISE(const std::string state, op->Save());
    all.PutText(state);
  }
  return WithTime(all.Take());
}

arrow::Result<std::optional<std::string>> TimedStream::SaveChanges() {
  StateWriter all;
  for (const auto& op : ops_) {
    ARROW_ASSIGN_OR_RAISE(const auto changes, op->SaveChanges());
    if (!changes) return std::nullopt;
    if (ops_.size() == 1) return WithTime(*changes);
    all.PutText(*changes);
  }
  return WithTime(all.Take());
}

arrow::Status TimedStream::Load(std::string_view bytes) {
  StateReader state(bytes);
  StateReader time(state.GetText());
  const std::string_view rest = state.GetText();
  time_.Load(&time);
  if (!state.is_at_end() || !time.is_at_end()) time.Fail();
  ARROW_RETURN_NOT_OK(state.status());
  ARROW_RETURN_NOT_OK(time.status());
  if (ops_.size() == 1) return ops_.front()->Load(rest);
  StateReader all(rest);
  for (const auto& op : ops_) {
    const std::string_view one = all.GetText();
    ARROW_RETURN_NOT_OK(all.status());
    ARROW_RETURN_NOT_OK(op->Load(one));
  }
  return all.is_at_end() ? arrow::Status::OK() : BadData("Operator state is too long");
}

}  // namespace catchwater
