/// \file
/// Windows of event time by key: tumbling (`size`) and sliding (`size`, `every`).
///
/// Time is cut into slices that windows share: as wide as the greatest common divisor of size and
/// every. A row is added to one slice only, so its cost does not grow with size / every.
///
/// Invariants:
/// 1. A cell holds the aggregates of one key in one slice; a slice lives until its last window is
///    closed (and can be corrected no more).
/// 2. Windows close in the order of their ends. A window that no row fell into is not put out.
/// 3. What was put out and changes is first retracted as it was, then put out with the next
///    revision. With `greatest` a row changes all results of its windows.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/config/stream_config.h"
#include "catchwater/stream/aggregate_set.h"
#include "catchwater/stream/cell_store.h"
#include "catchwater/stream/stream_operator.h"
#include "catchwater/stream/window_keys.h"
#include "catchwater/stream/window_results.h"

namespace catchwater {

class TimeWindows final : public OrderedOperator {
 public:
  /// \pre config.window.size
  TimeWindows(const StreamConfig& config, WindowParts parts);

  const std::shared_ptr<arrow::Schema>& schema() const override { return results_.schema(); }
  int key_column_count() const override { return results_.key_column_count(); }
  std::vector<std::string> result_key() const override { return results_.result_key(); }

  arrow::Result<StreamTally> Add(const Batch& batch) override;
  bool takes_late_rows() const override { return correct_for_us_.has_value(); }
  arrow::Result<StreamTally> AddLate(const Batch& batch) override;
  arrow::Result<arrow::RecordBatchVector> AdvanceTo(int64_t watermark_us) override;
  arrow::Result<arrow::RecordBatchVector> End() override;

  arrow::Result<std::string> Save() const override;
  arrow::Result<std::optional<std::string>> SaveChanges() override;
  void Saved() override;
  arrow::Status Load(std::string_view state) override;
  void BeginRevisionsAfter(int64_t revision) override { revision_base_ = revision; }
  int64_t byte_count() const override;

 private:
  /// By key: the number of its cell + 1, 0: none.
  struct Slice {
    std::vector<uint32_t> cells;
    int64_t row_count = 0;  ///< That are in no result yet. Not saved.
  };
  struct Place {
    int64_t slice = 0;
    uint32_t key = 0;
  };
  /// The end of a closed window and a key.
  using ResultId = std::pair<int64_t, uint32_t>;

  int64_t SliceOf(int64_t event_us) const;
  int64_t FirstEndOf(int64_t slice) const;
  int64_t LastEndOf(int64_t slice) const;
  /// The end of the next window with rows after the one that ends there.
  std::optional<int64_t> NextEnd(int64_t after_us) const;

  void AddRows(const Batch& batch, std::span<const uint32_t> keys);
  /// The results that rows of these keys fall into, of windows that end up to there.
  std::set<ResultId> ResultsWith(const Batch& batch, std::span<const uint32_t> keys,
                                 int64_t end_us_max) const;
  arrow::Status RetractProvisional(const Batch& batch, std::span<const uint32_t> keys);
  uint32_t CellAt(const Place& place);
  void MarkChanged(const Place& place, uint32_t cell);
  /// Those of the candidates that the window has, with their cells merged, a row a key.
  std::vector<uint32_t> Gather(int64_t end_us, std::span<const uint32_t> candidates,
                               AggregateSet* values) const;
  /// \return the keys whose results were put out
  arrow::Result<std::vector<uint32_t>> Emit(int64_t end_us, std::span<const uint32_t> candidates,
                                            bool is_retracted, SharedColumns* shared,
                                            arrow::RecordBatchVector* results) const;
  arrow::Status EmitAll(int64_t end_us, bool is_provisional, arrow::RecordBatchVector* results);
  arrow::Status EmitGreatest(int64_t end_us, bool is_provisional,
                             arrow::RecordBatchVector* results);
  bool is_partly_out(int64_t end_us) const;
  arrow::Status Retract(const std::set<ResultId>& affected);
  arrow::Status EmitAgain(const std::set<ResultId>& affected);
  void CountResultRowsUpTo(int64_t end_us);
  void Expire();
  arrow::Status DropIdleKeys();

  std::string Write(uint32_t keys_from, const std::vector<Place>& places) const;
  arrow::Status ReadPlaces(StateReader* state);

  const int64_t size_us_;
  const int64_t every_us_;
  const int64_t width_us_;  // Of a slice.
  const std::optional<int64_t> correct_for_us_;
  const std::string event_time_column_;

  WindowKeys keys_;
  CellStore cells_;
  const WindowResults results_;
  std::map<int64_t, Slice> slices_;  // By number: from number * width on.
  int64_t closed_us_ = INT64_MIN;    // Windows that end here or before are out.
  int64_t revision_base_ = 0;
  std::map<ResultId, int64_t> revisions_;  // Of results that were corrected: how often.
  std::set<ResultId>
      provisional_;  // Put out at the end of an input, not closed, not changed since.
  arrow::RecordBatchVector corrections_;  // Not handed over yet.

  // Since the last save.
  std::vector<uint8_t> is_changed_;  // By cell.
  std::vector<Place> changed_;
  uint32_t saved_key_count_ = 0;
  bool must_save_all_ = true;
  std::vector<uint32_t> cell_of_row_;  // Scratch.
};

}  // namespace catchwater
