#include "catchwater/transform/validate/validate_step.h"

#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/testing/step_conformance.h"
#include "catchwater/transform/validate/value_rule.h"

namespace catchwater {
namespace {

const auto kTimestamp = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");

std::shared_ptr<arrow::Schema> Schema() {
  return arrow::schema({arrow::field("id", arrow::utf8()), arrow::field("t", arrow::float64()),
                        arrow::field("n", arrow::int64()),
                        arrow::field("price", arrow::decimal128(10, 2)),
                        arrow::field("day", arrow::date32()), arrow::field("ts", kTimestamp),
                        arrow::field("ok", arrow::boolean())});
}

constexpr const char* kRows = R"(
  S1  | 20.5 | 1  | 1.50  | 2024-01-01 | 2024-01-01T00:00:00Z | true
  S2  |      | 2  | -1.50 | 2024-02-29 | 2024-01-01T00:10:00Z | false
  x   | 99.5 | 3  |       |            | 2024-01-01T00:20:00Z |
  S10 | -41  |    | 99.99 | 2025-01-01 | 2024-01-01T02:00:00Z | true
  S1  | 85   | 1  | 100   | 2023-12-31 | 2024-01-01T02:30:00Z | true
      | -40  | -7 | 0     | 2024-06-01 |                      | false
)";

struct Bench : StepBench {
  Bench() : StepBench(RegisterValidateStep, Schema()) { columns[5].is_event_time = true; }
};

struct RuleCase {
  std::string name, rules;
  std::vector<uint64_t> ordinals;  // Of the rows that stay.
  std::vector<std::string> dead = {};
};
class ValidateRuleTest : public ::testing::TestWithParam<RuleCase> {};

TEST_P(ValidateRuleTest, MakesDeadLettersOfRowsThatBreakIt) {
  Bench bench;
  const auto make = [&] { return bench.Make("validate: {" + GetParam().rules + "}"); };
  auto step = make();
  ASSERT_TRUE(step.ok()) << step.status();
  const Batch batch = BatchFromText(Schema(), kRows);
  const StepOutcome outcome = ApplyOnce(**step, batch);
  EXPECT_EQ(outcome.ordinals, GetParam().ordinals);
  EXPECT_EQ(outcome.dead, GetParam().dead);
  EXPECT_TRUE(outcome.tallies.empty());
  CheckStepConformance({.make = make, .batch = batch});
}

INSTANTIATE_TEST_SUITE_P(
    Table, ValidateRuleTest,
    ::testing::Values(
        RuleCase{"NotNull",
                 "t: {not_null: true}",
                 {100, 102, 103, 104, 105},
                 {"101 validate.not_null t: Value is missing"}},
        RuleCase{"RangeOfReals",
                 "t: {range: [-40, 85]}",
                 {100, 101, 104, 105},
                 {"102 validate.range t: Value is out of range [-40, 85]: 99.5",
                  "103 validate.range t: Value is out of range [-40, 85]: -41"}},
        RuleCase{"RangeOpenAbove",
                 "n: {range: [0, null]}",
                 {100, 101, 102, 103, 104},
                 {"105 validate.range n: Value is out of range [0, null]: -7"}},
        RuleCase{"RangeOpenBelow",
                 "n: {range: [null, 2]}",
                 {100, 101, 103, 104, 105},
                 {"102 validate.range n: Value is out of range [null, 2]: 3"}},
        RuleCase{"RangeOfDecimals",
                 "price: {range: [0, 99.99]}",
                 {100, 102, 103, 105},
                 {"101 validate.range price: Value is out of range [0, 99.99]: -1.50",
                  "104 validate.range price: Value is out of range [0, 99.99]: 100.00"}},
        RuleCase{"RangeOfDates",
                 "day: {range: [2024-01-01, 2024-12-31]}",
                 {100, 101, 102, 105},
                 {"103 validate.range day: Value is out of range [2024-01-01, 2024-12-31]: "
                  "2025-01-01",
                  "104 validate.range day: Value is out of range [2024-01-01, 2024-12-31]: "
                  "2023-12-31"}},
        RuleCase{"RangeOfTimes",
                 "ts: {range: ['2024-01-01T00:10:00Z', null]}",
                 {101, 102, 103, 104, 105},
                 {"100 validate.range ts: Value is out of range [2024-01-01T00:10:00Z, null]: "
                  "2024-01-01 00:00:00.000000Z"}},
        RuleCase{"Regex",
                 "id: {regex: '^S[0-9]+$'}",
                 {100, 101, 103, 104, 105},
                 {"102 validate.regex id: Value does not match ^S[0-9]+$: x"}},
        RuleCase{"RegexIsFoundAnywhere",
                 "id: {regex: '[0-9]'}",
                 {100, 101, 103, 104, 105},
                 {"102 validate.regex id: Value does not match [0-9]: x"}},
        RuleCase{"OneOfTexts",
                 "id: {one_of: [S1, S2, S10]}",
                 {100, 101, 103, 104, 105},
                 {"102 validate.one_of id: Value is not one of S1, S2, S10: x"}},
        RuleCase{"OneOfNumbers",
                 "n: {one_of: [1, 2, 3]}",
                 {100, 101, 102, 103, 104},
                 {"105 validate.one_of n: Value is not one of 1, 2, 3: -7"}},
        RuleCase{"OneOfBools",
                 "ok: {one_of: [true]}",
                 {100, 102, 103, 104},
                 {"101 validate.one_of ok: Value is not one of true: false",
                  "105 validate.one_of ok: Value is not one of true: false"}},
        RuleCase{"Unique",
                 "id: {unique_within: 3h}",
                 {100, 101, 102, 103, 105},
                 {"104 validate.unique_within id: Value came again within 3h: S1"}},
        RuleCase{"UniqueAfterTheWindow", "id: {unique_within: 1h}", {100, 101, 102, 103, 104, 105}},
        RuleCase{"TheFirstBrokenRuleDecides",
                 "t: {range: [0, 50]}, id: {regex: S}",
                 {100, 101},
                 {"102 validate.range t: Value is out of range [0, 50]: 99.5",
                  "103 validate.range t: Value is out of range [0, 50]: -41",
                  "104 validate.range t: Value is out of range [0, 50]: 85",
                  "105 validate.range t: Value is out of range [0, 50]: -40"}},
        // Row 100 is dead by its temperature, so S1 of row 104 is the first.
        RuleCase{"UniqueLooksAtRowsThatPassed",
                 "id: {unique_within: 3h}, t: {range: [21, null]}",
                 {101, 102, 104},
                 {"100 validate.range t: Value is out of range [21, null]: 20.5",
                  "103 validate.range t: Value is out of range [21, null]: -41",
                  "105 validate.range t: Value is out of range [21, null]: -40"}}),
    [](const auto& test) { return test.param.name; });

TEST(ValidateStep, CanDropAndCount) {
  Bench bench;
  const auto make = [&] {
    return bench.Make("validate: {t: {range: [-40, 85]}, id: {regex: S}, on_fail: drop}");
  };
  auto step = make().ValueOrDie();
  const StepOutcome outcome = ApplyOnce(*step, BatchFromText(Schema(), kRows));
  EXPECT_EQ(outcome.ordinals, (std::vector<uint64_t>{100, 101, 104, 105}));
  EXPECT_TRUE(outcome.dead.empty());
  EXPECT_EQ(outcome.tallies, (std::map<std::string, int64_t>{{"dropped validate[0].t.range", 2}}));
  EXPECT_FALSE(step->needs_row_origins());
  CheckStepConformance({.make = make, .batch = BatchFromText(Schema(), kRows)});
}

TEST(ValidateStep, CanBlankTheValueAndCountsItAsAMetric) {
  Bench bench;
  const auto make = [&] {
    return bench.Make("validate: {t: {range: [-40, 85]}, id: {one_of: [S1]}, on_fail: null}");
  };
  auto step = make().ValueOrDie();
  const StepOutcome outcome = ApplyOnce(*step, BatchFromText(Schema(), kRows));
  EXPECT_EQ(outcome.ordinals.size(), 6U);
  EXPECT_EQ(outcome.rows.substr(0, 14), "S1 | 20.5 | 1 ");
  EXPECT_NE(outcome.rows.find("\nnull | null | 3 |"), std::string::npos) << outcome.rows;
  ASSERT_EQ(step->counters().size(), 2U);
  EXPECT_EQ(step->counters()[0].name, "validate[0].t.range.nulled");
  EXPECT_EQ(step->counters()[0].count, 2);
  EXPECT_EQ(step->counters()[1].count, 3);
  CheckStepConformance({.make = make, .batch = BatchFromText(Schema(), kRows)});
}

TEST(ValidateStep, MayTreatEveryColumnInItsOwnWay) {
  Bench bench;
  auto step = bench
                  .Make(
                      "validate: {on_fail: drop, t: {range: [-40, 85], on_fail: null}, "
                      "id: {regex: S}, ok: {not_null: true, on_fail: dead_letter}}")
                  .ValueOrDie();
  const StepOutcome outcome = ApplyOnce(*step, BatchFromText(Schema(), kRows));
  EXPECT_EQ(outcome.tallies, (std::map<std::string, int64_t>{{"dropped validate[0].id.regex", 1}}));
  EXPECT_TRUE(outcome.dead.empty());
  EXPECT_EQ(outcome.ordinals.size(), 5U);
}

TEST(ValidateStep, MakesARequiredColumnNullableWhereItBlanks) {
  Bench bench;
  bench.input_schema = arrow::schema({arrow::field("t", arrow::float64(), /*nullable=*/false)});
  auto step = bench.Make("validate: {t: {range: [0, 1], on_fail: null}}").ValueOrDie();
  EXPECT_TRUE(step->output_schema()->field(0)->nullable());
  const StepOutcome outcome = ApplyOnce(*step, BatchFromText(bench.input_schema, "0.5\n"));
  EXPECT_EQ(outcome.rows, "0.5\n");
}

TEST(ValidateStep, TakesUpUniqueValuesFromTheLake) {
  Bench bench;
  auto step = bench.Make("validate: {id: {unique_within: 3h}}").ValueOrDie();
  EXPECT_TRUE(step->is_stateful());
  EXPECT_EQ(step->seed_request()->columns, (std::vector<std::string>{"ts", "id"}));
  const Batch batch = BatchFromText(Schema(), kRows);
  ASSERT_TRUE(step->Seed(*batch.rows->SelectColumns({5, 0}).ValueOrDie()->Slice(0, 2)).ok());
  EXPECT_EQ(ApplyOnce(*step, batch).ordinals, (std::vector<uint64_t>{102, 103, 105}));
}

struct RefusedCase {
  std::string name, rules, message;
};
class ValidateRefusedTest : public ::testing::TestWithParam<RefusedCase> {};

TEST_P(ValidateRefusedTest, IsAConfigError) {
  StepBench bench(RegisterValidateStep, Schema());  // Without an event time.
  const auto step = bench.Make("validate: {" + GetParam().rules + "}");
  ASSERT_FALSE(step.ok());
  EXPECT_EQ(KindOf(step.status()), ErrorKind::kConfig) << step.status();
  EXPECT_NE(step.status().message().find(GetParam().message), std::string::npos) << step.status();
}

INSTANTIATE_TEST_SUITE_P(
    Table, ValidateRefusedTest,
    ::testing::Values(RefusedCase{"NoColumn", "on_fail: drop", "at least one column"},
                      RefusedCase{"NoRule", "t: {}", "needs a rule"},
                      RefusedCase{"UnknownColumn", "x: {not_null: true}", "not there: x"},
                      RefusedCase{"OpenRange", "t: {range: [null, null]}", "at least one end"},
                      RefusedCase{"OneEnd", "t: {range: [1]}", "range"},
                      RefusedCase{"EmptyRange", "t: {range: [2, 1]}", "No value can be"},
                      RefusedCase{"EmptyDecimalRange", "price: {range: [2, 1]}", "No value can be"},
                      RefusedCase{"RangeOfTexts", "id: {range: [a, b]}", "not for: string"},
                      RefusedCase{"FractionOfInteger", "n: {range: [0.5, 2]}", "0.5"},
                      RefusedCase{"BadRegex", "id: {regex: '['}", "Regex is not valid"},
                      RefusedCase{"RegexOfNumbers", "n: {regex: '1'}", "not for: int64"},
                      RefusedCase{"OneOfWrongType", "n: {one_of: [a]}", "a"},
                      RefusedCase{"NullOfNotNull", "t: {not_null: true, on_fail: null}",
                                  "cannot be mended"},
                      RefusedCase{"UniqueWithoutTime", "id: {unique_within: 1h}", "event_time"},
                      RefusedCase{"UnknownOption", "t: {rnge: [1, 2]}", "rnge"}),
    [](const auto& test) { return test.param.name; });

TEST(ValueRule, TakesNaNForOutOfEveryRange) {
  auto rule = MakeRangeRule(arrow::float64(), std::nullopt, "10").ValueOrDie();
  arrow::DoubleBuilder builder;
  ASSERT_TRUE(builder.AppendValues({NAN, INFINITY, -INFINITY, 10, -0.0}).ok());
  std::vector<uint8_t> broken(5);
  rule->Check(*builder.Finish().ValueOrDie(), broken);
  EXPECT_EQ(broken, (std::vector<uint8_t>{1, 1, 0, 0, 0}));
}

TEST(ValueRule, RespectsTheOffsetOfASlice) {
  const Batch batch = BatchFromText(Schema(), kRows);
  auto rule = MakeRangeRule(arrow::float64(), "-40", "85").ValueOrDie();
  std::vector<uint8_t> broken(3);
  rule->Check(*batch.rows->GetColumnByName("t")->Slice(1, 3), broken);
  EXPECT_EQ(broken, (std::vector<uint8_t>{0, 1, 1}));
  auto words = MakeOneOfRule(arrow::int64(), {"1", "2"}).ValueOrDie();
  words->Check(*batch.rows->GetColumnByName("n")->Slice(2, 3), broken);
  EXPECT_EQ(broken, (std::vector<uint8_t>{1, 0, 0}));
}

TEST(ValueRule, ShowsLongValuesInPart) {
  arrow::StringBuilder builder;
  std::string text;
  for (int i = 0; i < 150; ++i) text += "ü";
  ASSERT_TRUE(builder.Append(text).ok());
  const std::string shown = ShownValue(*builder.Finish().ValueOrDie(), 0);
  EXPECT_EQ(shown, text.substr(0, 200) + "...");
}

// Law: what passes all rules is exactly what a row-by-row oracle lets pass.
TEST(ValidateStep, AgreesWithASlowOracle) {
  for (uint32_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto schema =
        arrow::schema({arrow::field("id", arrow::utf8()), arrow::field("n", arrow::int64())});
    std::string text;
    std::vector<uint64_t> want;
    const uint64_t row_count = random() % 200;
    for (uint64_t i = 0; i < row_count; ++i) {
      const bool has_id = random() % 5 != 0;
      const std::string id = (random() % 2 == 0 ? "S" : "x") + std::to_string(random() % 12);
      const int64_t n = static_cast<int64_t>(random() % 40) - 20;
      const bool has_n = random() % 5 != 0;
      text += (has_id ? id : "") + " | " + (has_n ? std::to_string(n) : "") + "\n";
      const bool is_id_good = has_id && id[0] == 'S' && id.size() == 2;
      if (is_id_good && (!has_n || (n >= -10 && n <= 7))) want.push_back(100 + i);
    }
    StepBench bench(RegisterValidateStep, schema);
    auto step = bench.Make("validate: {id: {not_null: true, regex: '^S.$'}, n: {range: [-10, 7]}}")
                    .ValueOrDie();
    EXPECT_EQ(ApplyOnce(*step, BatchFromText(schema, text)).ordinals, want);
  }
}

TEST(ValidateStep, RunsItsExample) {
  StepBench bench(RegisterValidateStep,
                  arrow::schema({arrow::field("sensor_id", arrow::utf8()),
                                 arrow::field("temperature", arrow::float64()),
                                 arrow::field("unit", arrow::utf8())}));
  auto step =
      bench.Make(ReadExample("src/catchwater/transform/validate/validate_step.example.yaml"));
  ASSERT_TRUE(step.ok()) << step.status();
  const StepOutcome outcome = ApplyOnce(
      **step,
      BatchFromText(bench.input_schema, "S1 | 20 | celsius\nS2 | 20 | kelvin\nS3 | 90 |\n"));
  EXPECT_EQ(outcome.rows, "S1 | 20 | celsius\nS2 | 20 | null\n");
  EXPECT_EQ(outcome.dead.size(), 1U);
}

}  // namespace
}  // namespace catchwater
