/// \file
/// Rows of one lane that are in no commit yet, kept so that SQL can see them at the read point.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/util/byte_size.h>

namespace catchwater {

/// Any thread. Holds references, not copies. When it would hold more than the limit it keeps no
/// more and says so: the reader then asks for a flush instead.
class UnflushedRows {
 public:
  explicit UnflushedRows(int64_t bytes_max) : bytes_max_(bytes_max) {}

  struct View {
    std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
    bool is_complete = true;  ///< False: too many to keep; flush first.
  };

  void Add(std::shared_ptr<arrow::RecordBatch> rows) {
    const int64_t byte_count = arrow::util::TotalBufferSize(*rows);
    std::lock_guard lock(mutex_);
    if (bytes_ + byte_count > bytes_max_) {
      overflow_epoch_ = epoch_;
      return;
    }
    bytes_ += byte_count;
    items_.push_back({epoch_, byte_count, std::move(rows)});
  }

  /// What is added from now on belongs to the next flush.
  void NextEpoch() {
    std::lock_guard lock(mutex_);
    ++epoch_;
  }

  /// Everything up to the epoch is committed now.
  void Committed(int64_t epoch) {
    std::lock_guard lock(mutex_);
    std::erase_if(items_, [&](const Item& item) {
      if (item.epoch > epoch) return false;
      bytes_ -= item.byte_count;
      return true;
    });
    if (overflow_epoch_ <= epoch) overflow_epoch_ = -1;
  }

  View Look() const {
    std::lock_guard lock(mutex_);
    View view;
    view.is_complete = overflow_epoch_ < 0;
    for (const Item& item : items_) view.batches.push_back(item.rows);
    return view;
  }

 private:
  struct Item {
    int64_t epoch;
    int64_t byte_count;
    std::shared_ptr<arrow::RecordBatch> rows;
  };
  const int64_t bytes_max_;
  mutable std::mutex mutex_;
  std::vector<Item> items_;
  int64_t bytes_ = 0;
  int64_t epoch_ = 0;
  int64_t overflow_epoch_ = -1;
};

}  // namespace catchwater
