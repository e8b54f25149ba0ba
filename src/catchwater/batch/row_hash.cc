#include "catchwater/batch/row_hash.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include <arrow/array.h>
#include <arrow/type.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int64_t kBlockRows = 1'024;

// Each value: one byte (0: null), then its width; texts: their length, then their bytes.
constexpr uint32_t kFlagBytes = 1;
constexpr uint32_t kLengthBytes = 4;

/// Bytes of a value behind its flag; 0 for texts.
uint32_t ValueWidth(arrow::Type::type type) {
  if (type == arrow::Type::STRING) return 0;
  return type == arrow::Type::DECIMAL128 ? 16 : 8;
}

bool IsHashable(arrow::Type::type type) {
  switch (type) {
    case arrow::Type::BOOL:
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DATE32:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::STRING:
      return true;
    default:
      return false;
  }
}

/// Appends the column's values to the keys of the rows.
class ColumnEncoder {
 public:
  ColumnEncoder(uint8_t* bytes, uint32_t* places, int64_t row, int64_t row_count)
      : bytes_(bytes), places_(places), row_(row), row_count_(row_count) {}

  void Encode(const arrow::Array& array) {
    switch (array.type_id()) {
      case arrow::Type::BOOL:
        return EncodeBools(static_cast<const arrow::BooleanArray&>(array));
      case arrow::Type::INT8:
        return EncodeNumbers<arrow::Int8Array, int64_t>(array);
      case arrow::Type::INT16:
        return EncodeNumbers<arrow::Int16Array, int64_t>(array);
      case arrow::Type::INT32:
        return EncodeNumbers<arrow::Int32Array, int64_t>(array);
      case arrow::Type::DATE32:
        return EncodeNumbers<arrow::Date32Array, int64_t>(array);
      case arrow::Type::INT64:
        return EncodeNumbers<arrow::Int64Array, int64_t>(array);
      case arrow::Type::TIMESTAMP:
        return EncodeNumbers<arrow::TimestampArray, int64_t>(array);
      case arrow::Type::FLOAT:
        return EncodeNumbers<arrow::FloatArray, double>(array);
      case arrow::Type::DOUBLE:
        return EncodeNumbers<arrow::DoubleArray, double>(array);
      case arrow::Type::DECIMAL128:
        return EncodeDecimals(static_cast<const arrow::Decimal128Array&>(array));
      default:
        return EncodeTexts(static_cast<const arrow::StringArray&>(array));
    }
  }

 private:
  /// Writes the flag and, if there is a value, calls write(to). The bytes of a null stay zero.
  template <typename Write>
  void ForEach(const arrow::Array& array, uint32_t width, Write write) {
    const bool has_nulls = array.null_count() > 0;
    for (int64_t i = 0; i < row_count_; ++i) {
      uint8_t* to = bytes_ + places_[i];
      const bool is_valid = !has_nulls || array.IsValid(row_ + i);
      *to = is_valid ? 1 : 0;
      if (is_valid) write(row_ + i, to + kFlagBytes);
      places_[i] += kFlagBytes + width;
    }
  }

  template <typename ArrayType, typename Wide>
  void EncodeNumbers(const arrow::Array& array) {
    const auto* values = static_cast<const ArrayType&>(array).raw_values();
    ForEach(array, sizeof(Wide), [values](int64_t row, uint8_t* to) {
      auto value = static_cast<Wide>(values[row]);
      if constexpr (std::is_floating_point_v<Wide>) {
        if (value == 0) value = 0;  // -0.0 equals 0.0.
      }
      std::memcpy(to, &value, sizeof(value));
    });
  }

  void EncodeBools(const arrow::BooleanArray& array) {
    ForEach(array, sizeof(int64_t),
            [&array](int64_t row, uint8_t* to) { *to = array.Value(row) ? 1 : 0; });
  }

  void EncodeDecimals(const arrow::Decimal128Array& array) {
    ForEach(array, 16,
            [&array](int64_t row, uint8_t* to) { std::memcpy(to, array.GetValue(row), 16); });
  }

  void EncodeTexts(const arrow::StringArray& array) {
    for (int64_t i = 0; i < row_count_; ++i) {
      uint8_t* to = bytes_ + places_[i];
      *to = array.IsValid(row_ + i) ? 1 : 0;
      const auto text = array.GetView(row_ + i);
      const auto length = static_cast<uint32_t>(text.size());
      std::memcpy(to + kFlagBytes, &length, kLengthBytes);
      if (length > 0) std::memcpy(to + kFlagBytes + kLengthBytes, text.data(), length);
      places_[i] += kFlagBytes + kLengthBytes + length;
    }
  }

  uint8_t* const bytes_;
  uint32_t* const places_;
  const int64_t row_;
  const int64_t row_count_;
};

}  // namespace

arrow::Result<RowHasher> RowHasher::Make(const arrow::Schema& schema,
                                         const std::vector<std::string>& columns, uint64_t seed) {
  RowHasher hasher;
  hasher.seed_ = seed;
  for (const std::string& name : columns) {
    const int index = schema.GetFieldIndex(name);
    if (index < 0) return ConfigError("Key column is not there: ", name);
    const auto& type = *schema.field(index)->type();
    if (!IsHashable(type.id())) {
      return ConfigError("Column cannot be a key, name and type: ", name, " ", type.ToString());
    }
    hasher.columns_.push_back(index);
  }
  return hasher;
}

void RowHasher::Hash(const arrow::RecordBatch& rows, std::vector<Hash128>& hashes) {
  hashes.resize(static_cast<size_t>(rows.num_rows()));
  for (int64_t row = 0; row < rows.num_rows(); row += kBlockRows) {
    HashBlock(rows, row, std::min(kBlockRows, rows.num_rows() - row), hashes.data() + row);
  }
}

void RowHasher::HashBlock(const arrow::RecordBatch& rows, int64_t row, int64_t row_count,
                          Hash128* hashes) {
  const auto count = static_cast<size_t>(row_count);
  uint32_t fixed_width = 0;
  for (const int column : columns_) {
    const uint32_t width = ValueWidth(rows.schema()->field(column)->type()->id());
    fixed_width += kFlagBytes + (width > 0 ? width : kLengthBytes);
  }
  begins_.assign(count + 1, fixed_width);
  for (const int column : columns_) {
    if (rows.schema()->field(column)->type()->id() != arrow::Type::STRING) continue;
    const auto& texts = static_cast<const arrow::StringArray&>(*rows.column(column));
    for (size_t i = 0; i < count; ++i) {
      begins_[i] += static_cast<uint32_t>(texts.value_length(row + static_cast<int64_t>(i)));
    }
  }
  uint32_t end = 0;  // From lengths to places.
  for (size_t i = 0; i < count; ++i) {
    const uint32_t length = begins_[i];
    begins_[i] = end;
    end += length;
  }
  begins_[count] = end;
  bytes_.assign(end, 0);
  places_.assign(begins_.begin(), begins_.end() - 1);
  for (const int column : columns_) {
    ColumnEncoder(bytes_.data(), places_.data(), row, row_count).Encode(*rows.column(column));
  }
  for (size_t i = 0; i < count; ++i) {
    const XXH128_hash_t hash =
        XXH3_128bits_withSeed(bytes_.data() + begins_[i], begins_[i + 1] - begins_[i], seed_);
    hashes[i] = {hash.low64, hash.high64};
  }
}

}  // namespace catchwater
