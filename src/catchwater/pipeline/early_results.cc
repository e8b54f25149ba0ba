#include "catchwater/pipeline/early_results.h"

#include <algorithm>
#include <iterator>

#include <arrow/util/byte_size.h>

namespace catchwater {
namespace {

constexpr int64_t kColumnBytes = 512;  // Of a batch, beside its values.

int64_t BytesOf(const arrow::RecordBatch& batch) {
  return arrow::util::TotalBufferSize(batch) + batch.num_columns() * kColumnBytes;
}

}  // namespace

EarlyRange EarlyResults::Add(const arrow::RecordBatchVector& results) {
  EarlyRange range;
  {
    const std::lock_guard lock(mutex_);
    range.begin = added_;
    added_ += results.size();
    range.end = added_;
    if (!is_open_) {
      LoseAll();
      return range;
    }
    for (const auto& batch : results) {
      waiting_.push_back(batch);
      waiting_row_count_ += batch->num_rows();
      waiting_bytes_ += BytesOf(*batch);
    }
    if (waiting_row_count_ > kRowsMax || waiting_bytes_ > kBytesMax) LoseAll();
  }
  bell_.Ring();
  return range;
}

EarlyRange EarlyResults::AddToTable() {
  const std::lock_guard lock(mutex_);
  ++added_;
  LoseAll();
  return {.begin = added_ - 1, .end = added_};
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
  waiting_row_count_ = waiting_bytes_ = 0;
  taken_ = added_;
  return Share{.results = std::exchange(waiting_, {}), .end = added_};
}

void EarlyResults::Sent(uint64_t end) {
  const std::lock_guard lock(mutex_);
  sent_ = std::max(sent_, end);  // All may be lost meanwhile.
}

void EarlyResults::Lose() {
  const std::lock_guard lock(mutex_);
  if (taken_ > sent_) LoseAll();
}

void EarlyResults::Close() {
  const std::lock_guard lock(mutex_);
  is_open_ = false;
  if (added_ > sent_) LoseAll();
}

void EarlyResults::Open() {
  Lose();
  const std::lock_guard lock(mutex_);
  is_open_ = true;
}

void EarlyResults::LoseAll() {
  Forget(waiting_.size());
  lost_ = taken_ = sent_ = added_;
}

void EarlyResults::Forget(size_t batch_count) {
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(batch_count);
  for (auto batch = waiting_.begin(); batch != end; ++batch) {
    waiting_row_count_ -= (*batch)->num_rows();
    waiting_bytes_ -= BytesOf(**batch);
  }
  waiting_.erase(waiting_.begin(), end);
}

bool EarlyResults::Settle(const std::string& file) {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(file);
  if (found == files_.end()) return false;
  const EarlyRange range = found->second;
  files_.erase(found);
  const bool was_sent = range.begin >= lost_ && range.end <= sent_;
  settled_ = std::max(settled_, range.end);
  const uint64_t first = added_ - waiting_.size();  // What waits has the last numbers.
  if (settled_ > first) Forget(std::min<size_t>(waiting_.size(), settled_ - first));
  return was_sent;
}

}  // namespace catchwater
