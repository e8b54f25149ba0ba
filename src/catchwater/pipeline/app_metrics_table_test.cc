#include "catchwater/pipeline/app_metrics_table.h"

#include <memory>
#include <string>
#include <vector>

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <gtest/gtest.h>

#include "catchwater/pipeline/app_report_json.h"

namespace catchwater {
namespace {

AppReport SomeReport() {
  return {.app = "hot",
          .rows_in = 7,
          .dropped_rows = 3,
          .dropped = {{"10m", 2}, {"future", 1}},
          .script_starts = 2,
          .response_s = 0.25,
          .queue_delay_by = "enqueue_time"};
}

std::string Shown(const arrow::RecordBatch& rows, const std::string& column, int64_t row) {
  const auto found = rows.GetColumnByName(column);
  if (found == nullptr) return "no such column";
  return found->GetScalar(row).ValueOrDie()->ToString();
}

TEST(AppMetricsRows, AreARowAnApp) {
  const auto rows = AppMetricsRows("p", {SomeReport(), {.app = "cold"}},
                                   {.at_us = 1'767'225'600'000'000, .since_us = 0})
                        .ValueOrDie();
  ASSERT_TRUE(rows->ValidateFull().ok());
  ASSERT_EQ(rows->num_rows(), 2);
  EXPECT_EQ(Shown(*rows, "pipeline", 1), "p");
  EXPECT_EQ(Shown(*rows, "app", 0), "hot");
  EXPECT_EQ(Shown(*rows, "measured_at", 0), "2026-01-01 00:00:00.000000Z");
  EXPECT_EQ(Shown(*rows, "since", 0), "1970-01-01 00:00:00.000000Z");
  EXPECT_EQ(Shown(*rows, "rows_in", 0), "7");
  EXPECT_EQ(Shown(*rows, "response_s", 0), "0.25");
  EXPECT_EQ(Shown(*rows, "queue_delay_by", 0), "enqueue_time");
  EXPECT_EQ(Shown(*rows, "queue_delay_by", 1), "");
  EXPECT_EQ(Shown(*rows, "dropped", 0), R"({"10m":2,"future":1})");
  EXPECT_EQ(Shown(*rows, "dropped", 1), "{}");
  EXPECT_EQ(Shown(*rows, "script_starts", 0), "2");
}

TEST(AppMetricsRows, HaveAllThatIsToldInJson) {
  const auto schema = AppMetricsSpec("t.m", "p").schema;
  const auto told = AppReportJson(SomeReport());
  for (const auto& [name, value] : told.items()) {
    EXPECT_NE(schema->GetFieldIndex(name), -1) << name;
  }
}

TEST(AppMetricsSpec, IsATable) { EXPECT_TRUE(CheckTableSpec(AppMetricsSpec("t.m", "p")).ok()); }

}  // namespace
}  // namespace catchwater
