#include "catchwater/codec/lines/lines_decoder.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr uint64_t kOffsetMax = std::numeric_limits<int64_t>::max();

}  // namespace

arrow::Result<std::unique_ptr<LinesDecoder>> LinesDecoder::Make(const Options& options,
                                                                const DecodeOptions& decode) {
  std::vector<bool> is_offset;
  for (const Column& column : decode.columns) {
    const std::string& from = column.from.empty() ? column.name : column.from;
    if (from != "line" && from != "byte_offset") {
      return ConfigError("Codec lines has only `line` and `byte_offset`, column and from: ",
                         column.name, " ", from);
    }
    is_offset.push_back(from == "byte_offset");
  }
  ARROW_ASSIGN_OR_RAISE(RecordRows rows, RecordRows::Make("lines", decode, options.null_tokens));
  return std::unique_ptr<LinesDecoder>(
      new LinesDecoder(options.skip_empty, std::move(rows), std::move(is_offset)));
}

arrow::Result<Split> LinesDecoder::Decode(const Block& block) {
  ARROW_RETURN_NOT_OK(rows_.Begin(block));
  rows_.ForEachFrame([this](const RecordPlace& place) {
    if (skip_empty_ && place.text.empty()) return rows_.ForgetFrame();
    rows_.StartRow(place);
    for (size_t i = 0; i < is_offset_.size(); ++i) {
      if (is_offset_[i]) {
        rows_.AppendInt64(i, static_cast<int64_t>(std::min(place.frame_ordinal, kOffsetMax)));
      } else {
        rows_.AppendText(i, place.text);
      }
    }
  });
  return rows_.Finish();
}

}  // namespace catchwater
