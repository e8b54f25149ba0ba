#include "catchwater/stream/time_windows.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <numeric>

#include <arrow/array.h>

#include "catchwater/base/error.h"
#include "catchwater/batch/select_rows.h"
#include "catchwater/stream/greatest.h"

namespace catchwater {
namespace {

constexpr size_t kResultRowsMax = 65'536;  // A batch of results.

int64_t FloorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

/// The least number >= value that leaves the same rest as `like`.
int64_t AlignUp(int64_t value, int64_t like, int64_t step) {
  return like + -FloorDivide(like - value, step) * step;
}

}  // namespace

TimeWindows::TimeWindows(const StreamConfig& config, WindowParts parts)
    : size_us_(config.window.size->us()),
      every_us_(config.window.every.value_or(*config.window.size).us()),
      width_us_(std::gcd(size_us_, every_us_)),
      correct_for_us_(config.late && config.late->then == LateAction::kCorrect
                          ? std::optional(config.late->correct_for.us())
                          : std::nullopt),
      event_time_column_(std::move(parts.event_time_column)),
      keys_(config, parts.results.key_types()),
      cells_(std::move(parts.cells)),
      results_(std::move(parts.results)) {}

int64_t TimeWindows::SliceOf(int64_t event_us) const { return FloorDivide(event_us, width_us_); }

int64_t TimeWindows::FirstEndOf(int64_t slice) const {
  return AlignUp((slice + 1) * width_us_, size_us_, every_us_);
}

int64_t TimeWindows::LastEndOf(int64_t slice) const {
  return FloorDivide(slice * width_us_, every_us_) * every_us_ + size_us_;
}

int64_t TimeWindows::byte_count() const {
  int64_t byte_count = keys_.index().byte_count();
  for (const auto& [number, slice] : slices_) {
    byte_count += static_cast<int64_t>(slice.cells.capacity() * sizeof(uint32_t));
  }
  return byte_count + cells_.byte_count();
}

arrow::Result<StreamTally> TimeWindows::Add(const Batch& batch) {
  StreamTally tally;
  Batch rows = batch;
  ARROW_ASSIGN_OR_RAISE(const auto keys, keys_.Admit(&rows, byte_count(), &tally));
  if (keys.empty()) return tally;
  if (!provisional_.empty()) ARROW_RETURN_NOT_OK(RetractProvisional(rows, keys));
  AddRows(rows, keys);
  return tally;
}

void TimeWindows::AddRows(const Batch& batch, std::span<const uint32_t> keys) {
  const auto column = batch.rows->GetColumnByName(event_time_column_);
  const int64_t* times = static_cast<const arrow::TimestampArray&>(*column).raw_values();
  cell_of_row_.resize(keys.size());
  // Rows of a batch are mostly of the same slice.
  int64_t from_us = 0;
  int64_t to_us = 0;
  int64_t number = 0;
  Slice* slice = nullptr;
  for (size_t row = 0; row < keys.size(); ++row) {
    if (times[row] < from_us || times[row] >= to_us) {
      number = SliceOf(times[row]);
      from_us = number * width_us_;
      to_us = from_us + width_us_;
      slice = &slices_[number];
      if (slice->cells.size() < keys_.count()) slice->cells.resize(keys_.count(), 0);
    }
    uint32_t& cell_next = slice->cells[keys[row]];
    if (cell_next == 0) cell_next = CellAt({.slice = number, .key = keys[row]}) + 1;
    const uint32_t cell = cell_next - 1;
    ++slice->row_count;
    if (!must_save_all_ && is_changed_[cell] == 0)
      MarkChanged({.slice = number, .key = keys[row]}, cell);
    cell_of_row_[row] = cell;
  }
  cells_.Add(batch, cell_of_row_);
}

uint32_t TimeWindows::CellAt(const Place& place) {
  Slice& slice = slices_[place.slice];
  if (slice.cells.size() <= place.key) slice.cells.resize(keys_.count(), 0);
  uint32_t& cell_next = slice.cells[place.key];
  if (cell_next != 0) return cell_next - 1;
  const uint32_t cell = cells_.Take();
  if (cell >= is_changed_.size()) is_changed_.push_back(0);
  cell_next = cell + 1;
  return cell;
}

void TimeWindows::MarkChanged(const Place& place, uint32_t cell) {
  is_changed_[cell] = 1;
  changed_.push_back(place);
}

std::optional<int64_t> TimeWindows::NextEnd(int64_t after_us) const {
  for (const auto& [number, slice] : slices_) {
    int64_t end_us = FirstEndOf(number);
    if (end_us <= after_us) end_us = AlignUp(after_us + 1, size_us_, every_us_);
    if (end_us <= LastEndOf(number)) return end_us;
  }
  return std::nullopt;
}

arrow::Result<arrow::RecordBatchVector> TimeWindows::AdvanceTo(int64_t watermark_us) {
  arrow::RecordBatchVector results = std::exchange(corrections_, {});
  bool has_closed = false;
  while (const auto end_us = NextEnd(closed_us_)) {
    if (*end_us > watermark_us) break;
    ARROW_RETURN_NOT_OK(EmitAll(*end_us, /*is_provisional=*/false, &results));
    provisional_.erase(provisional_.begin(), provisional_.upper_bound({*end_us, UINT32_MAX}));
    closed_us_ = *end_us;
    has_closed = true;
    CountResultRowsUpTo(closed_us_);
    Expire();
  }
  if (watermark_us > INT64_MIN + size_us_ + every_us_ && watermark_us != kEndOfInputUs) {
    // Also where no row was: a row before it is late, and its windows are closed.
    closed_us_ = std::max(closed_us_, AlignUp(watermark_us + 1, size_us_, every_us_) - every_us_);
  }
  if (has_closed) ARROW_RETURN_NOT_OK(DropIdleKeys());
  return results;
}

arrow::Result<arrow::RecordBatchVector> TimeWindows::End() {
  arrow::RecordBatchVector results = std::exchange(corrections_, {});
  int64_t after_us = closed_us_;
  while (const auto end_us = NextEnd(after_us)) {
    ARROW_RETURN_NOT_OK(EmitAll(*end_us, /*is_provisional=*/true, &results));
    after_us = *end_us;
  }
  CountResultRowsUpTo(kEndOfInputUs);
  return results;
}

void TimeWindows::CountResultRowsUpTo(int64_t end_us) {
  for (auto& [number, slice] : slices_) {
    if (FirstEndOf(number) > end_us) return;
    CountResultRows(std::exchange(slice.row_count, 0));
  }
}

std::vector<uint32_t> TimeWindows::Gather(int64_t end_us, std::span<const uint32_t> candidates,
                                          AggregateSet* values) const {
  std::vector<uint32_t> row_of(candidates.size(), 0);  // Row + 1.
  std::vector<uint32_t> keys;
  std::vector<uint32_t> from;
  std::vector<uint32_t> to;
  const auto begin = slices_.lower_bound(FloorDivide(end_us - size_us_, width_us_));
  const auto end = slices_.lower_bound(FloorDivide(end_us, width_us_));
  for (auto it = begin; it != end; ++it) {
    const std::vector<uint32_t>& cells = it->second.cells;
    from.clear();
    to.clear();
    for (size_t i = 0; i < candidates.size(); ++i) {
      const uint32_t key = candidates[i];
      if (key >= cells.size() || cells[key] == 0) continue;
      if (row_of[i] == 0) {
        keys.push_back(key);
        row_of[i] = static_cast<uint32_t>(keys.size());
      }
      from.push_back(cells[key] - 1);
      to.push_back(row_of[i] - 1);
    }
    values->Merge(cells_.values(), from, to, static_cast<uint32_t>(keys.size()));
  }
  return keys;
}

arrow::Status TimeWindows::EmitAll(int64_t end_us, bool is_provisional,
                                   arrow::RecordBatchVector* results) {
  if (results_.greatest_at()) return EmitGreatest(end_us, is_provisional, results);
  // What is out already and did not change since is not put out again.
  const bool is_partly_out = this->is_partly_out(end_us);
  SharedColumns shared;
  std::vector<uint32_t> candidates;
  for (uint32_t key = 0; key < keys_.count();) {
    candidates.clear();
    for (; key < keys_.count() && candidates.size() < kResultRowsMax; ++key) {
      if (!is_partly_out || !provisional_.contains({end_us, key})) candidates.push_back(key);
    }
    ARROW_ASSIGN_OR_RAISE(const auto keys, Emit(end_us, candidates, false, &shared, results));
    if (!is_provisional) continue;
    for (const uint32_t emitted : keys) provisional_.insert({end_us, emitted});
  }
  return arrow::Status::OK();
}

bool TimeWindows::is_partly_out(int64_t end_us) const {
  const auto known = provisional_.lower_bound({end_us, 0});
  return known != provisional_.end() && known->first == end_us;
}

arrow::Status TimeWindows::EmitGreatest(int64_t end_us, bool is_provisional,
                                        arrow::RecordBatchVector* results) {
  if (is_partly_out(end_us)) return arrow::Status::OK();  // A row would have retracted all of it.
  Greatest greatest;
  for (uint32_t key = 0; key < keys_.count();) {
    std::vector<uint32_t> candidates;
    for (; key < keys_.count() && candidates.size() < kResultRowsMax; ++key) {
      candidates.push_back(key);
    }
    ARROW_ASSIGN_OR_RAISE(AggregateSet values, cells_.values().NewEmpty());
    const auto keys = Gather(end_us, candidates, &values);
    if (keys.empty()) continue;
    ARROW_ASSIGN_OR_RAISE(const auto columns, values.Finish(static_cast<uint32_t>(keys.size())));
    greatest.Offer(*columns[*results_.greatest_at()], keys);
  }
  SharedColumns shared;
  for (std::span<const uint32_t> rest = greatest.keys(); !rest.empty();) {
    const auto part = rest.first(std::min(rest.size(), kResultRowsMax));
    rest = rest.subspan(part.size());
    ARROW_ASSIGN_OR_RAISE(const auto keys, Emit(end_us, part, false, &shared, results));
    if (!is_provisional) continue;
    for (const uint32_t emitted : keys) provisional_.insert({end_us, emitted});
  }
  return arrow::Status::OK();
}

arrow::Result<std::vector<uint32_t>> TimeWindows::Emit(int64_t end_us,
                                                       std::span<const uint32_t> candidates,
                                                       bool is_retracted, SharedColumns* shared,
                                                       arrow::RecordBatchVector* results) const {
  ARROW_ASSIGN_OR_RAISE(AggregateSet values, cells_.values().NewEmpty());
  auto keys = Gather(end_us, candidates, &values);
  if (keys.empty()) return keys;
  ARROW_ASSIGN_OR_RAISE(auto key_columns, keys_.index().KeyColumns(keys));
  std::vector<int64_t> revisions;
  if (revisions_.empty()) {
    revisions = {revision_base_ + 1};
  } else {
    for (const uint32_t key : keys) {
      const auto found = revisions_.find({end_us, key});
      revisions.push_back(revision_base_ + 1 + (found == revisions_.end() ? 0 : found->second));
    }
  }
  ARROW_ASSIGN_OR_RAISE(auto rows,
                        results_.Make({.keys = std::move(key_columns),
                                       .begins_us = {end_us - size_us_},
                                       .ends_us = {end_us},
                                       .revisions = std::move(revisions),
                                       .is_retracted = is_retracted,
                                       .values = values,
                                       .row_count = static_cast<uint32_t>(keys.size()),
                                       .shared = revisions_.empty() ? shared : nullptr}));
  results->push_back(std::move(rows));
  return keys;
}

std::set<TimeWindows::ResultId> TimeWindows::ResultsWith(const Batch& batch,
                                                         std::span<const uint32_t> keys,
                                                         int64_t end_us_max) const {
  const auto column = batch.rows->GetColumnByName(event_time_column_);
  const int64_t* times = static_cast<const arrow::TimestampArray&>(*column).raw_values();
  std::set<ResultId> affected;
  for (size_t row = 0; row < keys.size(); ++row) {
    const int64_t slice = SliceOf(times[row]);
    const int64_t last_us = std::min(LastEndOf(slice), end_us_max);
    for (int64_t end_us = FirstEndOf(slice); end_us <= last_us; end_us += every_us_) {
      affected.insert({end_us, keys[row]});
    }
  }
  return affected;
}

arrow::Status TimeWindows::RetractProvisional(const Batch& batch, std::span<const uint32_t> keys) {
  std::set<ResultId> affected = ResultsWith(batch, keys, provisional_.rbegin()->first);
  if (results_.greatest_at()) {
    std::set<ResultId> whole;
    for (auto it = affected.begin(); it != affected.end();) {
      const int64_t end_us = it->first;
      whole.insert(provisional_.lower_bound({end_us, 0}),
                   provisional_.upper_bound({end_us, UINT32_MAX}));
      it = affected.upper_bound({end_us, UINT32_MAX});
    }
    affected = std::move(whole);
  }
  std::erase_if(affected, [&](const ResultId& result) { return !provisional_.contains(result); });
  ARROW_RETURN_NOT_OK(Retract(affected));
  for (const ResultId& result : affected) provisional_.erase(result);
  return arrow::Status::OK();
}

arrow::Result<StreamTally> TimeWindows::AddLate(const Batch& batch) {
  const auto column = batch.rows->GetColumnByName(event_time_column_);
  const int64_t* times = static_cast<const arrow::TimestampArray&>(*column).raw_values();
  const int64_t row_count = batch.rows->num_rows();
  std::vector<uint8_t> keep(static_cast<size_t>(row_count));
  const bool has_closed = closed_us_ != INT64_MIN;
  for (size_t row = 0; row < keep.size(); ++row) {
    const int64_t last_us = LastEndOf(SliceOf(times[row]));
    keep[row] = !has_closed || last_us > closed_us_ - *correct_for_us_ ? 1 : 0;
  }
  ARROW_ASSIGN_OR_RAISE(Batch rows, FilterBatch(batch, keep));
  StreamTally tally;
  const int64_t too_late = row_count - rows.rows->num_rows();
  tally.Count(Bucket::kLate, "too_late_to_correct", too_late);
  if (rows.rows->num_rows() == 0) return tally;
  ARROW_ASSIGN_OR_RAISE(const auto keys, keys_.Admit(&rows, byte_count(), &tally));
  if (keys.empty()) return tally;

  std::set<ResultId> affected = ResultsWith(rows, keys, closed_us_);
  ARROW_RETURN_NOT_OK(Retract(affected));
  if (!provisional_.empty()) ARROW_RETURN_NOT_OK(RetractProvisional(rows, keys));
  AddRows(rows, keys);
  CountResultRowsUpTo(closed_us_);
  ARROW_RETURN_NOT_OK(EmitAgain(affected));
  return tally;
}

arrow::Status TimeWindows::Retract(const std::set<ResultId>& affected) {
  std::vector<uint32_t> keys;
  for (auto it = affected.begin(); it != affected.end();) {
    const int64_t end_us = it->first;
    for (keys.clear(); it != affected.end() && it->first == end_us; ++it) {
      keys.push_back(it->second);
    }
    ARROW_ASSIGN_OR_RAISE(const auto retracted,
                          Emit(end_us, keys, /*is_retracted=*/true, nullptr, &corrections_));
    for (const uint32_t key : retracted) ++revisions_[{end_us, key}];
  }
  return arrow::Status::OK();
}

arrow::Status TimeWindows::EmitAgain(const std::set<ResultId>& affected) {
  std::vector<uint32_t> keys;
  for (auto it = affected.begin(); it != affected.end();) {
    const int64_t end_us = it->first;
    for (keys.clear(); it != affected.end() && it->first == end_us; ++it) {
      keys.push_back(it->second);
    }
    ARROW_RETURN_NOT_OK(
        Emit(end_us, keys, /*is_retracted=*/false, nullptr, &corrections_).status());
  }
  return arrow::Status::OK();
}

void TimeWindows::Expire() {
  if (closed_us_ == INT64_MIN) return;
  std::vector<uint32_t> gone;
  const int64_t kept_from_us = closed_us_ - correct_for_us_.value_or(0);
  while (!slices_.empty() && LastEndOf(slices_.begin()->first) <= kept_from_us) {
    for (const uint32_t cell_next : slices_.begin()->second.cells) {
      if (cell_next != 0) gone.push_back(cell_next - 1);
    }
    slices_.erase(slices_.begin());
  }
  cells_.Release(gone);
  for (const uint32_t cell : gone) is_changed_[cell] = 0;
  while (!revisions_.empty() && revisions_.begin()->first.first <= kept_from_us) {
    revisions_.erase(revisions_.begin());
  }
}

arrow::Status TimeWindows::DropIdleKeys() {
  // Each living key has a cell at least, so there are no more of them.
  if (!keys_.has_many_idle(cells_.used_count())) return arrow::Status::OK();
  std::vector<uint32_t> next_of(keys_.count(), 0);  // New number + 1.
  GroupIndex kept = keys_.NewIndex();
  const auto keep = [&](uint32_t key) {
    if (next_of[key] == 0) next_of[key] = kept.AssignEncoded(keys_.index().encoded(key)) + 1;
    return next_of[key] - 1;
  };
  for (auto& [number, slice] : slices_) {
    std::vector<uint32_t> cells;
    for (uint32_t key = 0; key < slice.cells.size(); ++key) {
      if (slice.cells[key] == 0) continue;
      const uint32_t next = keep(key);
      if (cells.size() <= next) cells.resize(next + 1, 0);
      cells[next] = slice.cells[key];
    }
    slice.cells = std::move(cells);
  }
  std::map<ResultId, int64_t> revisions;
  for (const auto& [result, count] : revisions_) {
    if (next_of[result.second] != 0) revisions[{result.first, next_of[result.second] - 1}] = count;
  }
  revisions_ = std::move(revisions);
  std::set<ResultId> provisional;
  for (const auto& [end_us, key] : provisional_) {
    if (next_of[key] != 0) provisional.insert({end_us, next_of[key] - 1});
  }
  provisional_ = std::move(provisional);
  keys_.Replace(std::move(kept));
  std::ranges::fill(is_changed_, 0);
  changed_.clear();
  must_save_all_ = true;
  return arrow::Status::OK();
}

}  // namespace catchwater
