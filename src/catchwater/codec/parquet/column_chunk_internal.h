/// \file
/// One column of the open row group: pages that are done, and the rows of the page to come.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <arrow/array/array_base.h>
#include <arrow/result.h>
#include <parquet/column_writer.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>
#include <parquet/statistics.h>
#include <parquet/types.h>

#include "catchwater/codec/parquet/page_parts_internal.h"

namespace catchwater {

/// One thread at a time. Serves one row group after the other.
class ColumnChunk {
 public:
  /// \param descriptor outlives the chunk \param begins_with_dictionary until it grows too large
  /// \retval kInternal if the type cannot be written
  static arrow::Result<std::unique_ptr<ColumnChunk>> Make(
      const parquet::ColumnDescriptor& descriptor, const arrow::DataType& type,
      bool begins_with_dictionary, std::shared_ptr<PageCompressor> compressor);
  virtual ~ColumnChunk() = default;

  /// Takes the rows [offset, offset + length). \pre a required column has no null
  void Append(const arrow::Array& column, int64_t offset, int64_t length);

  /// Writes the pages and their metadata, and begins anew. \return bytes before compression
  int64_t Finish(parquet::PageWriter& writer, parquet::ColumnChunkMetaDataBuilder& metadata);

  int64_t buffered_bytes() const { return page_bytes_ + OpenBytes(); }

 protected:
  struct DictionaryEntries {
    PageBytes bytes;
    int32_t entry_count = 0;
  };

  ColumnChunk(const parquet::ColumnDescriptor& descriptor,
              std::shared_ptr<PageCompressor> compressor)
      : descriptor_(descriptor),
        is_nullable_(descriptor.max_definition_level() > 0),
        compressor_(std::move(compressor)) {}

  const parquet::ColumnDescriptor& descriptor() const { return descriptor_; }

 private:
  /// A finished one, in memory until the row group is: its dictionary must come first.
  struct Page {
    std::shared_ptr<arrow::Buffer> bytes;
    int32_t row_count = 0;
    parquet::Encoding::type encoding = parquet::Encoding::PLAIN;
    int64_t uncompressed_bytes = 0;
  };

  /// Takes the values that are not null.
  virtual void AppendValues(const arrow::Array& column, int64_t offset, int64_t length) = 0;
  /// True if what is open must become a page now, so that what follows can be encoded otherwise.
  virtual bool IsPageFull() const = 0;
  /// Appends the open values and begins anew. \return how they are encoded
  virtual parquet::Encoding::type FlushValues(PageBytes* out) = 0;
  /// Memory of the open values and of the dictionary.
  virtual int64_t OpenBytes() const = 0;
  /// Returns the dictionary's page (empty: none was used) and begins anew.
  virtual DictionaryEntries TakeDictionary() = 0;
  /// Fills in the least and the greatest value since the last time.
  /// \pre before TakeDictionary of the same row group
  virtual void TakeBounds(parquet::EncodedStatistics* statistics) = 0;

  void ClosePage();

  const parquet::ColumnDescriptor& descriptor_;
  const bool is_nullable_;
  const std::shared_ptr<PageCompressor> compressor_;
  LevelBits levels_;
  std::vector<Page> pages_;
  int64_t page_bytes_ = 0;
  int64_t null_count_ = 0;
  int64_t row_count_ = 0;
  PageBytes scratch_;
};

std::unique_ptr<ColumnChunk> MakeTextChunk(const parquet::ColumnDescriptor& descriptor,
                                           bool begins_with_dictionary,
                                           std::shared_ptr<PageCompressor> compressor);
std::unique_ptr<ColumnChunk> MakeBoolChunk(const parquet::ColumnDescriptor& descriptor,
                                           std::shared_ptr<PageCompressor> compressor);
/// A decimal of more than 18 digits.
std::unique_ptr<ColumnChunk> MakeWideDecimalChunk(const parquet::ColumnDescriptor& descriptor,
                                                  std::shared_ptr<PageCompressor> compressor);
/// Integers, times, floats and decimals that fit into an integer.
/// \retval kInternal for another type
arrow::Result<std::unique_ptr<ColumnChunk>> MakeNumberChunk(
    const parquet::ColumnDescriptor& descriptor, const arrow::DataType& type,
    bool begins_with_dictionary, std::shared_ptr<PageCompressor> compressor);

/// Calls use(row) for each row that is not null.
template <typename Use>
void ForEachValid(const arrow::Array& column, int64_t offset, int64_t length, Use&& use) {
  const int64_t end = offset + length;
  if (column.null_count() == 0) {
    for (int64_t row = offset; row < end; ++row) use(row);
    return;
  }
  for (int64_t row = offset; row < end; ++row) {
    if (column.IsValid(row)) use(row);
  }
}

}  // namespace catchwater
