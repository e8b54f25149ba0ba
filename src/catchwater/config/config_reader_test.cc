#include "catchwater/config/config_reader.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

enum class Mode { kFast, kNull };
constexpr auto EnumWords(Mode) {
  return std::array{std::pair{Mode::kFast, std::string_view("fast")},
                    std::pair{Mode::kNull, std::string_view("null")}};
}

struct Inner {
  static constexpr std::string_view kShortFor = "name";
  std::string name;
  int32_t weight = 7;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("name", name, "Its name.");
    field.Optional("weight", weight, "Its weight.", Bounds{0, 9});
  }
};

struct Everything {
  bool is_on = false;
  int32_t small = 1;
  int64_t large = 2;
  uint64_t seed = 3;
  double ratio = 0.5;
  std::string text = "default";
  std::string word = "a";
  Duration wait = Duration::Seconds(1);
  ByteSize size = ByteSize::KiB(1);
  Secret secret;
  Mode mode = Mode::kFast;
  std::optional<Duration> limit;
  std::vector<std::string> list = {"x"};
  std::vector<std::pair<std::string, int64_t>> map;
  Inner inner;
  std::vector<Inner> inners;
  ConfigNode raw;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("on", is_on, "h");
    field.Optional("small", small, "h", Bounds{-5, 5});
    field.Optional("large", large, "h");
    field.Optional("seed", seed, "h");
    field.Optional("ratio", ratio, "h", Bounds{0, 1});
    field.Optional("text", text, "h");
    field.Optional("word", word, "h", OneOf{{"a", "b"}});
    field.Optional("wait", wait, "h", Bounds{Duration::Seconds(1), Duration::Minutes(1)});
    field.Optional("size", size, "h");
    field.Optional("secret", secret, "h");
    field.Optional("mode", mode, "h");
    field.Optional("limit", limit, "h");
    field.Optional("list", list, "h", Count{1, 2});
    field.Optional("map", map, "h", Bounds{0, 10});
    field.Optional("inner", inner, "h");
    field.Optional("inners", inners, "h");
    field.Optional("raw", raw, "h");
  }
};

struct ReadCase {
  std::string name;
  std::string yaml;
  std::string want_code = "";  // Empty: it is read.
  std::string want_message = "";
};

const std::vector<ReadCase> kReadCases = {
    {"Empty", ""},
    {"EmptyMap", "{}"},
    {"Bool", "on: true"},
    {"BoolNo", "on: no", "E1204", "`on` of test must be true or false, not `no`"},
    {"Int", "small: -5"},
    {"IntPlusSign", "small: +5", "E1204"},
    {"IntHex", "small: 0x5", "E1204"},
    {"IntEmptyText", "small: ''", "E1204"},
    {"IntTooSmall", "small: -6", "E1401", "must be -5 to 5, not `-6`"},
    {"IntLargest", "large: 9223372036854775807"},
    {"IntSmallest", "large: -9223372036854775808"},
    {"IntTooLarge", "large: 9223372036854775808", "E1403", "64 bits"},
    {"UnsignedLargest", "seed: 18446744073709551615"},
    {"UnsignedNegative", "seed: -1", "E1204"},
    {"DoubleWhole", "ratio: 1"},
    {"DoubleExponent", "ratio: 1e-3"},
    {"DoubleBoundsLow", "ratio: -0.001", "E1401", "must be 0 to 1"},
    {"DoubleNan", "ratio: nan", "E1404"},
    {"DoubleHuge", "ratio: 1e999", "E1404"},
    {"DoubleRest", "ratio: 1x", "E1204"},
    {"TextThatLooksLikeANumber", "text: 5"},
    {"TextEmptyInQuotes", "text: ''"},
    {"TextMap", "text: {}", "E1204", "must be a text, not a map"},
    {"WordB", "word: b"},
    {"WordC", "word: c", "E1207"},
    {"DurationLow", "wait: 999ms", "E1401", "must be 1s to 1m"},
    {"DurationHigh", "wait: 1m"},
    {"DurationNumber", "wait: 5", "E1208"},
    {"SizePlain", "size: 5"},
    {"SizeWrong", "size: 5 KiB", "E1209"},
    {"EnumWord", "mode: fast"},
    {"EnumNull", "mode: null"},
    {"EnumNothing", "mode:", "E1205"},
    {"EnumList", "mode: []", "E1204"},
    {"OptionalSet", "limit: 5m"},
    {"OptionalNothing", "limit:", "E1205"},
    {"ListOne", "list: [a]"},
    {"ListNone", "list: []", "E1402", "must have 1 to 2 items, not 0"},
    {"ListThree", "list: [a, b, c]", "E1402"},
    {"ListOfLists", "list: [[a]]", "E1204", "`list[0]` of test must be a text, not a list"},
    {"MapOfInts", "map: {a: 1, b: 10}"},
    {"MapItemOutOfBounds", "map: {a: 1, b: 11}", "E1401", "`map.b` of test must be 0 to 10"},
    {"StructShort", "inner: foo"},
    {"StructLong", "inner: {name: foo, weight: 1}"},
    {"StructShortInList", "inners: [a, {name: b}]"},
    {"StructMissing", "inner: {weight: 1}", "E1201", "option `name` is missing in `inner` of test"},
    {"StructNothing", "inner:", "E1201"},
    {"StructUnknown", "inner: {name: a, wieght: 1}", "E1203"},
    {"RawAnything", "raw: {a: [1, {b: c}]}"},
    {"VariableForNumber", "small: \"${FOUR}\""},
    {"VariableForList", "list: ${FOUR}", "E1204"},
    {"TopIsAList", "[a]", "E1204", "test must be a map"},
};

