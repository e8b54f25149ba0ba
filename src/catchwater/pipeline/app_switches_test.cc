#include "catchwater/pipeline/app_switches.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/lake/lake_fixture_test.h"

namespace catchwater {
namespace {

class AppSwitchesTest : public ::testing::Test {
 protected:
  std::unique_ptr<Ledger> Open() {
    return Ledger::Open({.path = folder_.path() + "/ledger.sqlite"}, clock_).ValueOrDie();
  }
  void Write(Ledger& ledger, const std::string& app, bool is_on) {
    ASSERT_TRUE(WriteAppState(ledger, "p", app, is_on, "c" + std::to_string(++commits_)).ok());
  }

  TemporaryFolder folder_;
  StillClock clock_;
  int commits_ = 0;
};

TEST_F(AppSwitchesTest, AnAppIsOnUntilItIsSwitchedOff) {
  const auto ledger = Open();
  AppSwitches switches("p", {"a", "b"});
  EXPECT_TRUE(switches.is_on("a"));
  ASSERT_TRUE(switches.Read(*ledger).ok());
  EXPECT_TRUE(switches.is_on("a"));
  Write(*ledger, "a", /*is_on=*/false);
  EXPECT_TRUE(switches.is_on("a")) << "not told yet";
  ASSERT_TRUE(switches.Read(*ledger).ok());
  EXPECT_FALSE(switches.is_on("a"));
  EXPECT_TRUE(switches.is_on("b"));
  EXPECT_FALSE(switches.are_all_on());
  Write(*ledger, "a", /*is_on=*/true);
  ASSERT_TRUE(switches.Read(*ledger).ok());
  EXPECT_TRUE(switches.are_all_on());
}

TEST_F(AppSwitchesTest, TheLastSwitchHoldsInALedgerThatIsOpenedAgain) {
  {
    const auto ledger = Open();
    for (const bool is_on : {false, true, false}) Write(*ledger, "a", is_on);
    Write(*ledger, "gone", /*is_on=*/false);
  }
  const auto ledger = Open();
  EXPECT_EQ(ReadAppStates(*ledger, "p").ValueOrDie(), (AppStates{{"a", false}, {"gone", false}}));
  EXPECT_TRUE(ReadAppStates(*ledger, "other").ValueOrDie().empty());
  AppSwitches switches("p", {"a", "b"});
  ASSERT_TRUE(switches.Read(*ledger).ok());
  EXPECT_FALSE(switches.is_on("a"));
}

TEST_F(AppSwitchesTest, ASwitchIsAnEventOfTheFeed) {
  const auto ledger = Open();
  Write(*ledger, "a", /*is_on=*/false);
  Write(*ledger, "a", /*is_on=*/true);
  std::vector<std::string> switched;
  for (const Event& event : ledger->Feed(0, 10).ValueOrDie()) {
    if (event.object == "p/a") switched.push_back(event.kind);
  }
  EXPECT_EQ(switched, (std::vector<std::string>{"app_disabled", "app_enabled"}));
  EXPECT_TRUE(ledger->CheckInvariants().ValueOrDie().empty());
}

}  // namespace
}  // namespace catchwater
