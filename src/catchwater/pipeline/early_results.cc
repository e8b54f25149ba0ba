#include "catchwater/pipeline/early_results.h"

#include <algorithm>

namespace catchwater {

EarlyRange EarlyResults::Add(const arrow::RecordBatchVector& results) {
  EarlyRange range;
  {
    const std::lock_guard lock(mutex_);
    range.begin = added_;
    added_ += results.size();
    range.end = added_;
    for (const auto& batch : results) {
      waiting_.push_back(batch);
      waiting_row_count_ += batch->num_rows();
    }
    if (waiting_row_count_ > kRowsMax) LoseAll();
  }
  bell_.Ring();
  return range;
}

void EarlyResults::Written(std::string file, EarlyRange range) {
  const std::lock_guard lock(mutex_);
  files_in_order_.push_back(file);
  files_.insert_or_assign(std::move(file), range);
  if (files_in_order_.size() <= kFilesMax) return;
  files_.erase(files_in_order_.front());
  files_in_order_.pop_front();
}

std::optional<EarlyResults::Share> EarlyResults::Take() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty() || lost_ > settled_) return std::nullopt;
  waiting_row_count_ = 0;
  taken_ = added_;
  return Share{.results = std::exchange(waiting_, {}), .end = added_};
}

void EarlyResults::Sent(uint64_t end) {
  const std::lock_guard lock(mutex_);
  sent_ = end;
}

void EarlyResults::Lose() {
  const std::lock_guard lock(mutex_);
  if (taken_ > sent_) LoseAll();
}

void EarlyResults::LoseAll() {
  waiting_.clear();
  waiting_row_count_ = 0;
  lost_ = taken_ = sent_ = added_;
}

bool EarlyResults::Settle(const std::string& file) {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(file);
  if (found == files_.end()) return false;
  const EarlyRange range = found->second;
  files_.erase(found);
  const bool was_sent = range.begin >= lost_ && range.end <= sent_;
  settled_ = std::max(settled_, range.end);
  // What waits has the last numbers.
  while (!waiting_.empty() && added_ - waiting_.size() < settled_) {
    waiting_row_count_ -= waiting_.front()->num_rows();
    waiting_.erase(waiting_.begin());
  }
  return was_sent;
}

}  // namespace catchwater
