#include "catchwater/component/row_template.h"

#include <memory>
#include <string>

#include <arrow/builder.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

std::shared_ptr<arrow::RecordBatch> Rooms() {
  arrow::StringBuilder rooms;
  EXPECT_TRUE(rooms.Append("hall").ok());
  EXPECT_TRUE(rooms.Append("a+b").ok());
  EXPECT_TRUE(rooms.Append("").ok());
  EXPECT_TRUE(rooms.AppendNull().ok());
  arrow::Int64Builder numbers;
  EXPECT_TRUE(numbers.AppendValues({7, 8, 9, 10}).ok());
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("room", arrow::utf8()), arrow::field("n", arrow::int64())}), 4,
      {rooms.Finish().ValueOrDie(), numbers.Finish().ValueOrDie()});
}

TEST(RowTemplate, PutsTheValuesOfARowIn) {
  const auto rows = Rooms();
  const auto topic =
      RowTemplate::Parse("topic", "results/{room}/{n}/x", *rows->schema(), "+#").ValueOrDie();
  EXPECT_FALSE(topic.is_constant());
  EXPECT_EQ(topic.Of(*rows, 0).ValueOrDie(), "results/hall/7/x");
  for (const int64_t row : {1, 2, 3}) {
    EXPECT_EQ(KindOf(topic.Of(*rows, row).status()), ErrorKind::kBadData) << row;
  }
  const auto anything = RowTemplate::Parse("key", "{room}{n}", *rows->schema(), "").ValueOrDie();
  EXPECT_EQ(anything.Of(*rows, 1).ValueOrDie(), "a+b8");
}

TEST(RowTemplate, OfNoColumnIsTheSameForAllRows) {
  const auto rows = Rooms();
  for (const char* text : {"", "plain", "a/b"}) {
    const auto made = RowTemplate::Parse("topic", text, *rows->schema(), "+#").ValueOrDie();
    EXPECT_TRUE(made.is_constant()) << text;
    EXPECT_EQ(made.Of(*rows, 3).ValueOrDie(), text);
  }
}

TEST(RowTemplate, RefusesForbiddenCharactersBracesAndUnknownColumns) {
  const auto schema = Rooms()->schema();
  for (const char* bad : {"a/+", "a/#", "{room", "room}", "{hall}", "{}", "{room}}", "{room}+"}) {
    const auto status = RowTemplate::Parse("topic", bad, *schema, "+#").status();
    ASSERT_FALSE(status.ok()) << bad;
    EXPECT_EQ(KindOf(status), ErrorKind::kConfig) << bad;
    EXPECT_NE(status.message().find("`topic`"), std::string::npos) << status;
  }
}

}  // namespace
}  // namespace catchwater
