#include "catchwater/pipeline/row_lines.h"

#include <algorithm>
#include <utility>

namespace catchwater {

RowLines::RowLines(const Batch& decoded)
    : frame_ordinals_(std::static_pointer_cast<arrow::UInt64Array>(decoded.frame_ordinals)),
      row_in_frame_(std::static_pointer_cast<arrow::UInt32Array>(decoded.row_in_frame)),
      raw_begin_(std::static_pointer_cast<arrow::UInt32Array>(decoded.raw_begin)) {}

int64_t RowLines::OffsetOf(const Block& block, const DeadLetter& letter) const {
  const std::pair wanted(letter.frame_ordinal, letter.row_in_frame);
  if (frame_ordinals_ != nullptr && raw_begin_ != nullptr) {
    const auto place_of = [this](int64_t row) {
      return std::pair(frame_ordinals_->Value(row),
                       row_in_frame_ == nullptr ? 0U : row_in_frame_->Value(row));
    };
    int64_t first = 0;
    int64_t count = frame_ordinals_->length();
    while (count > 0) {  // std::lower_bound over two arrays.
      const int64_t half = count / 2;
      const bool is_before = place_of(first + half) < wanted;
      first += is_before ? half + 1 : 0;
      count = is_before ? count - half - 1 : half;
    }
    if (first < frame_ordinals_->length() && place_of(first) == wanted) {
      return raw_begin_->Value(first);
    }
  }
  // A row that the decoder had refused and a contract took: its frame is known.
  if (block.frame_ends.empty()) {
    return static_cast<int64_t>(letter.frame_ordinal - block.origin.range.from.ordinal);
  }
  const auto frame = std::lower_bound(block.frame_ordinals.begin(), block.frame_ordinals.end(),
                                      letter.frame_ordinal);
  if (frame == block.frame_ordinals.end() || *frame != letter.frame_ordinal) return -1;
  const auto index = static_cast<size_t>(frame - block.frame_ordinals.begin());
  return index == 0 ? 0 : block.frame_ends[index - 1];
}

void RowLines::Fill(const Block& block, std::vector<DeadLetter>* letters) const {
  if (block.line_first <= 0 || block.bytes == nullptr) return;
  std::vector<std::pair<int64_t, DeadLetter*>> places;  // Rules write letters column by column.
  for (DeadLetter& letter : *letters) {
    if (letter.line > 0) continue;
    const int64_t offset = OffsetOf(block, letter);
    if (offset >= 0 && offset <= block.bytes->size()) places.emplace_back(offset, &letter);
  }
  std::sort(places.begin(), places.end());
  const auto* const bytes = block.bytes->data();
  int64_t counted_to = 0;
  int64_t line = block.line_first;
  for (const auto& [offset, letter] : places) {
    line += std::count(bytes + counted_to, bytes + offset, static_cast<uint8_t>('\n'));
    counted_to = offset;
    letter->line = line;
  }
}

}  // namespace catchwater
