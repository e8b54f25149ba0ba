#include "catchwater/ledger/names.h"

#include <array>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

// In the order of the enumerations: the name of a value is found by its index.
constexpr std::array<std::pair<WorkState, std::string_view>, 4> kWorkStates{{
    {WorkState::kToProcess, "to_process"},
    {WorkState::kProcessing, "processing"},
    {WorkState::kDone, "done"},
    {WorkState::kFailed, "failed"},
}};

constexpr std::array<std::pair<Outcome, std::string_view>, 6> kOutcomes{{
    {Outcome::kCommitted, "committed"},
    {Outcome::kPointerMoved, "pointer_moved"},
    {Outcome::kPositionMoved, "position_moved"},
    {Outcome::kFenced, "fenced"},
    {Outcome::kWorkMoved, "work_moved"},
    {Outcome::kUnknown, "unknown"},
}};

constexpr std::array<std::pair<Bucket, std::string_view>, 13> kBuckets{{
    {Bucket::kFrames, "frames"},
    {Bucket::kDecodedFrames, "decoded_frames"},
    {Bucket::kDeadFrames, "dead_frames"},
    {Bucket::kRows, "rows"},
    {Bucket::kLake, "lake"},
    {Bucket::kDeadRows, "dead_rows"},
    {Bucket::kFiltered, "filtered"},
    {Bucket::kDropped, "dropped"},
    {Bucket::kDeduplicated, "deduplicated"},
    {Bucket::kExpired, "expired"},
    {Bucket::kUsed, "used"},
    {Bucket::kLate, "late"},
    {Bucket::kFuture, "future"},
}};

template <typename Table>
consteval bool IsInOrder(const Table& table) {
  for (size_t i = 0; i < table.size(); ++i) {
    if (static_cast<size_t>(table[i].first) != i) return false;
  }
  return true;
}
static_assert(IsInOrder(kWorkStates) && IsInOrder(kOutcomes) && IsInOrder(kBuckets));

}  // namespace

std::string_view WorkStateName(WorkState state) {
  return kWorkStates[static_cast<size_t>(state)].second;
}

std::string_view OutcomeName(Outcome outcome) {
  return kOutcomes[static_cast<size_t>(outcome)].second;
}

std::string_view BucketName(Bucket bucket) { return kBuckets[static_cast<size_t>(bucket)].second; }

arrow::Result<WorkState> WorkStateFromName(std::string_view name) {
  for (const auto& [state, state_name] : kWorkStates) {
    if (state_name == name) return state;
  }
  return BadData("Ledger holds a state that is not known: ", name);
}

arrow::Result<Bucket> BucketFromName(std::string_view name) {
  for (const auto& [bucket, bucket_name] : kBuckets) {
    if (bucket_name == name) return bucket;
  }
  return BadData("Ledger holds a bucket that is not known: ", name);
}

}  // namespace catchwater
