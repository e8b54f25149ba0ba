/// \file
/// Results of a stream app on their way to a sink ahead of the commit that will hold them.
///
///   lane: Add(results) -> numbers ...          committer: Written(file, numbers)
///   feed: Take() -> to the target -> Sent() ... before it delivers a file of the table: Settle
///
/// Invariants:
/// 1. The table is what counts: a file all of whose results were sent is not sent again, every
///    other one is. What is lost on this way, for whatever reason, comes by the table.
/// 2. Results keep their order: nothing is given out as long as older ones are to come by the
/// table.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/record_batch.h>

#include "catchwater/base/bell.h"

namespace catchwater {

/// Numbers of batches of results: begin < number <= end.
struct EarlyRange {
  uint64_t begin = 0;
  uint64_t end = 0;
};

/// Add, AddToTable, Written: any thread. The others: the feed's.
class EarlyResults {
 public:
  static constexpr int64_t kRowsMax = 100'000;    ///< That wait; with more all go by the table.
  static constexpr int64_t kBytesMax = 16 << 20;  ///< The same, with what a batch costs by itself.
  static constexpr size_t kFilesMax = 1'000;      ///< That are remembered.

  /// bell: rung when something waits.
  explicit EarlyResults(Bell& bell) : bell_(bell) {}

  /// \return their numbers: they are counted from 1 on, in the order of the calls
  EarlyRange Add(const arrow::RecordBatchVector& results);
  /// Results that never go ahead: the next file has them. What is added later comes behind it, and
  /// what waits goes by the table. \return their number
  EarlyRange AddToTable();
  /// The file, which may get into the table, holds results of the range and no others.
  void Written(std::string file, EarlyRange range);

  struct Share {
    arrow::RecordBatchVector results;
    uint64_t end = 0;  ///< The number of the last one.
  };
  /// All that may be sent; none: nothing may.
  std::optional<Share> Take();
  /// The target has a share.
  void Sent(uint64_t end);
  /// If a share was taken and is not sent, it and all that waits goes by the table.
  void Lose();
  /// The target is down: nothing waits for it, what was not sent goes by the table.
  void Close();
  /// There is a target again, as at first; loses what a failure left.
  void Open();
  /// The file is the next of the table's: it is delivered now, or the target has all its results.
  /// \return true if the target has
  bool Settle(const std::string& file);

 private:
  // \pre mutex_ is held
  void LoseAll();
  void Forget(size_t batch_count);  // The first ones that wait.

  Bell& bell_;
  std::mutex mutex_;                  // Guards all below.
  arrow::RecordBatchVector waiting_;  // The last ones that were added.
  int64_t waiting_row_count_ = 0;
  int64_t waiting_bytes_ = 0;
  bool is_open_ = true;
  uint64_t added_ = 0;
  uint64_t taken_ = 0;
  uint64_t sent_ = 0;
  uint64_t lost_ = 0;     // All up to this number that are not settled go by the table.
  uint64_t settled_ = 0;  // All up to this number are with the target.
  std::map<std::string, EarlyRange> files_;
  std::deque<std::string> files_in_order_;  // May have names that are forgotten already.
};

}  // namespace catchwater
