#include "catchwater/codec/json/json_codec.h"

#include "catchwater/codec/json/json_decoder.h"
#include "catchwater/codec/json/json_encoder.h"
#include "catchwater/codec/json/json_field_finder.h"
#include "catchwater/codec/json/json_framer.h"

namespace catchwater {

arrow::Status JsonConfig::Check() const { return ParseJsonPath(path).status(); }

arrow::Result<std::unique_ptr<JsonCodec>> JsonCodec::Make(const JsonConfig& config) {
  JsonOptions options{
      .format = config.format, .depth_max = config.depth_max, .null_tokens = config.null_tokens};
  ARROW_ASSIGN_OR_RAISE(options.path, ParseJsonPath(config.path));
  return std::unique_ptr<JsonCodec>(new JsonCodec(std::move(options)));
}

arrow::Result<std::unique_ptr<Framer>> JsonCodec::MakeFramer(const DecodeOptions& options) const {
  ARROW_ASSIGN_OR_RAISE(JsonPlans plans, JsonPlans::Make(options_, options.columns));
  return std::make_unique<JsonFramer>(options_, std::move(plans), options.frame_bytes_max);
}

arrow::Result<std::unique_ptr<Decoder>> JsonCodec::MakeDecoder(const DecodeOptions& options) const {
  return JsonDecoder::Make(options_, options);
}

arrow::Result<std::unique_ptr<Encoder>> JsonCodec::MakeEncoder(
    const std::shared_ptr<arrow::Schema>& schema) const {
  const bool is_array = options_.format == JsonFormat::kArray;
  return JsonEncoder::Make(schema,
                           is_array ? JsonEncoder::Shape::kArray : JsonEncoder::Shape::kLines);
}

arrow::Result<std::unique_ptr<FieldFinder>> JsonCodec::MakeFieldFinder(
    const DecodeOptions& options) const {
  return JsonFieldFinder::Make(options_, options.columns);
}

arrow::Status RegisterJsonCodec(Registry& registry) {
  return registry.AddCodec<JsonConfig>(
      {.name = "json",
       .summary = "JSON: a record a line, arrays of records, documents with records inside.",
       .details = "A column without `from` reads the key that is its name, whole: `PM2.5` is one "
                  "key. `from` is a path: `a.b`, `['PM2.5']`, `tags[0]`; `$.header.name` begins at "
                  "the document and is carried onto each of its rows. A missing key is null; of "
                  "two equal keys the first counts; an object or array becomes its JSON text in a "
                  "string column. What is no JSON, nested deeper than `depth_max` or not UTF-8 is "
                  "a dead letter. See docs/formats/json.md."},
      [](const JsonConfig& config) -> arrow::Result<std::unique_ptr<Codec>> {
        return JsonCodec::Make(config);
      });
}

}  // namespace catchwater
