#include "catchwater/transform/enrich/enrich_step.h"

#include <map>
#include <string>
#include <vector>

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>

#include "catchwater/base/error.h"
#include "catchwater/testing/step_conformance.h"

namespace catchwater {
namespace {

std::shared_ptr<arrow::Schema> Schema() {
  return arrow::schema(
      {arrow::field("sensor_id", arrow::utf8()), arrow::field("n", arrow::int32())});
}

constexpr const char* kRows = R"(
  007 | 1
  b   | 2
      | 3
  x   | 4
  007 | 5
)";

constexpr const char* kSensors =
    "sensor_id,site,room,since,floor,note\n"
    "007,Nord,12,2024-01-01,1,\n"
    "b,Süd,,2024-02-01,2,\n"
    ",Nowhere,0,2024-02-01,3,\n";

struct Bench : StepBench {
  Bench() : StepBench(RegisterEnrichStep, Schema()) { files.Put("sensors.csv", kSensors); }
};

/// One lake table in memory.
class FakeTables final : public TableReader {
 public:
  std::shared_ptr<arrow::Table> table;
  std::string version = "1";

  arrow::Result<std::shared_ptr<arrow::Table>> ReadTable(
      const std::string& table_key, const std::vector<std::string>& columns) override {
    if (table_key != "ns.sites") return NotFound("No such table: ", table_key);
    if (columns.empty()) return table;
    std::vector<int> indices;
    for (const std::string& name : columns) indices.push_back(table->schema()->GetFieldIndex(name));
    return table->SelectColumns(indices);
  }
  arrow::Result<std::string> Version(const std::string& table_key) override {
    if (table_key != "ns.sites") return NotFound("No such table: ", table_key);
    return version;
  }
};

std::shared_ptr<arrow::Table> Sites(const std::string& site) {
  arrow::StringBuilder ids;
  arrow::StringBuilder sites;
  EXPECT_TRUE(ids.AppendValues({"007", "b"}).ok());
  EXPECT_TRUE(sites.AppendValues({site, "Süd"}).ok());
  return arrow::Table::Make(
      arrow::schema({arrow::field("id", arrow::utf8()), arrow::field("site", arrow::utf8())}),
      {ids.Finish().ValueOrDie(), sites.Finish().ValueOrDie()});
}

StepOutcome Apply(Step& step) { return ApplyOnce(step, BatchFromText(Schema(), kRows)); }

TEST(EnrichStep, AddsTheChosenColumns) {
  Bench bench;
  const auto make = [&] {
    return bench.Make("enrich: {with: sensors.csv, key: sensor_id, add: [site, room]}");
  };
  auto step = make();
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_EQ((*step)->output_schema()->ToString(),
            "sensor_id: string\nn: int32\nsite: string\nroom: int64");
  EXPECT_EQ(Apply(**step).rows,
            "007 | 1 | Nord | 12\n"
            "b | 2 | Süd | null\n"
            "null | 3 | null | null\n"
            "x | 4 | null | null\n"
            "007 | 5 | Nord | 12\n");
  CheckStepConformance({.make = make, .batch = BatchFromText(Schema(), kRows)});
}

TEST(EnrichStep, AddsAllColumnsWithTheTypesOfTheFile) {
  Bench bench;
  auto step = bench.Make("enrich: {with: sensors.csv, key: sensor_id}").ValueOrDie();
  EXPECT_EQ(step->output_schema()->ToString(),
            "sensor_id: string\nn: int32\nsite: string\nroom: int64\nsince: date32[day]\n"
            "floor: int64\nnote: string");
}

TEST(EnrichStep, MakesDeadLettersOfMissingKeys) {
  Bench bench;
  const auto make = [&] {
    return bench.Make("enrich: {with: sensors.csv, key: sensor_id, on_missing: dead_letter}");
  };
  auto step = make().ValueOrDie();
  EXPECT_TRUE(step->needs_row_origins());
  const StepOutcome outcome = Apply(*step);
  EXPECT_EQ(outcome.ordinals, (std::vector<uint64_t>{100, 101, 104}));
  EXPECT_EQ(outcome.dead, (std::vector<std::string>{
                              "102 enrich.missing sensor_id: Key is not in sensors.csv: null",
                              "103 enrich.missing sensor_id: Key is not in sensors.csv: x"}));
  CheckStepConformance({.make = make, .batch = BatchFromText(Schema(), kRows)});
}

TEST(EnrichStep, DropsAndCountsMissingKeys) {
  Bench bench;
  const auto make = [&] {
    return bench.Make(
        "enrich: {with: sensors.csv, key: [sensor_id], add: [floor], on_missing: drop}");
  };
  auto step = make().ValueOrDie();
  const StepOutcome outcome = Apply(*step);
  EXPECT_EQ(outcome.rows, "007 | 1 | 1\nb | 2 | 2\n007 | 5 | 1\n");
  EXPECT_EQ(outcome.tallies, (std::map<std::string, int64_t>{{"dropped enrich[0].missing", 2}}));
  CheckStepConformance({.make = make, .batch = BatchFromText(Schema(), kRows)});
}

TEST(EnrichStep, MatchesColumnsOfOtherNamesAndSeveralAtOnce) {
  Bench bench;
  bench.files.Put("parts.tsv", "id\tnumber\tpart\n007\t1\tfan\n007\t5\tlamp\n");
  auto step = bench.Make("enrich: {with: parts.tsv, key: {sensor_id: id, n: number}}").ValueOrDie();
  EXPECT_EQ(Apply(*step).rows,
            "007 | 1 | fan\nb | 2 | null\nnull | 3 | null\nx | 4 | null\n007 | 5 | lamp\n");
}

TEST(EnrichStep, ReadsParquet) {
  Bench bench;
  auto sink = arrow::io::BufferOutputStream::Create().ValueOrDie();
  ASSERT_TRUE(parquet::arrow::WriteTable(*Sites("Nord"), arrow::default_memory_pool(), sink).ok());
  bench.files.Put("sites.parquet", sink->Finish().ValueOrDie()->ToString());
  auto step = bench.Make("enrich: {with: sites.parquet, key: {sensor_id: id}}");
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_EQ(Apply(**step).rows.substr(0, 27), "007 | 1 | Nord\nb | 2 | Süd");
}

TEST(EnrichStep, ReadsALakeTableAgainWhenItHasChanged) {
  Bench bench;
  FakeTables tables;
  tables.table = Sites("Nord");
  bench.table_reader = &tables;
  auto step = bench.Make("enrich: {with: {table: ns.sites}, key: {sensor_id: id}, add: [site]}");
  ASSERT_TRUE(step.ok()) << step.status();
  tables.table = Sites("West");
  bench.clock.Advance(2'000'000);
  EXPECT_EQ(Apply(**step).rows.substr(0, 14), "007 | 1 | Nord");  // The version is the same.
  tables.version = "2";
  bench.clock.Advance(2'000'000);
  EXPECT_EQ(Apply(**step).rows.substr(0, 14), "007 | 1 | West");
}

TEST(EnrichStep, ReadsAChangedFileAgainAtMostOnceASecond) {
  Bench bench;
  auto step = bench.Make("enrich: {with: sensors.csv, key: sensor_id, add: [site]}").ValueOrDie();
  bench.files.Put("sensors.csv", "sensor_id,site\n007,West\n");
  bench.clock.Advance(999'999);
  EXPECT_EQ(Apply(*step).rows.substr(0, 14), "007 | 1 | Nord");
  bench.clock.Advance(1);
  EXPECT_EQ(Apply(*step).rows.substr(0, 14), "007 | 1 | West");
  EXPECT_EQ(step->counters()[0].count, 1);
}

TEST(EnrichStep, KeepsTheRowsItHasWhenTheFileIsBrokenLater) {
  Bench bench;
  auto step = bench.Make("enrich: {with: sensors.csv, key: sensor_id, add: [room]}").ValueOrDie();
  const std::vector<std::string> broken = {
      "sensor_id,room\n007,1\n007,2\n",  // A key twice.
      "sensor_id,room\n007,twelve\n",    // Another type than at the start.
      "sensor_id,other\n007,1\n",        // The column is gone.
  };
  for (size_t i = 0; i < broken.size(); ++i) {
    bench.files.Put("sensors.csv", broken[i]);
    bench.clock.Advance(1'000'000);
    EXPECT_EQ(Apply(*step).rows.substr(0, 12), "007 | 1 | 12") << broken[i];
    EXPECT_EQ(step->counters()[1].count, static_cast<int64_t>(i + 1));
  }
  ASSERT_TRUE(bench.files.Remove("sensors.csv").ok());
  bench.clock.Advance(1'000'000);
  EXPECT_EQ(Apply(*step).rows.substr(0, 12), "007 | 1 | 12");
  bench.files.Put("sensors.csv", "sensor_id,room\n007,13\n");
  bench.clock.Advance(1'000'000);
  EXPECT_EQ(Apply(*step).rows.substr(0, 12), "007 | 1 | 13");
}

struct RefusedCase {
  std::string name, yaml, message;
};
class EnrichRefusedTest : public ::testing::TestWithParam<RefusedCase> {};

TEST_P(EnrichRefusedTest, IsAConfigError) {
  Bench bench;
  bench.files.Put("twice.csv", "sensor_id,site\na,1\nb,2\na,3\n");
  bench.files.Put("bad.csv", "sensor_id,site\na\n");
  bench.files.Put("n.csv", "n,site\none,1\n");
  bench.files.Put("taken.csv", "sensor_id,n\na,1\n");
  const auto step = bench.Make("enrich: {" + GetParam().yaml + "}");
  ASSERT_FALSE(step.ok());
  EXPECT_NE(step.status().message().find(GetParam().message), std::string::npos) << step.status();
  if (GetParam().name != "NoFile") {
    EXPECT_EQ(KindOf(step.status()), ErrorKind::kConfig) << step.status();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, EnrichRefusedTest,
    ::testing::Values(
        RefusedCase{"KeyComesTwice", "with: twice.csv, key: sensor_id", "twice in the lookup: a"},
        RefusedCase{"NoFile", "with: none.csv, key: sensor_id", "none.csv"},
        RefusedCase{"BrokenFile", "with: bad.csv, key: sensor_id", "bad.csv"},
        RefusedCase{"KeyOfAnotherType", "with: n.csv, key: n", "n.csv"},
        RefusedCase{"UnknownKey", "with: sensors.csv, key: id", "not there: id"},
        RefusedCase{"UnknownKeyInFile", "with: sensors.csv, key: {sensor_id: id}",
                    "no such column"},
        RefusedCase{"UnknownAdd", "with: sensors.csv, key: sensor_id, add: [sit]", "column: sit"},
        RefusedCase{"AddedTwice", "with: taken.csv, key: sensor_id", "there already: n"},
        RefusedCase{"OtherEnding", "with: sensors.xlsx, key: sensor_id", "must end in"},
        RefusedCase{"NoLake", "with: {table: ns.sites}, key: sensor_id", "without a lake"},
        RefusedCase{"FileAndTable", "with: {file: a.csv, table: b}, key: sensor_id", "either"},
        RefusedCase{"EmptyKey", "with: sensors.csv, key: []", "key"},
        RefusedCase{"NestedKey", "with: sensors.csv, key: [[a]]", "key"},
        RefusedCase{"TooManyRows", "with: sensors.csv, key: sensor_id, rows_max: 2", "rows_max"}),
    [](const auto& test) { return test.param.name; });

TEST(EnrichStep, RunsItsExample) {
  Bench bench;
  auto step = bench.Make(ReadExample("src/catchwater/transform/enrich/enrich_step.example.yaml"));
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_EQ(Apply(**step).ordinals.size(), 5U);
}

}  // namespace
}  // namespace catchwater
