#include "catchwater/pipeline/lake_destination.h"

#include <limits>
#include <utility>

#include <arrow/array.h>

#include "catchwater/base/error.h"
#include "catchwater/base/timestamp.h"
#include "catchwater/batch/select_rows.h"

namespace catchwater {
namespace {

struct TimeBounds {
  int64_t us_min;
  int64_t us_max;
};

/// True if no time lies outside: the usual case, one pass without a branch a row.
bool AllInside(const arrow::TimestampArray& times, const TimeBounds& bounds) {
  const int64_t* values = times.raw_values();
  bool is_inside = true;
  if (times.null_count() == 0) {
    for (int64_t i = 0; i < times.length(); ++i) {
      is_inside &= values[i] >= bounds.us_min && values[i] <= bounds.us_max;
    }
    return is_inside;
  }
  for (int64_t i = 0; i < times.length(); ++i) {
    is_inside &= times.IsNull(i) || (values[i] >= bounds.us_min && values[i] <= bounds.us_max);
  }
  return is_inside;
}

}  // namespace

arrow::Result<std::unique_ptr<LakeDestination>> LakeDestination::Make(
    Lake& lake, std::shared_ptr<const TableState> table,
    std::shared_ptr<const TableState> dead_letter_table, LakeDestinationOptions options,
    std::shared_ptr<UnflushedRows> unflushed, std::unique_ptr<StreamLane> streams) {
  std::unique_ptr<LakeDestination> made(
      new LakeDestination(lake, std::move(options), std::move(unflushed)));
  made->streams_ = std::move(streams);
  made->table_key_ = table->table_key;
  made->dead_letter_key_ = dead_letter_table->table_key;
  ARROW_ASSIGN_OR_RAISE(made->rows_,
                        PartitionWriter::Make(lake, std::move(table), made->options_.writer));
  ARROW_ASSIGN_OR_RAISE(made->dead_, PartitionWriter::Make(lake, std::move(dead_letter_table),
                                                           made->options_.writer));
  return made;
}

arrow::Result<Batch> LakeDestination::Admit(const Batch& batch, PartitionFlow* flow,
                                            std::vector<DeadLetter>* dead) const {
  if (options_.event_time_column.empty()) return batch;
  const auto column = batch.rows->GetColumnByName(options_.event_time_column);
  if (column == nullptr || column->type_id() != arrow::Type::TIMESTAMP) return batch;
  const auto& times = static_cast<const arrow::TimestampArray&>(*column);
  const int64_t now_us = clock_.NowMicros();
  const TimeBounds bounds{.us_min = options_.retain_us ? now_us - *options_.retain_us
                                                       : std::numeric_limits<int64_t>::min(),
                          .us_max = now_us + options_.future_us_max};
  if (AllInside(times, bounds)) return batch;

  std::vector<uint8_t> keep(static_cast<size_t>(times.length()), 1);
  for (int64_t i = 0; i < times.length(); ++i) {
    const bool is_old = times.IsValid(i) && times.Value(i) < bounds.us_min;
    const bool is_future = times.IsValid(i) && times.Value(i) > bounds.us_max;
    if (!is_old && !is_future) continue;
    keep[static_cast<size_t>(i)] = 0;
    const std::string_view rule = is_old ? "lake.retain" : "lake.future";
    std::string reason =
        is_old ? "Event time is older than `retain`: " : "Event time is more than a day ahead: ";
    AppendTimestamp(times.Value(i), /*with_z=*/true, &reason);
    dead->push_back(MakeDeadLetter(
        batch, i,
        {.rule = rule, .field = options_.event_time_column, .reason = std::move(reason)}));
    flow->Count(Bucket::kDeadRows, std::string(rule), 1);
  }
  return FilterBatch(batch, keep);
}

arrow::Status LakeDestination::Add(const Batch& batch, const Turn& turn, PartitionFlow* flow,
                                   std::vector<DeadLetter>* dead) {
  ARROW_ASSIGN_OR_RAISE(const Batch admitted, Admit(batch, flow, dead));
  if (admitted.rows->num_rows() == 0) return Pass(turn);
  // Before the rows are encoded: the lanes behind in the order wait for as little as may be.
  if (streams_ != nullptr) {
    ARROW_ASSIGN_OR_RAISE(const Batch declared, Declared(admitted));
    ARROW_RETURN_NOT_OK(streams_->Add(declared, turn));
  }
  ARROW_RETURN_NOT_OK(WriteRows(admitted.rows));
  flow->Count(Bucket::kLake, "", admitted.rows->num_rows());
  row_count_ += admitted.rows->num_rows();
  return arrow::Status::OK();
}

arrow::Result<Batch> LakeDestination::Declared(Batch batch) const {
  if (options_.growth == nullptr) return batch;
  std::vector<int> columns;
  for (int i = 0; i < batch.rows->num_columns(); ++i) {
    if (options_.growth->IsDeclared(batch.rows->schema()->field(i)->name())) columns.push_back(i);
  }
  ARROW_ASSIGN_OR_RAISE(batch.rows, batch.rows->SelectColumns(columns));
  return batch;
}

arrow::Status LakeDestination::WriteRows(std::shared_ptr<arrow::RecordBatch> rows) {
  if (options_.growth != nullptr) {
    ARROW_ASSIGN_OR_RAISE(rows, options_.growth->Fit(rows));
    ARROW_RETURN_NOT_OK(rows_->UseTable(options_.growth->table()));
  }
  ARROW_RETURN_NOT_OK(rows_->Add(rows));
  if (unflushed_ != nullptr) unflushed_->Add(std::move(rows));
  return arrow::Status::OK();
}

arrow::Status LakeDestination::AddDead(const DeadLetterOrigin& origin,
                                       const std::vector<DeadLetter>& letters) {
  ARROW_ASSIGN_OR_RAISE(const auto rows, DeadLetterRows(origin, letters));
  return dead_->Add(rows);
}

int64_t LakeDestination::epoch_bytes() const {
  return rows_->encoded_bytes() + dead_->encoded_bytes();
}

arrow::Status LakeDestination::CloseEpoch(LaneOutput* output) {
  for (auto [writer, key] :
       {std::pair{rows_.get(), &table_key_}, std::pair{dead_.get(), &dead_letter_key_}}) {
    if (writer->row_count() == 0) continue;
    auto written = writer->Close();
    if (!written.ok()) {
      for (const TableAppend& append : output->appends) (void)RemoveWritten(files_, append.files);
      return written.status();
    }
    output->appends.push_back({.table_key = *key, .files = *std::move(written)});
  }
  if (streams_ != nullptr) ARROW_RETURN_NOT_OK(streams_->CloseEpoch(output));
  output->row_count = row_count_;
  row_count_ = 0;
  if (unflushed_ != nullptr) unflushed_->NextEpoch();
  return arrow::Status::OK();
}

void LakeDestination::Abandon() {
  // Best effort: what stays behind is an orphan with a dead epoch in its name.
  (void)rows_->Abandon();
  (void)dead_->Abandon();
}

}  // namespace catchwater
