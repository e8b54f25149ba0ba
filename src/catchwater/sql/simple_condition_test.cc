#include "catchwater/sql/simple_condition.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "catchwater/base/random.h"
#include "catchwater/sql/literal_internal.h"
#include "catchwater/sql/sql_batch_program.h"

namespace catchwater {
namespace {

const auto kTimestamp = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");

std::shared_ptr<arrow::Schema> Schema() {
  return arrow::schema({
      arrow::field("i", arrow::int32()),
      arrow::field("n", arrow::int64()),
      arrow::field("x", arrow::float64()),
      arrow::field("y", arrow::float32()),
      arrow::field("s", arrow::utf8()),
      arrow::field("Odd \"name\"", arrow::utf8()),
      arrow::field("b", arrow::boolean()),
      arrow::field("d", arrow::date32()),
      arrow::field("ts", kTimestamp),
      arrow::field("p", arrow::decimal128(10, 2)),
  });
}

template <typename T>
const T& Pick(Random& random, const std::vector<T>& values) {
  return values[random.Below(values.size())];
}

// Values around those that conditions name, and the odd ones.
const std::vector<int64_t> kIntegers = {-5, -1, 0, 1, 2, 3, 7, 80, INT32_MAX, INT32_MIN};
const std::vector<double> kReals = {-2.5,
                                    -0.0,
                                    0.0,
                                    0.1,
                                    2.5,
                                    3.0,
                                    80.1,
                                    INFINITY,
                                    -INFINITY,
                                    NAN,
                                    std::numeric_limits<double>::denorm_min()};
const std::vector<std::string> kTexts = {"",  "a", "b",  "ab", "it's", "Ü", "a sensor of long name",
                                         "B", "3", "2.5"};
const std::vector<int64_t> kSeconds = {0, 1'704'067'200, 1'709'164'800, 1'709'210'096, -1};

std::shared_ptr<arrow::RecordBatch> RandomRows(Random& random, int64_t row_count) {
  auto builder =
      arrow::RecordBatchBuilder::Make(Schema(), arrow::default_memory_pool()).ValueOrDie();
  const bool has_nulls = random.Below(3) != 0;
  for (int64_t row = 0; row < row_count; ++row) {
    for (int i = 0; i < builder->num_fields(); ++i) {
      const auto type = Schema()->field(i)->type();
      std::shared_ptr<arrow::Scalar> scalar;
      switch (type->id()) {
        case arrow::Type::INT32:
        case arrow::Type::INT64:
          scalar = arrow::MakeScalar(Pick(random, kIntegers))->CastTo(type).ValueOrDie();
          break;
        case arrow::Type::DOUBLE:
          scalar = arrow::MakeScalar(Pick(random, kReals));
          break;
        case arrow::Type::FLOAT:
          scalar = arrow::MakeScalar(static_cast<float>(Pick(random, kReals)));
          break;
        case arrow::Type::STRING:
          scalar = arrow::MakeScalar(Pick(random, kTexts));
          break;
        case arrow::Type::BOOL:
          scalar = arrow::MakeScalar(random.Below(2) == 0);
          break;
        case arrow::Type::DATE32:
          scalar = std::make_shared<arrow::Date32Scalar>(
              static_cast<int32_t>(Pick(random, kSeconds) / 86'400));
          break;
        case arrow::Type::TIMESTAMP:
          scalar = std::make_shared<arrow::TimestampScalar>(
              Pick(random, kSeconds) * 1'000'000 + static_cast<int64_t>(random.Below(2)), type);
          break;
        default:
          scalar = std::make_shared<arrow::Decimal128Scalar>(
              arrow::Decimal128(Pick(random, kIntegers)), type);
      }
      if (has_nulls && random.Below(4) == 0) scalar = arrow::MakeNullScalar(type);
      EXPECT_TRUE(builder->GetField(i)->AppendScalar(*scalar).ok());
    }
  }
  return builder->Flush().ValueOrDie();
}

std::string RandomLiteral(Random& random, const std::string& column) {
  static const std::vector<std::string> kNumbers = {
      "0", "1", "-1", "3", "2.5", "-2.5", ".1", "3.0", "80.1", "007", "-0.5", "7.", "99999999999"};
  static const std::vector<std::string> kQuoted = {
      "''", "'a'", "'b'", "'it''s'", "'Ü'", "'a sensor of long name'", "'3'"};
  static const std::vector<std::string> kTimes = {"'2024-01-01'",
                                                  "DATE '2024-02-29'",
                                                  "'2024-02-29 12:34:56'",
                                                  "'2024-02-29T12:34:56Z'",
                                                  "TIMESTAMP '2024-02-29 12:34:56.000001'",
                                                  "'1970-01-01 00:00:00.5'",
                                                  "TIMESTAMPTZ '1970-01-01 00:00:00'"};
  if (column == "s" || column[0] == '"') return Pick(random, kQuoted);
  if (column == "b") return random.Below(2) == 0 ? "TRUE" : "false";
  if (column == "d") return random.Below(2) == 0 ? "DATE '2024-01-01'" : "'2024-02-29'";
  if (column == "ts") return Pick(random, kTimes);
  return Pick(random, kNumbers);
}

std::string RandomCondition(Random& random, int depth) {
  static const std::vector<std::string> kColumns = {
      "i", "n", "N", "x", "y", "s", "\"odd \"\"NAME\"\"\"", "b", "d", "ts"};
  if (depth > 0 && random.Below(2) == 0) {
    const std::string left = RandomCondition(random, depth - 1);
    const std::string right = RandomCondition(random, depth - 1);
    switch (random.Below(4)) {
      case 0:
        return left + " AND " + right;
      case 1:
        return left + " or " + right;
      case 2:
        return "(" + left + ") AND NOT (" + right + ")";
      default:
        return "NOT " + left;
    }
  }
  const std::string& column = Pick(random, kColumns);
  if (column == "b" && random.Below(2) == 0) return column;
  const std::string is_not = random.Below(2) == 0 ? " NOT" : "";
  switch (random.Below(5)) {
    case 0:
      return column + " IS" + is_not + " NULL";
    case 1: {
      if (column == "b") return "b = TRUE";
      std::string list = RandomLiteral(random, column);
      for (uint64_t i = random.Below(4); i > 0; --i) list += ", " + RandomLiteral(random, column);
      return column + is_not + " IN (" + list + ")";
    }
    case 2:
      if (column == "b") return "b <> FALSE";
      return column + is_not + " BETWEEN " + RandomLiteral(random, column) + " AND " +
             RandomLiteral(random, column);
    default: {
      static const std::vector<std::string> kCompares = {"=", "<>", "!=", "<", "<=", ">", ">="};
      const std::string compare = column == "b" ? "=" : Pick(random, kCompares);
      const std::string literal = RandomLiteral(random, column);
      return random.Below(4) == 0 ? literal + " " + compare + " " + column
                                  : column + compare + literal;
    }
  }
}

// Two routes, one meaning: whatever compiles as simple must agree with DuckDB on every row.
TEST(SimpleCondition, AgreesWithDuckDb) {
  const auto database = OpenProgramDatabase().ValueOrDie();
  int compiled_count = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    Random random(seed);
    const std::string sql = RandomCondition(random, 3);
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + sql);
    auto simple = SimpleCondition::Compile(sql, *Schema());
    if (!simple.has_value()) continue;
    ++compiled_count;
    auto program = SqlBatchProgram::Make(database, Schema(), {{"select[0]", sql, ""}});
    ASSERT_TRUE(program.ok()) << program.status();
    const auto rows = RandomRows(random, 200)->Slice(static_cast<int64_t>(random.Below(9)));
    std::vector<uint8_t> got(static_cast<size_t>(rows->num_rows()));
    simple->Evaluate(*rows, got);
    const auto want = (*program)->Run(rows);
    ASSERT_TRUE(want.ok()) << want.status();
    for (int64_t row = 0; row < rows->num_rows(); ++row) {
      ASSERT_EQ(got[static_cast<size_t>(row)] == 1, want->verdicts->Value(row) == 0)
          << "row " << row << ": " << rows->Slice(row, 1)->ToString();
    }
  }
  EXPECT_GT(compiled_count, 300);
}

TEST(SimpleCondition, WorksAcrossBlocks) {
  arrow::Int64Builder builder;
  for (int64_t i = 0; i < 10'000; ++i) {
    ASSERT_TRUE((i % 5 == 0 ? builder.AppendNull() : builder.Append(i)).ok());
  }
  const auto rows = arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::int64())}),
                                             10'000, {builder.Finish().ValueOrDie()});
  auto simple = SimpleCondition::Compile("n >= 4001 AND n < 9999", *rows->schema());
  ASSERT_TRUE(simple.has_value());
  std::vector<uint8_t> got(10'000, 7);
  simple->Evaluate(*rows, got);
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i], i % 5 != 0 && i >= 4001 && i < 9999 ? 1 : 0) << i;
  }
}

