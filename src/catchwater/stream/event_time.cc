#include "catchwater/stream/event_time.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <arrow/array.h>

#include "catchwater/base/error.h"
#include "catchwater/batch/select_rows.h"

namespace catchwater {
namespace {

constexpr const char* kNoEventTime = "no_event_time";
constexpr const char* kOverRate = "over_rows_per_second";
constexpr std::array<std::pair<int64_t, const char*>, 5> kLateness{
    {{60'000'000, "1m"},
     {600'000'000, "10m"},
     {3'600'000'000, "1h"},
     {86'400'000'000, "1d"},
     {std::numeric_limits<int64_t>::max(), "more"}}};

/// a - b, at most the largest number. \pre b is not negative
int64_t Less(int64_t a, int64_t b) {
  return a < std::numeric_limits<int64_t>::min() + b ? std::numeric_limits<int64_t>::min() : a - b;
}

void CountReason(Bucket bucket, const char* reason, int64_t row_count,
                 std::vector<Tally>* tallies) {
  if (row_count > 0)
    tallies->push_back({.bucket = bucket, .reason = reason, .row_count = row_count});
}

}  // namespace

int64_t EventTime::WatermarkOf(const Partition& partition, size_t of_class) const {
  const int64_t allow_us = allow_us_[of_class];
  if (partition.newest_us == kNone || allow_us == EventTimeOptions::kAllowAll) return kNone;
  return Less(partition.newest_us, allow_us);
}

arrow::Result<std::shared_ptr<arrow::TimestampArray>> EventTime::TimesOf(const Batch& batch) const {
  if (options_.column.empty()) return nullptr;
  const auto column = batch.rows->GetColumnByName(options_.column);
  if (column == nullptr || column->type_id() != arrow::Type::TIMESTAMP) {
    return ConfigError("Column of the event time is gone or no timestamp: ", options_.column);
  }
  return std::static_pointer_cast<arrow::TimestampArray>(column);
}

arrow::Result<SortedByTime> EventTime::SortStored(const Batch& batch) {
  SortedByTime sorted{.in_time = batch};
  ARROW_ASSIGN_OR_RAISE(const auto times, TimesOf(batch));
  if (times == nullptr) return sorted;
  keep_.assign(static_cast<size_t>(times->length()), 0);
  int64_t before_count = 0;
  for (int64_t row = 0; row < times->length(); ++row) {
    if (times->IsNull(row)) continue;
    const int64_t event_us = times->Value(row);
    if (event_us < options_.from_us) {
      ++before_count;
      continue;
    }
    keep_[static_cast<size_t>(row)] = 1;
    newest_us_ = std::max(newest_us_, event_us);
  }
  CountReason(Bucket::kFiltered, kNoEventTime, times->null_count(), &sorted.others);
  CountReason(Bucket::kFiltered, kBeforeFrom, before_count, &sorted.others);
  ARROW_ASSIGN_OR_RAISE(sorted.in_time, FilterBatch(batch, keep_));
  return sorted;
}

void EventTime::RaiseStoredTo(int64_t event_us) {
  for (size_t i = 0; i < class_count(); ++i) {
    RaiseTo(i, std::min(event_us, WatermarkOf({.newest_us = newest_us_}, i)));
  }
}

int64_t EventTime::TakeAllowed(const Batch& batch) {
  const int64_t row_count = batch.rows->num_rows();
  const int64_t second = batch.origin.receive_us / 1'000'000;
  if (options_.rows_per_second_max <= 0 || second <= 0) return row_count;
  if (second > second_) {
    second_ = second;
    rows_in_second_ = 0;
  }
  const int64_t allowed =
      std::min(row_count, std::max<int64_t>(0, options_.rows_per_second_max - rows_in_second_));
  rows_in_second_ += row_count;
  return allowed;
}

arrow::Result<SortedByTime> EventTime::Sort(const Batch& batch, std::span<const uint8_t> classes) {
  SortedByTime sorted;
  ARROW_ASSIGN_OR_RAISE(const auto event_times, TimesOf(batch));
  const int64_t allowed_count = TakeAllowed(batch);
  const int64_t over_count = batch.rows->num_rows() - allowed_count;
  CountReason(Bucket::kFiltered, kOverRate, over_count, &sorted.others);
  if (event_times == nullptr) {
    sorted.in_time = batch;
    if (over_count == 0) return sorted;
    keep_.assign(static_cast<size_t>(batch.rows->num_rows()), 0);
    std::fill_n(keep_.begin(), allowed_count, uint8_t{1});
    ARROW_ASSIGN_OR_RAISE(sorted.in_time, FilterBatch(batch, keep_));
    return sorted;
  }
  const arrow::TimestampArray& times = *event_times;
  const int64_t row_count = times.length();
  const int64_t* values = times.raw_values();
  Partition& partition = partitions_[batch.origin.range.partition_id];
  const int64_t received_us = batch.origin.receive_us;
  partition.received_us = std::max(partition.received_us, received_us);
  received_us_ = std::max(received_us_, received_us);
  for (auto& [id, other] : partitions_) {
    // After a start nothing was heard of any: each has its time from here on.
    if (other.received_us == 0) other.received_us = received_us_;
  }

  const int64_t future_us =
      received_us > 0 ? received_us + options_.future_us : std::numeric_limits<int64_t>::max();
  const bool has_nulls = times.null_count() > 0;
  keep_.assign(static_cast<size_t>(row_count), 1);
  is_late_.assign(static_cast<size_t>(row_count), 0);
  std::array<int64_t, kLateness.size()> late_counts{};
  int64_t null_count = 0;
  int64_t before_count = 0;
  int64_t future_count = 0;
  int64_t late_count = 0;
  int64_t newest_us = partition.newest_us;
  lines_us_.clear();  // By class: what is before it is late.
  for (size_t i = 0; i < class_count(); ++i) {
    lines_us_.push_back(std::max(watermarks_us_[i], WatermarkOf(partition, i)));
  }
  std::fill(keep_.begin() + allowed_count, keep_.end(), uint8_t{0});
  for (int64_t row = 0; row < allowed_count; ++row) {
    const int64_t event_us = values[row];
    const auto at = static_cast<size_t>(row);
    const int64_t line_us = lines_us_[classes.empty() ? 0 : classes[at]];
    if (has_nulls && times.IsNull(row)) {
      ++null_count;
      keep_[at] = 0;
    } else if (event_us < options_.from_us) {
      ++before_count;
      keep_[at] = 0;
    } else if (event_us > future_us) {
      ++future_count;
      keep_[at] = 0;
    } else if (event_us < line_us) {
      ++late_count;
      keep_[at] = 0;
      is_late_[at] = 1;
      const int64_t late_us = line_us - event_us;
      sorted.late_by_us.push_back(late_us);
      const auto* bucket = std::ranges::find_if(
          kLateness, [&](const auto& entry) { return late_us <= entry.first; });
      ++late_counts[static_cast<size_t>(bucket - kLateness.begin())];
    } else if (event_us > newest_us) {
      newest_us = event_us;
      for (size_t i = 0; i < lines_us_.size(); ++i) {
        if (allow_us_[i] == EventTimeOptions::kAllowAll) continue;
        lines_us_[i] = std::max(lines_us_[i], Less(newest_us, allow_us_[i]));
      }
    }
  }
  partition.newest_us = newest_us;
  newest_us_ = std::max(newest_us_, newest_us);
  CountReason(Bucket::kFiltered, kNoEventTime, null_count, &sorted.others);
  CountReason(Bucket::kFiltered, kBeforeFrom, before_count, &sorted.others);
  CountReason(Bucket::kFuture, "", future_count, &sorted.others);
  for (size_t i = 0; i < kLateness.size(); ++i) {
    CountReason(Bucket::kLate, kLateness[i].second, late_counts[i], &sorted.lateness);
  }
  Advance();
  if (null_count + before_count + over_count + future_count + late_count == 0) {
    sorted.in_time = batch;
    return sorted;
  }
  ARROW_ASSIGN_OR_RAISE(sorted.in_time, FilterBatch(batch, keep_));
  if (late_count > 0) {
    ARROW_ASSIGN_OR_RAISE(sorted.late, FilterBatch(batch, is_late_));
  }
  return sorted;
}

void EventTime::SetOpen(const OpenPartitions& open) {
  for (auto& [id, partition] : partitions_) partition.is_open = false;
  for (const OpenPartition& one : open) {
    Partition& partition = partitions_[one.partition_id];
    partition.is_open = true;
    partition.is_bounded = one.is_bounded;
  }
  // One that ended is forgotten; one that another process reads now may come back, but later rows
  // of it are then behind the watermark of the app if they are late at all.
  std::erase_if(partitions_, [](const auto& entry) { return !entry.second.is_open; });
  Advance();
}

void EventTime::Advance() {
  for (size_t i = 0; i < class_count(); ++i) {
    int64_t least_us = std::numeric_limits<int64_t>::max();
    for (const auto& [id, partition] : partitions_) {
      const bool is_idle =
          !partition.is_bounded && received_us_ - partition.received_us > options_.idle_us;
      if (!is_idle) least_us = std::min(least_us, WatermarkOf(partition, i));
    }
    if (least_us != std::numeric_limits<int64_t>::max()) RaiseTo(i, least_us);
  }
}

void EventTime::Save(StateWriter* state) const {
  state->Put(watermarks_us_.front());
  state->Put(newest_us_);
  state->Put(uint64_t{partitions_.size()});
  for (const auto& [id, partition] : partitions_) {
    state->Put(id);
    state->Put(partition.newest_us);
    state->Put(partition.is_bounded);
  }
  for (size_t i = 1; i < class_count(); ++i) state->Put(watermarks_us_[i]);
}

void EventTime::Load(StateReader* state) {
  watermarks_us_.front() = state->Get<int64_t>();
  newest_us_ = state->Get<int64_t>();
  partitions_.clear();
  const uint64_t count = state->GetCount(/*item_bytes_min=*/17);
  for (uint64_t i = 0; i < count; ++i) {
    Partition& partition = partitions_[state->Get<int64_t>()];
    partition.newest_us = state->Get<int64_t>();
    partition.is_bounded = state->Get<uint8_t>() != 0;
  }
  for (size_t i = 1; i < class_count(); ++i) watermarks_us_[i] = state->Get<int64_t>();
}

}  // namespace catchwater
