/// \file
/// The idempotency keys of requests that are durable, for as long as they are kept, over restarts.
///
/// Invariants:
/// 1. A key is known only while the record that came with it is durable or was committed.
/// 2. It is on disk before that record may leave the spool: until then it is read from there.
/// 3. At most key_count_max are known; the oldest goes first, and that is counted.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include <arrow/result.h>

#include "catchwater/source/http_push/push_record.h"
#include "catchwater/spool/spool.h"

namespace catchwater {

struct PushKeysOptions {
  std::string folder;
  int64_t keep_us = 86'400'000'000;
  int64_t key_count_max = 200'000;
  bool is_locked = true;
};

/// Any thread.
class PushKeys {
 public:
  /// Reads the keys of the log, then those of the spool's records that came after them.
  static arrow::Result<std::unique_ptr<PushKeys>> Open(Files& files, const Spool& spool,
                                                       PushKeysOptions options, Random random,
                                                       int64_t now_us);

  /// The hash of the body that came with the key. Nothing: not known.
  std::optional<uint64_t> Find(const Hash128& key) const;
  /// \pre the record that ends at spool_ordinal is durable
  arrow::Status Add(const PushKey& key, uint64_t spool_ordinal, int64_t now_us);
  /// Makes durable what was added; call it before the spool is trimmed.
  arrow::Status Sync();
  arrow::Status Close();

  int64_t key_count() const;
  int64_t forgotten_count() const;  ///< Keys that went before their time, for want of room.

 private:
  struct Entry {
    Hash128 key;
    int64_t added_us = 0;
    uint64_t log_ordinal = 0;  // Behind it.
  };
  struct Hasher {
    size_t operator()(const Hash128& key) const { return key.low; }
  };

  PushKeys(Files& files, PushKeysOptions options) : files_(files), options_(std::move(options)) {}
  arrow::Result<uint64_t> ReadLog(int64_t now_us);
  arrow::Status ReadSpool(const Spool& spool, uint64_t from_ordinal);
  void Remember(const PushKey& key, int64_t added_us, uint64_t log_ordinal);
  arrow::Status Expire(int64_t now_us);

  Files& files_;
  const PushKeysOptions options_;
  mutable std::mutex mutex_;
  std::unique_ptr<Spool> log_;
  std::deque<Entry> oldest_first_;
  std::unordered_map<Hash128, uint64_t, Hasher> body_hashes_;
  int64_t forgotten_count_ = 0;
};

}  // namespace catchwater
