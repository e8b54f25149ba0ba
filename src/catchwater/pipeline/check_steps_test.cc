#include "catchwater/pipeline/check_steps.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/component/bind_pipeline.h"
#include "catchwater/transform/derive/derive_step.h"
#include "catchwater/transform/enrich/enrich_step.h"
#include "catchwater/transform/select/select_step.h"
#include "catchwater/transform/validate/validate_step.h"

namespace catchwater {
namespace {

class NoTables final : public TableReader {
 public:
  arrow::Result<std::shared_ptr<arrow::Table>> ReadTable(
      const std::string& table_key, const std::vector<std::string>& /*columns*/) override {
    return NotFound("Table is not there: ", table_key);
  }
  arrow::Result<std::string> Version(const std::string& table_key) override {
    return NotFound("Table is not there: ", table_key);
  }
};

class CheckStepsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto add :
         {RegisterSelectStep, RegisterDeriveStep, RegisterValidateStep, RegisterEnrichStep}) {
      ASSERT_TRUE(add(registry_).ok());
    }
    plan_.name = "p";
    plan_.columns = {{.name = "sensor", .type = ColumnType::kString},
                     {.name = "temperature", .type = ColumnType::kFloat64}};
  }

  /// What is said about the steps of the file.
  std::string Check(std::string_view yaml) {
    Diagnostics diagnostics;
    const ConfigNode tree = ParseYamlText("p.yaml", yaml, {}, diagnostics);
    plan_.steps.clear();
    for (const ConfigNode& node : tree.At("steps").items()) {
      auto chosen = registry_.ChooseStep(node, diagnostics);
      EXPECT_TRUE(chosen) << Render(diagnostics, {});
      plan_.steps.push_back(*std::move(chosen));
    }
    NoTables tables;
    status_ = CheckSteps(plan_, {.files = *files_, .clock = clock_, .table_reader = &tables},
                         diagnostics);
    return Render(diagnostics, {.conclusion = ""});
  }

  Registry registry_;
  PipelinePlan plan_;
  SystemClock clock_;
  std::unique_ptr<Files> files_ = MakeLocalFiles();
  arrow::Status status_;
};

TEST_F(CheckStepsTest, NothingIsSaidOfGoodSteps) {
  EXPECT_EQ(Check("steps:\n"
                  "  - select: temperature IS NOT NULL\n"
                  "  - derive: { f: temperature * 1.8 + 32, next: f + 1 }\n"
                  "  - select: next > 1 AND length(sensor) > 1\n"),
            "");
  EXPECT_TRUE(status_.ok()) << status_;
}

TEST_F(CheckStepsTest, AMistypedColumnHasItsPlaceAndTheNearest) {
  EXPECT_EQ(Check("steps:\n"
                  "  - derive:\n"
                  "      f: temperature * 2\n"
                  "      g: 1 + temprature\n"),
            "error[E1302]: unknown column `temprature` in step `derive`\n"
            " --> p.yaml:4:14\n"
            "  |\n"
            "4 |       g: 1 + temprature\n"
            "  |              ^^^^^^^^^^ did you mean `temperature`?\n"
            "  = note: columns here: sensor, temperature, f\n"
            "  = help: `catchwater doc E1302` explains this\n");
}

TEST_F(CheckStepsTest, AColumnOfALaterStepIsNotThereYet) {
  const std::string said = Check("steps:\n  - select: f > 1\n  - derive: { f: temperature }\n");
  EXPECT_NE(said.find("unknown column `f` in step `select`\n --> p.yaml:2:13\n"), std::string::npos)
      << said;
}

TEST_F(CheckStepsTest, TextThatEndsTooEarlyIsShownAtItsEnd) {
  EXPECT_EQ(Check("steps:\n  - select: temperature IS NOT\n"),
            "error[E1313]: the condition of step `select` ends too early\n"
            " --> p.yaml:2:31\n"
            "  |\n"
            "2 |   - select: temperature IS NOT\n"
            "  |                               ^ something is missing here\n"
            "  = help: `catchwater doc E1313` explains this\n");
}

struct Case {
  std::string name;
  std::string step;
  std::vector<std::string> said;
};

class WrongStepTest : public CheckStepsTest, public ::testing::WithParamInterface<Case> {};

TEST_P(WrongStepTest, IsSaidAtItsPlace) {
  const std::string said = Check("steps:\n  - " + GetParam().step + "\n");
  EXPECT_TRUE(status_.ok()) << status_;
  for (const std::string& part : GetParam().said) {
    EXPECT_NE(said.find(part), std::string::npos) << "not said: " << part << "\n" << said;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongStepTest,
    ::testing::ValuesIn(std::vector<Case>{
        {"Syntax",
         "select: temperature) > 1",
         {"error[E1313]: the condition of step `select` is not valid SQL\n --> p.yaml:2:24\n",
          "note: DuckDB says: Parser Error: syntax error at or near \")\"\n"}},
        {"UnknownFunction",
         "derive: { f: flor(temperature) }",
         {"value of column `f` in step `derive` is not valid SQL\n --> p.yaml:2:18\n",
          "^^^^ did you mean `floor`?\n"}},
        {"WrongTypes",
         "derive: { f: sensor + 1 }",
         {" --> p.yaml:2:25\n", "No function matches the given name and argument types"}},
        {"Aggregate",
         "derive: { f: max(temperature) }",
         {"asks for more than the row", "`streams`"}},
        {"NoCondition", "select: temperature + 1", {"is not true or false\n --> p.yaml:2:13\n"}},
        {"NoColumn", "derive: { f: '[1]' }", {"has a type that a table cannot hold"}},
        {"Empty", "derive: { f: '' }", {"is empty"}},
        {"Block",
         "select: |\n      temperature > 1\n      AND sensr = 'a'",
         {" --> p.yaml:4:11\n"}},
        {"Regex",
         "validate: { sensor: { regex: '[' } }",
         {"error[E1312]: step `validate`: Rules of column `sensor`", " --> p.yaml:2:25\n"}},
        {"ReferenceFile",
         "enrich: { with: no/such.csv, key: sensor, add: [site] }",
         {"error[E1312]: step `enrich`", "no/such.csv"}},
    }),
    [](const auto& test) { return test.param.name; });

TEST_F(CheckStepsTest, ATableThatIsNotThereYetIsNoMistakeOfTheFile) {
  const std::string said = Check(
      "steps:\n  - enrich: { with: { table: a.b }, key: sensor, add: [site] }\n"
      "  - select: site = 'x'\n");
  EXPECT_EQ(said, "");
  EXPECT_EQ(status_.message(), "step `enrich`: Table is not there: a.b");
}

}  // namespace
}  // namespace catchwater
