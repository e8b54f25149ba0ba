#include "catchwater/sql/sql_database.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/testing/temporary_folder.h"

namespace catchwater {
namespace {

std::unique_ptr<SqlConnection> Connect(const SqlOptions& options = {}) {
  return SqlDatabase::Open(options).ValueOrDie()->Connect().ValueOrDie();
}

std::shared_ptr<arrow::Table> All(SqlConnection& connection, std::string_view sql) {
  return connection.Query(sql).ValueOrDie().ReadAll().ValueOrDie();
}

int64_t Number(SqlConnection& connection, std::string_view sql) {
  return std::stoll(All(connection, sql)->column(0)->GetScalar(0).ValueOrDie()->ToString());
}

struct TypeCase {
  std::string name;
  std::string sql;  // One value; the second row is null.
  std::shared_ptr<arrow::DataType> type;
  std::string want;  // The scalar's text.
};

const auto kUtcMicros = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");

const std::vector<TypeCase> kTypeCases = {
    {"Bool", "true", arrow::boolean(), "true"},
    {"Int8", "-8::TINYINT", arrow::int8(), "-8"},
    {"Int16", "-16::SMALLINT", arrow::int16(), "-16"},
    {"Int32", "32::INTEGER", arrow::int32(), "32"},
    {"Int64", "9223372036854775807::BIGINT", arrow::int64(), "9223372036854775807"},
    {"UInt8", "255::UTINYINT", arrow::uint8(), "255"},
    {"UInt64", "18446744073709551615::UBIGINT", arrow::uint64(), "18446744073709551615"},
    {"Hugeint", "-170::HUGEINT", arrow::decimal128(38, 0), "-170"},
    {"SumOfBigints", "(SELECT sum(x) FROM (VALUES (9223372036854775807), (1)) t(x))",
     arrow::decimal128(38, 0), "9223372036854775808"},
    {"Float", "1.5::FLOAT", arrow::float32(), "1.5"},
    {"Double", "-0.1::DOUBLE", arrow::float64(), "-0.1"},
    {"DecimalIn2Bytes", "-1.25::DECIMAL(4,2)", arrow::decimal128(4, 2), "-1.25"},
    {"DecimalIn4Bytes", "-12345.25::DECIMAL(9,2)", arrow::decimal128(9, 2), "-12345.25"},
    {"DecimalIn8Bytes", "-123456789012.25::DECIMAL(18,2)", arrow::decimal128(18, 2),
     "-123456789012.25"},
    {"DecimalIn16Bytes", "-12345678901234567890.125::DECIMAL(38,3)", arrow::decimal128(38, 3),
     "-12345678901234567890.125"},
    {"ShortText", "'grüße'", arrow::utf8(), "grüße"},
    {"LongText", "'日本語の長い文字列 and more'", arrow::utf8(), "日本語の長い文字列 and more"},
    {"EmptyText", "''", arrow::utf8(), ""},
    {"Date", "DATE '2024-02-29'", arrow::date32(), "2024-02-29"},
    {"TimestampWithZone", "TIMESTAMPTZ '2024-02-29 12:00:00.000001+02'", kUtcMicros,
     "2024-02-29 10:00:00.000001Z"},
    {"TimestampBefore1970", "TIMESTAMPTZ '1969-12-31 23:59:59.5+00'", kUtcMicros,
     "1969-12-31 23:59:59.500000Z"},
    {"TimestampWithoutZone", "TIMESTAMP '2024-01-01 00:00:00'",
     arrow::timestamp(arrow::TimeUnit::MICRO), "2024-01-01 00:00:00.000000"},
    {"Uuid", "'00000000-0000-0000-0000-000000000001'::UUID", arrow::utf8(),
     "00000000-0000-0000-0000-000000000001"},
    {"Enum", "'b'::ENUM('a', 'b')", arrow::utf8(), "b"},
};

class SqlResultTypeTest : public ::testing::TestWithParam<TypeCase> {};

TEST_P(SqlResultTypeTest, ComesOutAsArrowAndGoesBackIn) {
  const TypeCase& test = GetParam();
  const auto connection = Connect();
  const auto table =
      All(*connection, "SELECT " + test.sql + " AS x UNION ALL SELECT NULL ORDER BY x NULLS LAST");
  ASSERT_TRUE(table->field(0)->type()->Equals(test.type)) << table->field(0)->ToString();
  ASSERT_EQ(table->num_rows(), 2);
  EXPECT_EQ(table->column(0)->GetScalar(0).ValueOrDie()->ToString(), test.want);
  EXPECT_FALSE(table->column(0)->GetScalar(1).ValueOrDie()->is_valid);

  const auto batch = table->CombineChunksToBatch().ValueOrDie();
  ASSERT_TRUE(connection->RegisterBatch("again", {batch}).ok());
  const auto again = All(*connection, "FROM again");
  EXPECT_TRUE(again->CombineChunksToBatch().ValueOrDie()->Equals(*batch)) << again->ToString();
}

INSTANTIATE_TEST_SUITE_P(Table, SqlResultTypeTest, ::testing::ValuesIn(kTypeCases),
                         [](const auto& test) { return test.param.name; });

TEST(SqlResult, GivesNestedTypesAsArrowHasThem) {
  const auto connection = Connect();
  const auto table = All(*connection,
                         "SELECT [1, NULL, 3] AS list, {'a': 1, 'b': 'x'} AS pair, 7 AS plain "
                         "FROM range(3000)");
  EXPECT_EQ(table->schema()->field(0)->type()->id(), arrow::Type::LIST);
  EXPECT_EQ(table->schema()->field(1)->type()->id(), arrow::Type::STRUCT);
  EXPECT_EQ(table->schema()->field(2)->type()->id(), arrow::Type::INT32);
  EXPECT_EQ(table->num_rows(), 3000);
  EXPECT_TRUE(table->ValidateFull().ok());
}

TEST(SqlResult, IsCutIntoBatches) {
  const auto connection = Connect();
  SqlResult result = connection->Query("SELECT range AS x FROM range(200000)").ValueOrDie();
  int64_t rows = 0;
  while (true) {
    const auto batch = result.Next().ValueOrDie();
    if (batch == nullptr) break;
    EXPECT_LT(batch->num_rows(), kSqlResultBatchRows + 2'048);
    const auto& values = static_cast<const arrow::Int64Array&>(*batch->column(0));
    EXPECT_EQ(values.Value(0), rows);
    rows += batch->num_rows();
  }
  EXPECT_EQ(rows, 200'000);
  EXPECT_EQ(result.Next().ValueOrDie(), nullptr);
}

TEST(SqlResult, HasItsSchemaWithoutRows) {
  const auto connection = Connect();
  const auto table = All(*connection, "SELECT 1::BIGINT AS a, 'x' AS b WHERE false");
  EXPECT_EQ(table->num_rows(), 0);
  EXPECT_TRUE(table->schema()->Equals(
      *arrow::schema({arrow::field("a", arrow::int64()), arrow::field("b", arrow::utf8())})));
}

TEST(SqlResult, ReportsAnErrorThatComesAfterTheFirstRows) {
  const auto connection = Connect();
  SqlResult result = connection
                         ->Query(
                             "SELECT CASE WHEN range > 1500000 THEN CAST('x' || range AS INTEGER) "
                             "ELSE 1 END AS a FROM range(2000000)")
                         .ValueOrDie();
  EXPECT_TRUE(result.Next().ok());
  const arrow::Status status = result.ReadAll().status();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(KindOf(status), ErrorKind::kBadData);
  EXPECT_NE(status.message().find("Conversion Error"), std::string::npos) << status;
}

TEST(SqlResult, RefusesAHugeintThatNoDecimalHolds) {
  const auto connection = Connect();
  auto table =
      connection->Query("SELECT 170141183460469231731687303715884105727::HUGEINT").ValueOrDie();
  EXPECT_EQ(KindOf(table.Next().status()), ErrorKind::kBadData);
}

struct ErrorCase {
  std::string name;
  std::string sql;
  ErrorKind kind;
  std::string message;
};

const std::vector<ErrorCase> kErrorCases = {
    {"Empty", "", ErrorKind::kBadData, "no statement"},
    {"Syntax", "SELEC 1", ErrorKind::kBadData, "syntax error"},
    {"UnknownColumn", "SELECT a FROM range(3)", ErrorKind::kBadData, "\"a\" not found"},
    {"UnknownTable", "FROM nowhere", ErrorKind::kBadData, "nowhere does not exist"},
    {"SecondStatementIsWrong", "SELECT 1; SELECT b", ErrorKind::kBadData, "\"b\" was not found"},
    {"MissingFile", "FROM 'no/such/file.parquet'", ErrorKind::kUnavailable, "No files found"},
    {"GoneSlot", "FROM catchwater_rows(99)", ErrorKind::kBadData, "are gone"},
};

class SqlErrorTest : public ::testing::TestWithParam<ErrorCase> {};

TEST_P(SqlErrorTest, KeepsTheMessageOfDuckDb) {
  const ErrorCase& test = GetParam();
  const auto connection = Connect();
  const arrow::Status status = connection->Execute(test.sql);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.message().find(test.message), std::string::npos) << status;
  EXPECT_EQ(KindOf(status), test.kind) << status;
}

INSTANTIATE_TEST_SUITE_P(Table, SqlErrorTest, ::testing::ValuesIn(kErrorCases),
                         [](const auto& test) { return test.param.name; });

TEST(SqlConnection, RefusesAZeroByte) {
  const auto connection = Connect();
  EXPECT_FALSE(connection->Execute(std::string_view("SELECT 1\0 FROM nowhere", 22)).ok());
}

TEST(SqlConnection, ReturnsTheRowsOfTheLastStatement) {
  const auto connection = Connect();
  EXPECT_EQ(Number(*connection,
                   "CREATE TABLE t AS SELECT range AS x FROM range(10); "
                   "INSERT INTO t VALUES (90); SELECT sum(x) FROM t"),
            135);
}

TEST(SqlConnection, StopsAtAnInterrupt) {
  const auto connection = Connect();
  arrow::Status status;
  std::atomic<bool> is_done = false;
  std::thread worker([&] {
    status = connection->Execute(
        "SELECT sum(a.range * b.range) FROM range(10000000) a, range(1000000) b");
    is_done = true;
  });
  while (!is_done) {  // An interrupt only counts while the statement runs.
    connection->Interrupt();
    std::this_thread::yield();
  }
  worker.join();
  EXPECT_EQ(KindOf(status), ErrorKind::kCancelled) << status;
}

TEST(SqlConnection, WorksInUtc) {
  const auto connection = Connect();
  EXPECT_EQ(Number(*connection, "SELECT hour(TIMESTAMPTZ '2024-07-01 12:00:00+02')"), 10);
}

TEST(SqlDatabase, CanBeClosedToFiles) {
  const auto connection = Connect({.allow_files = false});
  const arrow::Status status = connection->Execute("FROM read_csv('README.md')");
  EXPECT_EQ(KindOf(status), ErrorKind::kDenied) << status;
}

TEST(SqlDatabase, QueryOnlyLosesNoRowsOfStatementsBeforeTheLast) {
  const auto connection = Connect();
  for (const char* sql : {"SELECT 1; SELECT 2", "FROM range(3); SELECT 2;",
                          "SET threads = 2; EXPLAIN SELECT 1; SELECT 2"}) {
    const auto status = connection->QueryOnly(sql).status();
    EXPECT_EQ(KindOf(status), ErrorKind::kBadData) << sql;
    EXPECT_NE(status.message().find("several statements"), std::string::npos) << status;
  }
  for (const char* sql : {"SET threads = 2; SELECT 1", "SELECT 1;",
                          "CREATE TEMP TABLE t AS SELECT 1 AS a; SELECT a FROM t"}) {
    EXPECT_TRUE(connection->QueryOnly(sql).ok()) << sql;
  }
}

TEST(SqlDatabase, QueryOnlyWritesNoFiles) {
  const TemporaryFolder folder;
  const auto connection = Connect();
  const std::string path = folder / "x.csv";
  for (const std::string& sql :
       {"COPY (SELECT 1) TO '" + path + "'", "SELECT 1; COPY (SELECT 1) TO '" + path + "'",
        "EXPORT DATABASE '" + path + "'", "ATTACH '" + path + "' AS other",
        "PREPARE p AS COPY (SELECT 1) TO '" + path + "'; EXECUTE p"}) {
    EXPECT_EQ(KindOf(connection->QueryOnly(sql).status()), ErrorKind::kDenied) << sql;
    EXPECT_FALSE(std::filesystem::is_regular_file(path)) << sql;
  }
  EXPECT_TRUE(connection->QueryOnly("SELECT 1").ok());
  EXPECT_TRUE(connection->QueryOnly("EXPLAIN SELECT 1").ok());
}

TEST(SqlDatabase, RefusesASettingThatMakesNoSense) {
  EXPECT_EQ(KindOf(SqlDatabase::Open({.threads = 0}).status()), ErrorKind::kConfig);
}

TEST(SqlDatabase, KeepsToItsMemoryAndSaysSo) {
  const auto connection = Connect({.memory_bytes_max = 32 << 20});
  const arrow::Status status = connection->Execute(
      "SELECT x FROM (SELECT range::VARCHAR || repeat('y', 100) AS x FROM range(3000000)) "
      "ORDER BY x");
  EXPECT_EQ(KindOf(status), ErrorKind::kUnavailable) << status;
}

TEST(SqlDatabase, LoadsTheIcebergExtensionsOnce) {
  auto database = SqlDatabase::Open({}).ValueOrDie();
  ASSERT_TRUE(database->LoadIcebergExtensions(".deps/duckdb/extensions").ok());
  EXPECT_TRUE(database->LoadIcebergExtensions("elsewhere").ok());
  const auto connection = database->Connect().ValueOrDie();
  EXPECT_EQ(Number(*connection,
                   "SELECT count(DISTINCT function_name) FROM duckdb_functions() "
                   "WHERE function_name = 'iceberg_scan'"),
            1);
}

/// Statements cannot load what DuckDB did not sign, nor allow it, though the program itself could.
TEST(SqlDatabase, TrustsExtensionsUntilSignaturesAreRequired) {
  const TemporaryFolder folder;
  const std::string path = folder / "avro.duckdb_extension";
  std::filesystem::copy_file(".deps/duckdb/extensions/avro.duckdb_extension", path);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-8, std::ios::end);
  file << "unsigned";
  file.close();
  const std::string load = "LOAD '" + path + "'";

  const auto trusting = SqlDatabase::Open({.trusts_extensions = true}).ValueOrDie();
  EXPECT_TRUE(trusting->Connect().ValueOrDie()->Execute(load).ok());

  const auto strict = SqlDatabase::Open({.trusts_extensions = true}).ValueOrDie();
  ASSERT_TRUE(strict->RequireSignatures().ok());
  EXPECT_TRUE(strict->RequireSignatures().ok());
  const auto connection = strict->Connect().ValueOrDie();
  EXPECT_FALSE(connection->Execute("SET allow_unsigned_extensions = true").ok());
  const arrow::Status refused = connection->Execute(load);
  EXPECT_NE(refused.message().find("signature"), std::string::npos) << refused;
}

TEST(SqlDatabase, SaysHowToGetMissingExtensions) {
  auto database = SqlDatabase::Open({}).ValueOrDie();
  const arrow::Status status = database->LoadIcebergExtensions("no/such/folder");
  EXPECT_EQ(KindOf(status), ErrorKind::kNotFound);
  EXPECT_NE(status.message().find("make setup"), std::string::npos) << status;
}

}  // namespace
}  // namespace catchwater
