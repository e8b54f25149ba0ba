#include "catchwater/config/diagnostic.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

const auto kSource =
    std::make_shared<const SourceText>("a.yaml", "one: 1\ntwo: 2\n  \tthree: °C x\n");

TEST(Render, HasTheAgreedForm) {
  Diagnostics diagnostics;
  Diagnostic& error = diagnostics.Error("E1203", {kSource, 2, 1, 3}, "unknown option `two`");
  error.label = "did you mean `ten`?";
  error.notes.emplace_back("known options: ten");
  error.helps.emplace_back("rename it");
  EXPECT_EQ(Render(diagnostics, {}),
            "error[E1203]: unknown option `two`\n"
            " --> a.yaml:2:1\n"
            "  |\n"
            "2 | two: 2\n"
            "  | ^^^ did you mean `ten`?\n"
            "  = note: known options: ten\n"
            "  = help: rename it\n"
            "  = help: `catchwater doc E1203` explains this\n"
            "\n"
            "1 error (all shown). Nothing was started.\n");
}

TEST(Render, SortsByFileAndLineAndCounts) {
  Diagnostics diagnostics;
  diagnostics.Error("E1002", {kSource, 2, 1, 1}, "second");
  diagnostics.Warning("E1206", {kSource, 1, 1, 1}, "first");
  diagnostics.Error("E1012", {}, "no place");
  const std::string text = Render(diagnostics, {});
  EXPECT_LT(text.find("no place"), text.find("first"));
  EXPECT_LT(text.find("first"), text.find("second"));
  EXPECT_NE(text.find("2 errors, 1 warning (all shown). Nothing was started.\n"),
            std::string::npos);
}

TEST(Render, WarningsAloneConcludeNothing) {
  Diagnostics diagnostics;
  diagnostics.Warning("E1206", {kSource, 1, 1, 1}, "careful");
  EXPECT_TRUE(Render(diagnostics, {}).ends_with("\n1 warning (all shown).\n"));
  EXPECT_FALSE(diagnostics.has_errors());
  EXPECT_TRUE(diagnostics.ToStatus().ok());
}

TEST(Render, NothingIsWrittenAboutNothing) { EXPECT_EQ(Render(Diagnostics{}, {}), ""); }

TEST(Render, TabsAndWideCharactersKeepTheCaretInPlace) {
  Diagnostics diagnostics;
  // `x` stands behind two blanks, a tab, "three: ", the two-byte degree sign, "C ".
  diagnostics.Error("E1204", {kSource, 3, 15, 1}, "m");
  const std::string text = Render(diagnostics, {});
  EXPECT_NE(text.find("a.yaml:3:14\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\n3 |   \tthree: °C x\n  |   \t          ^\n"), std::string::npos) << text;
}

TEST(Render, ColoursOnlyWhenAsked) {
  Diagnostics diagnostics;
  diagnostics.Error("E1204", {kSource, 1, 1, 3}, "m");
  EXPECT_EQ(Render(diagnostics, {}).find('\x1b'), std::string::npos);
  const std::string coloured = Render(diagnostics, {.is_coloured = true});
  EXPECT_NE(coloured.find("\x1b[1;31merror[E1204]\x1b[0m"), std::string::npos);
}

TEST(Render, ControlCharactersOfAFileDoNotReachTheTerminal) {
  const auto source = std::make_shared<const SourceText>("a\x1b.yaml", "x: \x1b[2J\x7f\n");
  Diagnostics diagnostics;
  diagnostics.Error("E1010", {source, 1, 4, 1}, "bad \x1b text");
  const std::string text = Render(diagnostics, {});
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x7f'), std::string::npos);
}

TEST(Render, PlacesOutsideOfTheTextDoNoHarm) {
  Diagnostics diagnostics;
  diagnostics.Error("E1204", {kSource, 99, 99, 99}, "beyond");
  diagnostics.Error("E1204", {kSource, 1, 99, 99}, "behind the line");
  diagnostics.Error("E1204", {kSource, 0, 0, 0}, "whole file");
  EXPECT_NE(Render(diagnostics, {}).find("whole file\n --> a.yaml\n"), std::string::npos);
}

