#include "catchwater/codec/lines/lines_codec.h"

#include <cstdint>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "catchwater/base/error.h"
#include "catchwater/codec/lines/lines_decoder.h"

namespace catchwater {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

class LinesFramer final : public Framer {
 public:
  arrow::Result<Head> ReadHead(std::string_view bytes, bool is_end) override {
    Head head;
    head.needs_more = !is_end && bytes.size() < kByteOrderMark.size();
    if (bytes.starts_with(kByteOrderMark)) {
      head.byte_count = static_cast<int64_t>(kByteOrderMark.size());
    }
    return head;
  }
  int64_t Cut(std::string_view bytes, bool is_end) override {
    if (is_end) return static_cast<int64_t>(bytes.size());
    const size_t last = bytes.rfind('\n');
    return last == bytes.npos ? 0 : static_cast<int64_t>(last) + 1;
  }
  int64_t Resync(std::string_view bytes) override {
    const size_t first = bytes.find('\n');
    return first == bytes.npos ? -1 : static_cast<int64_t>(first) + 1;
  }
  bool is_line_based() const override { return true; }
};

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
  return std::make_unique<LinesFramer>();
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
