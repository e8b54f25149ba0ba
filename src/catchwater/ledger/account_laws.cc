#include "catchwater/ledger/account_laws.h"

#include <map>
#include <utility>

namespace catchwater {
namespace {

// What a count adds to in - out.
struct Weight {
  int64_t frames = 0;
  int64_t rows = 0;
};

Weight WeightOf(Bucket bucket) {
  switch (bucket) {
    case Bucket::kFrames:
      return {.frames = 1};
    case Bucket::kDecodedFrames:
    case Bucket::kDeadFrames:
      return {.frames = -1};
    case Bucket::kRows:
      return {.rows = 1};
    case Bucket::kLake:
    case Bucket::kDeadRows:
    case Bucket::kFiltered:
    case Bucket::kDropped:
    case Bucket::kDeduplicated:
    case Bucket::kExpired:
    case Bucket::kUsed:
    case Bucket::kLate:
    case Bucket::kFuture:
      return {.rows = -1};
  }
  return {};
}

}  // namespace

std::vector<Unaccounted> FindUnaccounted(std::span<const AccountRecord> account) {
  std::map<std::pair<int64_t, std::string>, Weight> sums;
  for (const AccountRecord& line : account) {
    const Weight weight = WeightOf(line.bucket);
    Weight& sum = sums[{line.partition_id, line.consumer}];
    sum.frames += weight.frames * line.row_count;
    sum.rows += weight.rows * line.row_count;
  }
  std::vector<Unaccounted> broken;
  for (const auto& [key, sum] : sums) {
    if (sum.frames == 0 && sum.rows == 0) continue;
    broken.push_back({.partition_id = key.first,
                      .consumer = key.second,
                      .frame_count = sum.frames,
                      .row_count = sum.rows});
  }
  return broken;
}

}  // namespace catchwater
