#include "catchwater/pipeline/raw_keeping.h"

#include <set>
#include <stop_token>
#include <utility>

namespace catchwater {
namespace {

/// Without a lease nobody can tell a crashed run from a slow one.
constexpr int64_t kStaleUs = 86'400'000'000;

}  // namespace

RawKeeping::RawKeeping(std::shared_ptr<const PipelinePlan> plan, RawKeepingContext context)
    : plan_(std::move(plan)), context_(context) {
  if (plan_->keep_raw) {
    folder_ = std::make_unique<RawFolder>(plan_->keep_raw->folder, context_.files);
  }
}

arrow::Status RawKeeping::Recover(const Fence& fence) {
  if (folder_ != nullptr) ARROW_RETURN_NOT_OK(folder_->Prepare());
  if (context_.ledger == nullptr) return CleanUpWithoutLedger();
  const RawFolder::Owner owner{.lease = lease(), .epoch = fence.epoch};
  std::set<std::string> committed;
  ARROW_ASSIGN_OR_RAISE(const auto checkpoints,
                        context_.ledger->Checkpoints(plan_->name, kRawConsumer));
  for (const Checkpoint& checkpoint : checkpoints) {
    const std::set<std::string> names(checkpoint.files.begin(), checkpoint.files.end());
    if (folder_ != nullptr && checkpoint.meaning == plan_->keep_raw->folder) {
      committed = names;
    } else if (context_.files.Stat(checkpoint.meaning).ok()) {
      // The setting was changed since: the last flush may still be on its way to the old folder.
      ARROW_RETURN_NOT_OK(RawFolder(checkpoint.meaning, context_.files).Recover(owner, names));
    }
  }
  return folder_ == nullptr ? arrow::Status::OK() : folder_->Recover(owner, committed);
}

arrow::Status RawKeeping::CleanUpWithoutLedger() {
  if (folder_ == nullptr) return arrow::Status::OK();
  const int64_t now_us = context_.clock.NowMicros();
  ARROW_RETURN_NOT_OK(folder_->RemovePendingBefore(lease(), now_us - kStaleUs));
  if (!plan_->keep_raw->retain_ms) return arrow::Status::OK();
  // There is no maintenance beside a pipeline without a lake.
  const int64_t ended_us_below = now_us - *plan_->keep_raw->retain_ms * 1000;
  return folder_->RemoveExpired(ended_us_below, std::stop_token()).status();
}

std::unique_ptr<RawWriter> RawKeeping::NewWriter(const Fence& fence, Random* random) const {
  if (folder_ == nullptr) return nullptr;
  return std::make_unique<RawWriter>(RawOptions{.folder = plan_->keep_raw->folder,
                                                .lease = lease(),
                                                .epoch = fence.epoch,
                                                .uuid = random->Uuid(),
                                                .compresses = plan_->keep_raw->compresses},
                                     context_.files);
}

arrow::Status RawKeeping::Prepare(std::vector<RawSegment>* segments, CommitPlan* plan) {
  if (folder_ == nullptr || segments->empty()) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(folder_->MakeDurable(segments));
  if (plan == nullptr) return arrow::Status::OK();
  Checkpoint kept{.pipeline = plan_->name,
                  .consumer = kRawConsumer,
                  .shard = "",
                  .meaning = plan_->keep_raw->folder,
                  .files = {},
                  .watermark_us = std::nullopt};
  for (const RawSegment& segment : *segments) kept.files.push_back(segment.name);
  plan->state.push_back(std::move(kept));
  return arrow::Status::OK();
}

arrow::Status RawKeeping::Committed(const std::vector<RawSegment>& segments) {
  if (folder_ == nullptr) return arrow::Status::OK();
  std::vector<std::string> names;
  for (const RawSegment& segment : segments) names.push_back(segment.name);
  return folder_->Publish(names);
}

void RawKeeping::Refused(const std::vector<RawSegment>& segments) {
  if (folder_ != nullptr) folder_->Remove(segments);
}

}  // namespace catchwater
