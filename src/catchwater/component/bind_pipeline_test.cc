#include "catchwater/component/bind_pipeline.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/testing/fake_components.h"

namespace catchwater {
namespace {

// The example of the guide, as far as the fakes go.
constexpr std::string_view kSensors = R"(
pipeline: sensors
source: { file: { path: in/*.csv, take: { min_files: 5 } }, keep_raw: raw/, keep_raw_retain: 90d }
codec: csv
columns:
  sensor_id:   { type: string, from: path.stem, entity: true }
  ts:          { type: timestamp, event_time: true }
  temperature: { type: float64, unit: °C }
steps:
  - select: temperature IS NOT NULL
  - validate: { temperature: { range: [-40, 85] }, on_fail: dead_letter }
  - enrich: { with: sensors.csv, key: sensor_id, add: [site, room] }
lake:
  table: sensors.readings
  partition: [day(ts), site]
  retain: 400d
streams:
  room_stats:
    key: [site, room]
    window: { size: 10m, every: 1m }
    compute: { min: min(temperature), n: count() }
    late: { allow: 2m, then: side_table }
    to: [ { table: sensors.room_stats }, { console: {} } ]
sinks:
  - postgres: { url: "${PG_URL}", table: readings }
)";

class BindPipelineTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(testing::RegisterFakes(registry_).ok()); }

  std::optional<BoundPipeline> Bind(std::string_view yaml) {
    diagnostics_ = Diagnostics();
    const Environment environment = Environment::FromMap({{"PG_URL", "postgres://h/db"}});
    const ConfigNode tree = ParseYamlText("t.yaml", yaml, environment, diagnostics_);
    const PipelineConfig pipeline = ReadPipeline(tree, diagnostics_);
    EXPECT_FALSE(diagnostics_.has_errors()) << Said();
    return BindPipeline(pipeline, registry_, diagnostics_);
  }
  std::string Said() const { return Render(diagnostics_, {}); }

  Registry registry_;
  Diagnostics diagnostics_;
};

TEST_F(BindPipelineTest, ChoosesEveryComponent) {
  const auto bound = Bind(kSensors);
  ASSERT_TRUE(bound) << Said();
  EXPECT_EQ(bound->source.name, "file");
  ASSERT_TRUE(bound->codec);
  EXPECT_EQ(bound->codec->name, "csv");
  ASSERT_EQ(bound->steps.size(), 3U);
  EXPECT_EQ(bound->steps[2].name, "enrich");
  ASSERT_EQ(bound->streams.size(), 1U);
  EXPECT_EQ(bound->streams[0].tables, (std::vector<std::string>{"sensors.room_stats"}));
  ASSERT_EQ(bound->streams[0].sinks.size(), 1U);
  EXPECT_EQ(bound->streams[0].sinks[0].name, "console");
  EXPECT_EQ(bound->streams[0].config.compute[0].function, AggregateFunction::kMin);
  ASSERT_EQ(bound->sinks.size(), 1U);
  EXPECT_EQ(bound->sinks[0].name, "postgres");
}

TEST_F(BindPipelineTest, KeepsTheOptionsBesideTheSource) {
  const auto bound = Bind(kSensors);
  ASSERT_TRUE(bound) << Said();
  EXPECT_EQ(bound->config.source.keep_raw, "raw/");
  EXPECT_EQ(bound->config.source.keep_raw_retain, Duration::Days(90));
  EXPECT_EQ(bound->config.source.frame_bytes_max, ByteSize::MiB(16));
}

TEST_F(BindPipelineTest, ColumnsOfAStepThatAddsAllAreNotChecked) {
  std::string yaml(kSensors);
  yaml.replace(yaml.find(", add: [site, room]"), 19, "");
  EXPECT_TRUE(Bind(yaml)) << Said();
}

TEST_F(BindPipelineTest, ColumnsOfALaterStepAreNotThereYet) {
  std::string yaml(kSensors);
  yaml.replace(yaml.find("{ temperature: { range"), 13, "{ room");
  EXPECT_FALSE(Bind(yaml));
  EXPECT_NE(Said().find("unknown column `room` in step `validate`"), std::string::npos) << Said();
}

TEST_F(BindPipelineTest, ASourceMayBeABareName) {
  const auto bound = Bind("pipeline: p\nsource: simulate\ncolumns: {a: int64}\nsinks: [console]\n");
  ASSERT_TRUE(bound) << Said();
  EXPECT_EQ(bound->source.name, "simulate");
  EXPECT_FALSE(bound->codec);
}

TEST_F(BindPipelineTest, AComponentThatRefusesIsShownAtItsPlace) {
  const auto bound = Bind(kSensors);
  ASSERT_TRUE(bound) << Said();
  ReportMakeFailure("step `select`", bound->steps[0].config,
                    ConfigError("Condition is no SQL: password=hunter2"), diagnostics_);
  EXPECT_NE(Said().find("error[E1312]: step `select`: Condition is no SQL: password=***\n"
                        "  --> t.yaml:10:13\n"),
            std::string::npos)
      << Said();
}

TEST_F(BindPipelineTest, PassengersOfTheGuide) {
  const auto bound = Bind(R"(
pipeline: passengers
source: { file: { path: passengers.csv } }
codec: csv
columns: { timestamp: timestamp, sensor_id: string, passengers: int64 }
streams:
  totals:
    key: [sensor_id]
    window: all
    compute: { total_passengers: sum(passengers), mean_passengers: mean(passengers) }
    to:
      - console: {}
)");
  ASSERT_TRUE(bound) << Said();
  EXPECT_TRUE(bound->streams[0].config.is_window_all());
  EXPECT_EQ(bound->streams[0].config.compute[1],
            (Aggregate{"mean_passengers", AggregateFunction::kMean, "passengers", 0}));
}

struct PartitionTypeCase {
  std::string name;
  std::string type;
  std::string partition;
  bool is_good;
};

const std::vector<PartitionTypeCase> kPartitionTypeCases = {
    {"DayOfTimestamp", "timestamp", "day(c)", true},
    {"DayOfDate", "date", "day(c)", true},
    {"DayOfText", "string", "day(c)", false},
    {"HourOfTimestamp", "timestamp", "hour(c)", true},
    {"HourOfDate", "date", "hour(c)", false},
    {"BucketOfText", "string", "bucket(4, c)", true},
    {"BucketOfDecimal", "decimal", "bucket(4, c)", true},
    {"BucketOfDouble", "float64", "bucket(4, c)", false},
    {"BucketOfBool", "bool", "bucket(4, c)", false},
    {"TruncateOfInt", "int32", "truncate(4, c)", true},
    {"TruncateOfTimestamp", "timestamp", "truncate(4, c)", false},
    {"IdentityOfText", "string", "c", true},
    {"IdentityOfDouble", "float64", "c", false},
};

class PartitionTypeTest : public BindPipelineTest,
                          public ::testing::WithParamInterface<PartitionTypeCase> {};

TEST_P(PartitionTypeTest, IsAllowedOrRefused) {
  const PartitionTypeCase& test = GetParam();
  const auto bound = Bind("pipeline: p\nsource: simulate\ncolumns: {c: " + test.type +
                          "}\nlake: {table: a.b, partition: [\"" + test.partition + "\"]}\n");
  EXPECT_EQ(bound.has_value(), test.is_good) << Said();
  EXPECT_EQ(Said().find("E1309") != std::string::npos, !test.is_good) << Said();
}

INSTANTIATE_TEST_SUITE_P(Table, PartitionTypeTest, ::testing::ValuesIn(kPartitionTypeCases),
                         [](const auto& test) { return test.param.name; });

TEST_F(BindPipelineTest, AProjectIsReadAndBoundAtOnce) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / "catchwater_bind_project_test";
  fs::create_directories(folder / "pipelines");
  std::ofstream(folder / "pipelines/a.yaml")
      << "pipeline: a\nsource: simulate\ncolumns: {x: int64}\nsinks: [console]\n";
  const auto load = [&] {
    diagnostics_ = Diagnostics();
    return LoadBoundProject({.path = folder.string(), .overrides = {}, .environment = {}},
                            registry_, diagnostics_);
  };
  const auto project = load();
  ASSERT_TRUE(project) << Said();
  ASSERT_NE(project->FindPipeline("a"), nullptr);
  EXPECT_EQ(project->FindPipeline("b"), nullptr);
  std::ofstream(folder / "pipelines/b.yaml")
      << "pipeline: b\nsource: simulat\ncolumns: {x: int64}\nsinks: [console]\nmore: 1\n";
  EXPECT_FALSE(load());
  EXPECT_EQ(diagnostics_.error_count(), 2) << Said();
  fs::remove_all(folder);
}

}  // namespace
}  // namespace catchwater
