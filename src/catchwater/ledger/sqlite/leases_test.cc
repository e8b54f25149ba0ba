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

}  // namespace
}  // namespace catchwater
