/// \file
/// Gives every distinct key a dense number, so that aggregates are plain vectors by group.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>

namespace catchwater {

/// Keys are compared as encoded bytes: each column's null flag and value. One thread at a time.
class GroupIndex {
 public:
  /// key_types: of the key columns, in order; empty: all rows are one group.
  explicit GroupIndex(std::vector<std::shared_ptr<arrow::DataType>> key_types);

  /// Returns for each row the number of its group; new keys get the next numbers.
  /// \retval kBadData if a key column's type is not supported (float keys are refused: use
  ///   a decimal or a string)
  arrow::Result<std::vector<uint32_t>> Assign(
      const std::vector<std::shared_ptr<arrow::Array>>& keys, int64_t row_count);

  /// The encoded key of a group, as other indexes of the same types use it.
  std::string_view encoded(uint32_t group) const { return encoded_[group]; }
  uint32_t AssignEncoded(std::string_view key);
  std::optional<uint32_t> Find(std::string_view encoded_key) const;
  /// Checks encoded keys of unknown origin. \retval kBadData if one is not of the key types
  arrow::Status CheckEncoded() const;

  uint32_t group_count() const { return static_cast<uint32_t>(encoded_.size()); }
  /// Approximate memory held.
  int64_t byte_count() const { return byte_count_; }

  /// The key columns of all groups, in the order of their numbers.
  arrow::Result<std::vector<std::shared_ptr<arrow::Array>>> KeyColumns() const;

 private:
  void AssignShortStrings(const arrow::StringArray& keys, std::vector<uint32_t>* groups);
  void Grow();
  uint32_t Insert(uint64_t hash, std::string_view key);

  std::vector<std::shared_ptr<arrow::DataType>> key_types_;
  std::vector<std::string> encoded_;
  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> slots_;  ///< Group + 1, 0 = free; a power of two of them.
  int64_t byte_count_ = 0;

  /// For a single string key of at most 8 bytes: the text in a register. Slots hold group + 1.
  struct ShortSlot {
    uint64_t text = 0;
    uint32_t length = 0;
    uint32_t group_next = 0;
  };
  std::vector<ShortSlot> short_slots_;
  uint32_t short_count_ = 0;
};

}  // namespace catchwater
