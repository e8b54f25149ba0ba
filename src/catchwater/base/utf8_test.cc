#include "catchwater/base/utf8.h"

#include <string>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

TEST(IsValidUtf8, KnowsWellFormedText) {
  for (const std::string_view text :
       {"", "a", "plain ascii of some length", "é", "€", "𝄞", "\x7F", "\xC2\x80", "\xED\x9F\xBF",
        "\xEE\x80\x80", "\xF4\x8F\xBF\xBF", "température 21 °C", "日本語のテキスト"}) {
    EXPECT_TRUE(IsValidUtf8(text)) << text;
  }
  EXPECT_TRUE(IsValidUtf8(std::string_view("a\0b", 3)));
}

TEST(IsValidUtf8, RefusesIllFormedTextAtEveryPlace) {
  for (const std::string_view bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xE2\x82", "\xE0\x80\x80", "\xED\xA0\x80",
        "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xF0\x9D\x84",
        "\xC3("}) {
    for (size_t before = 0; before < 20; ++before) {
      const std::string text = std::string(before, 'x') + std::string(bad) + "yz";
      EXPECT_FALSE(IsValidUtf8(text)) << before;
      EXPECT_FALSE(IsValidUtf8(text.substr(0, before + bad.size()))) << before;
    }
  }
}

TEST(IsAscii, SeesTheHighBitAtEveryPlace) {
  EXPECT_TRUE(IsAscii(""));
  for (size_t place = 0; place < 20; ++place) {
    std::string text(20, 'x');
    EXPECT_TRUE(IsAscii(text));
    text[place] = '\x80';
    EXPECT_FALSE(IsAscii(text)) << place;
  }
}

TEST(Excerpt, IsShortAndSafeToShow) {
  EXPECT_EQ(Excerpt("21 °C"), "21 °C");
  EXPECT_EQ(Excerpt("a\nb\x1B[0m"), "a\\x0Ab\\x1B[0m");
  EXPECT_EQ(Excerpt("\xFF!"), "\\xFF!");
  EXPECT_EQ(Excerpt("abcdef", 3), "abc...");
  EXPECT_EQ(Excerpt("ab€", 3), "ab€");
}

}  // namespace
}  // namespace catchwater