class NotSimpleTest : public ::testing::TestWithParam<std::string> {};

TEST_P(NotSimpleTest, IsLeftToDuckDb) {
  EXPECT_FALSE(SimpleCondition::Compile(GetParam(), *Schema()).has_value());
}

INSTANTIATE_TEST_SUITE_P(
    Table, NotSimpleTest,
    ::testing::Values("", "n", "n = n", "n + 1 = 2", "n = 1 + 1", "abs(n) = 1", "n = '1'", "s = 1",
                      "s LIKE 'a%'", "s ~ 'a'", "n = 1 IS NULL", "n IS DISTINCT FROM 1",
                      "b IS TRUE", "n < 2 < 3", "unknown = 1", "p = 1.5", "n = 1e3",
                      "n = 1 -- comment", "n = 1;", "s = 'open", "(n = 1", "n = 1)", "n IN ()",
                      "n IN (1, NULL)", "n = NULL", "n BETWEEN 1", "CASE WHEN b THEN b END",
                      "ts = 'today'", "ts > '2023-02-29'", "ts > '2024-01-01 25:00:00'",
                      "ts > '2024-01-01 10:00:00+02'", "d > '2024-01-01 10:00:00'",
                      "n = 99999999999999999999", "i = 2147483648", "x = 1.2345678901234567",
                      "y = 1.2345678", "b > TRUE", "n = 1 AND", "NOT", "n::INT = 1", "x !=-1",
                      "x <-> 1", "n = DATE '2024-01-01'", "n COLLATE x = 1"));

