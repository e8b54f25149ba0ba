#include "catchwater/influx/line_protocol.h"

#include <cmath>
#include <optional>

#include <arrow/builder.h>
#include <gtest/gtest.h>

namespace catchwater {
namespace {

std::shared_ptr<arrow::Schema> Schema() {
  return arrow::schema({arrow::field("site", arrow::utf8()), arrow::field("note", arrow::utf8()),
                        arrow::field("level", arrow::int64()), arrow::field("t", arrow::float64()),
                        arrow::field("ts", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"))});
}

struct Case {
  std::optional<std::string> site, note;
  std::optional<int64_t> level;
  std::optional<double> t;
  std::optional<int64_t> ts = 5;
};

template <class Builder, class T>
std::shared_ptr<arrow::Array> One(Builder builder, const std::optional<T>& value) {
  EXPECT_TRUE((value ? builder.Append(*value) : builder.AppendNull()).ok());
  return builder.Finish().ValueOrDie();
}

std::string Line(const Case& row) {
  const auto lines = LineProtocol::Make(*Schema(), "my table", "ts", {"site"}, {}).ValueOrDie();
  const auto batch = arrow::RecordBatch::Make(
      Schema(), 1,
      {One(arrow::StringBuilder(), row.site), One(arrow::StringBuilder(), row.note),
       One(arrow::Int64Builder(), row.level), One(arrow::DoubleBuilder(), row.t),
       One(arrow::TimestampBuilder(Schema()->field(4)->type(), arrow::default_memory_pool()),
           row.ts)});
  std::string text;
  const bool has_line = lines.Append(*batch, 0, &text);
  EXPECT_EQ(has_line, !text.empty());
  return text;
}

TEST(LineProtocol, WritesTagsFieldsAndTime) {
  EXPECT_EQ(Line({"a", "x", 7, 0.1}), "my\\ table,site=a note=\"x\",level=7i,t=0.1 5\n");
}

TEST(LineProtocol, EscapesWhatWouldEndAWord) {
  EXPECT_EQ(Line({"a b,c=d\n\\", "say \"no\" \\", std::nullopt, std::nullopt}),
            "my\\ table,site=a\\ b\\,c\\=d\\  note=\"say \\\"no\\\" \\\\\" 5\n");
}

TEST(LineProtocol, LeavesNullsAndNumbersThatAreNoneOut) {
  EXPECT_EQ(Line({std::nullopt, std::nullopt, 7, NAN}), "my\\ table level=7i 5\n");
  EXPECT_EQ(Line({"", std::nullopt, 7, std::nullopt}), "my\\ table level=7i 5\n");
  EXPECT_EQ(Line({"a", std::nullopt, std::nullopt, INFINITY}), "");
  EXPECT_EQ(Line({"a", "x", 7, 1, std::nullopt}), "");
}

TEST(LineProtocol, RefusesColumnsThatAreNotThere) {
  EXPECT_FALSE(LineProtocol::Make(*Schema(), "m", "level", {}, {}).ok());
  EXPECT_FALSE(LineProtocol::Make(*Schema(), "m", "ts", {"room"}, {}).ok());
  EXPECT_FALSE(LineProtocol::Make(*Schema(), "m", "ts", {}, {"room"}).ok());
}

TEST(LineProtocol, WritesTimesInTheirPrecision) {
  const auto batch = arrow::RecordBatch::Make(
      Schema(), 1,
      {One(arrow::StringBuilder(), std::optional<std::string>()),
       One(arrow::StringBuilder(), std::optional<std::string>()),
       One(arrow::Int64Builder(), std::optional<int64_t>(1)),
       One(arrow::DoubleBuilder(), std::optional<double>()),
       One(arrow::TimestampBuilder(Schema()->field(4)->type(), arrow::default_memory_pool()),
           std::optional<int64_t>(-1'500'001))});
  const auto line = [&](LinePrecision precision) {
    std::string text;
    EXPECT_TRUE(LineProtocol::Make(*Schema(), "m", "ts", {"site"}, {"level"}, precision)
                    .ValueOrDie()
                    .Append(*batch, 0, &text));
    return text;
  };
  EXPECT_EQ(line(LinePrecision::kNanoseconds), "m level=1i -1500001000\n");
  EXPECT_EQ(line(LinePrecision::kMicroseconds), "m level=1i -1500001\n");
  EXPECT_EQ(line(LinePrecision::kMilliseconds), "m level=1i -1501\n");
  EXPECT_EQ(line(LinePrecision::kSeconds), "m level=1i -2\n");
}

}  // namespace
}  // namespace catchwater
