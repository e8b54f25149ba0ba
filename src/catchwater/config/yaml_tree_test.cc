#include "catchwater/config/yaml_tree.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

const Environment kEnvironment =
    Environment::FromMap({{"NAME", "value"}, {"EMPTY", ""}}, {{"secrets/x", "from a file"}});

ConfigNode Parse(std::string_view text) {
  Diagnostics diagnostics;
  ConfigNode tree = ParseYamlText("test.yaml", text, kEnvironment, diagnostics);
  EXPECT_FALSE(diagnostics.has_errors()) << Render(diagnostics, {});
  return tree;
}

std::string FirstCode(std::string_view text, const YamlLimits& limits = {}) {
  Diagnostics diagnostics;
  ParseYaml(std::make_shared<const SourceText>("test.yaml", std::string(text)), kEnvironment,
            diagnostics, limits);
  return diagnostics.all().empty() ? "" : diagnostics.all().front().code;
}

TEST(ParseYaml, KeepsTheOrderOfKeys) {
  const ConfigNode tree = Parse("z: 1\na: 2\nm: 3\n");
  std::vector<std::string> keys;
  for (const ConfigEntry& entry : tree.entries()) keys.push_back(entry.key);
  EXPECT_EQ(keys, (std::vector<std::string>{"z", "a", "m"}));
}

TEST(ParseYaml, KnowsTheKinds) {
  const ConfigNode tree = Parse("a: text\nb: [1, 2]\nc: {d: 1}\ne:\nf: ~\n");
  EXPECT_TRUE(tree.At("a").is_scalar());
  EXPECT_TRUE(tree.At("b").is_sequence());
  EXPECT_TRUE(tree.At("c").is_map());
  EXPECT_TRUE(tree.At("e").is_null());
  EXPECT_TRUE(tree.At("f").is_null());
  EXPECT_TRUE(tree.At("g").is_missing());
  EXPECT_TRUE(tree.At("a").At("anything").is_missing());
}

TEST(ParseYaml, KnowsThePlaceOfKeysAndValues) {
  const ConfigNode tree = Parse("a: 1\nbcd:\n  - x\n  - \"yy\"\n");
  const ConfigEntry* entry = tree.Find("bcd");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->key_place.line, 2);
  EXPECT_EQ(entry->key_place.column, 1);
  EXPECT_EQ(entry->key_place.length, 3);
  const Place& quoted = entry->value.items()[1].place();
  EXPECT_EQ(quoted.line, 4);
  EXPECT_EQ(quoted.column, 5);
  EXPECT_EQ(quoted.length, 4);
  EXPECT_EQ(quoted.source->name(), "test.yaml");
}

TEST(ParseYaml, AnEmptyDocumentIsNull) {
  EXPECT_TRUE(Parse("").is_null());
  EXPECT_TRUE(Parse("# only a comment\n").is_null());
  EXPECT_TRUE(Parse("---\n").is_null());
}

TEST(ParseYaml, QuotedTextsAreMarked) {
  const ConfigNode tree = Parse("a: \"5\"\nb: 5\nc: '5'\nd: |\n  5\n");
  EXPECT_TRUE(tree.At("a").is_quoted());
  EXPECT_FALSE(tree.At("b").is_quoted());
  EXPECT_TRUE(tree.At("c").is_quoted());
  EXPECT_TRUE(tree.At("d").is_quoted());
}

TEST(ParseYaml, AByteOrderMarkAndWindowsLineEndsAreFine) {
  const ConfigNode tree = Parse(
      "\xEF\xBB\xBF"
      "a: 1\r\nb: two\r\n");
  EXPECT_EQ(tree.At("a").text(), "1");
  EXPECT_EQ(tree.At("b").text(), "two");
  EXPECT_EQ(tree.Find("b")->key_place.column, 1);
}

TEST(ParseYaml, AliasesAreTheSameValue) {
  const ConfigNode tree = Parse("a: &x [1, 2]\nb: *x\n");
  EXPECT_EQ(tree.At("b").items().size(), 2U);
  EXPECT_EQ(tree.At("b").items()[1].text(), "2");
  EXPECT_EQ(tree.node_count(), 7);
}

TEST(ParseYaml, PutsVariablesIntoValuesOnly) {
  const ConfigNode tree = Parse("${NAME}: a ${NAME} b\n");
  ASSERT_EQ(tree.entries().size(), 1U);
  EXPECT_EQ(tree.entries()[0].key, "${NAME}");
  const ConfigNode& value = tree.entries()[0].value;
  EXPECT_EQ(value.text(), "a value b");
  EXPECT_EQ(value.shown(), "a ${NAME} b");
  EXPECT_TRUE(value.is_substituted());
}

