#include "catchwater/stream/timed_stream.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include <arrow/array/util.h>
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
  ARROW_ASSIGN_OR_RAISE(SortedByTime sorted, time_.Sort(batch));
  StreamTally tally;
  if (HasRows(sorted.in_time)) {
    ARROW_ASSIGN_OR_RAISE(tally, op_->Add(sorted.in_time));
  }
  Append(std::move(sorted.others), &tally.others);
  if (HasRows(sorted.late)) {
    if (op_->takes_late_rows()) {
      ARROW_ASSIGN_OR_RAISE(StreamTally late, op_->AddLate(sorted.late));
      tally.used += late.used;
      Append(std::move(late.others), &tally.others);
    } else {
      if (keeps_late_) ARROW_RETURN_NOT_OK(KeepLate(sorted));
      Append(std::move(sorted.lateness), &tally.others);
    }
  }
  ARROW_RETURN_NOT_OK(Advance(time_.watermark_us()));
  return tally;
}

arrow::Status TimedStream::Advance(int64_t watermark_us) {
  ARROW_ASSIGN_OR_RAISE(auto results, op_->AdvanceTo(watermark_us));
  std::move(results.begin(), results.end(), std::back_inserter(results_));
  return arrow::Status::OK();
}

arrow::Status TimedStream::End() {
  ARROW_ASSIGN_OR_RAISE(auto results, op_->End());
  std::move(results.begin(), results.end(), std::back_inserter(results_));
  return arrow::Status::OK();
}

arrow::Result<StreamTally> TimedStream::AddStored(const Batch& batch) {
  ARROW_ASSIGN_OR_RAISE(SortedByTime sorted, time_.SortStored(batch));
  StreamTally tally;
  if (HasRows(sorted.in_time)) {
    ARROW_ASSIGN_OR_RAISE(tally, op_->Add(sorted.in_time));
  }
  Append(std::move(sorted.others), &tally.others);
  return tally;
}

arrow::Status TimedStream::StoredUpTo(int64_t event_us) {
  time_.RaiseTo(std::min(event_us, time_.StoredWatermark()));
  return Advance(time_.watermark_us());
}

arrow::Status TimedStream::KeepLate(const SortedByTime& sorted) {
  const arrow::RecordBatch& rows = *sorted.late.rows;
  auto columns = rows.columns();
  const arrow::TimestampScalar watermark(time_.watermark_us(), TimeType());
  ARROW_ASSIGN_OR_RAISE(auto watermarks, arrow::MakeArrayFromScalar(watermark, rows.num_rows()));
  columns.push_back(std::move(watermarks));
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
  ARROW_ASSIGN_OR_RAISE(const std::string state, op_->Save());
  return WithTime(state);
}

arrow::Result<std::optional<std::string>> TimedStream::SaveChanges() {
  ARROW_ASSIGN_OR_RAISE(const auto changes, op_->SaveChanges());
  if (!changes) return std::nullopt;
  return WithTime(*changes);
}

arrow::Status TimedStream::Load(std::string_view bytes) {
  StateReader state(bytes);
  StateReader time(state.GetText());
  const std::string_view rest = state.GetText();
  time_.Load(&time);
  if (!state.is_at_end() || !time.is_at_end()) time.Fail();
  ARROW_RETURN_NOT_OK(state.status());
  ARROW_RETURN_NOT_OK(time.status());
  return op_->Load(rest);
}

}  // namespace catchwater
