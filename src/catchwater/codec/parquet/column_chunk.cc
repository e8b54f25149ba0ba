#include <utility>

#include <arrow/buffer.h>
#include <parquet/column_page.h>

#include "catchwater/base/error.h"
#include "catchwater/codec/parquet/column_chunk_internal.h"

namespace catchwater {
namespace {

constexpr int64_t kPageRowsMax = 128 << 10;
constexpr size_t kStatisticBytesMax = 4096;  // A longer bound is left out, as everywhere.

}  // namespace

arrow::Result<std::unique_ptr<ColumnChunk>> ColumnChunk::Make(
    const parquet::ColumnDescriptor& descriptor, const arrow::DataType& type,
    bool begins_with_dictionary, std::shared_ptr<PageCompressor> compressor) {
  switch (descriptor.physical_type()) {
    case parquet::Type::BOOLEAN:
      return MakeBoolChunk(descriptor, std::move(compressor));
    case parquet::Type::BYTE_ARRAY:
      return MakeTextChunk(descriptor, begins_with_dictionary, std::move(compressor));
    case parquet::Type::FIXED_LEN_BYTE_ARRAY:
      if (type.id() == arrow::Type::DECIMAL128) {
        return MakeWideDecimalChunk(descriptor, std::move(compressor));
      }
      break;
    default:
      break;
  }
  return MakeNumberChunk(descriptor, type, begins_with_dictionary, std::move(compressor));
}

void ColumnChunk::Append(const arrow::Array& column, int64_t offset, int64_t length) {
  levels_.Append(column, offset, length);
  AppendValues(column, offset, length);
  row_count_ += length;
  if (levels_.row_count() >= kPageRowsMax || IsPageFull()) ClosePage();
}

void ColumnChunk::ClosePage() {
  const int64_t row_count = levels_.row_count();
  if (row_count == 0) return;
  null_count_ += levels_.null_count();
  scratch_.clear();
  if (is_nullable_) {
    levels_.Flush(&scratch_);
  } else {
    levels_ = {};
  }
  Page page{.row_count = static_cast<int32_t>(row_count)};
  page.encoding = FlushValues(&scratch_);
  page.uncompressed_bytes = static_cast<int64_t>(scratch_.size());
  page.bytes = compressor_->Compress(scratch_);
  page_bytes_ += page.bytes->size();
  pages_.push_back(std::move(page));
}

int64_t ColumnChunk::Finish(parquet::PageWriter& writer,
                            parquet::ColumnChunkMetaDataBuilder& metadata) {
  ClosePage();
  parquet::EncodedStatistics statistics;
  statistics.set_null_count(null_count_);
  statistics.all_null_value = null_count_ == row_count_;
  statistics.set_is_signed(descriptor_.sort_order() == parquet::SortOrder::SIGNED);
  TakeBounds(&statistics);
  statistics.ApplyStatSizeLimits(kStatisticBytesMax);
  metadata.SetStatistics(statistics);

  int64_t byte_count = 0;
  const DictionaryEntries dictionary = TakeDictionary();
  const bool has_dictionary = dictionary.entry_count > 0;
  if (has_dictionary) {
    byte_count += writer.WriteDictionaryPage(parquet::DictionaryPage(
        arrow::Buffer::Wrap(dictionary.bytes), dictionary.entry_count, parquet::Encoding::PLAIN));
  }
  bool has_fallen_back = false;
  for (const Page& page : pages_) {
    has_fallen_back |= has_dictionary && page.encoding != parquet::Encoding::RLE_DICTIONARY;
    byte_count += writer.WriteDataPage(
        parquet::DataPageV1(page.bytes, page.row_count, page.encoding, parquet::Encoding::RLE,
                            parquet::Encoding::RLE, page.uncompressed_bytes));
  }
  writer.Close(has_dictionary, has_fallen_back);
  pages_ = {};
  scratch_ = {};
  page_bytes_ = 0;
  null_count_ = 0;
  row_count_ = 0;
  return byte_count;
}

}  // namespace catchwater
