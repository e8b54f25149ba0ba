#include "catchwater/base/decimal.h"

#include <string>

#include <gtest/gtest.h>

#include "catchwater/base/random.h"

namespace catchwater {
namespace {

std::string Text(Int128 value, int32_t scale) {
  std::string text;
  AppendDecimal(value, scale, &text);
  return text;
}

TEST(ParseDecimal, IsExact) {
  struct Row {
    std::string_view text;
    int32_t precision;
    int32_t scale;
    std::string_view value;
  };
  for (const Row& row : {
           Row{"0", 5, 2, "0.00"},
           Row{"-0", 5, 2, "0.00"},
           Row{"12.3", 5, 2, "12.30"},
           Row{"+12.30", 5, 2, "12.30"},
           Row{"-.5", 5, 2, "-0.50"},
           Row{"7.", 5, 2, "7.00"},
           Row{"12.3000000000000000000000000000000000000000000", 5, 2, "12.30"},
           Row{"000000000000000000000000000000000000000000012", 5, 2, "12.00"},
           Row{"1.5e1", 5, 2, "15.00"},
           Row{"1500e-2", 5, 2, "15.00"},
           Row{"0e999999999999", 5, 2, "0.00"},
           Row{"999.99", 5, 2, "999.99"},
           Row{"99999999999999999999999999999999999999", 38, 0,
               "99999999999999999999999999999999999999"},
           Row{"-0.00000000000000000000000000000000000001", 38, 38,
               "-0.00000000000000000000000000000000000001"},
           Row{"1e37", 38, 0, "10000000000000000000000000000000000000"},
       }) {
    const DecimalParse parse = ParseDecimal(row.text, row.precision, row.scale);
    EXPECT_EQ(parse.fault, DecimalFault::kNone) << row.text;
    EXPECT_EQ(Text(parse.value, row.scale), row.value) << row.text;
  }
}

TEST(ParseDecimal, SaysWhatIsWrong) {
  struct Row {
    std::string_view text;
    DecimalFault fault;
  };
  for (const Row& row : {
           Row{"", DecimalFault::kSyntax},
           Row{"-", DecimalFault::kSyntax},
           Row{".", DecimalFault::kSyntax},
           Row{"1.2.3", DecimalFault::kSyntax},
           Row{"1,5", DecimalFault::kSyntax},
           Row{" 1", DecimalFault::kSyntax},
           Row{"1e", DecimalFault::kSyntax},
           Row{"1e+", DecimalFault::kSyntax},
           Row{"1e5x", DecimalFault::kSyntax},
           Row{"nan", DecimalFault::kSyntax},
           Row{"1.234", DecimalFault::kTooManyFractions},
           Row{"1e-3", DecimalFault::kTooManyFractions},
           Row{"1e-99999999999999999999", DecimalFault::kTooManyFractions},
           Row{"1.00000000000000000000000000000000000000001", DecimalFault::kTooManyFractions},
           Row{"1000", DecimalFault::kTooLarge},
           Row{"1e3", DecimalFault::kTooLarge},
           Row{"1e99999999999999999999", DecimalFault::kTooLarge},
           Row{"123456789012345678901234567890123456789012345", DecimalFault::kTooLarge},
       }) {
    EXPECT_EQ(ParseDecimal(row.text, 5, 2).fault, row.fault) << row.text;
  }
}

TEST(ParseDecimal, ReadsBackWhatWasWritten) {
  Random random(21);
  for (int i = 0; i < 100'000; ++i) {
    Int128 value = 0;
    const uint64_t digit_count = 1 + random.Below(38);
    for (uint64_t digit = 0; digit < digit_count; ++digit) {
      value = value * 10 + static_cast<Int128>(random.Below(10));
    }
    if (random.Below(2) == 0) value = -value;
    const auto scale = static_cast<int32_t>(random.Below(39));
    const DecimalParse parse = ParseDecimal(Text(value, scale), 38, scale);
    ASSERT_EQ(parse.fault, DecimalFault::kNone);
    ASSERT_TRUE(parse.value == value) << Text(value, scale);
  }
}

}  // namespace
}  // namespace catchwater
