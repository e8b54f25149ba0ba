#include "catchwater/telemetry/log.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/testing/fake_clock.h"

namespace catchwater {
namespace {

struct Fixture {
  FakeClock clock;
  Metrics metrics;
  std::vector<std::string> lines;

  Log Make(LogFormat format = LogFormat::kLogfmt, LogLevel level = LogLevel::kInfo) {
    LogOptions options;
    options.level = level;
    options.format = format;
    options.write = [this](std::string_view line) { lines.emplace_back(line); };
    return Log(options, clock, &metrics);
  }
};

TEST(Log, WritesOneLineOfFields) {
  Fixture fixture;
  Log log = fixture.Make();
  log.Info("file.opened", {{"object", "in/a b.csv"}, {"bytes", 12}, {"share", 0.5}, {"ok", true}});
  ASSERT_EQ(fixture.lines.size(), 1U);
  EXPECT_EQ(fixture.lines[0],
            "2026-01-01T00:00:00Z level=info event=file.opened object=\"in/a b.csv\" bytes=12 "
            "share=0.5 ok=true\n");
}

TEST(Log, WritesJsonThatParses) {
  Fixture fixture;
  Log log = fixture.Make(LogFormat::kJson);
  const std::string nasty = "a\"b\\c\nd\x01\té";
  log.Error("x.failed", {{"reason", nasty}, {"attempts", 3}, {"status", BadData("why: ", 7)}});
  const auto record = nlohmann::json::parse(fixture.lines.at(0));
  EXPECT_EQ(record["level"], "error");
  EXPECT_EQ(record["reason"], nasty);
  EXPECT_EQ(record["attempts"], 3);
  EXPECT_EQ(record["status"], "why: 7");
  EXPECT_EQ(record["time"], "2026-01-01T00:00:00Z");
}

TEST(Log, LeavesOutWhatIsBelowItsLevel) {
  Fixture fixture;
  Log log = fixture.Make(LogFormat::kLogfmt, LogLevel::kWarning);
  log.Info("quiet");
  log.Debug("quieter");
  EXPECT_TRUE(fixture.lines.empty());
  log.Warning("loud");
  EXPECT_EQ(fixture.lines.size(), 1U);
  EXPECT_EQ(log.error_count(), 0);
}

TEST(Log, LimitsRepetitionAndTellsHowMuch) {
  Fixture fixture;
  Log log = fixture.Make();
  for (int i = 0; i < 100; ++i) log.Error("disk.full", {{"object", "a"}});
  EXPECT_EQ(fixture.lines.size(), 5U);
  log.Error("disk.full", {{"object", "b"}});
  EXPECT_EQ(fixture.lines.size(), 6U) << "another object is another event";
  fixture.clock.Advance(60'000'000);
  log.Error("disk.full", {{"object", "a"}});
  ASSERT_EQ(fixture.lines.size(), 7U);
  EXPECT_NE(fixture.lines.back().find("suppressed=95"), std::string::npos);
  EXPECT_EQ(log.error_count(), 102);
  EXPECT_EQ(fixture.metrics.counter(Metric::kLogRecords, {"error"}).value(), 7);
  EXPECT_EQ(fixture.metrics.counter(Metric::kLogRecordsSuppressed, {"error"}).value(), 95);
}

TEST(Log, RemembersABoundedNumberOfEvents) {
  Fixture fixture;
  Log log = fixture.Make();
  for (size_t i = 0; i < 3 * Log::kRepeatsMax; ++i) {
    log.Info("file.opened", {{"object", std::to_string(i)}});
  }
  EXPECT_EQ(fixture.lines.size(), 3 * Log::kRepeatsMax);
}

TEST(Log, CutsLongTexts) {
  Fixture fixture;
  Log log = fixture.Make();
  std::string text(Log::kTextBytesMax - 1, 'x');
  for (int i = 0; i < 1'000; ++i) text += "é";
  log.Info("x", {{"text", text}});
  EXPECT_LT(fixture.lines.at(0).size(), Log::kTextBytesMax + 100);
  EXPECT_TRUE(fixture.lines.at(0).ends_with("x\n")) << "not in the middle of a character";
}

TEST(Log, NeverShowsASecret) {
  Fixture fixture;
  Log log = fixture.Make();
  log.Info("x", {{"password", "hunter2"},
                 {"sasl_token", "hunter2"},
                 {"url", "postgres://me:hunter2@db/x"},
                 {"reason", "cannot reach amqp://u:hunter2@h:5672/v and http://hunter2@x"}});
  EXPECT_EQ(fixture.lines.at(0).find("hunter2"), std::string::npos) << fixture.lines.at(0);
  EXPECT_NE(fixture.lines.at(0).find("postgres://***@db/x"), std::string::npos);
}

struct UrlCase {
  std::string name, text, want;
};
const std::vector<UrlCase> kUrlCases = {
    {"None", "plain text", "plain text"},
    {"NoUser", "mqtt://host:1883/a@b", "mqtt://host:1883/a@b"},
    {"User", "mqtt://u:p@host", "mqtt://***@host"},
    {"AtInPassword", "x://u:p@w@host/", "x://***@host/"},
    {"Two", "a://u:p@h b://v:q@i", "a://***@h b://***@i"},
    {"Empty", "", ""},
    {"OnlyScheme", "x://", "x://"},
};
class WithoutUrlSecretsTest : public ::testing::TestWithParam<UrlCase> {};
TEST_P(WithoutUrlSecretsTest, Hides) {
  EXPECT_EQ(WithoutUrlSecrets(GetParam().text), GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, WithoutUrlSecretsTest, ::testing::ValuesIn(kUrlCases),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace catchwater
