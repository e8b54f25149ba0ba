#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <arrow/array.h>
#include <arrow/util/decimal.h>

#include "catchwater/codec/parquet/column_chunk_internal.h"

namespace catchwater {
namespace {

constexpr size_t kPlainPageBytes = 1 << 20;

/// One bit a value.
class BoolChunk final : public ColumnChunk {
 public:
  BoolChunk(const parquet::ColumnDescriptor& descriptor, std::shared_ptr<PageCompressor> compressor)
      : ColumnChunk(descriptor, std::move(compressor)) {}

 private:
  void AppendValues(const arrow::Array& column, int64_t offset, int64_t length) override {
    const auto& values = static_cast<const arrow::BooleanArray&>(column);
    ForEachValid(column, offset, length, [&](int64_t row) {
      const bool value = values.Value(row);
      if (value_count_ % 8 == 0) bits_.push_back(0);
      bits_.back() = static_cast<uint8_t>(bits_.back() | int{value} << value_count_ % 8);
      ++value_count_;
      has_[static_cast<size_t>(value)] = true;
    });
  }
  bool IsPageFull() const override { return false; }
  parquet::Encoding::type FlushValues(PageBytes* out) override {
    out->insert(out->end(), bits_.begin(), bits_.end());
    bits_.clear();
    value_count_ = 0;
    return parquet::Encoding::PLAIN;
  }
  int64_t OpenBytes() const override { return static_cast<int64_t>(bits_.size()); }
  DictionaryEntries TakeDictionary() override { return {}; }
  void TakeBounds(parquet::EncodedStatistics* statistics) override {
    if (has_[0] || has_[1]) {
      statistics->set_min(std::string(1, has_[0] ? '\0' : '\1'));
      statistics->set_max(std::string(1, has_[1] ? '\1' : '\0'));
    }
    has_ = {};
  }

  PageBytes bits_;
  int64_t value_count_ = 0;       // Of the open page.
  std::array<bool, 2> has_ = {};  // False, true.
};

/// Big-endian bytes of the width that the precision needs.
class WideDecimalChunk final : public ColumnChunk {
 public:
  WideDecimalChunk(const parquet::ColumnDescriptor& descriptor,
                   std::shared_ptr<PageCompressor> compressor)
      : ColumnChunk(descriptor, std::move(compressor)),
        width_(static_cast<size_t>(descriptor.type_length())) {}

 private:
  void AppendValues(const arrow::Array& column, int64_t offset, int64_t length) override {
    const auto& values = static_cast<const arrow::Decimal128Array&>(column);
    ForEachValid(column, offset, length, [&](int64_t row) {
      const arrow::Decimal128 value(values.GetValue(row));
      const std::string bytes = BytesOf(value);
      plain_.insert(plain_.end(), bytes.begin(), bytes.end());
      if (!low_ || value < *low_) low_ = value;
      if (!high_ || value > *high_) high_ = value;
    });
  }

  std::string BytesOf(const arrow::Decimal128& value) const {
    const std::array<uint8_t, 16> little = value.ToBytes();
    std::string bytes(width_, '\0');
    for (size_t i = 0; i < width_; ++i) bytes[i] = static_cast<char>(little[width_ - 1 - i]);
    return bytes;
  }

  bool IsPageFull() const override { return plain_.size() >= kPlainPageBytes; }
  parquet::Encoding::type FlushValues(PageBytes* out) override {
    out->insert(out->end(), plain_.begin(), plain_.end());
    plain_.clear();
    return parquet::Encoding::PLAIN;
  }
  int64_t OpenBytes() const override { return static_cast<int64_t>(plain_.size()); }
  DictionaryEntries TakeDictionary() override { return {}; }
  void TakeBounds(parquet::EncodedStatistics* statistics) override {
    if (low_) statistics->set_min(BytesOf(*std::exchange(low_, std::nullopt)));
    if (high_) statistics->set_max(BytesOf(*std::exchange(high_, std::nullopt)));
  }

  const size_t width_;  // At most 16.
  PageBytes plain_;
  std::optional<arrow::Decimal128> low_;
  std::optional<arrow::Decimal128> high_;
};

}  // namespace

std::unique_ptr<ColumnChunk> MakeBoolChunk(const parquet::ColumnDescriptor& descriptor,
                                           std::shared_ptr<PageCompressor> compressor) {
  return std::make_unique<BoolChunk>(descriptor, std::move(compressor));
}

std::unique_ptr<ColumnChunk> MakeWideDecimalChunk(const parquet::ColumnDescriptor& descriptor,
                                                  std::shared_ptr<PageCompressor> compressor) {
  return std::make_unique<WideDecimalChunk>(descriptor, std::move(compressor));
}

}  // namespace catchwater