TEST(SimpleCondition, IsNotSimpleWhenBracketsGoTooDeep) {
  const std::string open(1000, '(');
  const std::string close(1000, ')');
  EXPECT_FALSE(SimpleCondition::Compile(open + "n = 1" + close, *Schema()).has_value());
  EXPECT_TRUE(SimpleCondition::Compile("((((n = 1))))", *Schema()).has_value());
}

TEST(SimpleCondition, LeavesNamesThatDifferInCaseToDuckDb) {
  const auto schema =
      arrow::schema({arrow::field("a", arrow::int64()), arrow::field("A", arrow::int64())});
  EXPECT_FALSE(SimpleCondition::Compile("a = 1", *schema).has_value());
}

TEST(Literal, NumbersHaveTheirFloor) {
  using literal_internal::ParseNumber;
  EXPECT_EQ(ParseNumber("2.5")->floor, 2);
  EXPECT_EQ(ParseNumber("-2.5")->floor, -3);
  EXPECT_EQ(ParseNumber("-2.0")->floor, -2);
  EXPECT_EQ(ParseNumber("-.5")->floor, -1);
  EXPECT_TRUE(ParseNumber("-2.0")->is_integer);
  EXPECT_EQ(ParseNumber("9223372036854775807")->floor, INT64_MAX);
  EXPECT_FALSE(ParseNumber("9223372036854775808").has_value());
}

TEST(Literal, TimesBefore1970AndOfLeapDays) {
  using literal_internal::ParseUtcTime;
  EXPECT_EQ(ParseUtcTime("1969-12-31 23:59:59.5")->micros, -500'000);
  EXPECT_EQ(ParseUtcTime("2024-02-29")->day, 19'782);
  EXPECT_FALSE(ParseUtcTime("1900-02-29").has_value());
  EXPECT_FALSE(ParseUtcTime("2024-1-01").has_value());
  EXPECT_FALSE(ParseUtcTime("2024-01-01 10:00:00.1234567").has_value());
  EXPECT_FALSE(ParseUtcTime("-024-01-01").has_value());
}

}  // namespace
}  // namespace catchwater
