#include "catchwater/source/http_push/push_keys.h"

#include <algorithm>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/spool/spool_reader.h"

namespace catchwater {
namespace {

constexpr int64_t kLogRecordBytes = 40;
constexpr int64_t kReadBytes = 1 << 20;

/// A record of the log: the key's three numbers, when, and where its record in the spool ends.
std::string EncodeLogRecord(const PushKey& key, int64_t added_us, uint64_t spool_ordinal) {
  std::string bytes;
  for (const uint64_t value :
       {key.key.low, key.key.high, key.body_hash, static_cast<uint64_t>(added_us), spool_ordinal}) {
    for (int i = 0; i < 8; ++i)
      bytes.push_back(static_cast<char>(static_cast<uint8_t>(value >> (8 * i))));
  }
  return bytes;
}

uint64_t NumberAt(std::string_view bytes, size_t index) {
  uint64_t value = 0;
  for (size_t i = 8; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[index * 8 + i]);
  return value;
}

}  // namespace

arrow::Result<std::unique_ptr<PushKeys>> PushKeys::Open(Files& files, const Spool& spool,
                                                        PushKeysOptions options, Random random,
                                                        int64_t now_us) {
  std::unique_ptr<PushKeys> keys(new PushKeys(files, std::move(options)));
  // Room for twice the keys: what is trimmed goes by segment.
  const int64_t log_bytes = std::max<int64_t>(
      1 << 20, keys->options_.key_count_max * 2 * (kLogRecordBytes + kSpoolRecordHeaderBytes));
  ARROW_ASSIGN_OR_RAISE(keys->log_, Spool::Open(files,
                                                {.folder = keys->options_.folder,
                                                 .bytes_max = log_bytes,
                                                 .segment_bytes = log_bytes / 16,
                                                 .is_locked = keys->options_.is_locked},
                                                random));
  ARROW_ASSIGN_OR_RAISE(const uint64_t known_ordinal, keys->ReadLog(now_us));
  ARROW_RETURN_NOT_OK(keys->ReadSpool(spool, known_ordinal));
  ARROW_RETURN_NOT_OK(keys->Expire(now_us));
  return keys;
}

// \return up to where of the spool keys are known
arrow::Result<uint64_t> PushKeys::ReadLog(int64_t now_us) {
  uint64_t known_ordinal = 0;
  SpoolReader reader(files_, *log_, log_->begin_ordinal());
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto records, reader.Read(kReadBytes));
    if (records.empty()) return known_ordinal;
    for (const auto& record : records) {
      if (record.payload.size() != static_cast<size_t>(kLogRecordBytes)) {
        return BadData("Log of idempotency keys holds something else, folder: ", options_.folder);
      }
      known_ordinal = std::max(known_ordinal, NumberAt(record.payload, 4));
      const auto added_us = static_cast<int64_t>(NumberAt(record.payload, 3));
      if (added_us < now_us - options_.keep_us) continue;
      PushKey key;
      key.key.low = NumberAt(record.payload, 0);
      key.key.high = NumberAt(record.payload, 1);
      key.body_hash = NumberAt(record.payload, 2);
      Remember(key, added_us, record.end_ordinal);
    }
  }
}

arrow::Status PushKeys::ReadSpool(const Spool& spool, uint64_t from_ordinal) {
  from_ordinal = std::max(from_ordinal, spool.begin_ordinal());
  if (from_ordinal >= spool.durable_ordinal()) return arrow::Status::OK();
  SpoolReader reader(files_, spool, from_ordinal);
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto records, reader.Read(kReadBytes));
    if (records.empty()) return arrow::Status::OK();
    for (const auto& record : records) {
      ARROW_ASSIGN_OR_RAISE(const PushRecord push, DecodePushRecord(record.payload));
      if (push.key) ARROW_RETURN_NOT_OK(Add(*push.key, record.end_ordinal, push.receive_us));
    }
  }
}

std::optional<uint64_t> PushKeys::Find(const Hash128& key) const {
  std::lock_guard lock(mutex_);
  const auto found = body_hashes_.find(key);
  if (found == body_hashes_.end()) return std::nullopt;
  return found->second;
}

void PushKeys::Remember(const PushKey& key, int64_t added_us, uint64_t log_ordinal) {
  if (!body_hashes_.emplace(key.key, key.body_hash).second) return;
  oldest_first_.push_back({.key = key.key, .added_us = added_us, .log_ordinal = log_ordinal});
}

arrow::Status PushKeys::Add(const PushKey& key, uint64_t spool_ordinal, int64_t now_us) {
  std::lock_guard lock(mutex_);
  ARROW_RETURN_NOT_OK(Expire(now_us));
  ARROW_ASSIGN_OR_RAISE(const Spool::Ticket ticket,
                        log_->Append(EncodeLogRecord(key, now_us, spool_ordinal)));
  Remember(key, now_us, ticket.end_ordinal);
  return arrow::Status::OK();
}

// \pre mutex_ is held, or nobody else knows this
arrow::Status PushKeys::Expire(int64_t now_us) {
  uint64_t log_ordinal = 0;
  while (!oldest_first_.empty()) {
    const Entry& oldest = oldest_first_.front();
    const bool is_old = oldest.added_us < now_us - options_.keep_us;
    const bool is_full = static_cast<int64_t>(oldest_first_.size()) >= options_.key_count_max;
    if (!is_old && !is_full) break;
    if (!is_old) ++forgotten_count_;
    log_ordinal = oldest.log_ordinal;
    body_hashes_.erase(oldest.key);
    oldest_first_.pop_front();
  }
  return log_ordinal == 0 ? arrow::Status::OK()
                          : log_->Trim(std::min(log_ordinal, log_->durable_ordinal()));
}

arrow::Status PushKeys::Sync() { return log_->Sync(); }
arrow::Status PushKeys::Close() { return log_->Close(); }

int64_t PushKeys::key_count() const {
  std::lock_guard lock(mutex_);
  return static_cast<int64_t>(oldest_first_.size());
}

int64_t PushKeys::forgotten_count() const {
  std::lock_guard lock(mutex_);
  return forgotten_count_;
}

}  // namespace catchwater
