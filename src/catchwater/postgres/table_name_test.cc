#include "catchwater/postgres/table_name.h"

#include <gtest/gtest.h>

#include "catchwater/postgres/pg_connection.h"

namespace catchwater {
namespace {

TEST(PgTableName, IsQuoted) {
  EXPECT_EQ(PgTableName::Parse("a.b").Sql(), "\"a\".\"b\"");
  EXPECT_EQ(PgTableName::Parse("we\"ird").Sql(), "\"we\"\"ird\"");
  EXPECT_EQ(QuoteLiteral("it's"), "'it''s'");
}

TEST(ColumnList, IsQuotedAndPrefixed) {
  EXPECT_EQ(ColumnList({"a", "b\"c"}), "\"a\", \"b\"\"c\"");
  EXPECT_EQ(ColumnList({"a", "b"}, "t."), "t.\"a\", t.\"b\"");
  EXPECT_EQ(ColumnList({}), "");
}

}  // namespace
}  // namespace catchwater