class ConfigReaderTest : public ::testing::TestWithParam<ReadCase> {};

TEST_P(ConfigReaderTest, Reads) {
  const ReadCase& test = GetParam();
  Diagnostics diagnostics;
  const Environment environment = Environment::FromMap({{"FOUR", "4"}});
  const ConfigNode tree = ParseYamlText("t.yaml", test.yaml, environment, diagnostics);
  ASSERT_FALSE(diagnostics.has_errors()) << Render(diagnostics, {});
  Everything config;
  const bool is_read = ReadConfig(tree, "test", diagnostics, config);
  const std::string said = Render(diagnostics, {});
  EXPECT_EQ(is_read, test.want_code.empty()) << said;
  EXPECT_EQ(diagnostics.error_count(), test.want_code.empty() ? 0 : 1) << said;
  if (diagnostics.all().empty()) return;
  EXPECT_EQ(diagnostics.all().front().code, test.want_code) << said;
  EXPECT_NE(said.find(test.want_message), std::string::npos) << said;
}

INSTANTIATE_TEST_SUITE_P(Table, ConfigReaderTest, ::testing::ValuesIn(kReadCases),
                         [](const auto& test) { return test.param.name; });

Everything ReadAll(std::string_view yaml) {
  Diagnostics diagnostics;
  Everything config;
  const ConfigNode tree = ParseYamlText("t.yaml", yaml, Environment::FromMap({}), diagnostics);
  EXPECT_TRUE(ReadConfig(tree, "test", diagnostics, config)) << Render(diagnostics, {});
  return config;
}

TEST(ReadConfig, DefaultsAreTheInitialisers) {
  const Everything config = ReadAll("{}");
  EXPECT_EQ(config.small, 1);
  EXPECT_EQ(config.text, "default");
  EXPECT_EQ(config.list, (std::vector<std::string>{"x"}));
  EXPECT_EQ(config.limit, std::nullopt);
  EXPECT_TRUE(config.raw.is_missing());
}

