#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/base/random.h"
#include "catchwater/sql/sql_database.h"

namespace catchwater {
namespace {

std::shared_ptr<arrow::Schema> Schema() {
  return arrow::schema({
      arrow::field("flag", arrow::boolean()),
      arrow::field("small", arrow::int32()),
      arrow::field("large", arrow::int64()),
      arrow::field("real", arrow::float64()),
      arrow::field("price", arrow::decimal128(12, 3)),
      arrow::field("name", arrow::utf8()),
      arrow::field("day", arrow::date32()),
      arrow::field("ts", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
  });
}

/// Random rows with nulls, short and long texts; the same for a seed.
std::shared_ptr<arrow::RecordBatch> RandomRows(uint64_t seed, int64_t row_count) {
  Random random(seed);
  auto builder =
      arrow::RecordBatchBuilder::Make(Schema(), arrow::default_memory_pool()).ValueOrDie();
  for (int64_t row = 0; row < row_count; ++row) {
    for (int i = 0; i < builder->num_fields(); ++i) {
      const auto value = static_cast<int64_t>(random.Below(2'000'000)) - 1'000'000;
      const auto type = Schema()->field(i)->type();
      std::shared_ptr<arrow::Scalar> scalar;
      if (random.Below(5) == 0) {
        scalar = arrow::MakeNullScalar(type);
      } else if (type->id() == arrow::Type::STRING) {
        scalar = arrow::MakeScalar("sensor ÿ " + std::string(random.Below(20), 'x'));
      } else if (type->id() == arrow::Type::DECIMAL128) {
        scalar = std::make_shared<arrow::Decimal128Scalar>(arrow::Decimal128(value), type);
      } else if (type->id() == arrow::Type::BOOL) {
        scalar = arrow::MakeScalar(value % 2 == 0);
      } else {
        scalar = arrow::MakeScalar(type->id() == arrow::Type::DATE32 ? value % 10'000 : value)
                     ->CastTo(type->id() == arrow::Type::DATE32 ? arrow::int32() : type)
                     .ValueOrDie();
        if (type->id() == arrow::Type::DATE32) scalar = scalar->CastTo(type).ValueOrDie();
      }
      EXPECT_TRUE(builder->GetField(i)->AppendScalar(*scalar).ok());
    }
  }
  return builder->Flush().ValueOrDie();
}

std::unique_ptr<SqlConnection> Connect(int threads = 1) {
  return SqlDatabase::Open({.threads = threads}).ValueOrDie()->Connect().ValueOrDie();
}

std::shared_ptr<arrow::Table> All(SqlConnection& connection, std::string_view sql) {
  return connection.Query(sql).ValueOrDie().ReadAll().ValueOrDie();
}

TEST(ArrowRows, ComeBackAsTheyWere) {
  const auto connection = Connect();
  for (const int64_t row_count : {0, 1, 2047, 2048, 2049, 5000}) {
    SCOPED_TRACE(row_count);
    const auto rows = RandomRows(7, row_count);
    ASSERT_TRUE(connection->RegisterBatch("batch", {rows}).ok());
    const auto back = All(*connection, "FROM batch");
    EXPECT_TRUE(back->CombineChunksToBatch().ValueOrDie()->Equals(*rows));
  }
}

TEST(ArrowRows, RespectTheOffsetOfASlice) {
  const auto connection = Connect();
  const auto rows = RandomRows(8, 6000)->Slice(77, 4001);
  ASSERT_TRUE(
      connection->RegisterBatch("batch", {rows, rows->Slice(3, 5), rows->Slice(9, 0)}).ok());
  const auto back = All(*connection, "FROM batch");
  const auto want = arrow::Table::FromRecordBatches({rows, rows->Slice(3, 5)}).ValueOrDie();
  EXPECT_TRUE(back->Equals(*want));
}

TEST(ArrowRows, AreFilteredAndProjected) {
  const auto connection = Connect();
  const auto rows = RandomRows(9, 5000);
  ASSERT_TRUE(connection->RegisterBatch("batch", {rows}).ok());
  const auto& names = static_cast<const arrow::StringArray&>(*rows->GetColumnByName("name"));
  const auto& reals = static_cast<const arrow::DoubleArray&>(*rows->GetColumnByName("real"));
  int64_t want = 0;
  for (int64_t i = 0; i < rows->num_rows(); ++i) {
    want +=
        names.IsValid(i) && reals.IsValid(i) && reals.Value(i) < 0 && names.GetView(i).size() > 12;
  }
  const auto got = All(*connection, "SELECT name FROM batch WHERE real < 0 AND strlen(name) > 12");
  EXPECT_GT(want, 0);
  EXPECT_EQ(got->num_rows(), want);
  const auto count = All(*connection, "SELECT count(*) AS n FROM batch");
  EXPECT_EQ(count->column(0)->GetScalar(0).ValueOrDie()->ToString(), "5000");
}

TEST(ArrowRows, KeepTheirOrderWithSeveralThreads) {
  const auto connection = Connect(/*threads=*/4);
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  arrow::Int64Builder builder;
  for (int64_t i = 0; i < 400'000; ++i) ASSERT_TRUE(builder.Append(i).ok());
  const auto whole = arrow::RecordBatch::Make(arrow::schema({arrow::field("x", arrow::int64())}),
                                              400'000, {builder.Finish().ValueOrDie()});
  for (int64_t row = 0; row < 400'000; row += 3'000) batches.push_back(whole->Slice(row, 3'000));
  ASSERT_TRUE(connection->RegisterBatch("batch", batches).ok());
  const auto back = All(*connection, "SELECT x FROM batch WHERE x % 2 = 0");
  ASSERT_EQ(back->num_rows(), 200'000);
  const auto column = back->CombineChunksToBatch().ValueOrDie()->column(0);
  for (int64_t i = 0; i < 200'000; ++i) {
    ASSERT_EQ(static_cast<const arrow::Int64Array&>(*column).Value(i), 2 * i);
  }
}

TEST(ArrowRows, AreReadInParallelByAggregates) {
  const auto connection = Connect(/*threads=*/4);
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  for (uint64_t seed = 0; seed < 20; ++seed) batches.push_back(RandomRows(seed, 3'000));
  ASSERT_TRUE(connection->RegisterBatch("batch", batches).ok());
  const auto parallel = All(*connection, "SELECT sum(large), count(name), min(ts) FROM batch");
  ASSERT_TRUE(connection->Execute("SET threads = 1").ok());
  const auto single = All(*connection, "SELECT sum(large), count(name), min(ts) FROM batch");
  EXPECT_TRUE(parallel->Equals(*single)) << parallel->ToString() << single->ToString();
}

TEST(ArrowRows, ServeManyConnectionsAtOnce) {
  const auto database = SqlDatabase::Open({.threads = 2}).ValueOrDie();
  std::vector<std::jthread> threads;
  std::vector<std::string> answers(8);
  for (size_t i = 0; i < answers.size(); ++i) {
    threads.emplace_back([&answers, &database, i] {
      const auto connection = database->Connect().ValueOrDie();
      for (int64_t turn = 1; turn <= 20; ++turn) {
        const auto rows = RandomRows(i, turn * 10);
        if (!connection->RegisterBatch("batch", {rows}).ok()) return;
        const auto count = All(*connection, "SELECT count(*) AS n FROM batch");
        answers[i] += count->column(0)->GetScalar(0).ValueOrDie()->ToString() + " ";
      }
    });
  }
  threads.clear();
  std::string want;
  for (int64_t turn = 1; turn <= 20; ++turn) want += std::to_string(turn * 10) + " ";
  for (const std::string& answer : answers) EXPECT_EQ(answer, want);
}

TEST(ArrowRows, CanBeReplacedAndForgotten) {
  const auto connection = Connect();
  ASSERT_TRUE(connection->RegisterBatch("it's \"odd\"", {RandomRows(1, 10)}).ok());
  ASSERT_TRUE(connection->RegisterBatch("it's \"odd\"", {RandomRows(1, 20)}).ok());
  EXPECT_EQ(All(*connection, "FROM \"it's \"\"odd\"\"\"")->num_rows(), 20);
  const std::string source = connection->BatchSource("it's \"odd\"").ValueOrDie();
  EXPECT_EQ(All(*connection, "FROM " + source)->num_rows(), 20);
  ASSERT_TRUE(connection->UnregisterBatch("it's \"odd\"").ok());
  EXPECT_TRUE(connection->UnregisterBatch("it's \"odd\"").ok());
  EXPECT_FALSE(connection->Query("FROM \"it's \"\"odd\"\"\"").ok());
  EXPECT_FALSE(connection->Query("FROM " + source).ok());
  EXPECT_EQ(KindOf(connection->BatchSource("it's \"odd\"").status()), ErrorKind::kNotFound);
}

TEST(ArrowRows, MayBeNone) {
  const auto connection = Connect();
  ASSERT_TRUE(connection->RegisterBatch("batch", Schema(), {}).ok());
  const auto rows = All(*connection, "FROM batch");
  EXPECT_EQ(rows->num_rows(), 0);
  EXPECT_TRUE(rows->schema()->Equals(*Schema())) << rows->schema()->ToString();
}

TEST(ArrowRows, AreRefusedWithATypeThatSqlCannotRead) {
  const auto connection = Connect();
  const auto schema = arrow::schema({arrow::field("a", arrow::list(arrow::int32()))});
  const arrow::Status status = connection->RegisterBatch("batch", schema, {});
  EXPECT_EQ(KindOf(status), ErrorKind::kBadData);
  EXPECT_NE(status.message().find("a list<"), std::string::npos) << status;
  EXPECT_FALSE(connection->RegisterBatch("batch", arrow::schema({}), {}).ok());
}

TEST(ArrowRows, AreRefusedWithAnotherSchema) {
  const auto connection = Connect();
  const auto schema = arrow::schema({arrow::field("a", arrow::int32())});
  EXPECT_FALSE(connection->RegisterBatch("batch", schema, {RandomRows(1, 1)}).ok());
}

TEST(ArrowRows, ConvertTimesWithAZoneToMicroseconds) {
  const auto connection = Connect();
  for (const auto unit : {arrow::TimeUnit::SECOND, arrow::TimeUnit::MILLI, arrow::TimeUnit::NANO}) {
    const auto type = arrow::timestamp(unit, "UTC");
    auto builder = arrow::MakeBuilder(type).ValueOrDie();
    const auto before_1970 = arrow::TimestampScalar::FromISO8601("1969-12-31T23:59:58", unit);
    const auto scalar =
        std::make_shared<arrow::TimestampScalar>(before_1970.ValueOrDie().value, type);
    ASSERT_TRUE(builder->AppendScalar(*scalar).ok());
    const auto rows = arrow::RecordBatch::Make(arrow::schema({arrow::field("ts", type)}), 1,
                                               {builder->Finish().ValueOrDie()});
    ASSERT_TRUE(connection->RegisterBatch("batch", {rows}).ok());
    EXPECT_EQ(All(*connection, "FROM batch")->column(0)->GetScalar(0).ValueOrDie()->ToString(),
              "1969-12-31 23:59:58.000000Z");
  }
}

}  // namespace
}  // namespace catchwater
