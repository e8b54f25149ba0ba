#include "catchwater/pipeline/needed_columns.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/codec/csv/csv_codec.h"
#include "catchwater/codec/json/json_codec.h"
#include "catchwater/config/environment.h"
#include "catchwater/config/yaml_tree.h"

namespace catchwater {
namespace {

ConfigNode Parse(const std::string& yaml) {
  Diagnostics diagnostics;
  return ParseYamlText("test.yaml", yaml, Environment::FromMap({}), diagnostics);
}

/// Declares timestamp, sensor_id, passengers, comment; totals the passengers by sensor.
PipelinePlan Passengers(const std::string& codec) {
  Registry registry;
  EXPECT_TRUE(RegisterCsvCodec(registry).ok());
  EXPECT_TRUE(RegisterJsonCodec(registry).ok());
  Diagnostics diagnostics;
  PipelinePlan plan;
  plan.codec = registry.ChooseCodec(Parse(codec), diagnostics)->make({}).ValueOrDie();
  for (const char* name : {"timestamp", "sensor_id", "passengers", "comment"}) {
    Column column;
    column.name = name;
    column.type = ColumnType::kString;
    plan.columns.push_back(column);
  }
  StreamPlan totals;
  totals.config.key = {"sensor_id"};
  totals.config.window.over = WindowOver::kAll;
  totals.config.compute = {
      {.name = "total", .function = AggregateFunction::kCount, .column = "passengers"}};
  plan.streams = {totals};
  return plan;
}

std::vector<std::string> NamesAfter(PipelinePlan plan) {
  const auto reduced = WithNeededColumns(std::make_shared<PipelinePlan>(std::move(plan)));
  std::vector<std::string> names;
  for (const Column& column : reduced->columns) names.push_back(column.name);
  return names;
}

const std::vector<std::string> kAll = {"timestamp", "sensor_id", "passengers", "comment"};

TEST(WithNeededColumns, KeepsKeysAndWhatIsComputed) {
  EXPECT_EQ(NamesAfter(Passengers("csv")), (std::vector<std::string>{"sensor_id", "passengers"}));
}

TEST(WithNeededColumns, KeepsTheEventTimeAndWhatIsRequired) {
  PipelinePlan plan = Passengers("csv");
  plan.columns[0].is_event_time = true;
  plan.columns[3].is_required = true;
  EXPECT_EQ(NamesAfter(plan), kAll);
}

TEST(WithNeededColumns, KeepsAllWhereTheOrderTellsWhichColumnItIs) {
  EXPECT_EQ(NamesAfter(Passengers("csv: {header: false}")), kAll);
}

TEST(WithNeededColumns, KeepsAllWhereSomebodyElseLooks) {
  PipelinePlan with_lake = Passengers("csv");
  with_lake.lake = LakePlan{};
  EXPECT_EQ(NamesAfter(with_lake), kAll);

  PipelinePlan with_step = Passengers("csv");
  with_step.steps.emplace_back();
  EXPECT_EQ(NamesAfter(with_step), kAll);

  PipelinePlan of_records = Passengers("csv");
  of_records.streams[0].config.window = {.over = WindowOver::kNone};
  EXPECT_EQ(NamesAfter(of_records), kAll);
}

TEST(WithNeededColumns, KeepsAllWhereNoneIsUsed) {
  PipelinePlan plan = Passengers("csv");
  plan.streams[0].config.key = {};
  plan.streams[0].config.compute = {{.name = "n", .function = AggregateFunction::kCount}};
  EXPECT_EQ(NamesAfter(plan), kAll);
}

}  // namespace
}  // namespace catchwater
