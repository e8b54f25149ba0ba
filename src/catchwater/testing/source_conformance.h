/// \file
/// What every replayable source with bounded partitions must do. Used by a source's own test:
///
///   CheckSourceConformance({.make = [] { return MakeMySource(); }});
///
/// Checked: ordinals strictly increase; ranges follow each other without gaps and hold their
/// frames; an end comes once, after the last block; what was not acknowledged comes again after a
/// reopen; reading resumes at every block's end (with its token) and at every frame (without one)
/// with exactly the frames from there on; a requested stop is honoured; Acknowledge, Close and a
/// second Discover do not disturb.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/component/source.h"

namespace catchwater {

/// A frame's ordinal and bytes. A rejected frame's bytes are `rejected: ` and its true length.
using Frame = std::pair<uint64_t, std::string>;

struct PartitionRead {
  std::vector<Frame> frames;
  std::vector<Position> block_ends;
  std::vector<int64_t> line_firsts;  ///< Of each block.
  bool has_ended = false;
  std::string failure;  ///< Of PartitionFailed.
};

struct SourceConformance {
  /// Makes a new source over the same input.
  std::function<arrow::Result<std::unique_ptr<Source>>()> make;
  /// Resume positions tried per partition, spread evenly.
  int64_t resume_count_max = 200;
};

void CheckSourceConformance(const SourceConformance& checked);

/// Cuts a block into frames: by frame_ends, or at line ends.
std::vector<Frame> FramesOf(const Block& block);

/// Discovers, opens everything at the positions (by partition name; absent: 0) and reads to the
/// end. Partition ids are 1, 2, ... in the order of the offers. Fails the running test on a broken
/// rule. \return by partition name
std::map<std::string, PartitionRead> ReadToEnd(Source& source,
                                               const std::map<std::string, Position>& from = {});

/// Calls Next until there is something else than NotYet, at most `call_count_max` times.
arrow::Result<NextResult> NextOf(Source& source, int64_t call_count_max = 1'000);

}  // namespace catchwater
