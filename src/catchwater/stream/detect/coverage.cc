#include "catchwater/stream/detect/coverage.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <arrow/array.h>
#include <arrow/builder.h>

#include "catchwater/base/civil.h"
#include "catchwater/base/error.h"
#include "catchwater/stream/detect/detector.h"
#include "catchwater/stream/keyed_aggregate.h"

namespace catchwater {
namespace {

constexpr std::string_view kMagic = "coverage.1";
constexpr int64_t kSilentPeriodsMax = 1'000;  // Of a stream in which nothing came at all.

std::shared_ptr<arrow::DataType> TimeType() {
  return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
}

arrow::FieldVector OwnFields() {
  return {arrow::field("period_start", TimeType()),   arrow::field("period_end", TimeType()),
          arrow::field("expected", arrow::int64()),   arrow::field("received", arrow::int64()),
          arrow::field("missing", arrow::int64()),    arrow::field("revision", arrow::int64()),
          arrow::field("retracted", arrow::boolean())};
}

}  // namespace

arrow::Result<std::unique_ptr<OrderedOperator>> Coverage::Make(
    CoverageOptions options, const std::shared_ptr<arrow::Schema>& input) {
  if (options.event_time_column.empty()) {
    return ConfigError("Coverage needs the time of each row: mark a column `event_time: true`");
  }
  ARROW_ASSIGN_OR_RAISE(arrow::FieldVector fields, KeyFields(options.key, *input));
  GroupIndex keys(TypesOf(fields));
  for (const auto& field : OwnFields()) {
    if (std::ranges::find(options.key, field->name()) != options.key.end()) {
      return ConfigError("A key column has the name of a column of coverage: ", field->name());
    }
    fields.push_back(field);
  }
  return std::unique_ptr<OrderedOperator>(
      new Coverage(std::move(options), std::move(keys), arrow::schema(std::move(fields))));
}

std::vector<std::string> Coverage::result_key() const {
  std::vector<std::string> key = options_.key;
  key.push_back("period_start");
  return key;
}

int64_t Coverage::byte_count() const {
  constexpr int64_t kKeyBytes = sizeof(Key) + Cadence::kIntervalsMax * sizeof(int64_t);
  return keys_.byte_count() + waiting_.byte_count() +
         static_cast<int64_t>(of_key_.size()) * kKeyBytes;
}

arrow::Result<StreamTally> Coverage::Add(const Batch& batch) {
  ARROW_ASSIGN_OR_RAISE(const auto keys, keys_.Assign(*batch.rows, options_.key));
  const auto limit = static_cast<uint32_t>(std::min<int64_t>(options_.keys_max, UINT32_MAX));
  keys_.Truncate(limit);
  of_key_.resize(keys_.group_count());
  const auto times = batch.rows->GetColumnByName(options_.event_time_column);
  const int64_t* times_us = static_cast<const arrow::TimestampArray&>(*times).raw_values();
  StreamTally tally;
  int64_t refused_count = 0;
  int64_t late_count = 0;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] >= limit) {
      ++refused_count;
    } else if (times_us[i] < released_us_) {
      ++late_count;
    } else {
      waiting_.Add({.time_us = times_us[i], .key = keys[i], .numbers = {}});
      ++tally.used;
    }
  }
  tally.Count(Bucket::kFiltered, "new_key_over_bound", refused_count);
  tally.Count(Bucket::kLate, "after_the_end", late_count);
  return tally;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Coverage::ClosePeriod() {
  const int64_t end_us = period_us_ + options_.period_us;
  std::vector<uint32_t> groups;
  arrow::TimestampBuilder starts(TimeType(), arrow::default_memory_pool());
  arrow::TimestampBuilder ends(TimeType(), arrow::default_memory_pool());
  arrow::Int64Builder expected, received, missing, revisions;
  arrow::BooleanBuilder retracted;
  for (uint32_t group = 0; group < of_key_.size(); ++group) {
    Key& key = of_key_[group];
    if (!key.cadence.has_readings()) continue;
    groups.push_back(group);
    ARROW_RETURN_NOT_OK(starts.Append(period_us_));
    ARROW_RETURN_NOT_OK(ends.Append(end_us));
    ARROW_RETURN_NOT_OK(received.Append(key.received));
    if (key.cadence.is_known()) {
      const auto watched_us = static_cast<double>(end_us - std::max(period_us_, key.first_us));
      const auto count = static_cast<int64_t>(
          std::llround(watched_us / static_cast<double>(key.cadence.interval_us())));
      ARROW_RETURN_NOT_OK(expected.Append(count));
      ARROW_RETURN_NOT_OK(missing.Append(std::max<int64_t>(0, count - key.received)));
    } else {
      ARROW_RETURN_NOT_OK(expected.AppendNull());
      ARROW_RETURN_NOT_OK(missing.AppendNull());
    }
    ARROW_RETURN_NOT_OK(revisions.Append(revision_base_ + 1));
    ARROW_RETURN_NOT_OK(retracted.Append(false));
    CountResultRows(std::exchange(key.received, 0));
  }
  period_us_ = end_us;
  ARROW_ASSIGN_OR_RAISE(arrow::ArrayVector arrays, keys_.KeyColumns(groups));
  for (arrow::ArrayBuilder* builder : std::initializer_list<arrow::ArrayBuilder*>{
           &starts, &ends, &expected, &received, &missing, &revisions, &retracted}) {
    ARROW_ASSIGN_OR_RAISE(auto array, builder->Finish());
    arrays.push_back(std::move(array));
  }
  return arrow::RecordBatch::Make(schema_, static_cast<int64_t>(groups.size()), std::move(arrays));
}

