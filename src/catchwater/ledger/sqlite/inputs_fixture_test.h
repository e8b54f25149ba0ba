/// \file
/// What the tests of input files share: files that are found, claimed, done, and workers that die.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catchwater/ledger/sqlite/ledger_fixture_test.h"

namespace catchwater {

inline InputFound Found(const std::string& path, int64_t byte_count, const std::string& head,
                        std::optional<std::string> full = {}) {
  return {.key = {"p", "s", path, ""},
          .path = path,
          .byte_count = byte_count,
          .head_hash = head,
          .full_hash = std::move(full),
          .created_us = 1000};
}

class InputsTest : public LedgerTest {
 protected:
  int64_t Register(const InputFound& found) {
    return ledger_->RegisterInput(found).ValueOrDie().partition_id;
  }
  std::vector<InputFileRecord> Claim(const Fence& fence, int64_t limit = 10) {
    return ledger_->ClaimInputs("p", "s", fence, limit).ValueOrDie();
  }
  InputFileRecord Only() {
    const auto inputs = ledger_->Inputs({}).ValueOrDie();
    EXPECT_EQ(inputs.size(), 1u);
    return inputs.at(0);
  }
  // The worker is gone without a word; another one takes the lease over.
  Fence Kill(const std::string& next_owner) {
    clock_.Advance(31'000'000);
    return TakeLease("pipeline/p", next_owner);
  }
  CommitPlan Done(int64_t partition, const Fence& fence) {
    CommitPlan plan = Plan();
    plan.work = {{.kind = WorkMove::Kind::kInput,
                  .id = partition,
                  .lease = fence.lease,
                  .epoch = fence.epoch}};
    return plan;
  }
};

}  // namespace catchwater
