#include "catchwater/stream/group_index.h"

#include <bit>
#include <cstring>
#include <utility>

#include <arrow/builder.h>
#include <arrow/type_traits.h>
#include <xxhash.h>

#include "catchwater/base/error.h"
#include "catchwater/base/mix.h"

namespace catchwater {
namespace {

constexpr size_t kSlotsMin = 1024;
constexpr uint32_t kShortBytes = 8;

/// The text's bytes in a word, the rest of it zero. \param readable bytes from `text` on
uint64_t ShortWord(const char* text, uint32_t length, int64_t readable) {
  uint64_t word = 0;
  if (readable < static_cast<int64_t>(kShortBytes)) [[unlikely]] {
    if (length > 0) std::memcpy(&word, text, length);
    return word;
  }
  // One load and a mask: a copy of a length that is not known in advance is a call.
  std::memcpy(&word, text, kShortBytes);
  return length == kShortBytes ? word : word & ((uint64_t{1} << 8 * length) - 1);
}

/// Appends a null flag and the value's bytes; strings carry their length, so that the encodings of
/// tuples never run into each other.
arrow::Status AppendKeyValue(const arrow::Array& column, int64_t row, std::string* key) {
  if (column.IsNull(row)) {
    key->push_back('\0');
    return arrow::Status::OK();
  }
  key->push_back('\1');
  switch (column.type_id()) {
    case arrow::Type::STRING: {
      const auto text = static_cast<const arrow::StringArray&>(column).GetView(row);
      const auto length = static_cast<uint32_t>(text.size());
      key->append(reinterpret_cast<const char*>(&length), sizeof(length));
      key->append(text);
      return arrow::Status::OK();
    }
    case arrow::Type::BOOL:
      key->push_back(static_cast<const arrow::BooleanArray&>(column).Value(row) ? '\1' : '\0');
      return arrow::Status::OK();
    case arrow::Type::INT32:
    case arrow::Type::DATE32:
    case arrow::Type::INT64:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DECIMAL128: {
      const auto& primitive = static_cast<const arrow::PrimitiveArray&>(column);
      const int width = primitive.type()->byte_width();
      const auto* values = primitive.data()->GetValues<uint8_t>(1, /*absolute_offset=*/0);
      key->append(reinterpret_cast<const char*>(values) + (column.offset() + row) * width,
                  static_cast<size_t>(width));
      return arrow::Status::OK();
    }
    default:
      return BadData("Column of this type cannot be a key: ", column.type()->ToString());
  }
}

/// Appends the value at `at` to the builder and moves `at` behind it.
arrow::Status DecodeKeyValue(std::string_view key, size_t* at, arrow::ArrayBuilder* builder) {
  if (key[(*at)++] == '\0') return builder->AppendNull();
  switch (builder->type()->id()) {
    case arrow::Type::STRING: {
      uint32_t length = 0;
      std::memcpy(&length, key.data() + *at, sizeof(length));
      *at += sizeof(length) + length;
      return static_cast<arrow::StringBuilder*>(builder)->Append(key.substr(*at - length, length));
    }
    case arrow::Type::BOOL:
      return static_cast<arrow::BooleanBuilder*>(builder)->Append(key[(*at)++] == '\1');
    case arrow::Type::INT32:
    case arrow::Type::DATE32: {
      int32_t value = 0;
      std::memcpy(&value, key.data() + *at, sizeof(value));
      *at += sizeof(value);
      if (builder->type()->id() == arrow::Type::INT32) {
        return static_cast<arrow::Int32Builder*>(builder)->Append(value);
      }
      return static_cast<arrow::Date32Builder*>(builder)->Append(value);
    }
    case arrow::Type::DECIMAL128: {
      const auto* bytes = reinterpret_cast<const uint8_t*>(key.data() + *at);
      *at += 16;
      return static_cast<arrow::Decimal128Builder*>(builder)->Append(arrow::Decimal128(bytes));
    }
    default: {
      int64_t value = 0;
      std::memcpy(&value, key.data() + *at, sizeof(value));
      *at += sizeof(value);
      if (builder->type()->id() == arrow::Type::INT64) {
        return static_cast<arrow::Int64Builder*>(builder)->Append(value);
      }
      return static_cast<arrow::TimestampBuilder*>(builder)->Append(value);
    }
  }
}

/// Where the encoded value that begins at `at` ends; npos if it is not whole.
size_t EndOfKeyValue(std::string_view key, size_t at, const arrow::DataType& type) {
  if (at >= key.size()) return key.npos;
  const char flag = key[at++];
  if (flag == '\0') return at;
  size_t byte_count = 1;
  if (type.id() == arrow::Type::STRING) {
    uint32_t length = 0;
    if (key.size() - at < sizeof(length)) return key.npos;
    std::memcpy(&length, key.data() + at, sizeof(length));
    byte_count = sizeof(length) + length;
  } else if (type.id() != arrow::Type::BOOL) {
    byte_count = static_cast<size_t>(type.byte_width());
  }
  return key.size() - at < byte_count ? key.npos : at + byte_count;
}

}  // namespace

GroupIndex::GroupIndex(std::vector<std::shared_ptr<arrow::DataType>> key_types)
    : key_types_(std::move(key_types)), slots_(kSlotsMin, 0), short_slots_(kSlotsMin) {}

uint32_t GroupIndex::Insert(uint64_t hash, std::string_view key) {
  if ((encoded_.size() + 1) * 2 > slots_.size()) Grow();
  const size_t mask = slots_.size() - 1;
  size_t slot = hash & mask;
  while (slots_[slot] != 0) {
    const uint32_t group = slots_[slot] - 1;
    if (hashes_[group] == hash && encoded_[group] == key) return group;
    slot = (slot + 1) & mask;
  }
  const auto group = static_cast<uint32_t>(encoded_.size());
  encoded_.emplace_back(key);
  hashes_.push_back(hash);
  slots_[slot] = group + 1;
  byte_count_ += static_cast<int64_t>(key.size() + sizeof(std::string) + 3 * sizeof(uint64_t));
  return group;
}

void GroupIndex::Grow() {
  std::vector<uint32_t> grown(slots_.size() * 2, 0);
  const size_t mask = grown.size() - 1;
  for (uint32_t group = 0; group < hashes_.size(); ++group) {
    size_t slot = hashes_[group] & mask;
    while (grown[slot] != 0) slot = (slot + 1) & mask;
    grown[slot] = group + 1;
  }
  slots_ = std::move(grown);
}

uint32_t GroupIndex::AssignEncoded(std::string_view key) {
  return Insert(XXH3_64bits(key.data(), key.size()), key);
}

std::optional<uint32_t> GroupIndex::Find(std::string_view key) const {
  const uint64_t hash = XXH3_64bits(key.data(), key.size());
  const size_t mask = slots_.size() - 1;
  for (size_t slot = hash & mask; slots_[slot] != 0; slot = (slot + 1) & mask) {
    const uint32_t group = slots_[slot] - 1;
    if (hashes_[group] == hash && encoded_[group] == key) return group;
  }
  return std::nullopt;
}

arrow::Status GroupIndex::CheckEncoded() const {
  for (const std::string& key : encoded_) {
    size_t at = 0;
    for (const auto& type : key_types_) at = EndOfKeyValue(key, at, *type);
    if (at != key.size()) return BadData("Operator state has a key that is not of its types");
  }
  return arrow::Status::OK();
}

void GroupIndex::AssignShortStrings(const arrow::StringArray& keys, std::vector<uint32_t>* groups) {
  const int64_t row_count = keys.length();
  std::string encoded;
  auto slow = [&](int64_t row) {
    encoded.clear();
    // Strings are always supported, so this cannot fail.
    CATCHWATER_CHECK(AppendKeyValue(keys, row, &encoded).ok(), "a string can be encoded");
    return AssignEncoded(encoded);
  };
  const bool has_nulls = keys.null_count() > 0;
  const auto& data = keys.value_data();
  const char* bytes = data == nullptr ? nullptr : data->data_as<char>();
  const int64_t byte_count = data == nullptr ? 0 : data->size();
  const int32_t* ends = keys.raw_value_offsets();
  for (int64_t row = 0; row < row_count; ++row) {
    const int32_t begin = ends[row];
    const auto length = static_cast<uint32_t>(ends[row + 1] - begin);
    if ((has_nulls && keys.IsNull(row)) || length > kShortBytes) {
      (*groups)[static_cast<size_t>(row)] = slow(row);
      continue;
    }
    const uint64_t word = ShortWord(bytes + begin, length, byte_count - begin);
    const size_t mask = short_slots_.size() - 1;
    size_t slot = MixWords(word, length) & mask;
    while (short_slots_[slot].group_next != 0 &&
           (short_slots_[slot].text != word || short_slots_[slot].length != length)) {
      slot = (slot + 1) & mask;
    }
    if (short_slots_[slot].group_next == 0) {
      const uint32_t group = slow(row);
      short_slots_[slot] = {word, length, group + 1};
      if (++short_count_ * 2 > short_slots_.size()) {
        // Only a cache in front of the index: starting it anew costs less than code to move it.
        short_slots_.assign(short_slots_.size() * 2, {});
        short_count_ = 0;
      }
      (*groups)[static_cast<size_t>(row)] = group;
      continue;
    }
    (*groups)[static_cast<size_t>(row)] = short_slots_[slot].group_next - 1;
  }
}

arrow::Result<std::vector<uint32_t>> GroupIndex::Assign(
    const std::vector<std::shared_ptr<arrow::Array>>& keys, int64_t row_count) {
  std::vector<uint32_t> groups(static_cast<size_t>(row_count), 0);
  if (keys.empty()) {
    if (row_count > 0 && encoded_.empty()) AssignEncoded("");
    return groups;
  }
  if (keys.size() == 1 && keys[0]->type_id() == arrow::Type::STRING) {
    AssignShortStrings(static_cast<const arrow::StringArray&>(*keys[0]), &groups);
    return groups;
  }
  std::string encoded;
  for (int64_t row = 0; row < row_count; ++row) {
    encoded.clear();
    for (const auto& column : keys) ARROW_RETURN_NOT_OK(AppendKeyValue(*column, row, &encoded));
    groups[static_cast<size_t>(row)] = AssignEncoded(encoded);
  }
  return groups;
}

arrow::Result<std::vector<std::shared_ptr<arrow::Array>>> GroupIndex::KeyColumns() const {
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders;
  for (const auto& type : key_types_) {
    ARROW_ASSIGN_OR_RAISE(auto builder, arrow::MakeBuilder(type));
    builders.push_back(std::move(builder));
  }
  for (const std::string& key : encoded_) {
    size_t at = 0;
    for (auto& builder : builders) ARROW_RETURN_NOT_OK(DecodeKeyValue(key, &at, builder.get()));
  }
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (auto& builder : builders) {
    ARROW_ASSIGN_OR_RAISE(auto column, builder->Finish());
    columns.push_back(std::move(column));
  }
  return columns;
}

}  // namespace catchwater
