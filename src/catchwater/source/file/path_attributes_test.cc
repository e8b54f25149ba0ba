#include "catchwater/source/file/path_attributes.h"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

using Map = std::map<std::string, std::string>;

struct Case {
  std::string name;
  std::string path;
  std::string pattern;
  Map want;
};

const std::vector<Case> kCases = {
    {"JustAName",
     "a.csv",
     "",
     {{"path.file", "a.csv"}, {"path.stem", "a"}, {"path.full", "a.csv"}, {"path.dir", "."}}},
    {"Packed",
     "x/y/b.2.csv.gz",
     "",
     {{"path.file", "b.2.csv.gz"},
      {"path.stem", "b.2"},
      {"path.full", "x/y/b.2.csv.gz"},
      {"path.dir", "x/y"}}},
    {"NoExtension",
     "/log",
     "",
     {{"path.file", "log"}, {"path.stem", "log"}, {"path.full", "/log"}, {"path.dir", "/"}}},
    {"OnlyPacked",
     "d/a.zst",
     "",
     {{"path.file", "a.zst"}, {"path.stem", "a"}, {"path.full", "d/a.zst"}, {"path.dir", "d"}}},
    {"DotName",
     "d/.env",
     "",
     {{"path.file", ".env"}, {"path.stem", ".env"}, {"path.full", "d/.env"}, {"path.dir", "d"}}},
    {"KeyFolders",
     "date=2026-01-02/hour=07/a=b=c/f.json",
     "",
     {{"path.file", "f.json"},
      {"path.stem", "f"},
      {"path.full", "date=2026-01-02/hour=07/a=b=c/f.json"},
      {"path.dir", "date=2026-01-02/hour=07/a=b=c"},
      {"path.date", "2026-01-02"},
      {"path.hour", "07"},
      {"path.a", "b=c"}}},
    {"KeyInTheNameIsNoFolder",
     "d/date=1.csv",
     "",
     {{"path.file", "date=1.csv"},
      {"path.stem", "date=1"},
      {"path.full", "d/date=1.csv"},
      {"path.dir", "d"}}},
    {"Pattern",
     "in/north/s-1.csv",
     "{site}/{sensor_id}.csv",
     {{"path.file", "s-1.csv"},
      {"path.stem", "s-1"},
      {"path.full", "in/north/s-1.csv"},
      {"path.dir", "in/north"},
      {"path.site", "north"},
      {"path.sensor_id", "s-1"}}},
    {"PatternShortestFirst",
     "a_b_c.csv",
     "{x}_{y}.csv",
     {{"path.file", "a_b_c.csv"},
      {"path.stem", "a_b_c"},
      {"path.full", "a_b_c.csv"},
      {"path.dir", "."},
      {"path.x", "a"},
      {"path.y", "b_c"}}},
    {"PatternNameless",
     "2026/a-7.csv",
     "{year}/{}-{n}.csv",
     {{"path.file", "a-7.csv"},
      {"path.stem", "a-7"},
      {"path.full", "2026/a-7.csv"},
      {"path.dir", "2026"},
      {"path.year", "2026"},
      {"path.n", "7"}}},
    {"PatternMiss",
     "in/s.json",
     "{s}.csv",
     {{"path.file", "s.json"}, {"path.stem", "s"}, {"path.full", "in/s.json"}, {"path.dir", "in"}}},
    {"PatternLongerThanPath",
     "s.csv",
     "{site}/{s}.csv",
     {{"path.file", "s.csv"}, {"path.stem", "s"}, {"path.full", "s.csv"}, {"path.dir", "."}}},
    {"PatternHalfMatchLeavesNothing",
     "north/s.json",
     "{site}/{s}.csv",
     {{"path.file", "s.json"},
      {"path.stem", "s"},
      {"path.full", "north/s.json"},
      {"path.dir", "north"}}},
};

class PathAttributesTest : public ::testing::TestWithParam<Case> {};

TEST_P(PathAttributesTest, Tells) {
  const auto pattern = PathPattern::Parse(GetParam().pattern);
  ASSERT_TRUE(pattern.ok()) << pattern.status();
  Map got;
  for (auto& [name, value] : PathAttributes(GetParam().path, *pattern)) {
    EXPECT_TRUE(got.emplace(name, value).second) << "twice: " << name;
  }
  EXPECT_EQ(got, GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(Table, PathAttributesTest, ::testing::ValuesIn(kCases),
                         [](const auto& test) { return test.param.name; });

TEST(PathPattern, RefusesWhatHasNoOneMeaning) {
  for (const char* text : {"{a", "{a}{b}", "{a}/{a}.csv", "x{a}-{b}{c}"}) {
    const auto pattern = PathPattern::Parse(text);
    ASSERT_FALSE(pattern.ok()) << "accepted: " << text;
    EXPECT_EQ(KindOf(pattern.status()), ErrorKind::kConfig);
  }
}

}  // namespace
}  // namespace catchwater
