#include "catchwater/base/duration.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

struct Case {
  std::string name;
  std::string text;
  std::optional<int64_t> want_ms;  // nullopt: must be a config error.
  std::string want_message = "";   // Part of the message; only for the invalid ones.
};

const std::vector<Case> kCases = {
    {"Milliseconds", "250ms", 250},
    {"Seconds", "90s", 90'000},
    {"Minutes", "5m", 300'000},
    {"TwoHours", "2h", 7'200'000},
    {"Days", "1d", 86'400'000},
    {"LeadingZero", "05m", 300'000},
    {"LargestThatFits", "9223372036854775807ms", INT64_MAX},
    {"Empty", "", std::nullopt, "positive integer"},
    {"Zero", "0s", std::nullopt, "positive integer"},
    {"Negative", "-1s", std::nullopt, "positive integer"},
    {"PlusSign", "+1s", std::nullopt, "positive integer"},
    {"OnlyUnit", "ms", std::nullopt, "positive integer"},
    {"NoUnit", "10", std::nullopt, "needs a unit"},
    {"UnknownUnit", "10w", std::nullopt, "needs a unit"},
    {"UpperCaseUnit", "10S", std::nullopt, "needs a unit"},
    {"SpaceInside", "10 s", std::nullopt, "needs a unit"},
    {"SpaceBehind", "10s ", std::nullopt, "needs a unit"},
    {"Fraction", "1.5h", std::nullopt, "needs a unit"},
    {"ProductTooLarge", "9223372036854775807s", std::nullopt, "does not fit"},
    {"NumberTooLarge", "9223372036854775808ms", std::nullopt, "positive integer"},
};

class ParseDurationTest : public ::testing::TestWithParam<Case> {};

TEST_P(ParseDurationTest, Parses) {
  const auto& [name, text, want_ms, want_message] = GetParam();
  const auto got = ParseDuration(text);
  if (want_ms) {
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(got->ms, *want_ms);
  } else {
    ASSERT_FALSE(got.ok()) << "accepted: " << text;
    EXPECT_EQ(KindOf(got.status()), ErrorKind::kConfig);
    EXPECT_NE(got.status().message().find(want_message), std::string::npos) << got.status();
  }
}

INSTANTIATE_TEST_SUITE_P(Table, ParseDurationTest, ::testing::ValuesIn(kCases),
                         [](const auto& test) { return test.param.name; });

TEST(FormatDuration, UsesTheLargestUnitThatDivides) {
  EXPECT_EQ(FormatDuration({0}), "0ms");
  EXPECT_EQ(FormatDuration({1}), "1ms");
  EXPECT_EQ(FormatDuration({1'500}), "1500ms");
  EXPECT_EQ(FormatDuration({90'000}), "90s");
  EXPECT_EQ(FormatDuration({3'600'000}), "1h");
  EXPECT_EQ(FormatDuration({90'000'000}), "25h");
  EXPECT_EQ(FormatDuration({172'800'000}), "2d");
}

TEST(FormatDuration, IsReadBackAsTheSameLength) {
  for (int64_t ms = 1; ms < INT64_MAX / 7; ms = ms * 7 + 1) {
    const auto back = ParseDuration(FormatDuration({ms}));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->ms, ms);
  }
}

TEST(Duration, MicrosecondsSaturate) {
  EXPECT_EQ(Duration::Seconds(2).us(), 2'000'000);
  EXPECT_EQ(Duration{INT64_MAX}.us(), INT64_MAX);
}

}  // namespace
}  // namespace catchwater
