#include "catchwater/stream/session_windows.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <arrow/array.h>

#include "catchwater/base/error.h"
#include "catchwater/batch/select_rows.h"

namespace catchwater {
namespace {

constexpr int64_t kNoAlarm = std::numeric_limits<int64_t>::min();
constexpr std::string_view kKind = "session_windows.1";
/// The same with what is forgotten: sessions behind it are kept for correction.
constexpr std::string_view kCorrectingKind = "session_windows.1+forgotten";
constexpr size_t kSessionBytes = 2 * sizeof(int64_t) + sizeof(uint32_t) + 1;

}  // namespace

SessionWindows::SessionWindows(const StreamConfig& config, WindowParts parts)
    : gap_us_(config.window.session->us()),
      correct_for_us_(config.late && config.late->then == LateAction::kCorrect
                          ? std::optional(config.late->correct_for.us())
                          : std::nullopt),
      event_time_column_(std::move(parts.event_time_column)),
      keys_(config, parts.results.key_types()),
      cells_(std::move(parts.cells)),
      results_(std::move(parts.results)) {}

int64_t SessionWindows::byte_count() const {
  // A session that is alone takes a block of its own.
  constexpr int64_t kKeyBytes = sizeof(std::vector<Session>) + sizeof(Session) + 64;
  return keys_.index().byte_count() + cells_.byte_count() +
         static_cast<int64_t>(sessions_.size()) * kKeyBytes;
}

arrow::Result<StreamTally> SessionWindows::Add(const Batch& batch) {
  StreamTally tally;
  Batch rows = batch;
  ARROW_ASSIGN_OR_RAISE(const auto keys, keys_.Admit(&rows, byte_count(), &tally));
  if (keys.empty()) return tally;
  sessions_.resize(keys_.count());
  alarm_of_.resize(keys_.count(), kNoAlarm);
  changed_.Resize(keys_.count());
  const auto column = rows.rows->GetColumnByName(event_time_column_);
  const int64_t* times = static_cast<const arrow::TimestampArray&>(*column).raw_values();
  cell_of_row_.resize(keys.size());
  for (size_t row = 0; row < keys.size(); ++row) {
    cell_of_row_[row] = Join(keys[row], times[row]);
    changed_.Mark(keys[row]);
  }
  // As they were before this batch: its rows are not in the cells yet.
  ARROW_RETURN_NOT_OK(Emit(std::exchange(to_retract_, {}), /*is_retracted=*/true, &retractions_));
  std::map<uint32_t, uint32_t> into;
  std::vector<uint32_t> gone;
  for (const auto& [from, to] : std::exchange(merges_, {})) {
    ARROW_ASSIGN_OR_RAISE(const AggregateSet moved, cells_.Copy(std::span(&from, 1)));
    cells_.Merge(moved, std::span(&to, 1));
    into[from] = to;
    gone.push_back(from);
  }
  if (!into.empty()) {
    for (uint32_t& cell : cell_of_row_) {
      for (auto found = into.find(cell); found != into.end(); found = into.find(cell)) {
        cell = found->second;
      }
    }
  }
  cells_.Add(rows, cell_of_row_);
  cells_.Release(gone);
  return tally;
}

arrow::Result<StreamTally> SessionWindows::AddLate(const Batch& batch) {
  // The sessions that a row may touch end behind it: none of them was forgotten.
  const auto column = batch.rows->GetColumnByName(event_time_column_);
  const int64_t* times = static_cast<const arrow::TimestampArray&>(*column).raw_values();
  std::vector<uint8_t> keep(static_cast<size_t>(batch.rows->num_rows()));
  for (size_t row = 0; row < keep.size(); ++row) keep[row] = times[row] >= forgotten_us_ ? 1 : 0;
  ARROW_ASSIGN_OR_RAISE(const Batch rows, FilterBatch(batch, keep));
  StreamTally tally;
  if (rows.rows->num_rows() > 0) {
    ARROW_ASSIGN_OR_RAISE(tally, Add(rows));
  }
  tally.Count(Bucket::kLate, "too_late_to_correct", batch.rows->num_rows() - rows.rows->num_rows());
  return tally;
}

int64_t SessionWindows::NextOf(const Session& session) const {
  return session.last_us + gap_us_ + (session.is_out ? correct_for_us_.value_or(0) : 0);
}

void SessionWindows::SetAlarm(uint32_t key) {
  if (alarm_of_[key] != kNoAlarm) alarms_.erase({alarm_of_[key], key});
  alarm_of_[key] = kNoAlarm;
  for (const Session& session : sessions_[key]) {
    const int64_t next_us = NextOf(session);
    if (alarm_of_[key] == kNoAlarm || next_us < alarm_of_[key]) alarm_of_[key] = next_us;
  }
  if (alarm_of_[key] != kNoAlarm) alarms_.insert({alarm_of_[key], key});
}

uint32_t SessionWindows::Join(uint32_t key, int64_t event_us) {
  std::vector<Session>& sessions = sessions_[key];
  // The first that the row is not more than a gap behind.
  auto at = std::ranges::find_if(
      sessions, [&](const Session& session) { return event_us < session.last_us + gap_us_; });
  if (at == sessions.end() || event_us <= at->first_us - gap_us_) {
    at = sessions.insert(at, {.first_us = event_us, .last_us = event_us, .cell = cells_.Take()});
  } else {
    MarkOut(key, *at);
    at->is_out = false;
    at->first_us = std::min(at->first_us, event_us);
    at->last_us = std::max(at->last_us, event_us);
    const auto next = at + 1;
    if (next != sessions.end() && next->first_us < at->last_us + gap_us_) {
      MarkOut(key, *next);
      Absorb(&*at, *next);
      sessions.erase(next);
    }
  }
  ++at->row_count;
  // Earlier than need be is no harm but that it is looked at once too often.
  const int64_t next_us = NextOf(*at);
  if (alarm_of_[key] == kNoAlarm || next_us < alarm_of_[key]) {
    if (alarm_of_[key] != kNoAlarm) alarms_.erase({alarm_of_[key], key});
    alarm_of_[key] = next_us;
    alarms_.insert({next_us, key});
  }
  return at->cell;
}

void SessionWindows::Absorb(Session* into, const Session& other) {
  into->last_us = std::max(into->last_us, other.last_us);
  into->revision = std::max(into->revision, other.revision);
  into->row_count += other.row_count;
  merges_.emplace_back(other.cell, into->cell);
}

void SessionWindows::MarkOut(uint32_t key, const Session& session) {
  if (session.is_out) to_retract_.push_back({.session = session, .key = key});
}

arrow::Status SessionWindows::Emit(const std::vector<Due>& due, bool is_retracted,
                                   arrow::RecordBatchVector* results) const {
  if (due.empty()) return arrow::Status::OK();
  std::vector<uint32_t> keys;
  std::vector<uint32_t> cells;
  std::vector<int64_t> begins;
  std::vector<int64_t> ends;
  std::vector<int64_t> revisions;
  for (const Due& one : due) {
    keys.push_back(one.key);
    cells.push_back(one.session.cell);
    begins.push_back(one.session.first_us);
    ends.push_back(one.session.last_us + gap_us_);
    revisions.push_back(revision_base_ + one.session.revision);
  }
  const auto row_count = static_cast<uint32_t>(due.size());
  ARROW_ASSIGN_OR_RAISE(const AggregateSet values, cells_.Copy(cells));
  ARROW_ASSIGN_OR_RAISE(auto key_columns, keys_.index().KeyColumns(keys));
  ARROW_ASSIGN_OR_RAISE(auto rows, results_.Make({.keys = std::move(key_columns),
                                                  .begins_us = std::move(begins),
                                                  .ends_us = std::move(ends),
                                                  .revisions = std::move(revisions),
                                                  .is_retracted = is_retracted,
                                                  .values = values,
                                                  .row_count = row_count}));
  results->push_back(std::move(rows));
  return arrow::Status::OK();
}

arrow::Result<arrow::RecordBatchVector> SessionWindows::AdvanceTo(int64_t watermark_us) {
  if (watermark_us != INT64_MIN) {
    const bool is_known = forgotten_us_ != INT64_MAX;
    forgotten_us_ = is_known ? std::max(forgotten_us_, watermark_us - correct_for_us_.value_or(0))
                             : watermark_us;
  }
  arrow::RecordBatchVector results = std::exchange(retractions_, {});
  std::vector<Due> due;
  std::vector<uint32_t> gone;
  while (!alarms_.empty() && alarms_.begin()->first <= watermark_us) {
    const uint32_t key = alarms_.begin()->second;
    for (Session& session : sessions_[key]) {
      if (session.is_out || session.last_us + gap_us_ > watermark_us) continue;
      ++session.revision;
      session.is_out = true;
      CountResultRows(std::exchange(session.row_count, 0));
      due.push_back({.session = session, .key = key});
    }
    std::erase_if(sessions_[key], [&](const Session& session) {
      const bool is_over = session.is_out && NextOf(session) <= watermark_us;
      if (is_over) gone.push_back(session.cell);
      return is_over;
    });
    SetAlarm(key);
    changed_.Mark(key);
  }
  std::ranges::sort(due, {}, [](const Due& one) {
    return std::tuple(one.session.last_us, one.session.first_us, one.key);
  });
  ARROW_RETURN_NOT_OK(Emit(due, /*is_retracted=*/false, &results));
  if (gone.empty()) return results;
  cells_.Release(gone);
  ARROW_RETURN_NOT_OK(DropIdleKeys());
  return results;
}

arrow::Result<arrow::RecordBatchVector> SessionWindows::End() {
  arrow::RecordBatchVector results = std::exchange(retractions_, {});
  std::vector<Due> due;
  for (uint32_t key = 0; key < sessions_.size(); ++key) {
    for (Session& session : sessions_[key]) {
      if (session.is_out) continue;
      ++session.revision;
      CountResultRows(std::exchange(session.row_count, 0));
      session.is_out = true;
      due.push_back({.session = session, .key = key});
      changed_.Mark(key);
    }
  }
  ARROW_RETURN_NOT_OK(Emit(due, /*is_retracted=*/false, &results));
  return results;
}

arrow::Status SessionWindows::DropIdleKeys() {
  if (!keys_.has_many_idle(static_cast<uint32_t>(alarms_.size()))) return arrow::Status::OK();
  GroupIndex kept = keys_.NewIndex();
  std::vector<std::vector<Session>> sessions;
  for (uint32_t key = 0; key < sessions_.size(); ++key) {
    if (sessions_[key].empty()) continue;
    kept.AssignEncoded(keys_.index().encoded(key));
    sessions.push_back(std::move(sessions_[key]));
  }
  sessions_ = std::move(sessions);
  keys_.Replace(std::move(kept));
  alarms_.clear();
  alarm_of_.assign(sessions_.size(), kNoAlarm);
  for (uint32_t key = 0; key < sessions_.size(); ++key) SetAlarm(key);
  changed_.Renumber(keys_.count());
  return arrow::Status::OK();
}

std::string SessionWindows::Write(uint32_t keys_from, std::span<const uint32_t> keys) const {
  StateWriter state;
  state.PutText(correct_for_us_ ? kCorrectingKind : kKind);
  state.PutText(cells_.values().Meaning());
  state.Put(gap_us_);
  if (correct_for_us_) state.Put(forgotten_us_);
  state.Put(revision_base_);
  keys_.Save(keys_from, &state);
  state.Put(uint64_t{keys.size()});
  std::vector<uint32_t> cells;
  for (const uint32_t key : keys) {
    state.Put(key);
    state.Put(uint64_t{sessions_[key].size()});
    for (const Session& session : sessions_[key]) {
      state.Put(session.first_us);
      state.Put(session.last_us);
      state.Put(session.revision);
      state.Put(session.is_out);
      cells.push_back(session.cell);
    }
  }
  cells_.Save(cells, &state);
  return state.Take();
}

arrow::Result<std::string> SessionWindows::Save() const {
  std::vector<uint32_t> keys;
  for (uint32_t key = 0; key < sessions_.size(); ++key) {
    if (!sessions_[key].empty()) keys.push_back(key);
  }
  return Write(/*keys_from=*/0, keys);
}

arrow::Result<std::optional<std::string>> SessionWindows::SaveChanges() {
  if (changed_.is_all()) return std::nullopt;
  return Write(changed_.saved_count(), changed_.keys());
}

arrow::Status SessionWindows::ReadSessions(StateReader* state) {
  const uint64_t key_count = state->GetCount(sizeof(uint32_t) + sizeof(uint64_t));
  std::vector<uint32_t> cells;
  for (uint64_t i = 0; i < key_count; ++i) {
    const auto key = state->Get<uint32_t>();
    const uint64_t session_count = state->GetCount(kSessionBytes);
    if (key >= keys_.count()) state->Fail();
    ARROW_RETURN_NOT_OK(state->status());
    std::vector<uint32_t> gone;
    for (const Session& session : sessions_[key]) gone.push_back(session.cell);
    cells_.Release(gone);
    sessions_[key].clear();
    for (uint64_t k = 0; k < session_count; ++k) {
      Session session{.cell = cells_.Take()};
      session.first_us = state->Get<int64_t>();
      session.last_us = state->Get<int64_t>();
      session.revision = state->Get<uint32_t>();
      session.is_out = state->Get<uint8_t>() != 0;
      sessions_[key].push_back(session);
      cells.push_back(session.cell);
    }
    SetAlarm(key);
  }
  ARROW_ASSIGN_OR_RAISE(const AggregateSet values, cells_.Load(state, cells.size()));
  cells_.Merge(values, cells);
  return arrow::Status::OK();
}

arrow::Status SessionWindows::Load(std::string_view bytes) {
  StateReader state(bytes);
  const std::string_view kind = state.GetText();
  const bool is_known = kind == kKind || kind == kCorrectingKind;
  if (!is_known || state.GetText() != cells_.values().Meaning() ||
      state.Get<int64_t>() != gap_us_) {
    return BadData("Operator state belongs to other windows, keys or aggregates");
  }
  // Without it all that is behind the watermark is: nothing was kept.
  forgotten_us_ = kind == kCorrectingKind ? state.Get<int64_t>() : INT64_MAX;
  revision_base_ = state.Get<int64_t>();
  keys_.Load(&state);
  ARROW_RETURN_NOT_OK(state.status());
  sessions_.resize(keys_.count());
  alarm_of_.resize(keys_.count(), kNoAlarm);
  changed_.Resize(keys_.count());
  ARROW_RETURN_NOT_OK(ReadSessions(&state));
  Saved();
  return arrow::Status::OK();
}

}  // namespace catchwater
