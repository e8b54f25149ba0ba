/// \file
/// Blocks of lines -> rows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/batch/column_builder.h"
#include "catchwater/batch/text_run.h"
#include "catchwater/component/codec.h"

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
  struct Target {
    Column column;
    bool is_offset = false;
    std::unique_ptr<ColumnBuilder> builder;
    NullTokens null_tokens;
  };

  LinesDecoder(bool skip_empty, const DecodeOptions& decode);

  void AddLine(uint32_t begin, uint32_t end, uint64_t ordinal);
  void AppendTexts(Target& target, std::string_view text);
  void AppendOffsets(Target& target);
  void Refuse(size_t row, std::string rule, std::string field, std::string reason);
  arrow::Result<Batch> MakeBatch(const Block& block);
  void AddOrigins(const Block& block, Batch& batch);
  std::vector<DeadLetter> MakeDeadLetters(const Block& block, std::string_view text);
  Split Reject(const Block& block) const;

  struct Fault {
    size_t row;
    std::string rule;
    std::string field;
    std::string reason;
    bool is_frame;
  };

  const bool skip_empty_;
  const bool has_origins_;
  const int64_t frame_bytes_max_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<Target> targets_;

  // Of the current block: one entry a row.
  std::vector<uint32_t> begins_;
  std::vector<uint32_t> ends_;
  std::vector<uint64_t> ordinals_;
  std::vector<uint8_t> keep_;
  std::vector<Fault> faults_;
};

}  // namespace catchwater
