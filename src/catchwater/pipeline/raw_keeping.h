/// \file
/// Ties the kept bytes of a pipeline to its commits (docs/formats/raw.md): every frame that a
/// committed position has passed is in the folder, and none is there twice.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/clock.h"
#include "catchwater/base/random.h"
#include "catchwater/io/files.h"
#include "catchwater/ledger/ledger.h"
#include "catchwater/pipeline/plan.h"
#include "catchwater/raw/raw_folder.h"
#include "catchwater/raw/raw_writer.h"

namespace catchwater {

/// The consumer of the ledger's checkpoint that names the files of the last commit.
inline constexpr const char* kRawConsumer = "keep_raw";

struct RawKeepingContext {
  Files& files;
  const Clock& clock;
  Ledger* ledger = nullptr;  ///< Null: a pipeline without a lake.
};

/// One thread at a time: the runner's between attempts, the committer's during one. Copes with
/// pipelines that keep nothing (any more).
class RawKeeping {
 public:
  RawKeeping(std::shared_ptr<const PipelinePlan> plan, RawKeepingContext context);

  /// Finishes what an earlier attempt left: call with the lease held, before NewWriter.
  arrow::Status Recover(const Fence& fence);
  /// Null: nothing is kept.
  std::unique_ptr<RawWriter> NewWriter(const Fence& fence, Random* random) const;

  /// Before the commit: the files are durable and the plan names them.
  arrow::Status Prepare(std::vector<RawSegment>* segments, CommitPlan* plan);
  /// After it.
  arrow::Status Committed(const std::vector<RawSegment>& segments);
  void Refused(const std::vector<RawSegment>& segments);

 private:
  arrow::Status CleanUpWithoutLedger();
  std::string lease() const { return "pipeline/" + plan_->name; }

  const std::shared_ptr<const PipelinePlan> plan_;
  const RawKeepingContext context_;
  std::unique_ptr<RawFolder> folder_;  // Null: nothing is kept.
};

}  // namespace catchwater
