#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include <arrow/array.h>
#include <arrow/util/decimal.h>
#include <parquet/encoding.h>

#include "catchwater/base/error.h"
#include "catchwater/codec/parquet/column_chunk_internal.h"
#include "catchwater/codec/parquet/value_dictionary_internal.h"

namespace catchwater {
namespace {

constexpr int64_t kDictionaryBytesMax = 512 << 10;
constexpr size_t kPlainPageBytes = 1 << 20;

template <typename T>
std::string BytesOf(T value) {
  std::string bytes(sizeof(value), '\0');
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes;
}

template <typename T>
void AppendBytes(const T* values, size_t count, PageBytes* out) {
  const size_t begin = out->size();
  out->resize(begin + count * sizeof(T));
  if (count > 0) std::memcpy(out->data() + begin, values, count * sizeof(T));
}

/// The least and the greatest of values; NaNs count as none.
template <typename T>
class Bounds {
 public:
  void Add(const T* values, size_t count) {
    T low = low_;
    T high = high_;
    for (size_t i = 0; i < count; ++i) {
      low = values[i] < low ? values[i] : low;
      high = values[i] > high ? values[i] : high;
    }
    low_ = low;
    high_ = high;
  }

  void Take(parquet::EncodedStatistics* statistics) {
    if (low_ <= high_) {
      if constexpr (std::is_floating_point_v<T>) {
        // Zero has two signs that are equal: a reader must find either.
        if (low_ == 0) low_ = T{-0.0};
        if (high_ == 0) high_ = T{0.0};
      }
      statistics->set_min(BytesOf(low_));
      statistics->set_max(BytesOf(high_));
    }
    *this = {};
  }

 private:
  using Limits = std::numeric_limits<T>;
  static constexpr bool kHasInfinity = Limits::has_infinity;
  T low_ = kHasInfinity ? Limits::infinity() : Limits::max();
  T high_ = kHasInfinity ? -Limits::infinity() : Limits::lowest();
};

template <typename DType>
class NumberChunk final : public ColumnChunk {
 public:
  NumberChunk(const parquet::ColumnDescriptor& descriptor, bool begins_with_dictionary,
              std::shared_ptr<PageCompressor> compressor)
      : ColumnChunk(descriptor, std::move(compressor)), uses_dictionary_(begins_with_dictionary) {}

 private:
  using T = typename DType::c_type;
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;

  void AppendValues(const arrow::Array& column, int64_t offset, int64_t length) override {
    const T* values = Present(column, offset, &length);
    const auto count = static_cast<size_t>(length);
    if (!uses_dictionary_) {
      bounds_.Add(values, count);
      plain_.insert(plain_.end(), values, values + count);
      return;
    }
    const size_t begin = codes_.size();
    codes_.resize(begin + count);
    uint32_t* codes = codes_.data() + begin;
    if (count == 0) return;
    // Times and states often repeat the value of the row before.
    auto last = std::bit_cast<Bits>(values[0]);
    uint32_t last_code = dictionary_.CodeOf(last);
    for (size_t i = 0; i < count; ++i) {
      const auto bits = std::bit_cast<Bits>(values[i]);
      if (bits != last) {
        last = bits;
        last_code = dictionary_.CodeOf(bits);
      }
      codes[i] = last_code;
    }
  }

  bool IsPageFull() const override {
    return plain_.size() * sizeof(T) >= kPlainPageBytes ||
           (uses_dictionary_ && dictionary_.byte_count() > kDictionaryBytesMax);
  }

  parquet::Encoding::type FlushValues(PageBytes* out) override {
    if (uses_dictionary_ && !dictionary_.values().empty()) {
      const int bit_width = CodeBits(dictionary_.values().size());
      out->push_back(static_cast<uint8_t>(bit_width));
      AppendHybrid(codes_, bit_width, out);
      codes_.clear();
      uses_dictionary_ = dictionary_.byte_count() <= kDictionaryBytesMax;
      return parquet::Encoding::RLE_DICTIONARY;
    }
    if constexpr (std::is_integral_v<T>) {
      if (!plain_.empty()) {
        const auto encoder =
            parquet::MakeTypedEncoder<DType>(parquet::Encoding::DELTA_BINARY_PACKED);
        encoder->Put(plain_.data(), static_cast<int>(plain_.size()));
        const auto bytes = encoder->FlushValues();
        AppendBytes(bytes->data(), static_cast<size_t>(bytes->size()), out);
        plain_.clear();
        return parquet::Encoding::DELTA_BINARY_PACKED;
      }
    }
    AppendBytes(plain_.data(), plain_.size(), out);
    plain_.clear();
    return parquet::Encoding::PLAIN;
  }

