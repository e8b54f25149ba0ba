#include "catchwater/base/timestamp.h"

#include <array>
#include <cstring>
#include <string>

#include <date/date.h>
#include <gtest/gtest.h>

#include "catchwater/base/random.h"

namespace catchwater {
namespace {

std::string Text(int64_t us) {
  std::string text;
  AppendTimestamp(us, /*with_z=*/true, &text);
  return text;
}

std::optional<UsualTime> Quickly(std::string_view text, std::string_view rest = ",1") {
  std::array<char, 128> padded{};
  std::memcpy(padded.data(), text.data(), std::min<size_t>(text.size(), 64));
  std::memcpy(padded.data() + std::min<size_t>(text.size(), 64), rest.data(), rest.size());
  DateMemory memory;
  const auto first = TryParseIso(padded.data(), text.size(), memory);
  const auto again = TryParseIso(padded.data(), text.size(), memory);
  EXPECT_EQ(first.has_value(), again.has_value()) << text;
  if (first) {
    EXPECT_EQ(first->us, again->us) << text;
  }
  return first;
}

TEST(ParseIso, ReadsAllForms) {
  struct Row {
    std::string_view text;
    std::string_view utc;
  };
  for (const Row& row : {
           Row{"2026-01-02", "2026-01-02T00:00:00Z"},
           Row{"20260102", "2026-01-02T00:00:00Z"},
           Row{"2026-002", "2026-01-02T00:00:00Z"},
           Row{"2026002", "2026-01-02T00:00:00Z"},
           Row{"2026-W01-5", "2026-01-02T00:00:00Z"},
           Row{"2026W015", "2026-01-02T00:00:00Z"},
           Row{"2020-W53-7", "2021-01-03T00:00:00Z"},
           Row{"2025-W01-1", "2024-12-30T00:00:00Z"},
           Row{"2024-366", "2024-12-31T00:00:00Z"},
           Row{"2026-01-02T03:04:05", "2026-01-02T03:04:05Z"},
           Row{"2026-01-02t03:04:05z", "2026-01-02T03:04:05Z"},
           Row{"2026-01-02 03:04:05Z", "2026-01-02T03:04:05Z"},
           Row{"2026-01-02 03:04", "2026-01-02T03:04:00Z"},
           Row{"2026-01-02T03", "2026-01-02T03:00:00Z"},
           Row{"20260102T030405Z", "2026-01-02T03:04:05Z"},
           Row{"20260102T0304", "2026-01-02T03:04:00Z"},
           Row{"20260102T030405.25+0130", "2026-01-02T01:34:05.25Z"},
           Row{"2026-01-02T03:04:05.1", "2026-01-02T03:04:05.1Z"},
           Row{"2026-01-02T03:04:05,123456", "2026-01-02T03:04:05.123456Z"},
           Row{"2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123456Z"},
           Row{"2026-01-02T03:04:05+01", "2026-01-02T02:04:05Z"},
           Row{"2026-01-02T03:04:05-05:30", "2026-01-02T08:34:05Z"},
           Row{"2026-01-02 03:04:05 +0100", "2026-01-02T02:04:05Z"},
           Row{"2026-01-02 03:04:05 UTC", "2026-01-02T03:04:05Z"},
           Row{"2026-01-02T03:04:05-00:00", "2026-01-02T03:04:05Z"},
           Row{"2026-01-02T24:00", "2026-01-03T00:00:00Z"},
           Row{"2000-02-29T23:59:59.999999Z", "2000-02-29T23:59:59.999999Z"},
           Row{"0001-01-01T00:00:00", "0001-01-01T00:00:00Z"},
           Row{"9999-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999Z"},
           Row{"1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5Z"},
       }) {
    const LocalTime time = ToUtc(ParseIso(row.text));
    EXPECT_EQ(time.fault, TimeFault::kNone) << row.text << ": " << TimeFaultText(time.fault);
    EXPECT_EQ(Text(time.us), row.utc) << row.text;
  }
}

TEST(ParseIso, SaysWhatIsWrong) {
  struct Row {
    std::string_view text;
    TimeFault fault;
  };
  for (const Row& row : {
           Row{"", TimeFault::kSyntax},
           Row{"now", TimeFault::kSyntax},
           Row{"2026", TimeFault::kSyntax},
           Row{"2026-01", TimeFault::kSyntax},
           Row{"26-01-02", TimeFault::kSyntax},
           Row{"02.01.2026", TimeFault::kSyntax},
           Row{"2026/01/02", TimeFault::kSyntax},
           Row{"12026-01-02", TimeFault::kSyntax},
           Row{" 2026-01-02", TimeFault::kSyntax},
           Row{"2026-01-02 ", TimeFault::kSyntax},
           Row{"2026-01-02T", TimeFault::kSyntax},
           Row{"2026-01-02T3:04:05", TimeFault::kSyntax},
           Row{"2026-01-02T03:4:05", TimeFault::kSyntax},
           Row{"2026-01-02X03:04:05", TimeFault::kSyntax},
           Row{"2026-01-02T03:04:05Zulu", TimeFault::kSyntax},
           Row{"2026-01-02T03:04:05 CET", TimeFault::kSyntax},
           Row{"2026-01-02T03:04:05[UTC]", TimeFault::kSyntax},
           Row{"0000-01-01", TimeFault::kRange},
           Row{"0001-01-01T00:00:00+01:00", TimeFault::kRange},
           Row{"9999-12-31T23:59:59-01:00", TimeFault::kRange},
           Row{"9999-12-31T24:00:00", TimeFault::kRange},
           Row{"9999-W52-7", TimeFault::kRange},
           Row{"2026-00-02", TimeFault::kMonth},
           Row{"2026-13-02", TimeFault::kMonth},
           Row{"2026-01-00", TimeFault::kDay},
           Row{"2026-04-31", TimeFault::kDay},
           Row{"2026-02-29", TimeFault::kDay},
           Row{"1900-02-29", TimeFault::kDay},
           Row{"2026-366", TimeFault::kDay},
           Row{"2026-000", TimeFault::kDay},
           Row{"2026-W54-1", TimeFault::kWeek},
           Row{"2025-W53-1", TimeFault::kWeek},
           Row{"2026-W00-1", TimeFault::kWeek},
           Row{"2026-W01-8", TimeFault::kWeekday},
           Row{"2026-01-02T25:00:00", TimeFault::kHour},
           Row{"2026-01-02T24:00:01", TimeFault::kHour},
           Row{"2026-01-02T03:60:00", TimeFault::kMinute},
           Row{"2026-01-02T03:04:61", TimeFault::kSecond},
           Row{"2016-12-31T23:59:60Z", TimeFault::kLeapSecond},
           Row{"2026-01-02T03:04:05.", TimeFault::kFraction},
           Row{"2026-01-02T03:04:05.1234567890", TimeFault::kFraction},
           Row{"2026-01-02T03:04:05+1", TimeFault::kOffset},
           Row{"2026-01-02T03:04:05+24:00", TimeFault::kOffset},
           Row{"2026-01-02T03:04:05+01:60", TimeFault::kOffset},
           Row{"2026-01-02T03:04:05+01:", TimeFault::kOffset},
       }) {
    LocalTime time = ParseIso(row.text);
    if (time.fault == TimeFault::kNone) time = ToUtc(time);
    EXPECT_EQ(time.fault, row.fault) << row.text << ": " << TimeFaultText(time.fault);
    const auto quick = Quickly(row.text);
    if (quick) {
      EXPECT_EQ(row.fault, TimeFault::kRange) << row.text;
    }
  }
}

TEST(TryParseIso, AgreesWithParseIsoOnEverySmallChange) {
  for (const std::string_view base : {"2026-01-02T03:04:05", "2024-02-29 23:59:59.999999Z",
                                      "1999-12-31T00:00:00.5", "0001-01-01 00:00:00.12345678Z"}) {
    ASSERT_TRUE(Quickly(base).has_value()) << base;
    for (size_t place = 0; place < base.size(); ++place) {
      for (int letter = 0; letter < 256; ++letter) {
        std::string text(base);
        text[place] = static_cast<char>(letter);
        const std::optional<UsualTime> quick = Quickly(text, "123");
        if (!quick) continue;
        const LocalTime slow = ParseIso(text);
        ASSERT_EQ(slow.fault, TimeFault::kNone) << text;
        ASSERT_EQ(quick->us, slow.us) << text;
        ASSERT_EQ(quick->is_utc, slow.has_offset) << text;
      }
    }
  }
}

TEST(TryParseIso, TakesEveryDayAndSecondThatExists) {
  for (int32_t days = kDayMin; days <= kDayMax; days += 97) {
    const int64_t us = days * kMicrosPerDay + ((days - kDayMin) % 86'400) * kMicrosPerSecond;
    std::string text;
    AppendTimestamp(us, /*with_z=*/false, &text);
    const std::optional<UsualTime> quick = Quickly(text);
    ASSERT_TRUE(quick.has_value()) << text;
    ASSERT_EQ(quick->us, us) << text;
  }
}

TEST(CivilFromDays, AgreesWithAnotherLibraryOnEveryDay) {
  for (int32_t days = kDayMin; days <= kDayMax; ++days) {
    const date::year_month_day expected{date::sys_days{date::days{days}}};
    const CivilDate ours = CivilFromDays(days);
    ASSERT_EQ(ours, (CivilDate{.year = int{expected.year()},
                               .month = static_cast<int32_t>(unsigned{expected.month()}),
                               .day = static_cast<int32_t>(unsigned{expected.day()})}));
    ASSERT_EQ(DaysFromCivil(static_cast<uint32_t>(ours.year), static_cast<uint32_t>(ours.month),
                            static_cast<uint32_t>(ours.day)),
              days);
  }
}

TEST(AppendTimestamp, ReadsBackAsTheSameInstant) {
  Random random(31);
  for (int i = 0; i < 200'000; ++i) {
    const int64_t us =
        kTimestampMin +
        static_cast<int64_t>(random.Below(static_cast<uint64_t>(kTimestampMax - kTimestampMin)));
    const std::string text = Text(us);
    ASSERT_EQ(ToUtc(ParseIso(text)).us, us) << text;
    ASSERT_EQ(Quickly(text)->us, us) << text;
  }
}

TEST(AppendTimestamp, WritesYearsBeyondFourDigits) {
  EXPECT_EQ(Text(kTimestampMax + 1), "10000-01-01T00:00:00Z");
  EXPECT_EQ(Text(kTimestampMin - 1), "0000-12-31T23:59:59.999999Z");
  EXPECT_EQ(Text(INT64_MIN), "-290308-12-21T19:59:05.224192Z");
  EXPECT_EQ(Text(INT64_MAX), "294247-01-10T04:00:54.775807Z");
}

TEST(ParseEpoch, ReadsSecondsMillisecondsAndMicroseconds) {
  struct Row {
    std::string_view text;
    int64_t units_per_second;
    int64_t us;
  };
  for (const Row& row : {
           Row{"0", 1, 0},
           Row{"1767323045", 1, 1'767'323'045'000'000},
           Row{"1767323045.25", 1, 1'767'323'045'250'000},
           Row{"1767323045.1234567", 1, 1'767'323'045'123'456},
           Row{"-1.5", 1, -1'500'000},
           Row{"+1", 1, 1'000'000},
           Row{"1767323045123", 1'000, 1'767'323'045'123'000},
           Row{"1767323045123.5", 1'000, 1'767'323'045'123'500},
           Row{"1767323045123456", 1'000'000, 1'767'323'045'123'456},
       }) {
    const LocalTime time = ParseEpoch(row.text, row.units_per_second);
    EXPECT_EQ(time.fault, TimeFault::kNone) << row.text;
    EXPECT_EQ(time.us, row.us) << row.text;
  }
}

TEST(ParseEpoch, RefusesEverythingElse) {
  for (const std::string_view text :
       {"", "-", "1.", ".5", "1e9", "1 ", " 1", "2026-01-02", "1.5x"}) {
    EXPECT_EQ(ParseEpoch(text, 1).fault, TimeFault::kNumber) << text;
  }
  for (const std::string_view text : {"253402300800", "-62135596801", "99999999999999999999999"}) {
    EXPECT_EQ(ParseEpoch(text, 1).fault, TimeFault::kRange) << text;
  }
}

TEST(MicrosFromEpoch, RefusesWhatIsOutOfRange) {
  EXPECT_EQ(MicrosFromEpoch(int64_t{253402300799}, 1), 253402300799000000);
  EXPECT_EQ(MicrosFromEpoch(int64_t{253402300800}, 1), std::nullopt);
  EXPECT_EQ(MicrosFromEpoch(INT64_MIN, 1'000'000), std::nullopt);
  EXPECT_EQ(MicrosFromEpoch(1.5, 1), 1'500'000);
  EXPECT_EQ(MicrosFromEpoch(1e18, 1), std::nullopt);
  EXPECT_EQ(MicrosFromEpoch(std::numeric_limits<double>::quiet_NaN(), 1), std::nullopt);
}

}  // namespace
}  // namespace catchwater
