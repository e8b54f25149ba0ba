#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catchwater/ledger/sqlite/ledger_fixture_test.h"

namespace catchwater {
namespace {

class LeasesTest : public LedgerTest {
 protected:
  std::optional<int64_t> Acquire(const std::string& owner) {
    return ledger_->AcquireLease("l", owner, 1000).ValueOrDie();
  }
  bool Renew(int64_t epoch) { return ledger_->RenewLease("l", epoch, 1000).ValueOrDie(); }
};

TEST_F(LeasesTest, AFreeLeaseIsTaken) {
  EXPECT_EQ(Acquire("a"), 1);
  const auto leases = ledger_->Leases().ValueOrDie();
  ASSERT_EQ(leases.size(), 1u);
  EXPECT_EQ(leases[0].owner, "a");
  EXPECT_EQ(leases[0].expires_us, clock_.NowMicros() + 1'000'000);
}

TEST_F(LeasesTest, AHeldLeaseIsRefusedToOthersUntilItExpires) {
  EXPECT_EQ(Acquire("a"), 1);
  clock_.Advance(999'999);
  EXPECT_EQ(Acquire("b"), std::nullopt);
  clock_.Advance(1);
  EXPECT_EQ(Acquire("b"), 2);
  EXPECT_EQ(Acquire("a"), std::nullopt);
}

TEST_F(LeasesTest, ItsOwnerKeepsTheEpochEvenAfterExpiry) {
  EXPECT_EQ(Acquire("a"), 1);
  EXPECT_EQ(Acquire("a"), 1);
  clock_.Advance(5'000'000);
  EXPECT_EQ(Acquire("a"), 1) << "nobody else had it";
}

TEST_F(LeasesTest, RenewingProlongsAndTellsOfALoss) {
  EXPECT_EQ(Acquire("a"), 1);
  clock_.Advance(900'000);
  EXPECT_TRUE(Renew(1));
  clock_.Advance(900'000);
  EXPECT_EQ(Acquire("b"), std::nullopt);
  EXPECT_FALSE(Renew(2));
  clock_.Advance(100'000);
  EXPECT_EQ(Acquire("b"), 2);
  EXPECT_FALSE(Renew(1));
  EXPECT_FALSE(ledger_->RenewLease("none", 1, 1000).ValueOrDie());
}

TEST_F(LeasesTest, AReleasedLeaseIsFreeWithANewEpoch) {
  EXPECT_EQ(Acquire("a"), 1);
  ASSERT_TRUE(ledger_->ReleaseLease("l", 1).ok());
  EXPECT_FALSE(Renew(1));
  EXPECT_FALSE(Renew(2)) << "nobody holds it";
  const auto epoch = Acquire("a");
  ASSERT_TRUE(epoch);
  EXPECT_GT(*epoch, 1);
}

TEST_F(LeasesTest, ReleasingWhatWasLostChangesNothing) {
  EXPECT_EQ(Acquire("a"), 1);
  clock_.Advance(2'000'000);
  EXPECT_EQ(Acquire("b"), 2);
  ASSERT_TRUE(ledger_->ReleaseLease("l", 1).ok());
  EXPECT_TRUE(Renew(2));
}

TEST_F(LeasesTest, ReleasingGivesWorkBackWithoutCountingTheAttempt) {
  for (int round = 0; round < 5; ++round) {  // More often than attempts are allowed.
    ASSERT_TRUE(
        ledger_
            ->RegisterInput(
                {.key = {"p", "s", "/a", ""}, .path = "/a", .byte_count = 1, .head_hash = "h"})
            .ok());
    const Fence fence = TakeLease("l");
    const auto claimed = ledger_->ClaimInputs("p", "s", fence, 1).ValueOrDie();
    ASSERT_EQ(claimed.size(), 1u);
    EXPECT_EQ(claimed[0].attempts, 1);
    if (round == 0) {
      CommitPlan plan = Plan();
      plan.tables = {Append("", "m1", {File("f1")})};
      ASSERT_EQ(Commit(plan), Outcome::kCommitted);
    }
    const int64_t file_id = ledger_->DataFiles({}).ValueOrDie().at(0).id;
    ASSERT_TRUE(ledger_->ClaimDataFiles({file_id}, fence).ValueOrDie());
    ASSERT_TRUE(ledger_->ReleaseLease("l", fence.epoch).ok());
    EXPECT_EQ(ledger_->InputCounts("p").ValueOrDie().to_process, 1);
    EXPECT_EQ(ledger_->DataFileCounts("db.t").ValueOrDie().to_process, 1);
    EXPECT_EQ(ledger_->DataFiles({}).ValueOrDie()[0].attempts, 0);
  }
  EXPECT_TRUE(Violations().empty());
}

TEST_F(LeasesTest, FencingAllLeavesNobodyWithALease) {
  const Fence a = TakeLease("a");
  const Fence b = TakeLease("b");
  ASSERT_TRUE(ledger_->FenceAll(100).ok());
  for (const Fence& fence : {a, b}) {
    EXPECT_FALSE(ledger_->RenewLease(fence.lease, fence.epoch, 1000).ValueOrDie());
    EXPECT_GE(TakeLease(fence.lease, "other").epoch, fence.epoch + 100);
  }
}

}  // namespace
}  // namespace catchwater
