#include "catchwater/transform/select/select_step.h"

#include <map>
#include <string>
#include <vector>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/testing/step_conformance.h"
#include "catchwater/transform/select/fuse_sql_steps.h"

namespace catchwater {
namespace {

std::shared_ptr<arrow::Schema> Schema() {
  return arrow::schema({arrow::field("sensor_id", arrow::utf8()),
                        arrow::field("ts", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
                        arrow::field("temperature", arrow::float64())});
}

constexpr const char* kRows = R"(
  S1  | 2024-01-01T00:00:00Z | 20.5
  S2  | 2024-01-01T00:01:00Z |
  x   | 2024-01-01T00:02:00Z | 99
  S10 | 2024-01-01T00:03:00Z | -41
  S3  |                      | 0
)";

struct SelectCase {
  std::string name, condition;
  std::vector<uint64_t> ordinals;  // Of the rows that stay.
  std::vector<std::string> dead = {};
};
class SelectStepTest : public ::testing::TestWithParam<SelectCase> {};

TEST_P(SelectStepTest, KeepsRowsForWhichTheConditionIsTrue) {
  const SelectCase& test = GetParam();
  StepBench bench(RegisterSelectStep, Schema());
  const auto make = [&] { return bench.Make("select: " + test.condition); };
  auto step = make().ValueOrDie();
  const Batch batch = BatchFromText(Schema(), kRows);
  const StepOutcome outcome = ApplyOnce(*step, batch);
  EXPECT_EQ(outcome.ordinals, test.ordinals);
  EXPECT_EQ(outcome.dead, test.dead);
  const auto filtered = static_cast<int64_t>(5 - test.ordinals.size() - test.dead.size());
  EXPECT_EQ(outcome.tallies,
            filtered == 0 ? (std::map<std::string, int64_t>{})
                          : (std::map<std::string, int64_t>{{"filtered select[0]", filtered}}));
  CheckStepConformance({.make = make, .batch = batch});
}

INSTANTIATE_TEST_SUITE_P(
    Table, SelectStepTest,
    ::testing::Values(
        SelectCase{"Simple", "temperature IS NOT NULL AND temperature < 80", {100, 103, 104}},
        SelectCase{"NullIsFalse", "temperature < 80", {100, 103, 104}},
        SelectCase{"All", "sensor_id <> 'none'", {100, 101, 102, 103, 104}},
        SelectCase{"None", "temperature > 1000", {}},
        SelectCase{"ByDuckDb", "sensor_id LIKE 'S_'", {100, 101, 104}},
        SelectCase{"AsLongForm", "{condition: \"date_part('minute', ts) >= 2\"}", {102, 103}},
        SelectCase{"NotComputable",
                   "CAST(substr(sensor_id, 2) AS INTEGER) < 5",
                   {100, 101, 104},
                   {"102 select[0] : Conversion Error: Could not convert string '' to INT32"}}),
    [](const auto& test) { return test.param.name; });

TEST(SelectStep, RefusesAConditionThatIsNotValid) {
  StepBench bench(RegisterSelectStep, Schema());
  const auto step = bench.Make("select: temperatur > 3");
  EXPECT_EQ(KindOf(step.status()), ErrorKind::kConfig);
  EXPECT_NE(step.status().message().find("\"temperatur\" not found"), std::string::npos)
      << step.status();
  EXPECT_FALSE(bench.Make("select: {}").ok());
}

TEST(SelectStep, NeedsOriginsOnlyWhereARowMayBeRefused) {
  StepBench bench(RegisterSelectStep, Schema());
  EXPECT_FALSE(bench.Make("select: temperature > 3").ValueOrDie()->needs_row_origins());
  EXPECT_TRUE(bench.Make("select: abs(temperature) > 3").ValueOrDie()->needs_row_origins());
}

TEST(SelectStep, RunsItsExample) {
  StepBench bench(RegisterSelectStep, Schema());
  auto step = bench.Make(ReadExample("src/catchwater/transform/select/select_step.example.yaml"));
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_EQ(ApplyOnce(**step, BatchFromText(Schema(), kRows)).ordinals,
            (std::vector<uint64_t>{100, 104}));
}

/// A step that has no rules.
class OtherStep final : public Step {
 public:
  arrow::Result<Split> Apply(Batch batch) override {
    Split split;
    split.good = std::move(batch);
    return split;
  }
  const std::shared_ptr<arrow::Schema>& output_schema() const override { return schema_; }

 private:
  std::shared_ptr<arrow::Schema> schema_ = Schema();
};

std::vector<std::unique_ptr<Step>> Steps(StepBench& bench, const std::vector<std::string>& yamls) {
  std::vector<std::unique_ptr<Step>> steps;
  for (const std::string& yaml : yamls) {
    if (yaml.empty()) {
      steps.push_back(std::make_unique<OtherStep>());
    } else {
      steps.push_back(bench.Make(yaml).ValueOrDie());
    }
  }
  return steps;
}

TEST(FuseSqlSteps, JoinsNeighboursAndCountsAsBefore) {
  StepBench bench(RegisterSelectStep, Schema());
  const std::vector<std::string> yamls = {"select: temperature IS NOT NULL",
                                          "select: abs(temperature) < 90", "",
                                          "select: sensor_id <> 'S3'", ""};
  auto apart = Steps(bench, yamls);
  auto fused = FuseSqlSteps(Steps(bench, yamls), Schema()).ValueOrDie();
  ASSERT_EQ(fused.size(), 4U);
  EXPECT_EQ(fused[0]->sql_rules().size(), 2U);
  const auto run = [](std::vector<std::unique_ptr<Step>>& steps) {
    StepOutcome outcome;
    Batch batch = BatchFromText(Schema(), kRows);
    for (auto& step : steps) {
      Split split = step->Apply(batch).ValueOrDie();
      for (const Tally& tally : split.tallies) outcome.tallies[tally.reason] += tally.row_count;
      batch = split.good;
    }
    outcome.rows = TextOf(*batch.rows);
    return outcome;
  };
  const StepOutcome want = run(apart);
  EXPECT_TRUE(run(fused) == want);
  EXPECT_EQ(want.tallies, (std::map<std::string, int64_t>{{"select[0]", 3}}));
}

}  // namespace
}  // namespace catchwater
