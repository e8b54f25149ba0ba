#include "catchwater/transform/deduplicate/deduplicate_step.h"

#include <map>
#include <string>
#include <vector>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/base/random.h"
#include "catchwater/testing/step_conformance.h"

namespace catchwater {
namespace {

std::shared_ptr<arrow::Schema> Schema() {
  return arrow::schema({arrow::field("sensor_id", arrow::utf8()),
                        arrow::field("ts", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
                        arrow::field("value", arrow::int64())});
}

struct Bench : StepBench {
  explicit Bench(bool has_event_time = true) : StepBench(RegisterDeduplicateStep, Schema()) {
    columns[1].is_event_time = has_event_time;
  }
};

constexpr const char* kRows = R"(
  a | 2024-01-01T00:00:00Z | 1
  a | 2024-01-01T00:00:00Z | 2
  b | 2024-01-01T00:00:00Z | 3
  a | 2024-01-01T00:30:00Z | 4
    | 2024-01-01T00:30:00Z | 5
    | 2024-01-01T00:30:00Z | 6
  b | 2024-01-01T02:00:00Z | 7
  b | 2024-01-01T00:00:00Z | 8
  a |                      | 9
)";

std::vector<std::string> Values(const StepOutcome& outcome) {
  std::vector<std::string> values;
  for (size_t begin = 0; begin < outcome.rows.size();) {
    const size_t end = outcome.rows.find('\n', begin);
    values.push_back(outcome.rows.substr(outcome.rows.rfind(' ', end) + 1,
                                         end - outcome.rows.rfind(' ', end) - 1));
    begin = end + 1;
  }
  return values;
}

TEST(DeduplicateStep, LetsTheFirstRowOfAKeyPass) {
  Bench bench;
  auto step = bench.Make("deduplicate: {key: [sensor_id, ts], within: 1h}").ValueOrDie();
  const StepOutcome outcome = ApplyOnce(*step, BatchFromText(Schema(), kRows));
  // 8 is older than what is remembered: it passes.
  EXPECT_EQ(Values(outcome), (std::vector<std::string>{"1", "3", "4", "5", "7", "8", "9"}));
  EXPECT_EQ(outcome.tallies, (std::map<std::string, int64_t>{{"deduplicated deduplicate[0]", 2}}));
  ASSERT_EQ(step->counters().size(), 1U);
  EXPECT_EQ(step->counters()[0].name, "deduplicate[0].too_old");
  EXPECT_EQ(step->counters()[0].count, 1);
}

TEST(DeduplicateStep, CanUseOtherColumnsThanTheEventTime) {
  Bench bench;
  auto step = bench.Make("deduplicate: {key: [sensor_id], within: 1h}").ValueOrDie();
  const StepOutcome outcome = ApplyOnce(*step, BatchFromText(Schema(), kRows));
  EXPECT_EQ(Values(outcome), (std::vector<std::string>{"1", "3", "5", "7", "8", "9"}));
}

TEST(DeduplicateStep, KeepsToTheLaws) {
  Bench bench;
  CheckStepConformance(
      {.make = [&] { return bench.Make("deduplicate: {key: [sensor_id, ts], within: 1h}"); },
       .batch = BatchFromText(Schema(), kRows)});
}

TEST(DeduplicateStep, RemembersByOrderOfArrivalWithoutAnEventTime) {
  Bench bench(/*has_event_time=*/false);
  auto step = bench.Make("deduplicate: {key: [value], keys_max: 4}").ValueOrDie();
  std::string text;
  for (const int value : {1, 1, 2, 3, 4, 1, 5, 6, 7, 8, 1, 8}) {
    text += "a | 2024-01-01T00:00:00Z | " + std::to_string(value) + "\n";
  }
  EXPECT_EQ(Values(ApplyOnce(*step, BatchFromText(Schema(), text))),
            (std::vector<std::string>{"1", "2", "3", "4", "5", "6", "7", "8", "1"}));
}

TEST(DeduplicateStep, TakesUpWhereTheLakeStands) {
  Bench bench;
  const char* yaml = "deduplicate: {key: [sensor_id], within: 1h}";
  auto step = bench.Make(yaml).ValueOrDie();
  const auto request = step->seed_request();
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->columns, (std::vector<std::string>{"sensor_id", "ts"}));
  EXPECT_EQ(request->within_us, 3'600'000'000);
  const Batch stored = BatchFromText(Schema(), "a | 2024-01-01T00:00:00Z | 1\n");
  ASSERT_TRUE(step->Seed(*stored.rows->SelectColumns({1, 0}).ValueOrDie()).ok());
  step->RollBack();  // What is in the lake is committed.
  const Batch more =
      BatchFromText(Schema(), "a | 2024-01-01T00:10:00Z | 2\nb | 2024-01-01T00:10:00Z | 3\n");
  EXPECT_EQ(Values(ApplyOnce(*step, more)), (std::vector<std::string>{"3"}));
  EXPECT_FALSE(step->Seed(*stored.rows->SelectColumns({0}).ValueOrDie()).ok());
}

struct RefusedCase {
  std::string name, yaml, message;
};
class DeduplicateRefusedTest : public ::testing::TestWithParam<RefusedCase> {};

TEST_P(DeduplicateRefusedTest, IsAConfigError) {
  Bench bench(/*has_event_time=*/false);
  const auto step = bench.Make(GetParam().yaml);
  ASSERT_FALSE(step.ok());
  EXPECT_EQ(KindOf(step.status()), ErrorKind::kConfig);
  EXPECT_NE(step.status().message().find(GetParam().message), std::string::npos) << step.status();
}

INSTANTIATE_TEST_SUITE_P(
    Table, DeduplicateRefusedTest,
    ::testing::Values(
        RefusedCase{"NoKey", "deduplicate: {within: 1h}", "key"},
        RefusedCase{"EmptyKey", "deduplicate: {key: []}", "key"},
        RefusedCase{"UnknownKey", "deduplicate: {key: [x]}", "not there: x"},
        RefusedCase{"NoEventTime", "deduplicate: {key: [value], within: 1h}", "event_time"},
        RefusedCase{"NoKeys", "deduplicate: {key: [value], keys_max: 0}", "keys_max"}),
    [](const auto& test) { return test.param.name; });

TEST(DeduplicateStep, RunsItsExample) {
  Bench bench;
  auto step =
      bench.Make(ReadExample("src/catchwater/transform/deduplicate/deduplicate_step.example.yaml"));
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_EQ(Values(ApplyOnce(**step, BatchFromText(Schema(), kRows))).size(), 7U);
}

}  // namespace
}  // namespace catchwater
