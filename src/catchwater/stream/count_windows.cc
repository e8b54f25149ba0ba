#include "catchwater/stream/count_windows.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include <arrow/array.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr std::string_view kKind = "count_windows.1";

}  // namespace

CountWindows::CountWindows(const StreamConfig& config, WindowParts parts)
    : size_(*config.window.count),
      every_(config.window.every_rows.value_or(*config.window.count)),
      width_(std::gcd(size_, every_)),
      event_time_column_(std::move(parts.event_time_column)),
      keys_(config, parts.results.key_types()),
      cells_(std::move(parts.cells)),
      results_(std::move(parts.results)) {}

int64_t CountWindows::byte_count() const {
  return keys_.index().byte_count() + cells_.byte_count() +
         static_cast<int64_t>(states_.size() * sizeof(KeyState)) +
         static_cast<int64_t>(cells_.used_count()) * static_cast<int64_t>(2 * sizeof(Slice));
}

arrow::Result<StreamTally> CountWindows::Add(const Batch& batch) {
  StreamTally tally;
  Batch rows = batch;
  ARROW_ASSIGN_OR_RAISE(const auto keys, keys_.Admit(&rows, byte_count(), &tally));
  if (keys.empty()) return tally;
  states_.resize(keys_.count());
  changed_.Resize(keys_.count());
  const int64_t* times = nullptr;
  if (!event_time_column_.empty()) {
    const auto column = rows.rows->GetColumnByName(event_time_column_);
    times = static_cast<const arrow::TimestampArray&>(*column).raw_values();
  }
  cell_of_row_.resize(keys.size());
  for (size_t row = 0; row < keys.size(); ++row) {
    cell_of_row_[row] = Join(keys[row], times == nullptr ? 0 : times[row]);
  }
  cells_.Add(rows, cell_of_row_);
  ARROW_RETURN_NOT_OK(Emit(std::exchange(due_, {})));
  cells_.Release(std::exchange(gone_, {}));
  return tally;
}

uint32_t CountWindows::Join(uint32_t key, int64_t event_us) {
  KeyState& state = states_[key];
  changed_.Mark(key);
  if (state.row_count % width_ == 0) {
    state.slices.push_back({.cell = cells_.Take(), .first_us = event_us, .last_us = event_us});
  }
  Slice& slice = state.slices.back();
  const uint32_t cell = slice.cell;
  slice.first_us = std::min(slice.first_us, event_us);
  slice.last_us = std::max(slice.last_us, event_us);
  ++state.row_count;
  const int64_t past = state.row_count - size_;
  if (past < 0 || past % every_ != 0) return cell;
  CountResultRows(past == 0 ? size_ : every_);
  due_.push_back({.key = key, .number = past / every_, .slices = state.slices});
  const auto done = state.slices.begin() + every_ / width_;
  for (auto it = state.slices.begin(); it != done; ++it) gone_.push_back(it->cell);
  state.slices.erase(state.slices.begin(), done);
  return cell;
}

arrow::Status CountWindows::Emit(const std::vector<Due>& due) {
  if (due.empty()) return arrow::Status::OK();
  std::vector<uint32_t> keys;
  std::vector<uint32_t> from;
  std::vector<uint32_t> to;
  std::vector<int64_t> begins;
  std::vector<int64_t> ends;
  std::vector<int64_t> numbers;
  for (const Due& one : due) {
    const auto row = static_cast<uint32_t>(keys.size());
    keys.push_back(one.key);
    numbers.push_back(one.number);
    int64_t first_us = std::numeric_limits<int64_t>::max();
    int64_t last_us = std::numeric_limits<int64_t>::min();
    for (const Slice& slice : one.slices) {
      from.push_back(slice.cell);
      to.push_back(row);
      first_us = std::min(first_us, slice.first_us);
      last_us = std::max(last_us, slice.last_us);
    }
    if (event_time_column_.empty()) continue;
    begins.push_back(first_us);
    ends.push_back(last_us);
  }
  const auto row_count = static_cast<uint32_t>(due.size());
  ARROW_ASSIGN_OR_RAISE(AggregateSet values, cells_.values().NewEmpty());
  values.Merge(cells_.values(), from, to, row_count);
  ARROW_ASSIGN_OR_RAISE(auto key_columns, keys_.index().KeyColumns(keys));
  ARROW_ASSIGN_OR_RAISE(out_.emplace_back(), results_.Make({.keys = std::move(key_columns),
                                                            .begins_us = std::move(begins),
                                                            .ends_us = std::move(ends),
                                                            .revisions = {revision_base_ + 1},
                                                            .numbers = std::move(numbers),
                                                            .values = values,
                                                            .row_count = row_count}));
  return arrow::Status::OK();
}