TEST(ReadConfig, FillsEveryMember) {
  const Everything config = ReadAll(
      "{on: true, small: 2, large: 3, seed: 4, ratio: 0.25, text: t, word: b, wait: 2s, size: 2KiB,"
      " mode: null, limit: 1h, list: [a, b], map: {z: 1, a: 2}, inner: i, inners: [j], raw: [1]}");
  EXPECT_TRUE(config.is_on);
  EXPECT_EQ(config.small, 2);
  EXPECT_EQ(config.large, 3);
  EXPECT_EQ(config.seed, 4U);
  EXPECT_EQ(config.ratio, 0.25);
  EXPECT_EQ(config.text, "t");
  EXPECT_EQ(config.word, "b");
  EXPECT_EQ(config.wait, Duration::Seconds(2));
  EXPECT_EQ(config.size, ByteSize::KiB(2));
  EXPECT_EQ(config.mode, Mode::kNull);
  EXPECT_EQ(config.limit, Duration::Hours(1));
  EXPECT_EQ(config.list, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(config.map, (std::vector<std::pair<std::string, int64_t>>{{"z", 1}, {"a", 2}}));
  EXPECT_EQ(config.inner.name, "i");
  EXPECT_EQ(config.inner.weight, 7);
  ASSERT_EQ(config.inners.size(), 1U);
  EXPECT_EQ(config.inners[0].name, "j");
  EXPECT_EQ(config.raw.items().size(), 1U);
}

TEST(ReadConfig, ReportsEveryMistakeOfTheSubtree) {
  Diagnostics diagnostics;
  Everything config;
  const ConfigNode tree =
      ParseYamlText("t", "{on: 5, smal: 1, list: [], inner: {weight: 10}, ratio: x}",
                    Environment::FromMap({}), diagnostics);
  EXPECT_FALSE(ReadConfig(tree, "test", diagnostics, config));
  EXPECT_EQ(diagnostics.error_count(), 6) << Render(diagnostics, {});
}

TEST(ReadConfig, ASecretInTheFileIsAWarningWithoutTheText) {
  Diagnostics diagnostics;
  Everything config;
  const ConfigNode tree =
      ParseYamlText("t", "secret: hunter2", Environment::FromMap({}), diagnostics);
  EXPECT_TRUE(ReadConfig(tree, "test", diagnostics, config));
  EXPECT_EQ(config.secret.Reveal(), "hunter2");
  EXPECT_EQ(diagnostics.warning_count(), 1);
  EXPECT_EQ(Render(diagnostics, {}).find("hunter2"), std::string::npos);
}

TEST(ReadConfig, ASecretOfAVariableIsNotRemarkable) {
  Diagnostics diagnostics;
  Everything config;
  const ConfigNode tree = ParseYamlText(
      "t", "secret: \"${PASSWORD}\"", Environment::FromMap({{"PASSWORD", "hunter2"}}), diagnostics);
  EXPECT_TRUE(ReadConfig(tree, "test", diagnostics, config));
  EXPECT_EQ(config.secret.Reveal(), "hunter2");
  EXPECT_TRUE(diagnostics.all().empty());
}

TEST(ReadConfig, AnUnknownVariableIsReportedOnce) {
  Diagnostics diagnostics;
  Everything config;
  const ConfigNode tree = ParseYamlText("t", "{small: \"${X}\", list: \"${X}\", secret: \"${X}\"}",
                                        Environment::FromMap({}), diagnostics);
  const int64_t errors_before = diagnostics.error_count();
  ReadConfig(tree, "test", diagnostics, config);
  EXPECT_EQ(diagnostics.error_count(), errors_before);
}

struct WithCheck {
  int64_t low = 0;
  int64_t high = 1;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("low", low, "h");
    field.Optional("high", high, "h");
  }
  arrow::Status Check() const {
    return low <= high ? arrow::Status::OK() : ConfigError("`low` is above `high`");
  }
};

TEST(ReadConfig, ChecksWhatOptionsMeanTogether) {
  for (const auto& [yaml, want] : {std::pair{"{low: 1, high: 2}", ""},
                                   {"{low: 3}", "E1405"},
                                   {"{low: x, high: -5}", "E1204"}}) {
    Diagnostics diagnostics;
    WithCheck config;
    const ConfigNode tree = ParseYamlText("t", yaml, Environment::FromMap({}), diagnostics);
    ReadConfig(tree, "test", diagnostics, config);
    ASSERT_LE(diagnostics.all().size(), 1U);
    EXPECT_EQ(diagnostics.all().empty() ? "" : diagnostics.all().front().code, want) << yaml;
  }
}

struct WithRest {
  std::string mode = "a";
  std::vector<std::pair<std::string, int64_t>> others;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Rest("column", others, "h", Bounds{0, 9});
    field.Optional("mode", mode, "h");
  }
};

TEST(ReadConfig, RestTakesWhatNoOtherFieldTook) {
  Diagnostics diagnostics;
  WithRest config;
  const ConfigNode tree =
      ParseYamlText("t", "{b: 1, mode: x, a: 2}", Environment::FromMap({}), diagnostics);
  EXPECT_TRUE(ReadConfig(tree, "test", diagnostics, config));
  EXPECT_EQ(config.mode, "x");
  EXPECT_EQ(config.others, (std::vector<std::pair<std::string, int64_t>>{{"b", 1}, {"a", 2}}));
}

TEST(ReadConfig, RestIsCheckedLikeOthers) {
  Diagnostics diagnostics;
  WithRest config;
  const ConfigNode tree = ParseYamlText("t", "{b: 10}", Environment::FromMap({}), diagnostics);
  EXPECT_FALSE(ReadConfig(tree, "test", diagnostics, config));
  EXPECT_EQ(diagnostics.all().front().code, "E1401");
}

TEST(Where, NamesThePath) {
  const Where where{.owner = "source `file`"};
  EXPECT_EQ(where.ToString(), "source `file`");
  EXPECT_EQ(where.Child("take").Child("min").ToString(), "`take.min` of source `file`");
  EXPECT_EQ(where.Child("list").Item(2).ToString(), "`list[2]` of source `file`");
  const Where top{.owner = "the pipeline", .path = {}, .is_owner_implied = true};
  EXPECT_EQ(top.ToString(), "the pipeline");
  EXPECT_EQ(top.Child("lake").ToString(), "`lake`");
}

}  // namespace
}  // namespace catchwater
