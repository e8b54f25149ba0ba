#include "catchwater/ledger/state_machine.h"

#include <algorithm>
#include <array>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

using enum WorkState;

constexpr std::array kInputTransitions = std::to_array<WorkTransition>({
    {kToProcess, kProcessing, "a worker claims it"},
    {kProcessing, kProcessing, "its worker notes progress, or takes it over after a crash"},
    {kProcessing, kDone, "its last rows are committed"},
    {kProcessing, kToProcess, "an attempt failed, or its worker gives it back"},
    {kProcessing, kFailed, "attempts are used up, or another one cannot help"},
    {kFailed, kToProcess, "somebody relaunches it"},
    {kDone, kToProcess, "a growing file has new bytes"},
});

constexpr std::array kDataTransitions = std::to_array<WorkTransition>({
    {kToProcess, kProcessing, "a compaction claims it"},
    {kProcessing, kDone, "its merge is committed, or it was removed meanwhile"},
    {kProcessing, kToProcess, "the merge failed or crashed"},
    {kProcessing, kFailed, "attempts are used up"},
    {kFailed, kToProcess, "somebody relaunches it"},
    {kToProcess, kDone, "it was removed from the table by another commit"},
    {kFailed, kDone, "it was removed from the table by another commit"},
});

constexpr int64_t kBackOffMicrosFirst = 10'000'000;
constexpr int64_t kBackOffMicrosMax = 600'000'000;

}  // namespace

std::span<const WorkTransition> WorkTransitions(WorkMove::Kind kind) {
  if (kind == WorkMove::Kind::kInput) return kInputTransitions;
  return kDataTransitions;
}

bool MayMove(WorkMove::Kind kind, WorkState from, WorkState to) {
  return std::ranges::any_of(WorkTransitions(kind), [&](const WorkTransition& transition) {
    return transition.from == from && transition.to == to;
  });
}

void CheckMove(WorkMove::Kind kind, WorkState from, WorkState to) {
  CATCHWATER_CHECK(MayMove(kind, from, to), "a work file may not move between these states");
}

int64_t BackOffMicros(int attempt) {
  CATCHWATER_CHECK(attempt >= 1, "attempts are counted from 1");
  int64_t wait_us = kBackOffMicrosFirst;
  for (int i = 1; i < attempt && wait_us < kBackOffMicrosMax; ++i) wait_us *= 6;
  return std::min(wait_us, kBackOffMicrosMax);
}

}  // namespace catchwater
