// The state of TimeWindows as bytes. Source: docs/formats/stream_state.md.
#include <cstdlib>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/stream/time_windows.h"

namespace catchwater {
namespace {

constexpr std::string_view kKind = "time_windows.1";
constexpr int64_t kTimeUsMax = INT64_MAX / 4;  // Far beyond the year 9999.
constexpr uint8_t kChanged = 1;
constexpr uint8_t kWritten = 2;  // A place that changed twice is written once.

}  // namespace

std::string TimeWindows::Write(uint32_t keys_from, const std::vector<Place>& places) const {
  StateWriter state;
  state.PutText(kKind);
  state.PutText(cells_.values().Meaning());
  state.Put(size_us_);
  state.Put(every_us_);
  state.Put(closed_us_);
  state.Put(revision_base_);
  keys_.Save(keys_from, &state);
  state.Put(uint64_t{revisions_.size()});
  for (const auto& [result, count] : revisions_) {
    state.Put(result.first);
    state.Put(result.second);
    state.Put(count);
  }
  state.Put(uint64_t{provisional_.size()});
  for (const auto& [end_us, key] : provisional_) {
    state.Put(end_us);
    state.Put(key);
  }
  state.Put(uint64_t{places.size()});
  std::vector<uint32_t> cells;
  for (const Place& place : places) {
    state.Put(place.slice);
    state.Put(place.key);
    cells.push_back(slices_.at(place.slice).cells[place.key] - 1);
  }
  cells_.Save(cells, &state);
  return state.Take();
}

arrow::Result<std::string> TimeWindows::Save() const {
  std::vector<Place> places;
  for (const auto& [number, slice] : slices_) {
    for (uint32_t key = 0; key < slice.cells.size(); ++key) {
      if (slice.cells[key] != 0) places.push_back({.slice = number, .key = key});
    }
  }
  return Write(/*keys_from=*/0, places);
}

arrow::Result<std::optional<std::string>> TimeWindows::SaveChanges() {
  if (must_save_all_) return std::nullopt;
  std::vector<Place> places;
  for (const Place& place : changed_) {
    const auto slice = slices_.find(place.slice);
    if (slice == slices_.end()) continue;  // It is closed by now.
    uint8_t& is_changed = is_changed_[slice->second.cells[place.key] - 1];
    if (is_changed != kChanged) continue;
    is_changed = kWritten;
    places.push_back(place);
  }
  return Write(saved_key_count_, places);
}

void TimeWindows::Saved() {
  for (const Place& place : changed_) {
    const auto slice = slices_.find(place.slice);
    if (slice != slices_.end()) is_changed_[slice->second.cells[place.key] - 1] = 0;
  }
  changed_.clear();
  saved_key_count_ = keys_.count();
  must_save_all_ = false;
}

arrow::Status TimeWindows::ReadPlaces(StateReader* state) {
  const uint64_t place_count = state->GetCount(sizeof(int64_t) + sizeof(uint32_t));
  std::vector<Place> places(place_count);
  for (Place& place : places) {
    place.slice = state->Get<int64_t>();
    place.key = state->Get<uint32_t>();
    const bool is_in_time =
        place.slice <= kTimeUsMax / width_us_ && place.slice >= -kTimeUsMax / width_us_;
    if (place.key >= keys_.count() || !is_in_time) state->Fail();
  }
  ARROW_ASSIGN_OR_RAISE(const AggregateSet values, cells_.Load(state, place_count));
  std::vector<uint32_t> to;
  for (const Place& place : places) to.push_back(CellAt(place));
  cells_.Reset(to);  // A cell that was there before has grown.
  cells_.Merge(values, to);
  return arrow::Status::OK();
}

arrow::Status TimeWindows::Load(std::string_view bytes) {
  StateReader state(bytes);
  const bool is_ours = state.GetText() == kKind && state.GetText() == cells_.values().Meaning() &&
                       state.Get<int64_t>() == size_us_ && state.Get<int64_t>() == every_us_;
  if (!is_ours) return BadData("Operator state belongs to other windows, keys or aggregates");
  closed_us_ = state.Get<int64_t>();
  if (closed_us_ != INT64_MIN && std::abs(closed_us_ / 2) > kTimeUsMax / 2) state.Fail();
  revision_base_ = state.Get<int64_t>();
  keys_.Load(&state);
  ARROW_RETURN_NOT_OK(state.status());
  revisions_.clear();
  const uint64_t revision_count = state.GetCount(20);
  for (uint64_t i = 0; i < revision_count; ++i) {
    const auto end_us = state.Get<int64_t>();
    const auto key = state.Get<uint32_t>();
    revisions_[{end_us, key}] = state.Get<int64_t>();
    if (key >= keys_.count()) state.Fail();
  }
  provisional_.clear();
  const uint64_t provisional_count = state.GetCount(sizeof(int64_t) + sizeof(uint32_t));
  for (uint64_t i = 0; i < provisional_count; ++i) {
    const auto end_us = state.Get<int64_t>();
    const auto key = state.Get<uint32_t>();
    provisional_.insert({end_us, key});
    if (key >= keys_.count()) state.Fail();
  }
  ARROW_RETURN_NOT_OK(ReadPlaces(&state));
  Expire();
  Saved();
  return arrow::Status::OK();
}

}  // namespace catchwater