// Found by the fuzzer: a long line that is no UTF-8.
TEST(Render, LongLinesOfAnyBytesAreCutAroundThePlace) {
  for (const std::string& piece : {std::string("\x80"), std::string("°"), std::string("x")}) {
    std::string line;
    while (line.size() < 500) line += piece;
    const auto source = std::make_shared<const SourceText>("l.yaml", line);
    for (int64_t column = 1; column <= 520; ++column) {
      Diagnostics diagnostics;
      diagnostics.Error("E1010", {source, 1, column, 5}, "m");
      const std::string text = Render(diagnostics, {});
      EXPECT_NE(text.find('^'), std::string::npos);
      EXPECT_LT(text.size(), 800U);
    }
  }
}

TEST(Diagnostics, KeepsTheSameErrorOnce) {
  Diagnostics diagnostics;
  diagnostics.Error("E1204", {kSource, 1, 1, 1}, "m");
  diagnostics.Error("E1204", {kSource, 1, 1, 1}, "m").notes.emplace_back("lost");
  diagnostics.Error("E1204", {kSource, 1, 1, 1}, "other");
  EXPECT_EQ(diagnostics.error_count(), 2);
  EXPECT_TRUE(diagnostics.all().front().notes.empty());
}

TEST(Diagnostics, CountsWhatItDoesNotKeep) {
  Diagnostics diagnostics;
  for (int i = 0; i < 500; ++i) diagnostics.Error("E1204", {kSource, 1, i + 1, 1}, "m");
  EXPECT_EQ(diagnostics.error_count(), 500);
  EXPECT_EQ(diagnostics.all().size(), Diagnostics::kKeptMax);
  EXPECT_NE(Render(diagnostics, {}).find("500 errors (200 shown)."), std::string::npos);
}

TEST(Diagnostics, AppendsAnother) {
  Diagnostics a, b;
  a.Error("E1204", {kSource, 1, 1, 1}, "m");
  b.Error("E1204", {kSource, 2, 1, 1}, "n").label = "here";
  b.Warning("E1206", {kSource, 2, 1, 1}, "w");
  a.Append(b);
  EXPECT_EQ(a.error_count(), 2);
  EXPECT_EQ(a.warning_count(), 1);
  EXPECT_EQ(a.all()[1].label, "here");
}

TEST(Diagnostics, BecomesAConfigStatus) {
  Diagnostics diagnostics;
  diagnostics.Error("E1204", {kSource, 1, 1, 1}, "first");
  diagnostics.Error("E1204", {kSource, 2, 1, 1}, "second");
  const arrow::Status status = diagnostics.ToStatus();
  EXPECT_EQ(KindOf(status), ErrorKind::kConfig);
  EXPECT_NE(status.message().find("[E1204] first"), std::string::npos) << status;
}

TEST(Diagnostics, AreWrittenAsJson) {
  Diagnostics diagnostics;
  diagnostics.Error("E1204", {kSource, 2, 1, 3}, "m").label = "here";
  const nlohmann::ordered_json json = ToJson(diagnostics);
  EXPECT_EQ(json["error_count"], 1);
  EXPECT_EQ(json["diagnostics"][0]["file"], "a.yaml");
  EXPECT_EQ(json["diagnostics"][0]["line"], 2);
  EXPECT_EQ(json["diagnostics"][0]["label"], "here");
}

struct NearestCase {
  std::string name;
  std::string word;
  std::string want;
};

const std::vector<NearestCase> kNearestCases = {
    {"OneLetterMissing", "bootstrap_server", "bootstrap_servers"},
    {"Swapped", "topcis", "topics"},
    {"OtherCase", "TOPICS", "topics"},
    {"TwoWrong", "bootsrap_servrs", "bootstrap_servers"},
    {"TooFar", "banana", ""},
    {"Empty", "", ""},
    {"ShortWordOneOff", "keys", "key"},
    {"OneLetterIsNoHint", "x", ""},
};

class NearestTest : public ::testing::TestWithParam<NearestCase> {};

TEST_P(NearestTest, FindsTheNearest) {
  const std::vector<std::string> known = {"bootstrap_servers", "topics", "key", "y"};
  EXPECT_EQ(Nearest(GetParam().word, known), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(Table, NearestTest, ::testing::ValuesIn(kNearestCases),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace catchwater
