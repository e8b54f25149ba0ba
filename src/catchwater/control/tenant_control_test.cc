#include "catchwater/control/tenant_control.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/lake/lake_fixture_test.h"
#include "catchwater/pipeline/app_switches.h"

namespace catchwater {
namespace {

class TenantControlTest : public ::testing::Test {
 protected:
  TenantControlTest()
      : ledger_(Ledger::Open({.path = folder_.path() + "/ledger.sqlite"}, clock_).ValueOrDie()) {}

  TenantControl Make(std::function<arrow::Status()> take_switches = [] {
    return arrow::Status::OK();
  }) {
    AppReport hot{.app = "hot", .rows_in = 7};
    return TenantControl({.pipeline = "p",
                          .apps = {"hot", "cold"},
                          .ledger = *ledger_,
                          .new_uuid = [this] { return "c" + std::to_string(++commits_); },
                          .hold_app = [this](const std::string& app) { held_.push_back(app); },
                          .take_switches = std::move(take_switches),
                          .reports = [hot] { return std::vector<AppReport>{hot}; }});
  }
  std::string Ask(std::string_view request) { return Make().Answer(request).ValueOrDie().text; }
  AppStates States() { return ReadAppStates(*ledger_, "p").ValueOrDie(); }

  TemporaryFolder folder_;
  StillClock clock_;
  std::unique_ptr<Ledger> ledger_;
  int commits_ = 0;
  std::vector<std::string> held_;  // Apps, each time one was held.
};

TEST_F(TenantControlTest, SwitchesAnAppOnceHoweverOftenItIsAsked) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Ask(R"({"app": "hot", "do": "disable"})"),
              R"({"ok":true,"app":"hot","state":"disabled"})");
  }
  EXPECT_EQ(commits_, 1);
  EXPECT_EQ(held_, std::vector<std::string>(3, "hot")) << "before it is off";
  EXPECT_EQ(States(), (AppStates{{"hot", false}}));
  EXPECT_EQ(Ask(R"({"app": "hot", "do": "enable"})"),
            R"({"ok":true,"app":"hot","state":"enabled"})");
  EXPECT_EQ(held_.size(), 3U) << "not to be on";
  EXPECT_EQ(States(), (AppStates{{"hot", true}}));
}

TEST_F(TenantControlTest, TellsOfItsOwnAppsOnly) {
  EXPECT_EQ(Ask(R"({"do": "status"})"), R"({"ok":true,"apps":[{"app":"hot","state":"enabled"},)"
                                        R"({"app":"cold","state":"enabled"}]})");
  const std::string metrics = Ask(R"({"app": "hot", "do": "metrics"})");
  EXPECT_NE(metrics.find(R"("metrics":{"rows_in":7,)"), metrics.npos) << metrics;
  EXPECT_EQ(metrics.find("cold"), metrics.npos);
  EXPECT_EQ(Ask(R"({"app": "theirs", "do": "disable"})"),
            R"({"ok":false,"error":"You have no app of this name; yours are hot, cold"})");
  EXPECT_TRUE(States().empty());
}

TEST_F(TenantControlTest, AnswersWhatIsNoRequestAndCountsIt) {
  const std::string endless(100'000, ' ');
  for (const std::string_view bad :
       {std::string_view(""), std::string_view("[]"), std::string_view("7"),
        std::string_view("{\"do\": 1}"), std::string_view("{\"do\": \"stop\"}"),
        std::string_view("{\"do\": \"enable\"}"), std::string_view("{\"else\": 1}"),
        std::string_view("\xff"), std::string_view(endless)}) {
    const auto answer = Make().Answer(bad).ValueOrDie();
    EXPECT_TRUE(answer.is_refused) << bad;
    EXPECT_EQ(answer.text.find(R"({"ok":false,"error":")"), 0U) << answer.text;
  }
}

TEST_F(TenantControlTest, LeavesTheMessageIfTheSwitchHasNoEffectYet) {
  const auto answer =
      Make([] { return Unavailable("not now"); }).Answer(R"({"app": "hot", "do": "disable"})");
  EXPECT_EQ(KindOf(answer.status()), ErrorKind::kUnavailable);
  // It comes again: the switch is there, the effect is asked for once more.
  EXPECT_EQ(Ask(R"({"app": "hot", "do": "disable"})"),
            R"({"ok":true,"app":"hot","state":"disabled"})");
  EXPECT_EQ(commits_, 1);
}

}  // namespace
}  // namespace catchwater
