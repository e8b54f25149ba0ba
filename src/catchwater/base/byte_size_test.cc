#include "catchwater/base/byte_size.h"

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
  std::optional<int64_t> want_bytes;  // nullopt: must be a config error.
  std::string want_message = "";
};

const std::vector<Case> kCases = {
    {"PlainNumber", "4096", 4096},
    {"Zero", "0", 0},
    {"Bytes", "17B", 17},
    {"KibiBytes", "64KiB", 65'536},
    {"MebiBytes", "128MiB", 134'217'728},
    {"GibiBytes", "2GiB", 2'147'483'648},
    {"TebiBytes", "1TiB", 1'099'511'627'776},
    {"KiloBytes", "1kB", 1'000},
    {"KiloBytesUpper", "1KB", 1'000},
    {"MegaBytes", "5MB", 5'000'000},
    {"GigaBytes", "1GB", 1'000'000'000},
    {"TeraBytes", "1TB", 1'000'000'000'000},
    {"LargestThatFits", "9223372036854775807", INT64_MAX},
    {"Empty", "", std::nullopt, "whole number"},
    {"Negative", "-1", std::nullopt, "not negative"},
    {"NegativeZero", "-0", std::nullopt, "not negative"},
    {"OnlyUnit", "MiB", std::nullopt, "whole number"},
    {"Fraction", "1.5GiB", std::nullopt, "unknown unit"},
    {"SpaceInside", "1 GiB", std::nullopt, "unknown unit"},
    {"LowerCaseUnit", "1mib", std::nullopt, "unknown unit"},
    {"Bits", "1Mbit", std::nullopt, "unknown unit"},
    {"ProductTooLarge", "8388608TiB", std::nullopt, "does not fit"},
    {"NumberTooLarge", "9223372036854775808", std::nullopt, "whole number"},
};

class ParseByteSizeTest : public ::testing::TestWithParam<Case> {};

TEST_P(ParseByteSizeTest, Parses) {
  const auto& [name, text, want_bytes, want_message] = GetParam();
  const auto got = ParseByteSize(text);
  if (want_bytes) {
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(got->bytes, *want_bytes);
  } else {
    ASSERT_FALSE(got.ok()) << "accepted: " << text;
    EXPECT_EQ(KindOf(got.status()), ErrorKind::kConfig);
    EXPECT_NE(got.status().message().find(want_message), std::string::npos) << got.status();
  }
}

INSTANTIATE_TEST_SUITE_P(Table, ParseByteSizeTest, ::testing::ValuesIn(kCases),
                         [](const auto& test) { return test.param.name; });

TEST(FormatByteSize, UsesTheLargestBinaryUnitThatDivides) {
  EXPECT_EQ(FormatByteSize({0}), "0");
  EXPECT_EQ(FormatByteSize({1'000}), "1000");
  EXPECT_EQ(FormatByteSize({1'024}), "1KiB");
  EXPECT_EQ(FormatByteSize({1'536}), "1536");
  EXPECT_EQ(FormatByteSize(ByteSize::MiB(128)), "128MiB");
  EXPECT_EQ(FormatByteSize(ByteSize::GiB(3)), "3GiB");
}

TEST(FormatByteSize, IsReadBackAsTheSameSize) {
  for (int64_t bytes = 1; bytes < INT64_MAX / 6; bytes = bytes * 5 + 1) {
    const auto back = ParseByteSize(FormatByteSize({bytes}));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->bytes, bytes);
  }
}

}  // namespace
}  // namespace catchwater
