/// \file
/// The dead letter table of a pipeline: `<table>__dead_letters`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/batch/batch.h"

namespace catchwater {

/// Columns: dead_letter_id, received_at, pipeline, source, origin, partition_id, frame_ordinal,
/// row_in_frame, line, rule, field, reason, raw, raw_bytes, raw_hash.
/// Source: docs/formats/ledger.md, dead letters.
const std::shared_ptr<arrow::Schema>& DeadLetterSchema();

/// Identity of a dead letter: `partition_id:frame_ordinal:row_in_frame`.
std::string DeadLetterId(int64_t partition_id, const DeadLetter& letter);

/// Where the letters of a batch come from; the same for all of them.
struct DeadLetterOrigin {
  std::string pipeline;
  std::string source;
  std::string origin;  ///< The partition's name: path, topic, ...
  int64_t partition_id = 0;
  int64_t receive_us = 0;
};

arrow::Result<std::shared_ptr<arrow::RecordBatch>> DeadLetterRows(
    const DeadLetterOrigin& origin, const std::vector<DeadLetter>& letters);

}  // namespace catchwater
