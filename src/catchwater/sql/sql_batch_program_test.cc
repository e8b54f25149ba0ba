#include "catchwater/sql/sql_batch_program.h"

#include <string>
#include <vector>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/sql/sql_fault.h"

namespace catchwater {
namespace {

std::shared_ptr<arrow::Schema> Schema() {
  return arrow::schema({
      arrow::field("id", arrow::int64()),
      arrow::field("temperature", arrow::float64()),
      arrow::field("sensor", arrow::utf8()),
      arrow::field("ts", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
  });
}

struct Row {
  int64_t id;
  std::optional<double> temperature;
  std::string sensor;
};

std::shared_ptr<arrow::RecordBatch> Rows(const std::vector<Row>& rows) {
  auto builder =
      arrow::RecordBatchBuilder::Make(Schema(), arrow::default_memory_pool()).ValueOrDie();
  for (const Row& row : rows) {
    EXPECT_TRUE(builder->GetFieldAs<arrow::Int64Builder>(0)->Append(row.id).ok());
    auto* temperature = builder->GetFieldAs<arrow::DoubleBuilder>(1);
    EXPECT_TRUE(
        (row.temperature ? temperature->Append(*row.temperature) : temperature->AppendNull()).ok());
    EXPECT_TRUE(builder->GetFieldAs<arrow::StringBuilder>(2)->Append(row.sensor).ok());
    EXPECT_TRUE(builder->GetFieldAs<arrow::TimestampBuilder>(3)->Append(row.id * 1'000'000).ok());
  }
  return builder->Flush().ValueOrDie();
}

std::shared_ptr<SqlDatabase> Database() { return OpenProgramDatabase().ValueOrDie(); }

arrow::Result<std::unique_ptr<SqlBatchProgram>> Make(std::vector<SqlRule> rules) {
  return SqlBatchProgram::Make(Database(), Schema(), std::move(rules));
}

std::vector<int> Verdicts(const SqlBatchProgram::Outcome& outcome) {
  std::vector<int> verdicts;
  for (int64_t i = 0; i < outcome.verdicts->length(); ++i) {
    verdicts.push_back(outcome.verdicts->Value(i));
  }
  return verdicts;
}

TEST(SqlBatchProgram, TellsWhichRuleARowWentBy) {
  auto program = Make({{"select[0]", "temperature IS NOT NULL", ""},
                       {"derive[1].f", "temperature * 1.8 + 32", "f"},
                       {"select[2]", "f < 100 -- Fahrenheit", ""}})
                     .ValueOrDie();
  const auto outcome =
      program->Run(Rows({{1, 20.0, "a"}, {2, std::nullopt, "b"}, {3, 90.0, "c"}})).ValueOrDie();
  EXPECT_EQ(Verdicts(outcome), (std::vector<int>{0, 1, 3}));
  ASSERT_TRUE(
      outcome.derived->schema()->Equals(*arrow::schema({arrow::field("f", arrow::float64())})));
  EXPECT_EQ(static_cast<const arrow::DoubleArray&>(*outcome.derived->column(0)).Value(0), 68.0);
  EXPECT_EQ(program->output_schema()->field_names(),
            (std::vector<std::string>{"id", "temperature", "sensor", "ts", "f"}));
}

TEST(SqlBatchProgram, RunsOneBatchAfterTheOther) {
  auto program = Make({{"select[0]", "id % 3 = 0", ""}}).ValueOrDie();
  for (int64_t turn = 0; turn < 50; ++turn) {
    std::vector<Row> rows;
    std::vector<int> want;
    for (int64_t i = 0; i < turn * 111; ++i) {
      rows.push_back({turn + i, 1.0, "a"});
      want.push_back((turn + i) % 3 == 0 ? 0 : 1);
    }
    EXPECT_EQ(Verdicts(program->Run(Rows(rows)).ValueOrDie()), want);
  }
}

TEST(SqlBatchProgram, ReplacesAColumnWhereItStands) {
  auto program =
      Make({{"derive[0].id", "id::VARCHAR || '!'", "id"}, {"derive[0].id", "id || '?'", "id"}})
          .ValueOrDie();
  EXPECT_EQ(program->output_schema()->field(0)->ToString(), "id: string");
  EXPECT_EQ(program->derived_schema()->num_fields(), 1);
  const auto outcome = program->Run(Rows({{5, 1.0, "a"}})).ValueOrDie();
  EXPECT_EQ(outcome.verdicts, nullptr);
  EXPECT_EQ(outcome.derived->column(0)->GetScalar(0).ValueOrDie()->ToString(), "5!?");
}

TEST(SqlBatchProgram, DoesNotComputeWhatIsSelectedOut) {
  auto program =
      Make({{"select[0]", "sensor <> 'none'", ""}, {"derive[1].n", "CAST(sensor AS INTEGER)", "n"}})
          .ValueOrDie();
  const auto outcome = program->Run(Rows({{1, 1.0, "7"}, {2, 1.0, "none"}}));
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->derived->column(0)->GetScalar(0).ValueOrDie()->ToString(), "7");
}

TEST(SqlBatchProgram, ExplainsWhichRowsHaveNoValue) {
  auto program = Make({{"select[0]", "CAST(sensor AS INTEGER) > 0", ""},
                       {"derive[1].n", "CAST(sensor AS TINYINT)", "n"}})
                     .ValueOrDie();
  const auto rows = Rows({{1, 1.0, "7"}, {2, 1.0, "x"}, {3, 1.0, "-5"}, {4, 1.0, "999"}});
  EXPECT_EQ(KindOf(program->Run(rows).status()), ErrorKind::kBadData);
  const auto failures = program->Explain(rows).ValueOrDie();
  ASSERT_EQ(failures.size(), 2U);
  EXPECT_EQ(failures[0].row, 1);
  EXPECT_EQ(failures[0].rule, 0U);
  EXPECT_EQ(failures[0].message.substr(0, 60),
            "Conversion Error: Could not convert string 'x' to INT32 when");
  EXPECT_EQ(failures[1].row, 3);
  EXPECT_EQ(failures[1].rule, 1U);
}

TEST(SqlBatchProgram, ExplainsManyRowsInOneGo) {
  auto program = Make({{"derive[0].n", "CAST(sensor AS INTEGER)", "n"}}).ValueOrDie();
  const auto failures = program->Explain(Rows(std::vector<Row>(5'000, {1, 1.0, "x"}))).ValueOrDie();
  ASSERT_EQ(failures.size(), 5'000U);
  EXPECT_EQ(failures.back().message, "The expression has no value for this row");
}

struct TypeCase {
  std::string name;
  std::string expression;
  std::string type;
};

class SqlDerivedTypeTest : public ::testing::TestWithParam<TypeCase> {};

TEST_P(SqlDerivedTypeTest, IsOneThatATableHolds) {
  const TypeCase& test = GetParam();
  auto program = Make({{"derive[0].x", test.expression, "x"}});
  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ((*program)->derived_schema()->field(0)->type()->ToString(), test.type);
  const auto outcome = (*program)->Run(Rows({{1, 1.0, "a"}})).ValueOrDie();
  EXPECT_EQ(outcome.derived->column(0)->type()->ToString(), test.type);
  EXPECT_TRUE(outcome.derived->ValidateFull().ok());
}

INSTANTIATE_TEST_SUITE_P(Table, SqlDerivedTypeTest,
                         ::testing::ValuesIn(std::vector<TypeCase>{
                             {"Bool", "id = 1", "bool"},
                             {"Small", "1::TINYINT", "int32"},
                             {"Unsigned", "1::UINTEGER", "int64"},
                             {"Huge", "id::HUGEINT * 2", "decimal128(38, 0)"},
                             {"Real", "id / 2", "double"},
                             {"Float", "id::FLOAT", "float"},
                             {"Decimal", "1.50 * 2", "decimal128(13, 2)"},
                             {"Text", "upper(sensor)", "string"},
                             {"Uuid", "'00000000-0000-0000-0000-000000000001'::UUID", "string"},
                             {"Date", "ts::DATE", "date32[day]"},
                             {"Time", "date_trunc('hour', ts)", "timestamp[us, tz=UTC]"},
                             {"LocalTime", "TIMESTAMP '2024-01-01'", "timestamp[us, tz=UTC]"},
                         }),
                         [](const auto& test) { return test.param.name; });

struct RefusedCase {
  std::string name;
  SqlRule rule;
  std::string message;
};

class SqlRefusedTest : public ::testing::TestWithParam<RefusedCase> {};

TEST_P(SqlRefusedTest, IsAConfigError) {
  const auto program = Make({GetParam().rule});
  ASSERT_FALSE(program.ok());
  EXPECT_EQ(KindOf(program.status()), ErrorKind::kConfig) << program.status();
  EXPECT_NE(program.status().message().find(GetParam().message), std::string::npos)
      << program.status();
}

INSTANTIATE_TEST_SUITE_P(
    Table, SqlRefusedTest,
    ::testing::ValuesIn(std::vector<RefusedCase>{
        {"UnknownColumn",
         {"select[0]", "id > 1 AND temperatur > 3", ""},
         "\"temperatur\" not found"},
        {"Syntax", {"select[0]", "id >", ""}, "syntax error"},
        {"Empty", {"select[0]", " \n", ""}, "is empty"},
        {"TwoValues", {"derive[0].x", "id, id", "x"}, "cannot hold"},
        {"ClosesABracket", {"select[0]", "id > 1) OR (id < 0", ""}, "syntax error"},
        {"Alias", {"derive[0].x", "id AS y", "x"}, "syntax error"},
        {"SecondStatement", {"select[0]", "true; DROP TABLE x", ""}, "syntax error"},
        {"OwnFrom", {"derive[0].x", "a FROM range(3) t(a)", "x"}, "syntax error"},
        {"NoCondition", {"select[0]", "temperature", ""}, "not true or false"},
        {"NullCondition", {"select[0]", "NULL", ""}, "not true or false"},
        {"Aggregate", {"derive[0].x", "max(id)", "x"}, "aggregates are not allowed"},
        {"Window", {"derive[0].x", "row_number() OVER ()", "x"}, "WINDOW"},
        {"Subquery", {"select[0]", "id IN (SELECT 1)", ""}, "subquery"},
        {"Random", {"derive[0].x", "random()", "x"}, "volatile"},
        {"List", {"derive[0].x", "[id]", "x"}, "cannot hold"},
        {"Interval", {"derive[0].x", "INTERVAL 1 DAY", "x"}, "cannot hold"},
        {"Parameter", {"derive[0].x", "?::INTEGER", "x"}, "cannot hold"},
        {"OtherCase", {"derive[0].ID", "1", "ID"}, "by case"},
    }),
    [](const auto& test) { return test.param.name; });

struct FaultCase {
  std::string name;
  std::vector<SqlRule> rules;
  SqlFault::Reason reason;
  std::optional<size_t> offset = std::nullopt;
  std::string word = "";
};

class SqlFaultTest : public ::testing::TestWithParam<FaultCase> {};

TEST_P(SqlFaultTest, TellsReasonAndPlace) {
  const auto program = Make(GetParam().rules);
  const SqlFault* fault = SqlFaultOf(program.status());
  ASSERT_NE(fault, nullptr) << program.status();
  EXPECT_EQ(fault->reason, GetParam().reason);
  EXPECT_EQ(fault->rule.name, GetParam().rules.back().name);
  EXPECT_EQ(fault->offset, GetParam().offset);
  EXPECT_EQ(fault->word, GetParam().word);
}

INSTANTIATE_TEST_SUITE_P(
    Table, SqlFaultTest,
    ::testing::ValuesIn(std::vector<FaultCase>{
        {"UnknownColumn",
         {{"s", "id > 1 AND temperatur > 3", ""}},
         SqlFault::Reason::kUnknownColumn,
         11,
         "temperatur"},
        {"OnTheThirdLine",
         {{"s", "id > 1\n  AND\n  temperatur > 3", ""}},
         SqlFault::Reason::kUnknownColumn,
         15,
         "temperatur"},
        {"InALongLine",
         {{"s", std::string(150, ' ') + "id > 1 AND \"my temp\" > 3", ""}},
         SqlFault::Reason::kUnknownColumn,
         161,
         "my temp"},
        {"BehindAnotherRule",
         {{"d", "id + 1", "next"}, {"s", "nxt > 1", ""}},
         SqlFault::Reason::kUnknownColumn,
         0,
         "nxt"},
        {"EndsTooEarly", {{"s", "id IS NOT", ""}}, SqlFault::Reason::kOther, 9, ""},
        {"UnknownFunction", {{"d", "1 + flor(id)", "x"}}, SqlFault::Reason::kOther, 4, "flor"},
        {"Aggregate", {{"d", "sum(id)", "x"}}, SqlFault::Reason::kNotOneRow},
        {"Window", {{"d", "row_number() OVER ()", "x"}}, SqlFault::Reason::kNotOneRow},
        {"Subquery", {{"s", "id IN (SELECT 1)", ""}}, SqlFault::Reason::kNotOneRow},
        {"Random", {{"d", "random()", "x"}}, SqlFault::Reason::kNotOneRow},
        {"NoCondition", {{"s", "temperature", ""}}, SqlFault::Reason::kNotABoolean},
        {"List", {{"d", "[id]", "x"}}, SqlFault::Reason::kNotAColumn},
        {"Empty", {{"s", " ", ""}}, SqlFault::Reason::kEmpty},
    }),
    [](const auto& test) { return test.param.name; });

TEST(SqlBatchProgram, AFaultNamesWhatTheExpressionSeesAndWhatIsNear) {
  const auto program = Make({{"d", "id + 1", "next"}, {"s", "flor(id) > 1", ""}});
  const SqlFault* fault = SqlFaultOf(program.status());
  ASSERT_NE(fault, nullptr) << program.status();
  EXPECT_EQ(fault->columns,
            (std::vector<std::string>{"id", "temperature", "sensor", "ts", "next"}));
  EXPECT_EQ(fault->near, "floor");
  // Context keeps it.
  const auto with_context = WithContext(program.status(), "pipeline `a`");
  ASSERT_NE(SqlFaultOf(with_context), nullptr);
  EXPECT_EQ(KindOf(with_context), ErrorKind::kConfig);
  EXPECT_EQ(SqlFaultOf(ConfigError("another")), nullptr);
}

TEST(SqlBatchProgram, RefusesInputThatDiffersInCaseOnly) {
  const auto schema =
      arrow::schema({arrow::field("a", arrow::int32()), arrow::field("A", arrow::int32())});
  const auto program = SqlBatchProgram::Make(Database(), schema, {{"select[0]", "a > 1", ""}});
  EXPECT_EQ(KindOf(program.status()), ErrorKind::kConfig);
}

TEST(SqlBatchProgram, MayHaveManyRules) {
  std::vector<SqlRule> rules;
  for (size_t i = 0; i < 50; ++i) {
    rules.push_back({"select", "id <> " + std::to_string(i), ""});
  }
  auto program = Make(rules).ValueOrDie();
  EXPECT_EQ(Verdicts(program->Run(Rows({{49, 1.0, ""}, {50, 1.0, ""}, {0, 1.0, ""}})).ValueOrDie()),
            (std::vector<int>{50, 0, 1}));
}

}  // namespace
}  // namespace catchwater
