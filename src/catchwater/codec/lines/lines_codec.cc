#include "catchwater/codec/lines/lines_codec.h"

#include <cstdint>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "catchwater/base/error.h"
#include "catchwater/codec/lines/lines_decoder.h"
#include "catchwater/record/text_line_framer.h"

namespace catchwater {
namespace {

class LinesEncoder final : public Encoder {
 public:
  explicit LinesEncoder(int column) : column_(column) {}

  arrow::Status Encode(const arrow::RecordBatch& rows, std::string* bytes) override {
    const auto& lines = static_cast<const arrow::StringArray&>(*rows.column(column_));
    for (int64_t row = 0; row < lines.length(); ++row) {
      const std::string_view line = lines.GetView(row);
      if (line.find('\n') != line.npos) {
        return BadData("Text with a line end cannot be written as one line, bytes: ", line.size());
      }
    }
    for (int64_t row = 0; row < lines.length(); ++row) {
      *bytes += lines.GetView(row);  // Null is an empty line.
      *bytes += '\n';
    }
    return arrow::Status::OK();
  }
  arrow::Status Finish(std::string* /*bytes*/) override { return arrow::Status::OK(); }

 private:
  const int column_;
};

}  // namespace

arrow::Result<std::unique_ptr<Framer>> LinesCodec::MakeFramer(const DecodeOptions&) const {
  return std::make_unique<TextLineFramer>();
}

arrow::Result<std::unique_ptr<Decoder>> LinesCodec::MakeDecoder(
    const DecodeOptions& options) const {
  return LinesDecoder::Make({.skip_empty = config_.skip_empty, .null_tokens = config_.null_tokens},
                            options);
}

arrow::Result<std::unique_ptr<Encoder>> LinesCodec::MakeEncoder(
    const std::shared_ptr<arrow::Schema>& schema) const {
  const int column = schema->num_fields() == 1 ? 0 : schema->GetFieldIndex("line");
  if (column < 0 || schema->field(column)->type()->id() != arrow::Type::STRING) {
    return ConfigError("Codec lines writes the string column `line`, or the only one; columns: ",
                       schema->ToString());
  }
  return std::make_unique<LinesEncoder>(column);
}

arrow::Status RegisterLinesCodec(Registry& registry) {
  return registry.AddCodec<LinesConfig>(
      {.name = "lines",
       .summary = "Text: each line is one row.",
       .details = "A column reads `line` (the text without its line end) or `byte_offset` (where "
                  "the line begins), by `from` or by its own name. Writing takes the string column "
                  "`line`, or the only column; null becomes an empty line."},
      [](LinesConfig config) -> arrow::Result<std::unique_ptr<Codec>> {
        return std::make_unique<LinesCodec>(std::move(config));
      });
}

}  // namespace catchwater
