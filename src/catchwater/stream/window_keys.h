/// \file
/// The keys that windows are kept for, and the bound on how many there are.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/batch/batch.h"
#include "catchwater/config/stream_config.h"
#include "catchwater/stream/group_index.h"
#include "catchwater/stream/state_bytes.h"
#include "catchwater/stream/stream_operator.h"

namespace catchwater {

/// One thread at a time.
class WindowKeys {
 public:
  WindowKeys(const StreamConfig& config, std::vector<std::shared_ptr<arrow::DataType>> types)
      : columns_(config.key),
        count_max_(config.keys_max),
        bytes_max_(config.state_bytes_max.bytes),
        types_(std::move(types)),
        index_(types_) {}

  /// The key of each row. Rows of keys that are over the bounds are taken out of the batch and
  /// tallied. \param state_bytes of all that the operator holds
  arrow::Result<std::vector<uint32_t>> Admit(Batch* batch, int64_t state_bytes, StreamTally* tally);

  GroupIndex& index() { return index_; }
  const GroupIndex& index() const { return index_; }
  uint32_t count() const { return index_.group_count(); }

  /// Few enough keys are used that it is worth renumbering.
  bool has_many_idle(uint32_t used_count) const {
    return count() >= kCountMin && used_count < count() / 2;
  }
  GroupIndex NewIndex() const { return GroupIndex(types_); }
  void Replace(GroupIndex index) { index_ = std::move(index); }

  /// Appends the keys from this number on.
  void Save(uint32_t from, StateWriter* state) const;
  void Load(StateReader* state);

 private:
  static constexpr uint32_t kCountMin = 1024;

  const std::vector<std::string> columns_;
  const int64_t count_max_;
  const int64_t bytes_max_;
  const std::vector<std::shared_ptr<arrow::DataType>> types_;
  GroupIndex index_;
};

}  // namespace catchwater
