#include "catchwater/base/murmur3.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

// Vectors: Iceberg spec, appendix B.
TEST(Murmur3, GivesTheVectorsOfTheIcebergSpec) {
  EXPECT_EQ(static_cast<int32_t>(Murmur3("iceberg")), 1210000089);
  EXPECT_EQ(static_cast<int32_t>(Murmur3(std::string_view("\0\1\2\3", 4))), -188683207);
  EXPECT_EQ(static_cast<int32_t>(Murmur3OfInt64(34)), 2017239379);
  EXPECT_EQ(static_cast<int32_t>(Murmur3OfInt64(1510871468000000)), -2047944441);
}

// Vectors: MurmurHash3_x86_32, widely published (e.g. the tables of Guava's tests).
TEST(Murmur3, GivesPublishedVectorsWithSeeds) {
  EXPECT_EQ(Murmur3(""), 0U);
  EXPECT_EQ(Murmur3("", 1), 0x514E28B7U);
  EXPECT_EQ(Murmur3("", 0xffffffff), 0x81F16F39U);
  EXPECT_EQ(Murmur3("test"), 0xba6bd213U);
  EXPECT_EQ(Murmur3("Hello, world!"), 0xc0363e43U);
}

TEST(Murmur3, EveryTailLengthDiffersFromItsNeighbour) {
  const std::string text = "abcdefghijkl";
  for (size_t length = 1; length <= text.size(); ++length) {
    EXPECT_NE(Murmur3(text.substr(0, length)), Murmur3(text.substr(0, length - 1))) << length;
  }
}

TEST(Murmur3, OfInt64IsTheHashOfItsEightBytes) {
  for (const int64_t value : {int64_t{0}, int64_t{-1}, int64_t{34}, INT64_MIN, INT64_MAX}) {
    const std::string_view bytes(reinterpret_cast<const char*>(&value), sizeof(value));
    EXPECT_EQ(Murmur3OfInt64(value, 7), Murmur3(bytes, 7)) << value;
  }
}

}  // namespace
}  // namespace catchwater
