/// \file
/// Blocks of lines -> rows.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/component/codec.h"
#include "catchwater/record/record_rows.h"

namespace catchwater {

/// One thread at a time.
class LinesDecoder final : public Decoder {
 public:
  struct Options {
    bool skip_empty = false;
    std::vector<std::string> null_tokens{};
  };
  /// \retval kConfig if a column is neither `line` nor `byte_offset`, or makes no sense
  static arrow::Result<std::unique_ptr<LinesDecoder>> Make(const Options& options,
                                                           const DecodeOptions& decode);

  arrow::Result<Split> Decode(const Block& block) override;

 private:
  LinesDecoder(bool skip_empty, RecordRows rows, std::vector<bool> is_offset)
      : skip_empty_(skip_empty), rows_(std::move(rows)), is_offset_(std::move(is_offset)) {}

  const bool skip_empty_;
  RecordRows rows_;
  const std::vector<bool> is_offset_;  // By column; the others take the line.
};

}  // namespace catchwater
