/// \file
/// The detectors of a stream app over keyed rows, and the life of the alarms they raise.
///
///   rows -> (arrival) active_alarm
///        -> (event time, behind the watermark) missing, frequency, failure_rate
///        -> per value column, in the order of the configuration: spike -> the others
///   findings -> AlarmBook -> result rows
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/config/detect_config.h"
#include "catchwater/stream/detect/alarm_book.h"
#include "catchwater/stream/detect/alarm_rows.h"
#include "catchwater/stream/detect/detector.h"
#include "catchwater/stream/detect/detector_set.h"
#include "catchwater/stream/detect/silence_watch.h"
#include "catchwater/stream/detect/waiting_rows.h"
#include "catchwater/stream/group_index.h"
#include "catchwater/stream/stream_operator.h"

namespace catchwater {

struct DetectOptions {
  std::vector<std::string> key;
  std::vector<DetectorConfig> detect;
  AlarmConfig alarms;
  std::string event_time_column;
  int64_t state_bytes_max = 512LL << 20;  ///< Over it rows of new keys are refused and counted.
  int64_t keys_max = 10'000'000;
};

/// Pure. One thread at a time.
/// Invariants:
/// 1. A key's readings reach a detector in the order of event time, whatever the cut into batches;
///    active_alarm alone sees them as they arrive.
/// 2. Each alarm is one id; its rows differ in `revision`.
class DetectOperator final : public OrderedOperator {
 public:
  /// \retval kConfig if a column is missing or of a type that a detector does not take
  static arrow::Result<std::unique_ptr<OrderedOperator>> Make(
      DetectOptions options, const std::shared_ptr<arrow::Schema>& input);

  const std::shared_ptr<arrow::Schema>& schema() const override { return rows_.schema(); }
  int key_column_count() const override { return static_cast<int>(options_.key.size()); }
  std::vector<std::string> result_key() const override { return {AlarmRows::kIdColumn}; }

  arrow::Result<StreamTally> Add(const Batch& batch) override;
  arrow::Result<arrow::RecordBatchVector> AdvanceTo(int64_t watermark_us) override;
  arrow::Result<arrow::RecordBatchVector> End() override;

  arrow::Result<std::string> Save() const override;
  arrow::Status Load(std::string_view state) override;
  void BeginRevisionsAfter(int64_t revision) override { revision_base_ = revision; }
  int64_t byte_count() const override;

 private:
  DetectOperator(DetectOptions options, DetectorPlan plan, AlarmRows rows, GroupIndex keys,
                 GroupIndex sources);

  /// Refuses rows of new keys over the bounds. \return the number of keys that stay
  uint32_t AdmitKeys(uint32_t known);
  arrow::Status GrowTo(uint32_t key_count);
  void Take(const WaitingRow& row);
  void TakeSilence(std::vector<SilenceWatch::Found>* found);
  void TakeFindings(uint32_t key, const std::vector<FoundBy>& findings);
  void ReleaseBefore(int64_t time_us);
  void Sweep(int64_t now_us);
  arrow::Result<arrow::RecordBatchVector> TakeRows();

  const DetectOptions options_;
  const DetectorPlan plan_;
  const AlarmRows rows_;
  GroupIndex keys_;
  GroupIndex sources_;                   // By the columns of `missing: source`.
  std::vector<DetectorSet> sets_;        // By key.
  std::vector<uint32_t> key_of_source_;  // Any key of the source, to tell its columns.
  WaitingRows waiting_;
  AlarmBook book_;
  AlarmBook source_book_;
  SilenceWatch silence_;
  std::vector<AlarmRow> told_;       // Not handed over yet.
  int64_t released_us_ = INT64_MIN;  // Rows before it are too late: those after them are out.
  int64_t swept_us_ = INT64_MIN;
  int64_t revision_base_ = 0;
};

}  // namespace catchwater
