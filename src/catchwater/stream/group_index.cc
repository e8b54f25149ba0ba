#include "catchwater/stream/group_index.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include <arrow/builder.h>
#include <arrow/type_traits.h>
#include <xxhash.h>

#include "catchwater/base/error.h"
#include "catchwater/base/mix.h"

namespace catchwater {
namespace {

constexpr size_t kSlotsMin = 64;  // There may be hundreds of indexes of few keys each.
constexpr uint32_t kShortBytes = 8;
constexpr size_t kPairSlotsMax = size_t{1} << 19;

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

/// A key column whose values fit in a word.
class WordColumn {
 public:
  explicit WordColumn(const arrow::Array& column) : column_(column) {
    switch (column.type_id()) {
      case arrow::Type::STRING: {
        const auto& strings = static_cast<const arrow::StringArray&>(column);
        ends_ = strings.raw_value_offsets();
        if (strings.value_data() != nullptr) {
          bytes_ = strings.value_data()->data_as<char>();
          byte_count_ = strings.value_data()->size();
        }
        break;
      }
      case arrow::Type::INT32:
      case arrow::Type::DATE32:
        narrow_ = column.data()->GetValues<int32_t>(1);
        break;
      case arrow::Type::INT64:
      case arrow::Type::TIMESTAMP:
        wide_ = column.data()->GetValues<int64_t>(1);
        break;
      default:
        is_known_ = false;
    }
    has_nulls_ = column.null_count() > 0;
  }

  bool is_known() const { return is_known_; }

  /// \return false if the value is null or too long
  bool Read(int64_t row, uint64_t* word, uint32_t* length) const {
    if (has_nulls_ && column_.IsNull(row)) return false;
    *length = 0;
    if (ends_ != nullptr) {
      const int32_t begin = ends_[row];
      *length = static_cast<uint32_t>(ends_[row + 1] - begin);
      if (*length > kShortBytes) return false;
      *word = ShortWord(bytes_ + begin, *length, byte_count_ - begin);
      return true;
    }
    *word = static_cast<uint64_t>(wide_ != nullptr ? wide_[row] : int64_t{narrow_[row]});
    return true;
  }

