#include "catchwater/transform/derive/derive_step.h"

#include <string>
#include <vector>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/testing/step_conformance.h"

namespace catchwater {
namespace {

std::shared_ptr<arrow::Schema> Schema() {
  return arrow::schema({arrow::field("ts", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
                        arrow::field("temperature", arrow::float64()),
                        arrow::field("text", arrow::utf8())});
}

constexpr const char* kRows = R"(
  2024-01-01T10:20:00Z | 20 | 1
  2024-01-01T11:20:00Z |    | 22
  2024-01-01T12:20:00Z | 0  | x
)";

TEST(DeriveStep, AddsColumnsThatSeeThoseAbove) {
  StepBench bench(RegisterDeriveStep, Schema());
  const auto make = [&] {
    return bench.Make("derive: {f: temperature * 1.8 + 32, g: f / 2, text: \"text || '!'\"}");
  };
  auto step = make().ValueOrDie();
  const Batch batch = BatchFromText(Schema(), kRows);
  const StepOutcome outcome = ApplyOnce(*step, batch);
  EXPECT_EQ(outcome.rows,
            "2024-01-01 10:20:00.000000Z | 20 | 1! | 68 | 34\n"
            "2024-01-01 11:20:00.000000Z | null | 22! | null | null\n"
            "2024-01-01 12:20:00.000000Z | 0 | x! | 32 | 16\n");
  EXPECT_EQ(step->output_schema()->field_names(),
            (std::vector<std::string>{"ts", "temperature", "text", "f", "g"}));
  CheckStepConformance({.make = make, .batch = batch});
}

TEST(DeriveStep, MakesDeadLettersOfRowsThatCannotBeComputed) {
  StepBench bench(RegisterDeriveStep, Schema());
  const auto make = [&] { return bench.Make("derive: {number: CAST(text AS INTEGER)}"); };
  auto step = make().ValueOrDie();
  const Batch batch = BatchFromText(Schema(), kRows);
  const StepOutcome outcome = ApplyOnce(*step, batch);
  EXPECT_EQ(outcome.ordinals, (std::vector<uint64_t>{100, 101}));
  ASSERT_EQ(outcome.dead.size(), 1U);
  EXPECT_EQ(outcome.dead[0].substr(0, 83),
            "102 derive[0].number number: Conversion Error: Could not convert string 'x' to INT3");
  CheckStepConformance({.make = make, .batch = batch});
}

TEST(DeriveStep, IsRefusedWhenItMakesNoSense) {
  StepBench bench(RegisterDeriveStep, Schema());
  EXPECT_EQ(KindOf(bench.Make("derive: {}").status()), ErrorKind::kConfig);
  EXPECT_EQ(KindOf(bench.Make("derive: {x: temperatur + 1}").status()), ErrorKind::kConfig);
  EXPECT_EQ(KindOf(bench.Make("derive: {Text: text}").status()), ErrorKind::kConfig);
  EXPECT_EQ(KindOf(bench.Make("derive: {x: sum(temperature)}").status()), ErrorKind::kConfig);
}

TEST(DeriveStep, RunsItsExample) {
  StepBench bench(RegisterDeriveStep, Schema());
  auto step = bench.Make(ReadExample("src/catchwater/transform/derive/derive_step.example.yaml"));
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_EQ((*step)->output_schema()->ToString(),
            "ts: timestamp[us, tz=UTC]\ntemperature: double\ntext: string\nfahrenheit: double\n"
            "hour: timestamp[us, tz=UTC]");
}

}  // namespace
}  // namespace catchwater