arrow::Result<arrow::RecordBatchVector> CountWindows::AdvanceTo(int64_t /*watermark_us*/) {
  return std::exchange(out_, {});
}

std::string CountWindows::Write(uint32_t keys_from, std::span<const uint32_t> keys) const {
  StateWriter state;
  state.PutText(kKind);
  state.PutText(cells_.values().Meaning());
  state.Put(size_);
  state.Put(every_);
  state.Put(revision_base_);
  keys_.Save(keys_from, &state);
  state.Put(uint64_t{keys.size()});
  std::vector<uint32_t> cells;
  for (const uint32_t key : keys) {
    state.Put(key);
    state.Put(states_[key].row_count);
    state.Put(uint64_t{states_[key].slices.size()});
    for (const Slice& slice : states_[key].slices) {
      state.Put(slice.first_us);
      state.Put(slice.last_us);
      cells.push_back(slice.cell);
    }
  }
  cells_.Save(cells, &state);
  return state.Take();
}

arrow::Result<std::string> CountWindows::Save() const {
  std::vector<uint32_t> keys(states_.size());
  std::iota(keys.begin(), keys.end(), 0U);
  return Write(/*keys_from=*/0, keys);
}

arrow::Result<std::optional<std::string>> CountWindows::SaveChanges() {
  if (changed_.is_all()) return std::nullopt;
  return Write(changed_.saved_count(), changed_.keys());
}

arrow::Status CountWindows::ReadKeys(StateReader* state) {
  const uint64_t key_count = state->GetCount(sizeof(uint32_t) + 2 * sizeof(uint64_t));
  std::vector<uint32_t> cells;
  for (uint64_t i = 0; i < key_count; ++i) {
    const auto key = state->Get<uint32_t>();
    const auto row_count = state->Get<int64_t>();
    const uint64_t slice_count = state->GetCount(2 * sizeof(int64_t));
    // What a key with so many rows has: its slices, the last one perhaps not full.
    const bool is_possible = key < keys_.count() && row_count >= 0 &&
                             slice_count <= static_cast<uint64_t>(size_ / width_) &&
                             (slice_count > 0 || row_count % width_ == 0);
    if (!is_possible) state->Fail();
    ARROW_RETURN_NOT_OK(state->status());
    KeyState& into = states_[key];
    std::vector<uint32_t> gone;
    for (const Slice& slice : into.slices) gone.push_back(slice.cell);
    cells_.Release(gone);
    into = {.row_count = row_count, .slices = {}};
    for (uint64_t k = 0; k < slice_count; ++k) {
      Slice slice{.cell = cells_.Take()};
      slice.first_us = state->Get<int64_t>();
      slice.last_us = state->Get<int64_t>();
      into.slices.push_back(slice);
      cells.push_back(slice.cell);
    }
  }
  ARROW_ASSIGN_OR_RAISE(const AggregateSet values, cells_.Load(state, cells.size()));
  cells_.Merge(values, cells);
  return arrow::Status::OK();
}

arrow::Status CountWindows::Load(std::string_view bytes) {
  StateReader state(bytes);
  if (state.GetText() != kKind || state.GetText() != cells_.values().Meaning() ||
      state.Get<int64_t>() != size_ || state.Get<int64_t>() != every_) {
    return BadData("Operator state belongs to other windows, keys or aggregates");
  }
  revision_base_ = state.Get<int64_t>();
  keys_.Load(&state);
  ARROW_RETURN_NOT_OK(state.status());
  states_.resize(keys_.count());
  changed_.Resize(keys_.count());
  ARROW_RETURN_NOT_OK(ReadKeys(&state));
  Saved();
  return arrow::Status::OK();
}

}  // namespace catchwater
