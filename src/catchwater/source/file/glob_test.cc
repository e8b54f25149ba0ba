#include "catchwater/source/file/glob.h"

#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "catchwater/base/error.h"
#include "catchwater/testing/faulty_files.h"
#include "catchwater/testing/memory_files.h"

namespace catchwater {
namespace {

struct MatchCase {
  std::string name;
  std::string pattern;
  std::string text;
  bool want = true;
};

const std::vector<MatchCase> kMatchCases = {
    {"Literal", "a.csv", "a.csv"},
    {"LiteralDiffers", "a.csv", "b.csv", false},
    {"StarTakesNothing", "a*.csv", "a.csv"},
    {"StarTakesMuch", "*.csv", "a.b.csv"},
    {"StarNotTheEnd", "*.csv", "a.csv.tmp", false},
    {"TwoStars", "*a*b", "xxaxxbxxb"},
    {"TwoStarsMiss", "*a*b", "xxbxxa", false},
    {"OnlyStar", "*", "anything"},
    {"StarEmptyName", "*", ""},
    {"Question", "a?c", "abc"},
    {"QuestionNeedsOne", "a?", "a", false},
    {"Set", "[abc].csv", "b.csv"},
    {"SetMiss", "[abc].csv", "d.csv", false},
    {"Span", "[0-9][0-9]", "42"},
    {"SpanMiss", "[0-9]", "x", false},
    {"SpanAndSingle", "[a-cz]", "z"},
    {"Negated", "[!a]", "b"},
    {"NegatedMiss", "[!a]", "a", false},
    {"BracketInSet", "[]]", "]"},
    {"DashAtEnd", "[a-]", "-"},
    {"UnclosedIsLiteral", "a[b", "a[b"},
    {"SetNeedsACharacter", "[a]", "", false},
    {"HiddenIsNotForStars", "*", ".hidden", false},
    {"HiddenIsNotForQuestion", "?idden", ".idden", false},
    {"HiddenWhenSpelt", ".h*", ".hidden"},
    {"EmptyBoth", "", ""},
    {"EmptyPattern", "", "a", false},
    {"Unicode", "é*.csv", "été.csv"},
    {"NotExponential", "*a*a*a*a*a*a*a*a*a*a*a*a*b",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
};

class MatchesGlobTest : public ::testing::TestWithParam<MatchCase> {};

TEST_P(MatchesGlobTest, Matches) {
  EXPECT_EQ(MatchesGlob(GetParam().pattern, GetParam().text), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(Table, MatchesGlobTest, ::testing::ValuesIn(kMatchCases),
                         [](const auto& test) { return test.param.name; });

struct FindCase {
  std::string name;
  std::vector<std::string> patterns;
  std::vector<std::string> want;
};

const std::vector<FindCase> kFindCases = {
    {"OneFile", {"top.csv"}, {"top.csv"}},
    {"DotSlash", {"./top.csv"}, {"top.csv"}},
    {"NotThere", {"none.csv"}, {}},
    {"FolderNotThere", {"none/*.csv"}, {}},
    {"Star", {"*.csv"}, {"top.csv"}},
    {"InFolder", {"data/*.csv"}, {"data/a.csv", "data/b.csv"}},
    {"StarFolder", {"data/*/*.csv"}, {"data/x/c.csv"}},
    {"AnyDepth", {"data/**/*.csv"}, {"data/a.csv", "data/b.csv", "data/x/c.csv", "data/x/y/d.csv"}},
    {"AnyDepthInTheMiddle", {"**/y/*.csv"}, {"data/x/y/d.csv"}},
    {"AnyDepthAtTheEnd", {"data/x/**"}, {"data/x/c.csv", "data/x/n.json", "data/x/y/d.csv"}},
    {"TwoAnyDepths", {"**/x/**/*.csv"}, {"data/x/c.csv", "data/x/y/d.csv"}},
    {"AnyDepthTwiceInARow", {"data/**/**/c.csv"}, {"data/x/c.csv"}},
    {"AnyDepthThenFolderPattern", {"**/?/*.csv"}, {"data/x/c.csv", "data/x/y/d.csv"}},
    {"AnyDepthThenName", {"**/c.csv"}, {"data/x/c.csv"}},
    {"WholeFolder", {"data/x"}, {"data/x/c.csv", "data/x/n.json", "data/x/y/d.csv"}},
    {"WholeFolderSlash", {"data/x/y/"}, {"data/x/y/d.csv"}},
    {"EachOnceSorted", {"data/b.csv", "data/*.csv"}, {"data/a.csv", "data/b.csv"}},
    {"HiddenSpelt", {"data/.hidden.csv"}, {"data/.hidden.csv"}},
    {"Set", {"data/[b-z].csv"}, {"data/b.csv"}},
    {"FoldersAreNoFiles", {"data/*"}, {"data/a.csv", "data/b.csv"}},
    {"Absolute", {"/abs/*.csv"}, {"/abs/e.csv"}},
};

class FindFilesTest : public ::testing::TestWithParam<FindCase> {};

TEST_P(FindFilesTest, Finds) {
  for (const std::string folder : {"", ".", "project", "/deep/project"}) {
    MemoryFiles files;
    const std::string base = folder.empty() ? "" : folder + "/";
    for (const char* path :
         {"top.csv", "data/a.csv", "data/b.csv", "data/.hidden.csv", "data/.git/z.csv",
          "data/x/c.csv", "data/x/n.json", "data/x/y/d.csv"}) {
      files.Put(base + path, "x");
    }
    files.Put("/abs/e.csv", "x");
    const auto found = FindFiles(files, folder, GetParam().patterns);
    ASSERT_TRUE(found.ok()) << found.status();
    std::vector<std::string> paths;
    for (const FoundFile& file : found->files) {
      paths.push_back(file.path);
      EXPECT_TRUE(files.OpenInput(file.entry.path).ok()) << file.entry.path;
    }
    EXPECT_EQ(paths, GetParam().want) << "in folder `" << folder << "`";
    EXPECT_TRUE(found->unreadable.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Table, FindFilesTest, ::testing::ValuesIn(kFindCases),
                         [](const auto& test) { return test.param.name; });

TEST(FindFiles, AnUnreadableBaseIsAnErrorAndOneBelowIsTold) {
  MemoryFiles memory;
  memory.Put("data/a.csv", "x");
  memory.Put("data/locked/b.csv", "x");
  FaultyFiles files(memory);
  files.FailPath("data/locked", EACCES);
  const auto found = FindFiles(files, "", {"data/**/*.csv"});
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->files.size(), 1U);
  ASSERT_EQ(found->unreadable.size(), 1U);
  EXPECT_EQ(found->unreadable[0].path, "data/locked");
  EXPECT_NE(found->unreadable[0].reason.find("Permission denied"), std::string::npos);
  files.FailPath("data", EACCES);
  EXPECT_EQ(KindOf(FindFiles(files, "", {"data/**/*.csv"}).status()), ErrorKind::kDenied);
}

TEST(FindFiles, LinksThatLoopEnd) {
  namespace fs = std::filesystem;
  const fs::path folder =
      fs::path(::testing::TempDir()) / ("glob_loop_" + std::to_string(::getpid()));
  fs::create_directories(folder / "a/b");
  const auto files = MakeLocalFiles();
  ASSERT_TRUE(files->WriteNew((folder / "a/b/f.csv").string(), "x").ok());
  fs::create_directory_symlink(folder, folder / "a/b/up");
  fs::create_directory_symlink(folder / "a", folder / "a/self");
  const auto found = FindFiles(*files, folder.string(), {"**/*.csv"});
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->files.size(), 1U);
  EXPECT_EQ(found->files[0].path, "a/b/f.csv");
  fs::remove_all(folder);
}

}  // namespace
}  // namespace catchwater