 private:
  const arrow::Array& column_;
  const int32_t* ends_ = nullptr;  // One of these three.
  const int32_t* narrow_ = nullptr;
  const int64_t* wide_ = nullptr;
  const char* bytes_ = nullptr;
  int64_t byte_count_ = 0;
  bool has_nulls_ = false;
  bool is_known_ = true;
};

}  // namespace

GroupIndex::GroupIndex(std::vector<std::shared_ptr<arrow::DataType>> key_types)
    : key_types_(std::move(key_types)), ends_(1, 0), slots_(kSlotsMin, 0) {}

uint32_t GroupIndex::Insert(uint64_t hash, std::string_view key) {
  if ((hashes_.size() + 1) * 2 > slots_.size()) Rehash(slots_.size() * 2);
  const size_t mask = slots_.size() - 1;
  size_t slot = hash & mask;
  while (slots_[slot] != 0) {
    const uint32_t group = slots_[slot] - 1;
    if (hashes_[group] == hash && encoded(group) == key) return group;
    slot = (slot + 1) & mask;
  }
  const uint32_t group = group_count();
  bytes_ += key;
  ends_.push_back(bytes_.size());
  hashes_.push_back(hash);
  slots_[slot] = group + 1;
  return group;
}

void GroupIndex::Rehash(size_t slot_count) {
  std::vector<uint32_t> grown(slot_count, 0);
  const size_t mask = slot_count - 1;
  for (uint32_t group = 0; group < hashes_.size(); ++group) {
    size_t slot = hashes_[group] & mask;
    while (grown[slot] != 0) slot = (slot + 1) & mask;
    grown[slot] = group + 1;
  }
  slots_ = std::move(grown);
}

arrow::Result<std::vector<uint32_t>> GroupIndex::Assign(const arrow::RecordBatch& rows,
                                                        const std::vector<std::string>& columns) {
  arrow::ArrayVector keys;
  for (const std::string& column : columns) keys.push_back(rows.GetColumnByName(column));
  return Assign(keys, rows.num_rows());
}

void GroupIndex::Save(uint32_t from, StateWriter* state) const {
  state->Put(uint64_t{group_count() - from});
  for (uint32_t group = from; group < group_count(); ++group) state->PutText(encoded(group));
}

void GroupIndex::Load(StateReader* state) {
  const uint32_t from = group_count();
  const uint64_t added = state->GetCount(sizeof(uint64_t));
  for (uint64_t i = 0; i < added; ++i) {
    if (AssignEncoded(state->GetText()) != from + i) state->Fail();
  }
  if (!CheckEncoded().ok()) state->Fail();
}

uint32_t GroupIndex::AssignEncoded(std::string_view key) {
  return Insert(XXH3_64bits(key.data(), key.size()), key);
}

std::optional<uint32_t> GroupIndex::Find(std::string_view key) const {
  const uint64_t hash = XXH3_64bits(key.data(), key.size());
  const size_t mask = slots_.size() - 1;
  for (size_t slot = hash & mask; slots_[slot] != 0; slot = (slot + 1) & mask) {
    const uint32_t group = slots_[slot] - 1;
    if (hashes_[group] == hash && encoded(group) == key) return group;
  }
  return std::nullopt;
}

arrow::Status GroupIndex::CheckEncoded() const {
  for (uint32_t group = 0; group < group_count(); ++group) {
    const std::string_view key = encoded(group);
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
  if (short_slots_.empty()) short_slots_.resize(kSlotsMin);
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
    if (row_count > 0 && hashes_.empty()) AssignEncoded("");
    return groups;
  }
  if (keys.size() == 1 && keys[0]->type_id() == arrow::Type::STRING) {
    AssignShortStrings(static_cast<const arrow::StringArray&>(*keys[0]), &groups);
    return groups;
  }
  if (keys.size() <= 2) {
    ARROW_RETURN_NOT_OK(AssignPairs(keys, &groups));
    return groups;
  }
  for (int64_t row = 0; row < row_count; ++row) {
    ARROW_ASSIGN_OR_RAISE(groups[static_cast<size_t>(row)], AssignRow(keys, row));
  }
  return groups;
}

arrow::Result<uint32_t> GroupIndex::AssignRow(
    const std::vector<std::shared_ptr<arrow::Array>>& keys, int64_t row) {
  encoded_.clear();
  for (const auto& column : keys) ARROW_RETURN_NOT_OK(AppendKeyValue(*column, row, &encoded_));
  return AssignEncoded(encoded_);
}

arrow::Status GroupIndex::AssignPairs(const std::vector<std::shared_ptr<arrow::Array>>& keys,
                                      std::vector<uint32_t>* groups) {
  const WordColumn first(*keys[0]);
  const WordColumn second(*keys[keys.size() - 1]);  // Of one column: the same once more.
  const bool is_known = first.is_known() && second.is_known();
  if (pair_slots_.empty()) pair_slots_.resize(kSlotsMin);
  for (size_t row = 0; row < groups->size(); ++row) {
    const auto at = static_cast<int64_t>(row);
    PairSlot wanted;
    uint32_t length = 0;
    if (!is_known || !first.Read(at, &wanted.first, &wanted.lengths) ||
        !second.Read(at, &wanted.second, &length)) {
      ARROW_ASSIGN_OR_RAISE((*groups)[row], AssignRow(keys, at));
      continue;
    }
    wanted.lengths |= length << 8;
    const size_t mask = pair_slots_.size() - 1;
    size_t slot = MixWords(wanted.first ^ (uint64_t{wanted.lengths} << 40), wanted.second) & mask;
    const auto is_other = [&](const PairSlot& here) {
      return here.first != wanted.first || here.second != wanted.second ||
             here.lengths != wanted.lengths;
    };
    while (pair_slots_[slot].group_next != 0 && is_other(pair_slots_[slot])) {
      slot = (slot + 1) & mask;
    }
    if (pair_slots_[slot].group_next != 0) {
      (*groups)[row] = pair_slots_[slot].group_next - 1;
      continue;
    }
    ARROW_ASSIGN_OR_RAISE((*groups)[row], AssignRow(keys, at));
    wanted.group_next = (*groups)[row] + 1;
    pair_slots_[slot] = wanted;
    if (++pair_count_ * 2 <= pair_slots_.size()) continue;
    // Only a cache in front of the index: with very many keys it begins anew.
    pair_slots_.assign(std::min(pair_slots_.size() * 2, kPairSlotsMax), {});
    pair_count_ = 0;
  }
  return arrow::Status::OK();
}

arrow::Result<std::vector<std::shared_ptr<arrow::Array>>> GroupIndex::KeyColumns() const {
  std::vector<uint32_t> groups(group_count());
  std::iota(groups.begin(), groups.end(), 0U);
  return KeyColumns(groups);
}

arrow::Result<std::vector<std::shared_ptr<arrow::Array>>> GroupIndex::KeyColumns(
    std::span<const uint32_t> groups) const {
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders;
  for (const auto& type : key_types_) {
    ARROW_ASSIGN_OR_RAISE(auto builder, arrow::MakeBuilder(type));
    ARROW_RETURN_NOT_OK(builder->Reserve(static_cast<int64_t>(groups.size())));
    builders.push_back(std::move(builder));
  }
  for (const uint32_t group : groups) {
    size_t at = 0;
    for (auto& builder : builders) {
      ARROW_RETURN_NOT_OK(DecodeKeyValue(encoded(group), &at, builder.get()));
    }
  }
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (auto& builder : builders) {
    ARROW_ASSIGN_OR_RAISE(auto column, builder->Finish());
    columns.push_back(std::move(column));
  }
  return columns;
}

void GroupIndex::Truncate(uint32_t count) {
  if (count >= group_count()) return;
  ends_.resize(count + size_t{1});
  bytes_.resize(ends_.back());
  hashes_.resize(count);
  Rehash(slots_.size());
  short_slots_.assign(short_slots_.size(), {});
  short_count_ = 0;
  pair_slots_.assign(pair_slots_.size(), {});
  pair_count_ = 0;
}

}  // namespace catchwater
