/// \file
/// Codec `regex`: lines of text, cut into fields by a regular expression with named groups.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/codec/regex/pattern_decoder.h"
#include "catchwater/component/codec.h"
#include "catchwater/component/registry.h"
#include "catchwater/config/describe.h"

namespace catchwater {

struct RegexConfig {
  std::string pattern;
  bool search = false;
  bool skip_empty = false;
  std::vector<std::string> null_tokens;

  static constexpr std::string_view kShortFor = "pattern";

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("pattern", pattern, "RE2 expression whose named groups are the fields.",
                   Example{R"('(?P<level>[A-Z]+) (?P<text>.*)')"});
    field.Optional("search", search,
                   "The pattern may match anywhere in the line; else it is the whole line.");
    field.Optional("skip_empty", skip_empty, "Lines without a character make no row.");
    field.Optional("null_tokens", null_tokens, "Texts that mean null.", Count{0, 100},
                   Example{"['-']"});
  }
  /// \retval kConfig if the pattern cannot be compiled
  arrow::Status Check() const;
};

/// A codec that reads lines by a pattern and writes nothing. Immutable.
class PatternCodec final : public Codec {
 public:
  explicit PatternCodec(LinePattern pattern)
      : pattern_(std::make_shared<const LinePattern>(std::move(pattern))) {}

  arrow::Result<std::unique_ptr<Framer>> MakeFramer(const DecodeOptions& options) const override;
  /// \retval kConfig if a column reads what is no group
  arrow::Result<std::unique_ptr<Decoder>> MakeDecoder(const DecodeOptions& options) const override;
  /// \retval kConfig always
  arrow::Result<std::unique_ptr<Encoder>> MakeEncoder(
      const std::shared_ptr<arrow::Schema>& schema) const override;

 private:
  const std::shared_ptr<const LinePattern> pattern_;
};

arrow::Status RegisterRegexCodec(Registry& registry);

}  // namespace catchwater
