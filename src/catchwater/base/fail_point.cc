#include "catchwater/base/fail_point.h"

#include <array>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <string>
#include <utility>

#include <signal.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr std::array<std::pair<FailPoint, std::string_view>, 48> kNames{{
    {FailPoint::kRecoveryBegin, "recovery.begin"},
    {FailPoint::kRecoveryPartitionOpened, "recovery.partition_opened"},
    {FailPoint::kAppendDataFileWritten, "append.data_file_written"},
    {FailPoint::kAppendDataFileSynced, "append.data_file_synced"},
    {FailPoint::kAppendManifestWritten, "append.manifest_written"},
    {FailPoint::kAppendManifestListWritten, "append.manifest_list_written"},
    {FailPoint::kAppendMetadataWritten, "append.metadata_written"},
    {FailPoint::kCommitBegun, "commit.begun"},
    {FailPoint::kCommitPointersSwapped, "commit.pointers_swapped"},
    {FailPoint::kCommitPositionsMoved, "commit.positions_moved"},
    {FailPoint::kCommitBeforeEnd, "commit.before_end"},
    {FailPoint::kCommitDone, "commit.done"},
    {FailPoint::kAppendAcknowledged, "append.acknowledged"},
    {FailPoint::kCompactLeased, "compact.leased"},
    {FailPoint::kCompactFileWritten, "compact.file_written"},
    {FailPoint::kCompactMetadataWritten, "compact.metadata_written"},
    {FailPoint::kCompactCommitted, "compact.committed"},
    {FailPoint::kExpireMetadataWritten, "expire.metadata_written"},
    {FailPoint::kExpireCommitted, "expire.committed"},
    {FailPoint::kUnlinkBegin, "unlink.begin"},
    {FailPoint::kUnlinkFileRemoved, "unlink.file_removed"},
    {FailPoint::kUnlinkRecorded, "unlink.recorded"},
    {FailPoint::kOrphanListed, "orphan.listed"},
    {FailPoint::kOrphanRemoved, "orphan.removed"},
    {FailPoint::kInputDiscovered, "input.discovered"},
    {FailPoint::kInputClaimed, "input.claimed"},
    {FailPoint::kInputInHand, "input.in_hand"},
    {FailPoint::kSpoolSegmentCreated, "spool.segment_created"},
    {FailPoint::kSpoolGroupWritten, "spool.group_written"},
    {FailPoint::kSpoolGroupSynced, "spool.group_synced"},
    {FailPoint::kSpoolTailWritten, "spool.tail_written"},
    {FailPoint::kSpoolTailPublished, "spool.tail_published"},
    {FailPoint::kSpoolSegmentTrimmed, "spool.segment_trimmed"},
    {FailPoint::kDeliverOpened, "deliver.opened"},
    {FailPoint::kDeliverFileWritten, "deliver.file_written"},
    {FailPoint::kDeliverInTarget, "deliver.in_target"},
    {FailPoint::kDeliverFlushed, "deliver.flushed"},
    {FailPoint::kDeliverRecorded, "deliver.recorded"},
    {FailPoint::kRawWritten, "raw.written"},
    {FailPoint::kRawSynced, "raw.synced"},
    {FailPoint::kRawMoved, "raw.moved"},
    {FailPoint::kRawPublished, "raw.published"},
    {FailPoint::kRawRemoved, "raw.removed"},
    {FailPoint::kRawExpired, "raw.expired"},
    {FailPoint::kStreamRebuilt, "stream.rebuilt"},
    {FailPoint::kStreamStateWritten, "stream.state_written"},
    {FailPoint::kStreamStateRemoved, "stream.state_removed"},
    {FailPoint::kStreamResultsWritten, "stream.results_written"},
}};

enum class Action { kNone, kKill, kAbort, kStop, kError };

struct Armed {
  Action action = Action::kNone;
  FailPoint point{};
  int hits_left = 1;
};

Armed ReadEnvironment() {
  const char* variable = std::getenv("CATCHWATER_FAIL_POINT");
  if (variable == nullptr || *variable == '\0') return {};
  const std::string_view text(variable);
  const size_t equals = text.find('=');
  CATCHWATER_CHECK(equals != text.npos, "CATCHWATER_FAIL_POINT must be NAME[@HITS]=ACTION");
  std::string_view name = text.substr(0, equals);
  const std::string_view action = text.substr(equals + 1);

  Armed armed;
  if (const size_t at = name.find('@'); at != name.npos) {
    std::from_chars(name.data() + at + 1, name.data() + name.size(), armed.hits_left);
    name = name.substr(0, at);
  }
  bool is_known = false;
  for (const auto& [point, point_name] : kNames) {
    if (point_name != name) continue;
    armed.point = point;
    is_known = true;
  }
  CATCHWATER_CHECK(is_known,
                   "CATCHWATER_FAIL_POINT names no step; see `catchwater version --steps`");
  armed.action = action == "kill"    ? Action::kKill
                 : action == "abort" ? Action::kAbort
                 : action == "stop"  ? Action::kStop
                                     : Action::kError;
  return armed;
}

}  // namespace

std::string_view FailPointName(FailPoint point) {
  return kNames[static_cast<size_t>(point)].second;
}

std::vector<FailPoint> AllFailPoints() {
  std::vector<FailPoint> points;
  for (const auto& [point, name] : kNames) points.push_back(point);
  return points;
}

arrow::Status Reach(FailPoint point) {
  static const Armed armed = ReadEnvironment();
  if (armed.action == Action::kNone || armed.point != point) return arrow::Status::OK();
  static std::atomic<int> hits_left{armed.hits_left};
  if (hits_left.fetch_sub(1) != 1) return arrow::Status::OK();
  switch (armed.action) {
    case Action::kKill:
      raise(SIGKILL);
      break;
    case Action::kAbort:
      std::abort();
    case Action::kStop:
      raise(SIGSTOP);
      break;
    case Action::kError:
      return Unavailable("Step was told to fail: ", FailPointName(point));
    case Action::kNone:
      break;
  }
  return arrow::Status::OK();
}

}  // namespace catchwater
