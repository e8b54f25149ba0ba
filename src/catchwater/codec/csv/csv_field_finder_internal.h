/// \file
/// Fields that the header names and no column reads.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "catchwater/codec/csv/csv_decoder_internal.h"
#include "catchwater/component/field_finder.h"

namespace catchwater {

/// Decodes the block once more, for those fields alone. One thread at a time.
class CsvFieldFinder final : public FieldFinder {
 public:
  CsvFieldFinder(const CsvDialect& dialect, std::vector<std::string> null_tokens,
                 DecodeOptions options)
      : dialect_(dialect), null_tokens_(std::move(null_tokens)), options_(std::move(options)) {}

  arrow::Result<std::span<const FoundField>> Find(const Block& block, const Batch& rows) override;

 private:
  arrow::Status UseLayout(const std::shared_ptr<const Preamble>& preamble);

  const CsvDialect dialect_;
  const std::vector<std::string> null_tokens_;
  DecodeOptions options_;
  std::shared_ptr<const Preamble> preamble_;   // Of the last block.
  std::shared_ptr<const CsvLayout> layout_;    // Of the fields that no column reads.
  std::unique_ptr<CsvDecoder> decoder_;        // Null: there are none.
  std::shared_ptr<arrow::RecordBatch> texts_;  // What `found_` looks into.
  std::vector<FoundField> found_;
};

}  // namespace catchwater