  int64_t OpenBytes() const override {
    return dictionary_.byte_count() +
           static_cast<int64_t>(codes_.size() * sizeof(uint32_t) + plain_.size() * sizeof(T));
  }

  DictionaryEntries TakeDictionary() override {
    DictionaryEntries taken;
    const std::vector<Bits>& values = dictionary_.values();
    taken.entry_count = static_cast<int32_t>(values.size());
    AppendBytes(values.data(), values.size(), &taken.bytes);
    dictionary_.Clear();
    codes_ = {};
    plain_ = {};
    present_ = {};
    return taken;
  }

  void TakeBounds(parquet::EncodedStatistics* statistics) override {
    for (const Bits bits : dictionary_.values()) {
      const T value = std::bit_cast<T>(bits);
      bounds_.Add(&value, 1);
    }
    bounds_.Take(statistics);
  }

  /// The values that are not null, together. \param length in: rows, out: values
  const T* Present(const arrow::Array& column, int64_t offset, int64_t* length) {
    const bool is_decimal = column.type_id() == arrow::Type::DECIMAL128;
    if (column.null_count() == 0 && !is_decimal) {
      return column.data()->template GetValues<T>(1) + offset;
    }
    present_.clear();
    if (!is_decimal) {
      const T* values = column.data()->template GetValues<T>(1);
      ForEachValid(column, offset, *length, [&](int64_t row) { present_.push_back(values[row]); });
    } else if constexpr (std::is_integral_v<T>) {
      const auto& decimals = static_cast<const arrow::Decimal128Array&>(column);
      ForEachValid(column, offset, *length, [&](int64_t row) {
        // The precision says that the value fits.
        present_.push_back(static_cast<T>(arrow::Decimal128(decimals.GetValue(row)).low_bits()));
      });
    }
    *length = static_cast<int64_t>(present_.size());
    return present_.data();
  }

  bool uses_dictionary_;
  NumberDictionary<Bits> dictionary_;
  std::vector<uint32_t> codes_;
  std::vector<T> plain_;    // With a dictionary: empty.
  std::vector<T> present_;  // Scratch.
  Bounds<T> bounds_;        // Of plain values.
};

template <typename DType>
std::unique_ptr<ColumnChunk> MakeOf(const parquet::ColumnDescriptor& descriptor,
                                    bool begins_with_dictionary,
                                    std::shared_ptr<PageCompressor> compressor) {
  return std::make_unique<NumberChunk<DType>>(descriptor, begins_with_dictionary,
                                              std::move(compressor));
}

}  // namespace

arrow::Result<std::unique_ptr<ColumnChunk>> MakeNumberChunk(
    const parquet::ColumnDescriptor& descriptor, const arrow::DataType& type,
    bool begins_with_dictionary, std::shared_ptr<PageCompressor> compressor) {
  const bool is_decimal = type.id() == arrow::Type::DECIMAL128;
  switch (descriptor.physical_type()) {
    case parquet::Type::INT32:
      if (!is_decimal && type.id() != arrow::Type::INT32 && type.id() != arrow::Type::DATE32) break;
      return MakeOf<parquet::Int32Type>(descriptor, begins_with_dictionary, std::move(compressor));
    case parquet::Type::INT64:
      if (!is_decimal && type.id() != arrow::Type::INT64 && type.id() != arrow::Type::TIMESTAMP) {
        break;
      }
      return MakeOf<parquet::Int64Type>(descriptor, begins_with_dictionary, std::move(compressor));
    case parquet::Type::FLOAT:
      return MakeOf<parquet::FloatType>(descriptor, begins_with_dictionary, std::move(compressor));
    case parquet::Type::DOUBLE:
      return MakeOf<parquet::DoubleType>(descriptor, begins_with_dictionary, std::move(compressor));
    default:
      break;
  }
  return Internal("Column of this type cannot be written as Parquet: ", type.ToString());
}

}  // namespace catchwater
