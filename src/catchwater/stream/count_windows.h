/// \file
/// Windows of so many rows of a key, in the order in which they come: `count`, and sliding with
/// `every_rows`. Windows share slices of rows, as windows of time do.
///
/// Invariants:
/// 1. A key has the slices that its next window needs, oldest first; all but the last are full.
/// 2. A window is put out once, when it is full.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/config/stream_config.h"
#include "catchwater/stream/cell_store.h"
#include "catchwater/stream/changed_keys.h"
#include "catchwater/stream/stream_operator.h"
#include "catchwater/stream/window_keys.h"
#include "catchwater/stream/window_results.h"

namespace catchwater {

class CountWindows final : public OrderedOperator {
 public:
  /// \pre config.window.count
  CountWindows(const StreamConfig& config, WindowParts parts);

  const std::shared_ptr<arrow::Schema>& schema() const override { return results_.schema(); }
  int key_column_count() const override { return results_.key_column_count(); }
  std::vector<std::string> result_key() const override { return results_.result_key(); }

  arrow::Result<StreamTally> Add(const Batch& batch) override;
  arrow::Result<arrow::RecordBatchVector> AdvanceTo(int64_t watermark_us) override;

  arrow::Result<std::string> Save() const override;
  arrow::Result<std::optional<std::string>> SaveChanges() override;
  void Saved() override { changed_.Saved(); }
  arrow::Status Load(std::string_view state) override;
  void BeginRevisionsAfter(int64_t revision) override { revision_base_ = revision; }
  int64_t byte_count() const override;

 private:
  struct Slice {
    uint32_t cell = 0;
    int64_t first_us = 0;
    int64_t last_us = 0;
  };
  struct KeyState {
    int64_t row_count = 0;
    std::vector<Slice> slices;
  };
  /// A window that became full.
  struct Due {
    uint32_t key = 0;
    int64_t number = 0;
    std::vector<Slice> slices;
  };

  uint32_t Join(uint32_t key, int64_t event_us);
  arrow::Status Emit(const std::vector<Due>& due);
  std::string Write(uint32_t keys_from, std::span<const uint32_t> keys) const;
  arrow::Status ReadKeys(StateReader* state);

  const int64_t size_;
  const int64_t every_;
  const int64_t width_;  // Of a slice, in rows.
  const std::string event_time_column_;
  WindowKeys keys_;
  CellStore cells_;
  const WindowResults results_;
  std::vector<KeyState> states_;  // By key.
  int64_t revision_base_ = 0;
  arrow::RecordBatchVector out_;  // Not handed over yet.

  // Of the batch that is added.
  std::vector<Due> due_;
  std::vector<uint32_t> gone_;
  std::vector<uint32_t> cell_of_row_;

  ChangedKeys changed_;
};

}  // namespace catchwater
