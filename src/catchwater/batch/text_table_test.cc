#include "catchwater/batch/text_table.h"

#include <arrow/builder.h>
#include <gtest/gtest.h>

namespace catchwater {
namespace {

std::shared_ptr<arrow::RecordBatch> Rows(const std::vector<std::string>& names) {
  arrow::StringBuilder name;
  arrow::Int64Builder count;
  for (size_t i = 0; i < names.size(); ++i) {
    EXPECT_TRUE(name.Append(names[i]).ok());
    EXPECT_TRUE((i == 1 ? count.AppendNull() : count.Append(static_cast<int64_t>(i) * 100)).ok());
  }
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("name", arrow::utf8()), arrow::field("n", arrow::int64())}),
      static_cast<int64_t>(names.size()),
      {name.Finish().ValueOrDie(), count.Finish().ValueOrDie()});
}

TEST(DrawTable, PutsNumbersToTheRightAndCountsCharactersNotBytes) {
  const auto rows = Rows({"a", "é", "ccc"});
  EXPECT_EQ(DrawTable(*rows->schema(), {rows}),
            "┌──────┬─────┐\n"
            "│ name │   n │\n"
            "├──────┼─────┤\n"
            "│ a    │   0 │\n"
            "│ é    │     │\n"
            "│ ccc  │ 200 │\n"
            "└──────┴─────┘\n");
}

TEST(DrawTable, ShowsTheFirstRowsAndCountsTheRest) {
  const auto rows = Rows({"a", "b", "c"});
  const std::string text = DrawTable(*rows->schema(), {rows, rows}, {.rows_max = 4});
  EXPECT_NE(text.find("6 rows, the first 4 shown"), std::string::npos);
}

TEST(DrawTable, DataCannotMoveTheCursor) {
  const auto rows = Rows({"\x1b[2Jx"});
  EXPECT_NE(DrawTable(*rows->schema(), {rows}).find("\\x1b[2Jx"), std::string::npos);
}

TEST(DrawTable, LongTextsAreCutAtACharacter) {
  const auto rows = Rows({"ééééé"});
  EXPECT_NE(DrawTable(*rows->schema(), {rows}, {.width_max = 4}).find("ééé…"), std::string::npos);
}

}  // namespace
}  // namespace catchwater
