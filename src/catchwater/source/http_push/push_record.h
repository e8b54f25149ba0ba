/// \file
/// What a push request leaves in the spool. Source: docs/formats/spool.md, section 3. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/batch/row_hash.h"

namespace catchwater {

/// Of an `Idempotency-Key`, and of the body that came with it.
struct PushKey {
  Hash128 key;
  uint64_t body_hash = 0;
};

struct PushRecord {
  int64_t receive_us = 0;
  std::optional<PushKey> key;
  /// Frame fields that columns take, by name; nothing: the request had none of it.
  std::vector<std::pair<std::string, std::optional<std::string>>> fields;
  std::string_view body;
};

std::string EncodePushRecord(const PushRecord& record);
/// The body is a view into the bytes. \retval kBadData
arrow::Result<PushRecord> DecodePushRecord(std::string_view bytes);

}  // namespace catchwater
