/// \file
/// What pages are made of: runs of small numbers, the levels that tell nulls, and compression.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <arrow/array/array_base.h>
#include <arrow/buffer.h>

namespace catchwater {

using PageBytes = std::vector<uint8_t>;

/// How many bits the codes of so many dictionary entries take; at least 1.
int CodeBits(size_t entry_count);

/// Appends numbers in Parquet's hybrid of runs and bit-packed groups of eight. The last group may
/// be filled up with zeros. \pre every number fits into bit_width, 1 to 32
/// Source: Parquet format, Encodings, "RLE = 3".
void AppendHybrid(std::span<const uint32_t> numbers, int bit_width, PageBytes* out);

/// Definition levels of a flat optional column: 1 for a value, 0 for a null. One thread.
class LevelBits {
 public:
  /// Takes the rows [offset, offset + length).
  void Append(const arrow::Array& column, int64_t offset, int64_t length);
  /// Appends the levels with their length before them, and begins anew.
  void Flush(PageBytes* out);

  int64_t row_count() const { return row_count_; }
  int64_t null_count() const { return null_count_; }

 private:
  int64_t row_count_ = 0;
  int64_t null_count_ = 0;
  PageBytes bits_;  // Empty while no row is null.
};

/// ZSTD with memory that is used again. One thread at a time; many files may share one.
class PageCompressor {
 public:
  explicit PageCompressor(int level);
  ~PageCompressor();
  std::shared_ptr<arrow::Buffer> Compress(std::span<const uint8_t> bytes);

 private:
  struct Context;
  const int level_;
  std::unique_ptr<Context> context_;
  PageBytes scratch_;
};

}  // namespace catchwater
