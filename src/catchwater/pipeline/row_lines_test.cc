#include "catchwater/pipeline/row_lines.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <arrow/builder.h>
#include <gtest/gtest.h>

namespace catchwater {
namespace {

template <typename Builder, typename Value>
std::shared_ptr<arrow::Array> ArrayOf(const std::vector<Value>& values) {
  Builder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  return builder.Finish().ValueOrDie();
}

/// A block that begins in line 11 of its file, at byte 100.
Block BlockOf(const std::string& text) {
  Block block;
  block.bytes = arrow::Buffer::FromString(text);
  block.origin.range.from.ordinal = 100;
  block.line_first = 11;
  return block;
}

Batch RowsAt(const std::vector<uint64_t>& ordinals, const std::vector<uint32_t>& in_frame,
             const std::vector<uint32_t>& begins) {
  Batch batch;
  batch.frame_ordinals = ArrayOf<arrow::UInt64Builder>(ordinals);
  if (!in_frame.empty()) batch.row_in_frame = ArrayOf<arrow::UInt32Builder>(in_frame);
  batch.raw_begin = ArrayOf<arrow::UInt32Builder>(begins);
  return batch;
}

/// The lines that letters of the frames and rows get; a pair is frame and row in frame.
std::vector<int64_t> LinesOf(const RowLines& lines, const Block& block,
                             const std::vector<std::pair<uint64_t, uint32_t>>& places) {
  std::vector<DeadLetter> letters;
  for (const auto& [frame, row] : places) {
    letters.push_back({.frame_ordinal = frame, .row_in_frame = row});
  }
  lines.Fill(block, &letters);
  std::vector<int64_t> found;
  for (const DeadLetter& letter : letters) found.push_back(letter.line);
  return found;
}

TEST(RowLines, LettersMayComeInAnyOrder) {
  const Block block = BlockOf("a\nb\n\nc\n");
  const RowLines lines(RowsAt({100, 102, 105}, {}, {0, 2, 5}));
  EXPECT_EQ(LinesOf(lines, block, {{105, 0}, {100, 0}, {102, 0}, {105, 0}}),
            (std::vector<int64_t>{14, 11, 12, 14}));
}

TEST(RowLines, RowsOfOneFrameHaveTheirOwnLines) {
  const Block block = BlockOf("[\n1,\n2,\n3]\n[4,\n5]\n");
  const RowLines lines(RowsAt({100, 100, 100, 111, 111}, {0, 1, 2, 0, 1}, {2, 5, 8, 12, 15}));
  EXPECT_EQ(LinesOf(lines, block, {{100, 2}, {111, 1}, {100, 0}}),
            (std::vector<int64_t>{14, 16, 12}));
}

TEST(RowLines, WithoutThePlaceOfTheRowTheFrameIsTold) {
  Block block = BlockOf("a\nb\nc\n");
  EXPECT_EQ(LinesOf(RowLines(), block, {{104, 0}, {102, 0}}), (std::vector<int64_t>{13, 12}));
  EXPECT_EQ(LinesOf(RowLines(RowsAt({100}, {}, {0})), block, {{104, 0}}),
            (std::vector<int64_t>{13}));
  block.frame_ends = {2, 4, 6};
  block.frame_ordinals = {7, 8, 9};
  EXPECT_EQ(LinesOf(RowLines(), block, {{9, 0}, {7, 0}, {10, 0}}),
            (std::vector<int64_t>{13, 11, 0}));
}

TEST(RowLines, ALineThatIsKnownStays) {
  std::vector<DeadLetter> letters = {{.frame_ordinal = 100, .line = 3}};
  RowLines().Fill(BlockOf("a\n"), &letters);
  EXPECT_EQ(letters[0].line, 3);
}

TEST(RowLines, MessagesAndPlacesOutsideTheBlockHaveNone) {
  Block block = BlockOf("a\nb\n");
  EXPECT_EQ(LinesOf(RowLines(), block, {{105, 0}, {99, 0}}), (std::vector<int64_t>{0, 0}));
  block.line_first = 0;
  EXPECT_EQ(LinesOf(RowLines(RowsAt({100}, {}, {0})), block, {{100, 0}}),
            (std::vector<int64_t>{0}));
}

}  // namespace
}  // namespace catchwater
