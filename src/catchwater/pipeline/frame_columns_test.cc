#include "catchwater/pipeline/frame_columns.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/builder.h>
#include <gtest/gtest.h>

namespace catchwater {
namespace {

using Texts = std::vector<std::optional<std::string>>;

std::shared_ptr<arrow::Array> TextArray(const Texts& texts) {
  arrow::StringBuilder builder;
  for (const auto& text : texts) {
    EXPECT_TRUE((text ? builder.Append(*text) : builder.AppendNull()).ok());
  }
  return builder.Finish().ValueOrDie();
}

Column ColumnFrom(std::string from, ColumnType type, bool is_required = false) {
  Column column;
  column.name = "column";
  column.type = type;
  column.from = std::move(from);
  column.is_required = is_required;
  return column;
}

/// Frames that begin at the ordinals, with one part of the message.
Block BlockOf(std::vector<uint64_t> frame_ordinals, const std::string& name, const Texts& texts) {
  Block block;
  block.frame_columns =
      arrow::RecordBatch::Make(arrow::schema({arrow::field(name, arrow::utf8())}),
                               static_cast<int64_t>(texts.size()), {TextArray(texts)});
  block.frame_ordinals = std::move(frame_ordinals);
  return block;
}

Batch RowsOf(const std::vector<uint64_t>& frame_ordinals) {
  Batch batch;
  arrow::UInt64Builder ordinals;
  EXPECT_TRUE(ordinals.AppendValues(frame_ordinals).ok());
  batch.frame_ordinals = ordinals.Finish().ValueOrDie();
  batch.rows = arrow::RecordBatch::Make(arrow::schema({arrow::field("o", arrow::uint64())}),
                                        batch.frame_ordinals->length(), {batch.frame_ordinals});
  return batch;
}

FrameValues Take(const Column& column, const Block& block, const Batch& rows) {
  return FrameColumns({column}).Take(block, rows).ValueOrDie();
}

TEST(FrameColumns, OneRowAFrameIsTakenAsItIs) {
  const Block block = BlockOf({10, 20}, "topic[1]", {"a", "b"});
  const auto taken = Take(ColumnFrom("topic[1]", ColumnType::kString), block, RowsOf({10, 20}));
  EXPECT_TRUE(taken.columns.at(0)->Equals(*TextArray({"a", "b"})));
  EXPECT_TRUE(taken.faults.empty());
}

TEST(FrameColumns, RowsOfAFrameShareItsValueAndAFrameWithoutRowsHasNone) {
  const Block block = BlockOf({10, 20, 30}, "key", {"a", "b", "c"});
  const auto taken = Take(ColumnFrom("key", ColumnType::kString), block, RowsOf({10, 10, 30}));
  EXPECT_TRUE(taken.columns.at(0)->Equals(*TextArray({"a", "a", "c"})));
}

TEST(FrameColumns, WithoutFrameEndsAnOrdinalBelongsToTheBeginBeforeIt) {
  const Block block = BlockOf({100, 250}, "remote", {"x", "y"});
  const auto taken =
      Take(ColumnFrom("remote", ColumnType::kString), block, RowsOf({100, 140, 249, 250, 900}));
  EXPECT_TRUE(taken.columns.at(0)->Equals(*TextArray({"x", "x", "x", "y", "y"})));
}

TEST(FrameColumns, TextsAreReadAsTheDeclaredTypeAndFaultsNameTheRow) {
  const Block block = BlockOf({1, 2, 3}, "topic[2]", {"7", "seven", std::nullopt});
  const auto taken =
      Take(ColumnFrom("topic[2]", ColumnType::kInt64, true), block, RowsOf({1, 2, 3}));
  EXPECT_EQ(static_cast<const arrow::Int64Array&>(*taken.columns.at(0)).Value(0), 7);
  ASSERT_EQ(taken.faults.size(), 2U);
  EXPECT_EQ(taken.faults[0].row, 1);
  EXPECT_NE(taken.faults[0].reason.find("seven"), std::string::npos);
  EXPECT_EQ(taken.faults[1].row, 2);
}

}  // namespace
}  // namespace catchwater