TEST(ParseYaml, AnEscapeIsNoSubstitution) {
  const ConfigNode value = Parse("a: $${NAME}\n").At("a");
  EXPECT_EQ(value.text(), "${NAME}");
  EXPECT_FALSE(value.is_substituted());
}

TEST(ParseYaml, AFailedSubstitutionLeavesAnUnknownValue) {
  Diagnostics diagnostics;
  const ConfigNode tree = ParseYamlText("t", "a: ${UNSET}\nb: 1\n", kEnvironment, diagnostics);
  EXPECT_EQ(diagnostics.error_count(), 1);
  EXPECT_TRUE(tree.At("a").is_unknown());
  EXPECT_FALSE(tree.At("b").is_unknown());
}

TEST(ParseYaml, LimitsAreTaken) {
  EXPECT_EQ(FirstCode("a: 12345", {.byte_count_max = 8}), "");
  EXPECT_EQ(FirstCode("a: 123456", {.byte_count_max = 8}), "E1003");
  EXPECT_EQ(FirstCode("[[1]]", {.depth_max = 2}), "");
  EXPECT_EQ(FirstCode("[[[1]]]", {.depth_max = 2}), "E1004");
  EXPECT_EQ(FirstCode("[1, 2]", {.node_count_max = 3}), "");
  EXPECT_EQ(FirstCode("[1, 2, 3]", {.node_count_max = 3}), "E1005");
}

TEST(ParseYaml, BytesThatAreNoTextAreRefused) {
  EXPECT_EQ(FirstCode("a: \xFF\xFE"), "E1010");
  EXPECT_EQ(FirstCode("a: \xC3"), "E1010");
  EXPECT_EQ(FirstCode(std::string_view("a: \0b", 5)), "E1010");
  EXPECT_EQ(FirstCode("a: \x1B[31m"), "E1010");
  EXPECT_EQ(FirstCode("a: °C 温度\n"), "");
}

// Found by the fuzzer: yaml-cpp makes endless empty documents of a stray bracket.
TEST(ParseYaml, AStrayBracketEnds) {
  EXPECT_EQ(FirstCode(",] {r"), "E1001");
  EXPECT_EQ(FirstCode("a: 1\n]\n"), "E1001");
  EXPECT_EQ(FirstCode("]"), "E1001");
}

TEST(ParseYaml, AMillionBracketsAreRefusedQuickly) {
  EXPECT_EQ(FirstCode(std::string(1'000'000, '[')), "E1004");
  EXPECT_EQ(FirstCode(std::string(1'000'000, '{')), "E1004");
}

TEST(ParseYaml, ManyKeysAreReadInLinearTime) {
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += "key" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(Parse(text).entries().size(), 60'000U);
}

TEST(ConfigNode, WithReplacesOrAdds) {
  const ConfigNode tree = Parse("a: 1\nb: 2\n");
  const ConfigNode changed =
      tree.With("a", ConfigNode::Scalar("9"), {}).With("c", ConfigNode::Scalar("3"), {});
  EXPECT_EQ(ToYaml(changed), "{a: 9, b: 2, c: 3}");
  EXPECT_EQ(ToYaml(tree), "{a: 1, b: 2}");
}

TEST(ToYaml, IsReadBackAsTheSameTexts) {
  const std::vector<std::string> texts = {
      "plain", "",           " leading", "trailing ",   "a: b",        "- x",
      "#no",   "true",       "null",     "~",           "5",           "-5",
      "- ",    "\"quoted\"", "it's",     "line\nbreak", "tab\there",   "°C",
      "{",     "]",          "a,b",      "*a",          "&a",          "!t",
      "%x",    "@x",         "`x",       "$${NAME}",    "back\\slash", "---",
      "-",     "?",          "a #b",     "x:",
  };
  for (const std::string& text : texts) {
    const ConfigNode list = ConfigNode::Sequence({ConfigNode::Scalar(text, {}, true)});
    const ConfigNode back = Parse(ToYaml(list));
    ASSERT_EQ(back.items().size(), 1U) << text;
    EXPECT_EQ(back.items()[0].shown(), text);
  }
}

TEST(SourceText, GivesLinesWithoutTheirEnds) {
  const SourceText source("x", "one\ntwo\r\n\nlast");
  EXPECT_EQ(source.line_count(), 4);
  EXPECT_EQ(source.Line(1), "one");
  EXPECT_EQ(source.Line(2), "two");
  EXPECT_EQ(source.Line(3), "");
  EXPECT_EQ(source.Line(4), "last");
  EXPECT_EQ(source.Line(0), "");
  EXPECT_EQ(source.Line(5), "");
}

}  // namespace
}  // namespace catchwater