arrow::Status Coverage::ClosePeriodsBefore(int64_t time_us, arrow::RecordBatchVector* batches) {
  if (period_us_ == INT64_MIN) return arrow::Status::OK();
  for (int64_t closed = 0; period_us_ <= time_us - options_.period_us; ++closed) {
    if (closed == kSilentPeriodsMax) {
      period_us_ = FloorTo(time_us, options_.period_us);
      break;
    }
    ARROW_ASSIGN_OR_RAISE(auto batch, ClosePeriod());
    if (batch->num_rows() > 0) batches->push_back(std::move(batch));
  }
  return arrow::Status::OK();
}

arrow::Status Coverage::ReleaseBefore(int64_t time_us, arrow::RecordBatchVector* batches) {
  arrow::Status status;
  waiting_.ReleaseBefore(time_us, [&](const WaitingRow& row) {
    if (!status.ok()) return;
    status = ClosePeriodsBefore(row.time_us, batches);
    if (period_us_ == INT64_MIN) period_us_ = FloorTo(row.time_us, options_.period_us);
    released_us_ = row.time_us;
    Key& key = of_key_[row.key];
    if (!key.cadence.has_readings()) key.first_us = row.time_us;
    key.cadence.Add(row.time_us);
    ++key.received;
  });
  return status;
}

arrow::Result<arrow::RecordBatchVector> Coverage::AdvanceTo(int64_t watermark_us) {
  if (watermark_us == kEndOfInputUs) return End();
  arrow::RecordBatchVector batches;
  ARROW_RETURN_NOT_OK(ReleaseBefore(watermark_us, &batches));
  if (watermark_us != INT64_MIN) ARROW_RETURN_NOT_OK(ClosePeriodsBefore(watermark_us, &batches));
  return batches;
}

arrow::Result<arrow::RecordBatchVector> Coverage::End() {
  arrow::RecordBatchVector batches;
  ARROW_RETURN_NOT_OK(ReleaseBefore(INT64_MAX, &batches));
  const bool is_begun =
      std::ranges::any_of(of_key_, [](const Key& key) { return key.received > 0; });
  if (is_begun) {
    ARROW_ASSIGN_OR_RAISE(auto batch, ClosePeriod());
    if (batch->num_rows() > 0) batches.push_back(std::move(batch));
    released_us_ = period_us_;
  }
  return batches;
}

arrow::Result<std::string> Coverage::Save() const {
  StateWriter state;
  state.PutText(kMagic);
  state.Put(period_us_);
  state.Put(released_us_);
  state.Put(revision_base_);
  keys_.Save(/*from=*/0, &state);
  SavingArchive archive(&state);
  for (const Key& key : of_key_) {
    Cadence::Fields(key.cadence, archive);
    archive(key.first_us, key.received);
  }
  waiting_.Save(&state);
  return state.Take();
}

arrow::Status Coverage::Load(std::string_view bytes) {
  StateReader state(bytes);
  if (state.GetText() != kMagic) return BadData("Operator state is of another kind");
  period_us_ = state.Get<int64_t>();
  released_us_ = state.Get<int64_t>();
  revision_base_ = state.Get<int64_t>();
  keys_.Load(&state);
  of_key_.assign(keys_.group_count(), {});
  LoadingArchive archive(&state);
  for (Key& key : of_key_) {
    Cadence::Fields(key.cadence, archive);
    archive(key.first_us, key.received);
  }
  waiting_.Load(&state);
  ARROW_RETURN_NOT_OK(state.status());
  return state.is_at_end() ? arrow::Status::OK() : BadData("Operator state is too long");
}

}  // namespace catchwater
