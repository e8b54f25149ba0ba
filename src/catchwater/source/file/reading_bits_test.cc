// Line counts, content hashes and resume tokens.

#include <algorithm>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "catchwater/source/file/content_hash.h"
#include "catchwater/source/file/line_count.h"
#include "catchwater/source/file/resume_token.h"
#include "catchwater/testing/memory_files.h"

namespace catchwater {
namespace {

TEST(CountLineEnds, EqualsTheSlowCount) {
  std::mt19937 random(7);
  for (const size_t count : {0, 1, 15, 63, 64, 65, 1'000, 16'319, 16'320, 16'321, 100'003}) {
    std::string text(count, '\n');
    EXPECT_EQ(CountLineEnds(text), static_cast<int64_t>(count)) << "all line ends";
    for (char& c : text) c = static_cast<char>(random() % 12);
    EXPECT_EQ(CountLineEnds(text), std::count(text.begin(), text.end(), '\n')) << count;
  }
}

// Source of the vectors: the program `xxh128sum` 0.8.1.
TEST(HashContent, IsXxh128OfTheBytesWithoutAttributes) {
  EXPECT_EQ(HashContent("", {}, {}), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(HashContent("abc", {}, {}), "06b05ab6733a618578af5f94892f3950");
}

TEST(HashContent, OnlyTheNamedAttributesCount) {
  const Attributes first{{"path.stem", "s1"}, {"path.dir", "a"}};
  const Attributes second{{"path.stem", "s2"}, {"path.dir", "a"}};
  EXPECT_EQ(HashContent("x", first, {"path.dir"}), HashContent("x", second, {"path.dir"}));
  EXPECT_NE(HashContent("x", first, {"path.stem"}), HashContent("x", second, {"path.stem"}));
  EXPECT_NE(HashContent("x", first, {"path.stem"}), HashContent("y", first, {"path.stem"}));
}

TEST(HashFile, EqualsTheHashOfItsContent) {
  std::string bytes(3'000'001, 'q');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * i % 251);
  MemoryFiles files;
  files.Put("f", bytes);
  auto file = files.OpenInput("f").ValueOrDie();
  const Attributes attributes{{"path.stem", "f"}};
  EXPECT_EQ(HashFile(*file, INT64_MAX, attributes, {"path.stem"}).ValueOrDie(),
            HashContent(bytes, attributes, {"path.stem"}));
}

TEST(ResumeToken, ReadsWhatItWrites) {
  const ResumeToken token = ResumeToken::Make(12, "0123456789");
  EXPECT_EQ(token.tail_bytes, 10);
  const ResumeToken again = ResumeToken::Parse(token.ToString());
  EXPECT_EQ(again.line, 12);
  EXPECT_EQ(again.tail_bytes, 10);
  EXPECT_EQ(again.tail_hash, token.tail_hash);
  EXPECT_EQ(ResumeToken::Make(1, std::string(500, 'x')).tail_bytes, kResumeTailBytesMax);
  EXPECT_LE(ResumeToken::Make(INT64_MAX, std::string(500, 'x')).ToString().size(), 64U);
}

TEST(ResumeToken, ForeignTextsTellNothing) {
  for (const char* text : {"", "line=", "line=1", "line=1 tail=9999:ab", "line=-1 tail=1:ab",
                           "line=1 tail=1:xyz", "line=1 tail=1:ab more", "offset 12"}) {
    const ResumeToken token = ResumeToken::Parse(text);
    EXPECT_EQ(token.line, 0) << text;
    EXPECT_EQ(token.tail_bytes, 0) << text;
  }
}

}  // namespace
}  // namespace catchwater
