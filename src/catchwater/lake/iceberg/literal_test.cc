#include "catchwater/lake/iceberg/literal.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

std::string Bytes(std::initializer_list<int> values) {
  std::string bytes;
  for (const int value : values) bytes.push_back(static_cast<char>(value));
  return bytes;
}

// Source: Iceberg spec, appendix D, binary single-value serialisation.
TEST(Literal, SerialisesAsTheSpecSays) {
  EXPECT_EQ(LiteralToBytes(true), Bytes({1}));
  EXPECT_EQ(LiteralToBytes(false), Bytes({0}));
  EXPECT_EQ(LiteralToBytes(int32_t{1}), Bytes({1, 0, 0, 0}));
  EXPECT_EQ(LiteralToBytes(int64_t{-2}), Bytes({0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}));
  EXPECT_EQ(LiteralToBytes(1.0F), Bytes({0, 0, 0x80, 0x3F}));
  EXPECT_EQ(LiteralToBytes(1.0), Bytes({0, 0, 0, 0, 0, 0, 0xF0, 0x3F}));
  EXPECT_EQ(LiteralToBytes(std::string("ice")), "ice");
}

TEST(Literal, DecimalsAreMinimalAndBigEndian) {
  EXPECT_EQ(DecimalToBytes(arrow::Decimal128(1420)), Bytes({0x05, 0x8C}));
  EXPECT_EQ(DecimalToBytes(arrow::Decimal128(0)), Bytes({0}));
  EXPECT_EQ(DecimalToBytes(arrow::Decimal128(127)), Bytes({0x7F}));
  EXPECT_EQ(DecimalToBytes(arrow::Decimal128(128)), Bytes({0x00, 0x80}));
  EXPECT_EQ(DecimalToBytes(arrow::Decimal128(-1)), Bytes({0xFF}));
  EXPECT_EQ(DecimalToBytes(arrow::Decimal128(-128)), Bytes({0x80}));
  EXPECT_EQ(DecimalToBytes(arrow::Decimal128(-129)), Bytes({0xFF, 0x7F}));
}

TEST(Literal, ReadsBackWhatItWrote) {
  const IcebergType decimal{.kind = TypeKind::kDecimal, .precision = 38, .scale = 4};
  const std::vector<std::pair<IcebergType, Literal>> values = {
      {{.kind = TypeKind::kBool}, true},
      {{.kind = TypeKind::kInt}, std::numeric_limits<int32_t>::min()},
      {{.kind = TypeKind::kDate}, int32_t{-1}},
      {{.kind = TypeKind::kLong}, std::numeric_limits<int64_t>::max()},
      {{.kind = TypeKind::kTimestampTz}, int64_t{-1}},
      {{.kind = TypeKind::kFloat}, -0.5F},
      {{.kind = TypeKind::kDouble}, 1e300},
      {{.kind = TypeKind::kString}, std::string("äöü")},
      {decimal, arrow::Decimal128("-123456789012345678901234.5678")},
  };
  for (const auto& [type, value] : values) {
    const auto read = LiteralFromBytes(type, LiteralToBytes(value));
    ASSERT_TRUE(read.ok()) << TypeText(type) << read.status();
    EXPECT_EQ(*read, value) << TypeText(type);
  }
}

TEST(Literal, WidensBoundsFromBeforeAPromotion) {
  EXPECT_EQ(LiteralFromBytes({.kind = TypeKind::kLong}, LiteralToBytes(int32_t{-7})).ValueOrDie(),
            Literal(int64_t{-7}));
  EXPECT_EQ(LiteralFromBytes({.kind = TypeKind::kDouble}, LiteralToBytes(0.5F)).ValueOrDie(),
            Literal(0.5));
}

TEST(Literal, RefusesBoundsOfTheWrongLength) {
  EXPECT_FALSE(LiteralFromBytes({.kind = TypeKind::kInt}, "12345678").ok());
  EXPECT_FALSE(LiteralFromBytes({.kind = TypeKind::kLong}, "123").ok());
  EXPECT_FALSE(LiteralFromBytes({.kind = TypeKind::kBool}, "").ok());
  EXPECT_FALSE(LiteralFromBytes({.kind = TypeKind::kDecimal, .precision = 9}, "").ok());
  EXPECT_FALSE(
      LiteralFromBytes({.kind = TypeKind::kDecimal, .precision = 9}, std::string(17, '\0')).ok());
}

TEST(Literal, ShortTextsAreTheirOwnBounds) {
  for (const std::string text : {"", "a", "1234567890123456", "ääääääääääääääää"}) {
    EXPECT_EQ(TruncateLowerBound(text), text);
    EXPECT_EQ(TruncateUpperBound(text), Literal(text));
  }
}

TEST(Literal, LongTextsAreCutAtSixteenCodePoints) {
  const std::string sixteen = "ääääääääääääääää";
  EXPECT_EQ(TruncateLowerBound(sixteen + "z"), sixteen);
  // ä is U+00E4, so the last one becomes å (U+00E5).
  EXPECT_EQ(TruncateUpperBound(sixteen + "z"), Literal(std::string("äääääääääääääääå")));
}

TEST(Literal, UpperBoundsCarryOverTheLastCodePoints) {
  const std::string last = "\xF4\x8F\xBF\xBF";  // U+10FFFF, which has no next.
  std::string text(15, 'a');
  EXPECT_EQ(TruncateUpperBound(text + last + "z"), Literal(std::string(14, 'a') + "b"));
  std::string all_last;
  for (int i = 0; i < 17; ++i) all_last += last;
  EXPECT_TRUE(IsNull(TruncateUpperBound(all_last)));
  const std::string before_surrogates = "\xED\x9F\xBF";  // U+D7FF; U+E000 is the next character.
  EXPECT_EQ(TruncateUpperBound(text + before_surrogates + "z"), Literal(text + "\xEE\x80\x80"));
}

TEST(Literal, UpperBoundsAreNotBelowTheirText) {
  const std::vector<std::string> units = {"a", "ä", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF", "\x7F"};
  for (const std::string& unit : units) {
    std::string text;
    for (int i = 0; i < 40; ++i) {
      text += unit;
      const Literal upper = TruncateUpperBound(text);
      if (!IsNull(upper)) {
        EXPECT_GE(std::get<std::string>(upper), text);
      }
      EXPECT_LE(TruncateLowerBound(text), text);
    }
  }
}

TEST(Literal, TextThatIsNoUtf8GivesNoUpperBound) {
  // Continuation bytes without a start: no code point to increase.
  std::string text = std::string(15, 'a') + "b" + std::string(40, '\x80') + "c";
  EXPECT_TRUE(IsNull(TruncateUpperBound(text)));
}

TEST(Literal, WritesDatesForPeople) {
  const IcebergType date{.kind = TypeKind::kDate};
  EXPECT_EQ(LiteralToText(date, int32_t{0}), "1970-01-01");
  EXPECT_EQ(LiteralToText(date, int32_t{-1}), "1969-12-31");
  EXPECT_EQ(LiteralToText(date, int32_t{20'455}), "2026-01-02");
  EXPECT_EQ(LiteralToText(date, int32_t{11'016}), "2000-02-29");
  EXPECT_EQ(LiteralToText(date, std::monostate{}), "null");
}

}  // namespace
}  // namespace catchwater
