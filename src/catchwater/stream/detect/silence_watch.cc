#include "catchwater/stream/detect/silence_watch.h"

#include <algorithm>

#include "catchwater/stream/detect/robust.h"

namespace catchwater {
namespace {

double Seconds(int64_t us) { return static_cast<double>(us) / 1e6; }

}  // namespace

void SilenceWatch::Schedule(uint32_t index, int64_t from_us) {
  Key& key = keys_[index];
  const auto usual_us = static_cast<double>(key.cadence.interval_us());
  const int64_t due_us = from_us + static_cast<int64_t>(usual_us * factor_);
  // One entry a key stands in the queue: when it comes up too early it is put back.
  const bool is_queued = key.due_us != 0;
  key.due_us = due_us;
  if (!is_queued) due_.emplace(due_us, index);
}

void SilenceWatch::Judge(uint32_t index, std::vector<Found>* found) {
  Key& key = keys_[index];
  Source& source = sources_[key.source];
  const int64_t last_us = key.cadence.last_us();
  const int64_t at_us = key.due_us;
  key.due_us = 0;
  if (source.is_stalled) return;
  const int64_t usual_us = key.cadence.interval_us();
  if (source.last_us - last_us >= 2 * usual_us) {
    key.is_missing = true;
    found->push_back({.is_source = false,
                      .index = index,
                      .finding = {.kind = AlarmKind::kMissing,
                                  .phase = FindingPhase::kHolds,
                                  .since_us = last_us,
                                  .at_us = at_us,
                                  .why = "no reading for " + ShortTime(Seconds(at_us - last_us)) +
                                         " while its source sends, usual is one every " +
                                         ShortTime(Seconds(usual_us))}});
    return;
  }
  source.is_stalled = true;
  source.stalled_us = source.last_us;
  found->push_back({.is_source = true,
                    .index = key.source,
                    .finding = {.kind = AlarmKind::kStalled,
                                .phase = FindingPhase::kHolds,
                                .since_us = source.last_us,
                                .at_us = at_us,
                                .why = "nothing came from any sensor of the source for " +
                                       ShortTime(Seconds(at_us - source.last_us))}});
}

void SilenceWatch::AdvanceTo(int64_t now_us, std::vector<Found>* found) {
  while (!due_.empty() && due_.top().first <= now_us) {
    const uint32_t index = due_.top().second;
    const int64_t queued_us = due_.top().first;
    due_.pop();
    Key& key = keys_[index];
    if (key.due_us > queued_us) {
      due_.emplace(key.due_us, index);  // It has sent since.
      continue;
    }
    Judge(index, found);
  }
}

void SilenceWatch::Return(uint32_t index, int64_t time_us, std::vector<Found>* found) {
  Source& source = sources_[index];
  source.is_stalled = false;
  source.back_us = time_us;
  found->push_back({.is_source = true,
                    .index = index,
                    .finding = {.kind = AlarmKind::kStalled,
                                .phase = FindingPhase::kOver,
                                .since_us = source.stalled_us,
                                .at_us = time_us,
                                .why = "the source sends again after " +
                                       ShortTime(Seconds(time_us - source.stalled_us))}});
  // Its keys get their time anew.
  for (uint32_t key = 0; key < keys_.size(); ++key) {
    const Key& of_source = keys_[key];
    if (of_source.source == index && !of_source.is_missing && of_source.cadence.is_known()) {
      Schedule(key, time_us);
    }
  }
}

void SilenceWatch::Add(uint32_t index, uint32_t source_index, int64_t time_us,
                       std::vector<Found>* found) {
  AdvanceTo(time_us - 1, found);
  if (index >= keys_.size()) keys_.resize(index + 1);
  if (source_index >= sources_.size()) sources_.resize(source_index + 1);
  Source& source = sources_[source_index];
  if (source.is_stalled) Return(source_index, time_us, found);
  source.is_known = true;
  source.last_us = std::max(source.last_us, time_us);

  Key& key = keys_[index];
  key.source = source_index;
  if (key.is_missing) {
    key.is_missing = false;
    found->push_back({.is_source = false,
                      .index = index,
                      .finding = {.kind = AlarmKind::kMissing,
                                  .phase = FindingPhase::kOver,
                                  .since_us = key.cadence.last_us(),
                                  .at_us = time_us,
                                  .why = "it sends again after " +
                                         ShortTime(Seconds(time_us - key.cadence.last_us()))}});
  }
  key.cadence.Add(time_us);
  if (key.cadence.is_known()) Schedule(index, time_us);
}

void SilenceWatch::Save(StateWriter* state) const {
  SavingArchive archive(state);
  state->Put(static_cast<uint64_t>(keys_.size()));
  for (const Key& key : keys_) {
    Cadence::Fields(key.cadence, archive);
    archive(key.source, key.is_missing, key.due_us);
  }
  state->Put(static_cast<uint64_t>(sources_.size()));
  for (const Source& source : sources_) {
    archive(source.is_known, source.is_stalled, source.last_us, source.stalled_us, source.back_us);
  }
}

void SilenceWatch::Load(StateReader* state) {
  LoadingArchive archive(state);
  keys_.clear();
  sources_.clear();
  due_ = {};
  for (uint64_t rest = state->GetCount(30); rest > 0; --rest) {
    Key& key = keys_.emplace_back();
    Cadence::Fields(key.cadence, archive);
    archive(key.source, key.is_missing, key.due_us);
    if (key.due_us != 0) due_.emplace(key.due_us, static_cast<uint32_t>(keys_.size() - 1));
  }
  for (uint64_t rest = state->GetCount(26); rest > 0; --rest) {
    Source& source = sources_.emplace_back();
    archive(source.is_known, source.is_stalled, source.last_us, source.stalled_us, source.back_us);
  }
  for (const Key& key : keys_) {
    if (key.source >= sources_.size() && !key.cadence.has_readings()) continue;
    if (key.source >= sources_.size()) state->Fail();
  }
}

}  // namespace catchwater
