#include "catchwater/codec/regex/regex_codec.h"

#include "catchwater/base/error.h"
#include "catchwater/record/text_line_framer.h"

namespace catchwater {

arrow::Status RegexConfig::Check() const {
  return CompilePattern(pattern, /*is_latin1=*/false).status();
}

arrow::Result<std::unique_ptr<Framer>> PatternCodec::MakeFramer(const DecodeOptions&) const {
  return std::make_unique<TextLineFramer>();
}

arrow::Result<std::unique_ptr<Decoder>> PatternCodec::MakeDecoder(
    const DecodeOptions& options) const {
  return PatternDecoder::Make(pattern_, options);
}

arrow::Result<std::unique_ptr<Encoder>> PatternCodec::MakeEncoder(
    const std::shared_ptr<arrow::Schema>&) const {
  return ConfigError("Codec only reads; write with `lines`, `csv` or `json`: ", pattern_->format);
}

arrow::Status RegisterRegexCodec(Registry& registry) {
  return registry.AddCodec<RegexConfig>(
      {.name = "regex",
       .summary = "Lines of text, cut into fields by a regular expression with named groups.",
       .details =
           "A column reads the group of its `from` or of its own name, or `line`, the whole line. "
           "A group that took no part is null. Groups are written `(?P<name>...)` or "
           "`(?<name>...)`; the syntax is that of RE2, whose time is linear in the length of the "
           "line: look-around and back references are refused. A line that the pattern does not "
           "fit is a dead letter (`regex.match`), and so is one with a value that is not of its "
           "column's type (`column.type`). From a broker each message is one line."},
      [](RegexConfig config) -> arrow::Result<std::unique_ptr<Codec>> {
        LinePattern pattern{.format = "regex",
                            .is_search = config.search,
                            .skip_empty = config.skip_empty,
                            .null_tokens = std::move(config.null_tokens)};
        ARROW_ASSIGN_OR_RAISE(pattern.regex, CompilePattern(config.pattern, /*is_latin1=*/false));
        return std::make_unique<PatternCodec>(std::move(pattern));
      });
}

}  // namespace catchwater
