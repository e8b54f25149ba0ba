/// \file
/// Records of the spool -> blocks for the codec. Small bodies go together into one block where the
/// codec lets them.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/component/codec.h"
#include "catchwater/source/http_push/push_record.h"
#include "catchwater/spool/spool_reader.h"

namespace catchwater {

/// One thread at a time.
class PushBlocks {
 public:
  PushBlocks(std::unique_ptr<Framer> framer, std::vector<std::string> frame_fields)
      : framer_(std::move(framer)), frame_fields_(std::move(frame_fields)) {}

  /// Takes the next record. Its block may wait for more.
  arrow::Status Add(const SpoolReader::Record& record, int64_t partition_id);
  /// No more records for now: what waits is a block.
  arrow::Status Flush();

  bool is_empty() const { return ready_.empty(); }
  Block Pop();

 private:
  /// A block in the making.
  struct Open {
    Block block;
    std::string head;  // What stood before the first record of each body, e.g. a CSV header.
    std::string bytes;
    std::vector<std::vector<std::optional<std::string>>> fields;  // By body.
  };

  void Begin(const SpoolReader::Record& record, const PushRecord& push, int64_t partition_id,
             std::shared_ptr<const Preamble> preamble);
  void Append(const SpoolReader::Record& record, const PushRecord& push, std::string_view content);

  const std::unique_ptr<Framer> framer_;
  const std::vector<std::string> frame_fields_;
  std::optional<Open> open_;
  std::deque<Block> ready_;
};

}  // namespace catchwater
