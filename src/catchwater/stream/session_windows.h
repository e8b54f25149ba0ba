/// \file
/// Sessions: a window of a key lasts until nothing came for `gap`.
///
/// Invariants:
/// 1. Two sessions of a key are at least a gap apart; a row that comes between makes them one.
/// 2. A session closes when the watermark is a gap behind its last row. Its end is that time.
/// 3. What was put out and changes is first retracted as it was: at the end of an input, and for
///    `correct_for` behind the watermark.
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
#include "catchwater/stream/cell_store.h"
#include "catchwater/stream/changed_keys.h"
#include "catchwater/stream/stream_operator.h"
#include "catchwater/stream/window_keys.h"
#include "catchwater/stream/window_results.h"

namespace catchwater {

class SessionWindows final : public OrderedOperator {
 public:
  /// \pre config.window.session
  SessionWindows(const StreamConfig& config, WindowParts parts);

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
  void Saved() override { changed_.Saved(); }
  arrow::Status Load(std::string_view state) override;
  void BeginRevisionsAfter(int64_t revision) override { revision_base_ = revision; }
  int64_t byte_count() const override;

 private:
  struct Session {
    int64_t first_us = 0;
    int64_t last_us = 0;
    uint32_t cell = 0;
    uint32_t revision = 0;  ///< How often it was put out.
    bool is_out = false;    ///< As it is now.
    int64_t row_count = 0;  ///< That are in no result yet. Not saved.
  };
  /// A session that is put out, with its key.
  struct Due {
    Session session;
    uint32_t key = 0;
  };
  /// When to look at a key next.
  using Alarm = std::pair<int64_t, uint32_t>;

  /// When something happens to the session next: it is put out, or it is forgotten.
  int64_t NextOf(const Session& session) const;
  void SetAlarm(uint32_t key);
  /// Finds or makes the session of a row and widens it. \return its cell
  uint32_t Join(uint32_t key, int64_t event_us);
  void Absorb(Session* into, const Session& other);
  void MarkOut(uint32_t key, const Session& session);
  arrow::Status Emit(const std::vector<Due>& due, bool is_retracted,
                     arrow::RecordBatchVector* results) const;
  arrow::Status DropIdleKeys();
  std::string Write(uint32_t keys_from, std::span<const uint32_t> keys) const;
  arrow::Status ReadSessions(StateReader* state);

  const int64_t gap_us_;
  const std::optional<int64_t> correct_for_us_;
  int64_t forgotten_us_ = INT64_MIN;  // Sessions that end before it may be; INT64_MAX: not known.
  const std::string event_time_column_;
  WindowKeys keys_;
  CellStore cells_;
  const WindowResults results_;
  std::vector<std::vector<Session>> sessions_;  // By key, then by time.
  std::set<Alarm> alarms_;                      // One a key that has sessions.
  std::vector<int64_t> alarm_of_;               // By key; kNoAlarm: none.
  int64_t revision_base_ = 0;
  arrow::RecordBatchVector retractions_;  // Not handed over yet.

  // Of the batch that is added.
  std::vector<Due> to_retract_;
  std::vector<std::pair<uint32_t, uint32_t>> merges_;  // A cell goes into another one.
  std::vector<uint32_t> cell_of_row_;

  ChangedKeys changed_;
};

}  // namespace catchwater
