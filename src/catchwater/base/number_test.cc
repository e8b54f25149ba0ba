#include "catchwater/base/number.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "catchwater/base/random.h"

namespace catchwater {
namespace {

// Reads by the quick way, the text being followed by what a field of a file may be followed by.
template <typename Try>
auto Quickly(std::string_view text, std::string_view rest, Try&& quick) {
  std::array<char, 128> padded{};
  std::memcpy(padded.data(), text.data(), text.size());
  std::memcpy(padded.data() + text.size(), rest.data(), rest.size());
  return quick(padded.data(), text.size());
}

TEST(ParseInt64, ReadsWhatIsInRange) {
  struct Row {
    std::string_view text;
    int64_t value;
  };
  for (const Row& row : {
           Row{"0", 0},
           Row{"-0", 0},
           Row{"+7", 7},
           Row{"007", 7},
           Row{"12345678", 12345678},
           Row{"123456789", 123456789},
           Row{"-1234567890123456", -1234567890123456},
           Row{"9223372036854775807", INT64_MAX},
           Row{"-9223372036854775808", INT64_MIN},
           Row{"00000000000000000000000000042", 42},
       }) {
    EXPECT_EQ(ParseInt64(row.text), row.value) << row.text;
  }
}

TEST(ParseInt64, RefusesEverythingElse) {
  for (const std::string_view text :
       {"", "-", "+", "+-1", "--1", " 1", "1 ", "1.0", "1e3", "0x10", "1_000", "1,000", "nan", "a",
        "9223372036854775808", "-9223372036854775809", "99999999999999999999", "\xC2\xB2"}) {
    EXPECT_EQ(ParseInt64(text), std::nullopt) << text;
    EXPECT_EQ(Quickly(text, ",123456789", TryParseInt64), std::nullopt) << text;
  }
}

TEST(TryParseInt64, AgreesWithTheSlowWayOrGivesUp) {
  Random random(11);
  int64_t agreed_count = 0;
  for (int i = 0; i < 200'000; ++i) {
    const auto value = static_cast<int64_t>(random.Next() >> random.Below(64));
    std::string text = std::to_string(random.Below(2) == 0 ? value : -value);
    if (random.Below(10) == 0)
      text[random.Below(text.size())] = static_cast<char>(random.Below(256));
    const std::optional<int64_t> quick = Quickly(text, "987654321", TryParseInt64);
    if (!quick) continue;
    ++agreed_count;
    ASSERT_EQ(quick, ParseInt64(text)) << text;
  }
  EXPECT_GT(agreed_count, 100'000);
}

TEST(ParseDouble, ReadsAllForms) {
  struct Row {
    std::string_view text;
    double value;
  };
  for (const Row& row : {
           Row{"0", 0.0}, Row{"1.5", 1.5}, Row{"+1.5", 1.5}, Row{"-1.5", -1.5}, Row{".5", 0.5},
           Row{"5.", 5.0}, Row{"1e3", 1000.0}, Row{"1E+3", 1000.0}, Row{"1e-3", 0.001},
           Row{"18.324918539200002", 18.324918539200002},
           Row{"1.7976931348623157e308", std::numeric_limits<double>::max()},
           Row{"4.9406564584124654e-324", std::numeric_limits<double>::denorm_min()},
           Row{"1e-400", 0.0}, Row{"1e-99999", 0.0},
           Row{"inf", std::numeric_limits<double>::infinity()},
           Row{"-Infinity", -std::numeric_limits<double>::infinity()},
           Row{"9007199254740993", 9007199254740992.0},  // Halfway: to even.
       }) {
    EXPECT_EQ(ParseDouble(row.text), row.value) << row.text;
  }
  EXPECT_TRUE(std::isnan(ParseDouble("NaN").value()));
  EXPECT_TRUE(std::signbit(ParseDouble("-0").value()));
}

TEST(ParseDouble, RefusesEverythingElse) {
  for (const std::string_view text :
       {"",      ".",  "-",      "+",     "e5",  "1e",  "1e+",   "1.2.3",  " 1",      "1 ", "1,5",
        "0x1p3", "1f", "nan(1)", "infin", "+-1", "--1", "1e400", "-1e400", "1e99999", "NA"}) {
    EXPECT_EQ(ParseDouble(text), std::nullopt) << text;
    EXPECT_EQ(Quickly(text, ",1", TryParseDouble), std::nullopt) << text;
  }
}

TEST(ParseFloat, RoundsOnce) {
  EXPECT_EQ(ParseFloat("16777217"), 16777216.0f);
  EXPECT_EQ(ParseFloat("3.5e38"), std::nullopt);
  EXPECT_EQ(ParseFloat("1e-60"), 0.0f);
  // Nearest to a double that lies between two floats: only the text can tell.
  EXPECT_EQ(TryNarrow(16777217.0), std::nullopt);
  EXPECT_EQ(TryNarrow(0.1), 0.1f);
  EXPECT_EQ(TryNarrow(1e39), std::nullopt);
}

// Law: the quick way is exactly the correctly rounded one, for all significands of up to 19 digits.
TEST(TryParseDouble, EqualsTheStandardLibraryBitForBit) {
  Random random(12);
  int64_t agreed_count = 0;
  for (int i = 0; i < 500'000; ++i) {
    const uint64_t whole = random.Next() >> (40 + random.Below(24));
    const uint64_t fraction = random.Next() >> random.Below(50);
    std::string text = (random.Below(2) == 0 ? "" : "-") + std::to_string(whole);
    if (random.Below(8) != 0) {
      text += "." + std::string(random.Below(3), '0') +
              std::to_string(fraction).substr(0, 1 + random.Below(16));
    }
    const std::optional<double> quick =
        Quickly(text, random.Below(2) == 0 ? "," : "7", TryParseDouble);
    if (!quick) continue;
    ++agreed_count;
    double expected = 0;
    std::from_chars(text.data(), text.data() + text.size(), expected);
    ASSERT_EQ(std::bit_cast<uint64_t>(*quick), std::bit_cast<uint64_t>(expected)) << text;
  }
  EXPECT_GT(agreed_count, 150'000);
}

TEST(TryParseDouble, RoundsHalfwayCasesToEven) {
  for (const std::string_view text :
       {"900719.9254740993", "900719925474099.3", "4503599.627370496500", "0.5000000000000001",
        "4503599.6273704965", "1.00000000000000011", "1.0000000000000001", "9007199.254740993"}) {
    double expected = 0;
    std::from_chars(text.data(), text.data() + text.size(), expected);
    const auto quick = Quickly(text, "\n", TryParseDouble);
    if (quick) {
      EXPECT_EQ(*quick, expected) << text;
    }
    EXPECT_EQ(ParseDouble(text), expected) << text;
  }
}

TEST(AppendNumber, WritesTheShortestThatReadsBack) {
  const auto text = [](auto value) {
    std::string result;
    AppendNumber(value, &result);
    return result;
  };
  EXPECT_EQ(text(0.1), "0.1");
  EXPECT_EQ(text(20.0), "20");
  EXPECT_EQ(text(0.1f), "0.1");
  EXPECT_EQ(text(1e300), "1e+300");
  EXPECT_EQ(text(INT64_MIN), "-9223372036854775808");
  EXPECT_EQ(text(UINT64_MAX), "18446744073709551615");
  EXPECT_EQ(text(-std::numeric_limits<double>::quiet_NaN()), "nan");
  EXPECT_EQ(text(-std::numeric_limits<double>::infinity()), "-inf");
  Random random(13);
  for (int i = 0; i < 100'000; ++i) {
    const auto value = std::bit_cast<double>(random.Next());
    if (std::isnan(value)) continue;
    ASSERT_EQ(std::bit_cast<uint64_t>(ParseDouble(text(value)).value()),
              std::bit_cast<uint64_t>(value));
  }
}

}  // namespace
}  // namespace catchwater
