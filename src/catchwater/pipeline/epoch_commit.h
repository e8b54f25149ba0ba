/// \file
/// Turns a complete epoch into one commit.
#pragma once

#include <string>
#include <vector>

#include "catchwater/lake/commit.h"
#include "catchwater/pipeline/epoch.h"

namespace catchwater {

struct EpochCommitContext {
  std::string commit_id;
  std::string pipeline;
  std::string consumer;
  Fence fence;
};

/// Takes the outputs out of the epoch. \post every frame before the frontier is in a data file, a
/// dead letter or a count of this one commit
CommitRequest MakeCommitRequest(const EpochCommitContext& context, Epoch& epoch);

}  // namespace catchwater
