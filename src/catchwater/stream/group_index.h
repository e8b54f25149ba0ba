/// \file
/// Gives every distinct key a dense number, so that aggregates are plain vectors by group.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/stream/state_bytes.h"

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

  /// Of the rows' columns of these names, which are there.
  arrow::Result<std::vector<uint32_t>> Assign(const arrow::RecordBatch& rows,
                                              const std::vector<std::string>& columns);

  /// The encoded key of a group, as other indexes of the same types use it.
  std::string_view encoded(uint32_t group) const {
    return std::string_view(bytes_).substr(ends_[group], ends_[group + 1] - ends_[group]);
  }
  uint32_t AssignEncoded(std::string_view key);
  std::optional<uint32_t> Find(std::string_view encoded_key) const;

  /// The groups from this number on.
  void Save(uint32_t from, StateWriter* state) const;
  /// Adds the groups that were saved behind those that are here. Fails the state if a key is there
  /// already, which would shift all that follow, or is not of the key types.
  void Load(StateReader* state);

  uint32_t group_count() const { return static_cast<uint32_t>(hashes_.size()); }
  /// Approximate memory held.
  int64_t byte_count() const {
    return static_cast<int64_t>(bytes_.size() + hashes_.size() * 4 * sizeof(uint64_t));
  }

  /// The key columns of all groups, in the order of their numbers.
  arrow::Result<std::vector<std::shared_ptr<arrow::Array>>> KeyColumns() const;
  /// Of these groups, in their order.
  arrow::Result<std::vector<std::shared_ptr<arrow::Array>>> KeyColumns(
      std::span<const uint32_t> groups) const;

  /// Forgets the groups from this number on.
  void Truncate(uint32_t count);

 private:
  /// Checks encoded keys of unknown origin. \retval kBadData if one is not of the key types
  arrow::Status CheckEncoded() const;
  void AssignShortStrings(const arrow::StringArray& keys, std::vector<uint32_t>* groups);
  arrow::Status AssignPairs(const std::vector<std::shared_ptr<arrow::Array>>& keys,
                            std::vector<uint32_t>* groups);
  arrow::Result<uint32_t> AssignRow(const std::vector<std::shared_ptr<arrow::Array>>& keys,
                                    int64_t row);
  void Rehash(size_t slot_count);
  uint32_t Insert(uint64_t hash, std::string_view key);

  std::vector<std::shared_ptr<arrow::DataType>> key_types_;
  std::string bytes_;           ///< The encoded keys, one behind the other.
  std::vector<uint64_t> ends_;  ///< Where they begin, and where the last one ends.
  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> slots_;  ///< Group + 1, 0 = free; a power of two of them.
  std::string encoded_;          ///< Scratch.

  /// For a single string key of at most 8 bytes: the text in a register. Slots hold group + 1;
  /// there are none before the first such key.
  struct ShortSlot {
    uint64_t text = 0;
    uint32_t length = 0;
    uint32_t group_next = 0;
  };
  std::vector<ShortSlot> short_slots_;
  uint32_t short_count_ = 0;

  /// For one or two key columns of at most 8 bytes each. The same.
  struct PairSlot {
    uint64_t first = 0;
    uint64_t second = 0;
    uint32_t lengths = 0;
    uint32_t group_next = 0;
  };
  std::vector<PairSlot> pair_slots_;
  uint32_t pair_count_ = 0;
};

}  // namespace catchwater
