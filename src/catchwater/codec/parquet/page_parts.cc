#include <algorithm>
#include <bit>
#include <cstring>

#include <arrow/util/bit_util.h>
#include <arrow/util/bitmap_ops.h>
#include <zstd.h>

#include "catchwater/base/error.h"
#include "catchwater/codec/parquet/page_parts_internal.h"

namespace catchwater {
namespace {

constexpr size_t kGroup = 8;            // Numbers that are packed together.
constexpr size_t kRunBitsWorth = 64;    // A run pays when packing it would take more.
constexpr size_t kPackSlackBytes = 40;  // Groups are stored with wide stores.

void AppendVarint(uint64_t value, PageBytes* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<uint8_t>(value | 0x80));
  out->push_back(static_cast<uint8_t>(value));
}

bool IsConstant(const uint32_t* group) {
  uint32_t difference = 0;
  for (size_t i = 1; i < kGroup; ++i) difference |= group[i] ^ group[0];
  return difference == 0;
}

// Stores eight numbers, the first in the lowest bits; may write kPackSlackBytes behind them.
void PackGroup(const uint32_t* group, int bit_width, uint8_t* out) {
  const auto width = static_cast<unsigned>(bit_width);
  if (width <= 8) {
    uint64_t bits = 0;
    for (unsigned i = 0; i < kGroup; ++i) bits |= uint64_t{group[i]} << (i * width);
    std::memcpy(out, &bits, sizeof(bits));
    return;
  }
  if (width <= 16) {
    uint64_t low = 0;
    uint64_t high = 0;
    for (unsigned i = 0; i < 4; ++i) {
      low |= uint64_t{group[i]} << (i * width);
      high |= uint64_t{group[i + 4]} << (i * width);
    }
    const unsigned half = 4 * width;  // 36 to 64 bits.
    const uint64_t first = half == 64 ? low : low | high << half;
    const uint64_t second = half == 64 ? high : high >> (64 - half);
    std::memcpy(out, &first, sizeof(first));
    std::memcpy(out + 8, &second, sizeof(second));
    return;
  }
  uint64_t bits = 0;
  unsigned bit_count = 0;
  for (size_t i = 0; i < kGroup; ++i) {
    bits |= uint64_t{group[i]} << bit_count;
    bit_count += width;
    if (bit_count >= 32) {
      const auto word = static_cast<uint32_t>(bits);
      std::memcpy(out, &word, sizeof(word));
      out += sizeof(word);
      bits >>= 32;
      bit_count -= 32;
    }
  }
  std::memcpy(out, &bits, sizeof(bits));
}

void AppendPacked(std::span<const uint32_t> numbers, int bit_width, PageBytes* out) {
  if (numbers.empty()) return;
  const size_t group_count = (numbers.size() + kGroup - 1) / kGroup;
  AppendVarint(group_count << 1 | 1, out);
  const size_t begin = out->size();
  const size_t byte_count = group_count * static_cast<size_t>(bit_width);
  out->resize(begin + byte_count + kPackSlackBytes);
  uint8_t* at = out->data() + begin;
  size_t i = 0;
  for (; i + kGroup <= numbers.size(); i += kGroup, at += bit_width) {
    PackGroup(numbers.data() + i, bit_width, at);
  }
  if (i < numbers.size()) {
    uint32_t last[kGroup] = {};
    std::copy(numbers.begin() + static_cast<std::ptrdiff_t>(i), numbers.end(), last);
    PackGroup(last, bit_width, at);
  }
  out->resize(begin + byte_count);
}

void AppendRun(uint32_t number, size_t count, int bit_width, PageBytes* out) {
  AppendVarint(count << 1, out);
  for (int bits = 0; bits < bit_width; bits += 8) {
    out->push_back(static_cast<uint8_t>(number >> bits));
  }
}

}  // namespace

int CodeBits(size_t entry_count) {
  return entry_count <= 2 ? 1 : static_cast<int>(std::bit_width(entry_count - 1));
}

void AppendHybrid(std::span<const uint32_t> numbers, int bit_width, PageBytes* out) {
  const size_t count = numbers.size();
  size_t packed_begin = 0;  // Not yet written from here.
  size_t i = 0;
  while (i + kGroup <= count) {
    if (!IsConstant(&numbers[i])) {
      i += kGroup;
      continue;
    }
    size_t end = i + kGroup;
    while (end + kGroup <= count && numbers[end] == numbers[i] && IsConstant(&numbers[end])) {
      end += kGroup;
    }
    if ((end - i) * static_cast<size_t>(bit_width) > kRunBitsWorth) {
      AppendPacked(numbers.subspan(packed_begin, i - packed_begin), bit_width, out);
      AppendRun(numbers[i], end - i, bit_width, out);
      packed_begin = end;
    }
    i = end;
  }
  AppendPacked(numbers.subspan(packed_begin), bit_width, out);
}

void LevelBits::Append(const arrow::Array& column, int64_t offset, int64_t length) {
  const bool has_nulls = column.null_count() > 0 && column.null_bitmap_data() != nullptr;
  if (has_nulls || !bits_.empty()) {
    const bool is_first = bits_.empty();
    bits_.resize(static_cast<size_t>(arrow::bit_util::BytesForBits(row_count_ + length)), 0);
    if (is_first) arrow::bit_util::SetBitsTo(bits_.data(), 0, row_count_, true);
    if (has_nulls) {
      arrow::internal::CopyBitmap(column.null_bitmap_data(), column.offset() + offset, length,
                                  bits_.data(), row_count_);
      null_count_ += length - arrow::internal::CountSetBits(column.null_bitmap_data(),
                                                            column.offset() + offset, length);
    } else {
      arrow::bit_util::SetBitsTo(bits_.data(), row_count_, length, true);
    }
  }
  row_count_ += length;
}

void LevelBits::Flush(PageBytes* out) {
  const size_t length_at = out->size();
  out->resize(length_at + sizeof(uint32_t));
  if (row_count_ > 0 && bits_.empty()) {
    AppendRun(1, static_cast<size_t>(row_count_), /*bit_width=*/1, out);
  } else if (row_count_ > 0) {
    // Arrow's bitmap has the very layout of bit-packed numbers of one bit.
    AppendVarint(bits_.size() << 1 | 1, out);
    out->insert(out->end(), bits_.begin(), bits_.end());
  }
  const auto length = static_cast<uint32_t>(out->size() - length_at - sizeof(uint32_t));
  std::memcpy(out->data() + length_at, &length, sizeof(length));
  row_count_ = 0;
  null_count_ = 0;
  bits_.clear();
}

struct PageCompressor::Context {
  ZSTD_CCtx* zstd = ZSTD_createCCtx();
  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { ZSTD_freeCCtx(zstd); }
};

PageCompressor::PageCompressor(int level) : level_(level) {}
PageCompressor::~PageCompressor() = default;

std::shared_ptr<arrow::Buffer> PageCompressor::Compress(std::span<const uint8_t> bytes) {
  if (context_ == nullptr) context_ = std::make_unique<Context>();
  const size_t bound = ZSTD_compressBound(bytes.size());
  if (scratch_.size() < bound) scratch_.resize(bound);
  const size_t count = ZSTD_compressCCtx(context_->zstd, scratch_.data(), scratch_.size(),
                                         bytes.data(), bytes.size(), level_);
  CATCHWATER_CHECK(!ZSTD_isError(count), "compression into memory of the bound's size succeeds");
  return arrow::Buffer::FromVector(
      PageBytes(scratch_.begin(), scratch_.begin() + static_cast<std::ptrdiff_t>(count)));
}

}  // namespace catchwater
