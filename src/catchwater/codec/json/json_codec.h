/// \file
/// Codec `json`: JSON lines, documents and arrays. Format note: docs/formats/json.md.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/codec/json/json_options.h"
#include "catchwater/component/codec.h"
#include "catchwater/component/field_finder.h"
#include "catchwater/component/registry.h"
#include "catchwater/config/describe.h"

namespace catchwater {

constexpr auto EnumWords(JsonFormat) {
  using Pair = std::pair<JsonFormat, std::string_view>;
  return std::array{Pair{JsonFormat::kAuto, "auto"}, Pair{JsonFormat::kNdjson, "ndjson"},
                    Pair{JsonFormat::kArray, "array"}, Pair{JsonFormat::kDocument, "document"}};
}

struct JsonConfig {
  std::string path;
  JsonFormat format = JsonFormat::kAuto;
  int32_t depth_max = 64;
  std::vector<std::string> null_tokens;

  static constexpr std::string_view kShortFor = "path";

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("path", path,
                   "Where the records stand in a document; `[*]` means each element. Default: the "
                   "document is the record, or each element if it is an array.",
                   Example{"data[*]"});
    field.Optional("format", format,
                   "How the text is made up: `ndjson` (one value a line), `array` (of records), "
                   "`document` (values over many lines), or `auto`, which looks at the beginning. "
                   "For writing: `array` writes one array, all others write JSON lines.");
    field.Optional("depth_max", depth_max,
                   "How many brackets may be open at once; deeper is a dead letter.",
                   Bounds{1, 1000});
    field.Optional("null_tokens", null_tokens, "Texts that mean null, besides null itself.",
                   Count{0, 100});
  }
  /// \retval kConfig if the path cannot be read
  arrow::Status Check() const;
};

/// Immutable.
class JsonCodec final : public Codec, public FieldNamer {
 public:
  /// \retval kConfig if the path cannot be read
  static arrow::Result<std::unique_ptr<JsonCodec>> Make(const JsonConfig& config);

  arrow::Result<std::unique_ptr<Framer>> MakeFramer(const DecodeOptions& options) const override;
  arrow::Result<std::unique_ptr<Decoder>> MakeDecoder(const DecodeOptions& options) const override;
  arrow::Result<std::unique_ptr<Encoder>> MakeEncoder(
      const std::shared_ptr<arrow::Schema>& schema) const override;
  arrow::Result<std::unique_ptr<FieldFinder>> MakeFieldFinder(
      const DecodeOptions& options) const override;

 private:
  explicit JsonCodec(JsonOptions options) : options_(std::move(options)) {}

  const JsonOptions options_;
};

arrow::Status RegisterJsonCodec(Registry& registry);

}  // namespace catchwater
