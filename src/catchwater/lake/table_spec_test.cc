#include "catchwater/lake/table_spec.h"

#include <string>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

struct TermCase {
  const char* name;
  const char* text;
  Transform transform;
  const char* column;
  const char* field_name;
};

class PartitionTermTest : public ::testing::TestWithParam<TermCase> {};

TEST_P(PartitionTermTest, Parses) {
  const auto& c = GetParam();
  const auto term = ParsePartitionTerm(c.text);
  ASSERT_TRUE(term.ok()) << term.status();
  EXPECT_EQ(term->transform, c.transform);
  EXPECT_EQ(term->column, c.column);
  EXPECT_EQ(term->name, c.field_name);
}

INSTANTIATE_TEST_SUITE_P(
    Table, PartitionTermTest,
    ::testing::Values(
        TermCase{"Day", "day(ts)", {TransformKind::kDay, 0}, "ts", "ts_day"},
        TermCase{"Hour", "hour( ts )", {TransformKind::kHour, 0}, "ts", "ts_hour"},
        TermCase{"Month", " month(ts) ", {TransformKind::kMonth, 0}, "ts", "ts_month"},
        TermCase{"Year", "year(ts)", {TransformKind::kYear, 0}, "ts", "ts_year"},
        TermCase{"Bucket", "bucket(16, id)", {TransformKind::kBucket, 16}, "id", "id_bucket"},
        TermCase{"BucketTight", "bucket(1,id)", {TransformKind::kBucket, 1}, "id", "id_bucket"},
        TermCase{"Truncate", "truncate(8, s)", {TransformKind::kTruncate, 8}, "s", "s_trunc"},
        TermCase{"Bare", "site", {TransformKind::kIdentity, 0}, "site", "site"},
        TermCase{"Identity", "identity(site)", {TransformKind::kIdentity, 0}, "site", "site"},
        TermCase{"Unicode", "day(zeit_für)", {TransformKind::kDay, 0}, "zeit_für", "zeit_für_day"}),
    [](const auto& test) { return test.param.name; });

TEST(PartitionTerm, RefusesOtherTexts) {
  for (const char* text :
       {"", " ", "day", "()", "day()", "day(ts", "ts)", "week(ts)", "DAY(ts)", "bucket(ts)",
        "bucket(0, id)", "bucket(-1, id)", "bucket(x, id)", "bucket(99999999999, id)",
        "bucket(4 id)", "bucket(4,)", "day(a, b)", "day(day(ts))", "truncate(s, 8)"}) {
    const auto term = ParsePartitionTerm(text);
    // A bare word is a column's name, also if it is a transform's.
    if (std::string(text) == "day") {
      EXPECT_TRUE(term.ok());
      continue;
    }
    ASSERT_FALSE(term.ok()) << text;
    EXPECT_EQ(KindOf(term.status()), ErrorKind::kConfig);
    EXPECT_TRUE(term.status().message().ends_with(std::string(": ") + text)) << term.status();
  }
}

TEST(SortTerm, ParsesDirections) {
  EXPECT_EQ(ParseSortTerm("ts").ValueOrDie(), (SortTerm{.column = "ts"}));
  EXPECT_EQ(ParseSortTerm(" ts  desc ").ValueOrDie(),
            (SortTerm{.column = "ts", .is_descending = true}));
  EXPECT_FALSE(ParseSortTerm("ts down").ok());
  EXPECT_FALSE(ParseSortTerm("").ok());
}

TableSpec GoodSpec() {
  return {.table_key = "sensors.readings",
          .schema =
              arrow::schema({arrow::field("id", arrow::int64()),
                             arrow::field("ts", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"))}),
          .partition = {ParsePartitionTerm("day(ts)").ValueOrDie()},
          .sort = {{.column = "id"}},
          .event_time_column = "ts"};
}

TEST(TableSpec, AcceptsAGoodOne) { EXPECT_EQ(CheckTableSpec(GoodSpec()), arrow::Status::OK()); }

TEST(TableSpec, RefusesTableNamesThatAreNoFolders) {
  for (const char* key :
       {"", "readings", ".readings", "sensors.", "a/b.c", "..", "a..b", "a.b c", "../x.y", "ä.b"}) {
    TableSpec spec = GoodSpec();
    spec.table_key = key;
    EXPECT_EQ(KindOf(CheckTableSpec(spec)), ErrorKind::kConfig) << key;
  }
}

TEST(TableSpec, RefusesWhatDoesNotFitTheColumns) {
  TableSpec spec = GoodSpec();
  spec.partition = {ParsePartitionTerm("day(id)").ValueOrDie()};
  EXPECT_NE(CheckTableSpec(spec).message().find("id"), std::string::npos);
  spec = GoodSpec();
  spec.partition = {ParsePartitionTerm("day(nothing)").ValueOrDie()};
  EXPECT_FALSE(CheckTableSpec(spec).ok());
  spec = GoodSpec();
  spec.sort = {{.column = "nothing"}};
  EXPECT_FALSE(CheckTableSpec(spec).ok());
  spec = GoodSpec();
  spec.event_time_column = "id";
  EXPECT_FALSE(CheckTableSpec(spec).ok());
  spec = GoodSpec();
  spec.schema = arrow::schema({arrow::field("x", arrow::list(arrow::int32()))});
  EXPECT_FALSE(CheckTableSpec(spec).ok());
  spec = GoodSpec();
  spec.schema = arrow::schema({arrow::field("x", arrow::uint32())});
  EXPECT_FALSE(CheckTableSpec(spec).ok());
}

}  // namespace
}  // namespace catchwater
