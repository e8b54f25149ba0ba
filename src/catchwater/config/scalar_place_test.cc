#include "catchwater/config/scalar_place.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

struct Case {
  std::string name;
  std::string yaml;
  /// Line and column of `temprature` in the file; 0: cannot be told.
  int64_t line;
  int64_t column;
};

class PlaceInScalarTest : public ::testing::TestWithParam<Case> {};

TEST_P(PlaceInScalarTest, IsThePlaceInTheFile) {
  const Case& test = GetParam();
  Diagnostics diagnostics;
  const Environment environment = Environment::FromMap({{"LIMIT", "3"}});
  const ConfigNode tree = ParseYamlText("t.yaml", test.yaml, environment, diagnostics);
  ASSERT_FALSE(diagnostics.has_errors()) << Render(diagnostics, {});
  const ConfigNode scalar = tree.At("select");
  const size_t offset = scalar.text().find("temprature");
  ASSERT_NE(offset, std::string::npos) << scalar.text();
  const auto place = PlaceInScalar(scalar, offset, 10);
  ASSERT_EQ(place.has_value(), test.line > 0);
  if (!place) return;
  EXPECT_EQ(place->line, test.line);
  EXPECT_EQ(place->column, test.column);
  EXPECT_EQ(place->source->Line(place->line).substr(static_cast<size_t>(place->column) - 1, 10),
            "temprature");
  EXPECT_EQ(place->length, 10);
}

INSTANTIATE_TEST_SUITE_P(
    Table, PlaceInScalarTest,
    ::testing::ValuesIn(std::vector<Case>{
        {"Plain", "a: 1\nselect: b > 1 AND temprature > 3\n", 2, 19},
        {"PlainOverLines", "select: b > 1\n  AND\n  temprature > 3\n", 3, 3},
        {"DoubleQuoted", "select: \"b > 1 AND temprature > 3\"\n", 1, 20},
        {"EscapedQuote", "select: \"\\\"b\\\" > 1 AND temprature > 3\"\n", 1, 24},
        {"SingleQuoted", "select: 'b = ''x'' AND temprature > 3'\n", 1, 24},
        {"Literal", "select: |\n  b > 1\n  AND temprature > 3\na: 1\n", 3, 7},
        {"Folded", "select: >-\n\n    b > 1 AND\n    temprature > 3\n", 4, 5},
        {"InFlow", "{a: 1, select: temprature > 3}\n", 1, 16},
        {"ManyBytesBefore", "select: b = '°C' AND temprature > 3\n", 1, 23},
        {"AVariableBefore", "select: b > ${LIMIT} AND temprature > 3\n", 0, 0},
        {"AnEscapeBefore", "select: \"b = '\\x41' AND temprature > 3\"\n", 0, 0},
    }),
    [](const auto& test) { return test.param.name; });

TEST(PlaceInScalar, TheEndIsBehindTheText) {
  Diagnostics diagnostics;
  const ConfigNode tree = ParseYamlText("t.yaml", "select: b IS NOT\na: 1\n", {}, diagnostics);
  const auto place = PlaceInScalar(tree.At("select"), 8, 1);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->line, 1);
  EXPECT_EQ(place->column, 17);
  EXPECT_EQ(place->length, 1);
}

TEST(PlaceInScalar, WhatComesFromNoFileHasNone) {
  EXPECT_FALSE(PlaceInScalar(ConfigNode::Scalar("a > 1"), 0, 1));
}

}  // namespace
}  // namespace catchwater
