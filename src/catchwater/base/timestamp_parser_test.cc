#include "catchwater/base/timestamp_parser.h"

#include <string>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

std::string Read(std::string_view format, std::string_view zone, std::string_view text) {
  auto parser = TimestampParser::Make(format, zone);
  if (!parser.ok()) return parser.status().message();
  const LocalTime time = parser->Parse(text);
  if (time.fault != TimeFault::kNone) return std::string(TimeFaultText(time.fault));
  std::string result;
  AppendTimestamp(time.us, /*with_z=*/true, &result);
  return result;
}

TEST(TimestampParser, FollowsPatterns) {
  struct Row {
    std::string_view pattern;
    std::string_view text;
    std::string_view utc;
  };
  for (const Row& row : {
           Row{"%d.%m.%Y %H:%M", "02.01.2026 03:04", "2026-01-02T03:04:00Z"},
           Row{"%d.%m.%Y %H:%M", "2.1.2026 3:4", "2026-01-02T03:04:00Z"},
           Row{"%Y%m%d%H%M%S", "20260102030405", "2026-01-02T03:04:05Z"},
           Row{"%F %T.%f", "2026-01-02 03:04:05.123", "2026-01-02T03:04:05.123Z"},
           Row{"%FT%T%z", "2026-01-02T03:04:05+01:30", "2026-01-02T01:34:05Z"},
           Row{"%FT%T%z", "2026-01-02T03:04:05-0130", "2026-01-02T04:34:05Z"},
           Row{"%FT%T%z", "2026-01-02T03:04:05+01", "2026-01-02T02:04:05Z"},
           Row{"%FT%T%z", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"},
           Row{"%F %T %Z", "2026-01-02 03:04:05 GMT", "2026-01-02T03:04:05Z"},
           Row{"%m/%d/%y %I:%M %p", "01/02/26 12:04 AM", "2026-01-02T00:04:00Z"},
           Row{"%m/%d/%y %I:%M %p", "01/02/69 12:04 pm", "1969-01-02T12:04:00Z"},
           Row{"%D", "01/02/68", "2068-01-02T00:00:00Z"},
           Row{"%a, %d %b %Y %H:%M:%S %Z", "Fri, 02 Jan 2026 03:04:05 GMT", "2026-01-02T03:04:05Z"},
           Row{"%B %e, %Y", "february  9, 2026", "2026-02-09T00:00:00Z"},
           Row{"%Y-%j", "2024-366", "2024-12-31T00:00:00Z"},
           Row{"%s", "1767323045", "2026-01-02T03:04:05Z"},
           Row{"%s.%f", "1767323045.5", "2026-01-02T03:04:05.5Z"},
           Row{"100%% %F", "100% 2026-01-02", "2026-01-02T00:00:00Z"},
       }) {
    EXPECT_EQ(Read(row.pattern, "", row.text), row.utc) << row.pattern << " " << row.text;
  }
}

TEST(TimestampParser, RefusesWhatDoesNotFollowThePattern) {
  struct Row {
    std::string_view pattern;
    std::string_view text;
    TimeFault fault;
  };
  for (const Row& row : {
           Row{"%d.%m.%Y", "", TimeFault::kPattern},
           Row{"%d.%m.%Y", "02.01", TimeFault::kPattern},
           Row{"%d.%m.%Y", "02.01.2026 ", TimeFault::kPattern},
           Row{"%d.%m.%Y", "02.01.20261", TimeFault::kPattern},
           Row{"%d.%m.%Y", "02.01.26", TimeFault::kPattern},
           Row{"%d.%m.%Y", "02-01-2026", TimeFault::kPattern},
           Row{"%d.%m.%Y", "32.01.2026", TimeFault::kDay},
           Row{"%d.%m.%Y", "30.02.2026", TimeFault::kDay},
           Row{"%d.%m.%Y", "02.13.2026", TimeFault::kMonth},
           Row{"%d.%m.%Y", "02.01.0000", TimeFault::kRange},
           Row{"%d %b %Y", "02 Foo 2026", TimeFault::kMonth},
           Row{"%Y-%j", "2025-366", TimeFault::kDay},
           Row{"%F %T", "2026-01-02 24:00:00", TimeFault::kHour},
           Row{"%F %T", "2026-01-02 03:60:00", TimeFault::kMinute},
           Row{"%F %T", "2016-12-31 23:59:60", TimeFault::kLeapSecond},
           Row{"%F %I %p", "2026-01-02 13 PM", TimeFault::kHour},
           Row{"%F %I %p", "2026-01-02 11 XM", TimeFault::kPattern},
           Row{"%F %Z", "2026-01-02 CET", TimeFault::kZoneName},
           Row{"%F %T%z", "2026-01-02 03:04:05", TimeFault::kOffset},
           Row{"%F %T%z", "2026-01-02 03:04:05+25:00", TimeFault::kOffset},
           Row{"%s", "999999999999", TimeFault::kRange},
           Row{"%a %F", "Xyz 2026-01-02", TimeFault::kWeekday},
       }) {
    EXPECT_EQ(Read(row.pattern, "", row.text), TimeFaultText(row.fault)) << row.pattern << row.text;
  }
}

TEST(TimestampParser, RefusesFormatsThatMakeNoSense) {
  for (const std::string_view format :
       {"epoch", "rfc3339", "%H:%M", "%Y-%m", "%d.%m", "%F %Q", "%F %", "%F %I:%M", "%F %H %p"}) {
    const auto parser = TimestampParser::Make(format, "");
    ASSERT_FALSE(parser.ok()) << format;
    EXPECT_EQ(KindOf(parser.status()), ErrorKind::kConfig) << format;
  }
  const auto parser = TimestampParser::Make("iso", "Europe/Atlantis");
  ASSERT_FALSE(parser.ok());
  EXPECT_EQ(KindOf(parser.status()), ErrorKind::kConfig);
  EXPECT_NE(parser.status().message().find("Europe/Atlantis"), std::string::npos);
}

TEST(TimestampParser, KnowsZones) {
  struct Row {
    std::string_view zone;
    std::string_view text;
    std::string_view utc;
  };
  const std::string_view gap = TimeFaultText(TimeFault::kGap);
  for (const Row& row : {
           Row{"Europe/Paris", "2026-01-02T03:04:05", "2026-01-02T02:04:05Z"},
           Row{"Europe/Paris", "2026-07-02T03:04:05", "2026-07-02T01:04:05Z"},
           Row{"Europe/Paris", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"},
           Row{"Europe/Paris", "2026-01-02T03:04:05+05:00", "2026-01-01T22:04:05Z"},
           // Clocks go from 02:00 to 03:00 on March 29th, from 03:00 to 02:00 on October 25th.
           Row{"Europe/Paris", "2026-03-29T01:59:59.999999", "2026-03-29T00:59:59.999999Z"},
           Row{"Europe/Paris", "2026-03-29T02:00:00", gap},
           Row{"Europe/Paris", "2026-03-29T02:59:59", gap},
           Row{"Europe/Paris", "2026-03-29T03:00:00", "2026-03-29T01:00:00Z"},
           Row{"Europe/Paris", "2026-10-25T01:59:59", "2026-10-24T23:59:59Z"},
           Row{"Europe/Paris", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"},
           Row{"Europe/Paris", "2026-10-25T03:00:00", "2026-10-25T02:00:00Z"},
           Row{"Asia/Kolkata", "2026-01-02T03:04:05", "2026-01-01T21:34:05Z"},
           Row{"America/St_Johns", "2026-01-02T03:04:05", "2026-01-02T06:34:05Z"},
           Row{"Australia/Lord_Howe", "2026-10-04T02:15:00", gap},
           Row{"Etc/UTC", "2026-01-02T03:04:05", "2026-01-02T03:04:05Z"},
       }) {
    EXPECT_EQ(Read("iso", row.zone, row.text), row.utc) << row.zone << " " << row.text;
  }
}

// The stretch of time without a change is remembered: order of the calls must not matter.
TEST(TimestampParser, RemembersNothingWrongAboutZones) {
  auto used = TimestampParser::Make("iso", "Europe/Berlin").ValueOrDie();
  for (int round = 0; round < 2; ++round) {
    for (int32_t day = 20'000; day < 21'000; ++day) {
      const int32_t scattered = 20'000 + (day * 7919) % 1'000;
      for (int hour = 0; hour < 24; ++hour) {
        std::string text;
        AppendTimestamp(scattered * kMicrosPerDay + hour * int64_t{3'600'000'000}, false, &text);
        auto fresh = TimestampParser::Make("iso", "Europe/Berlin").ValueOrDie();
        const LocalTime expected = fresh.Parse(text);
        const LocalTime got = used.Parse(text);
        ASSERT_EQ(got.fault, expected.fault) << text;
        ASSERT_EQ(got.us, expected.us) << text;
        const auto quick = used.TryParse(text.append(32, ' ').data(), 19);
        ASSERT_EQ(quick.has_value(), expected.fault == TimeFault::kNone) << text;
        if (quick) {
          ASSERT_EQ(*quick, expected.us) << text;
        }
      }
    }
  }
}

TEST(TimestampParser, ReadsDays) {
  const auto parser = TimestampParser::Make("iso", "").ValueOrDie();
  EXPECT_EQ(parser.ParseDay("1970-01-03").us, 2 * kMicrosPerDay);
  EXPECT_EQ(parser.ParseDay("1970-01-03T00:00:00Z").us, 2 * kMicrosPerDay);
  EXPECT_EQ(parser.ParseDay("1970-01-03T00:00:01").fault, TimeFault::kTimeOfDay);
  const auto epoch = TimestampParser::Make("epoch_s", "").ValueOrDie();
  EXPECT_EQ(epoch.ParseDay("-1").us, -kMicrosPerDay);
}

}  // namespace
}  // namespace catchwater
