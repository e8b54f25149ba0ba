#include "catchwater/lake/upkeep_commit.h"

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int64_t kLeaseMs = 60'000;

}  // namespace

arrow::Result<std::optional<UpkeepLease>> UpkeepLease::Take(Lake& lake,
                                                            const std::string& table_key,
                                                            const std::string& owner) {
  const std::string name = "upkeep/" + table_key;
  ARROW_ASSIGN_OR_RAISE(const auto epoch, lake.ledger().AcquireLease(name, owner, kLeaseMs));
  if (!epoch) return std::nullopt;
  return std::optional(UpkeepLease(&lake, {.lease = name, .epoch = *epoch}));
}

UpkeepLease::~UpkeepLease() {
  // A lease that stays held ends by itself.
  if (lake_ != nullptr) {
    static_cast<void>(lake_->ledger().ReleaseLease(fence_.lease, fence_.epoch));
  }
}

arrow::Status CommitUpkeep(Lake& lake, TableChange& change, const Fence& fence) {
  CommitRequest request;
  request.plan.id = lake.NewUuid();
  request.plan.actor = fence.lease;
  request.plan.fences = {fence};
  request.changes = {&change};
  Committer committer(lake);
  ARROW_ASSIGN_OR_RAISE(const CommitResult result, committer.Commit(std::move(request)));
  if (result.outcome != Outcome::kCommitted) {
    return Conflict("Upkeep was refused, table and outcome: ", change.table_key(), " ",
                    OutcomeName(result.outcome));
  }
  return arrow::Status::OK();
}

}  // namespace catchwater
