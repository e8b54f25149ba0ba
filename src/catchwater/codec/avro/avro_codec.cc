#include "catchwater/codec/avro/avro_codec.h"

#include "catchwater/base/error.h"
#include "catchwater/codec/avro/avro_framer.h"

namespace catchwater {

arrow::Status AvroConfig::Check() const {
  if (!registry.empty() && !schema.empty()) {
    return ConfigError("Codec avro takes `registry` or `schema`, not both");
  }
  const bool is_url = registry.starts_with("http://") || registry.starts_with("https://");
  if (!registry.empty() && (!is_url || registry.ends_with('/'))) {
    return ConfigError(
        "`registry` must be http://HOST:PORT or https://..., without a / at its end: ", registry);
  }
  if (registry.empty() && !registry_user.empty()) {
    return ConfigError("`registry_user` needs `registry`");
  }
  if (schema.empty()) return arrow::Status::OK();
  const auto parsed = ParseAvroSchema(schema);
  return parsed.ok() ? arrow::Status::OK() : ConfigError(parsed.status().message());
}

arrow::Result<std::unique_ptr<Codec>> AvroCodec::Make(const AvroConfig& config) {
  ARROW_RETURN_NOT_OK(config.Check());
  AvroMessages messages;
  if (!config.registry.empty()) {
    messages.registry = std::make_shared<SchemaRegistry>(
        SchemaRegistryOptions{.url = config.registry,
                              .user = config.registry_user,
                              .password = config.registry_password});
  }
  if (!config.schema.empty()) {
    ARROW_ASSIGN_OR_RAISE(AvroNode schema, ParseAvroSchema(config.schema));
    messages.schema = std::make_shared<const AvroNode>(std::move(schema));
  }
  return std::make_unique<AvroCodec>(std::move(messages));
}

arrow::Result<std::unique_ptr<Framer>> AvroCodec::MakeFramer(const DecodeOptions&) const {
  return std::make_unique<AvroFramer>(messages_.registry != nullptr || messages_.schema != nullptr);
}

arrow::Result<std::unique_ptr<Decoder>> AvroCodec::MakeDecoder(const DecodeOptions& options) const {
  return AvroBlockDecoder::Make(messages_, options);
}

arrow::Result<std::unique_ptr<Encoder>> AvroCodec::MakeEncoder(
    const std::shared_ptr<arrow::Schema>&) const {
  return ConfigError("Codec avro only reads; write with `csv` or `json`");
}

arrow::Status RegisterAvroCodec(Registry& registry) {
  return registry.AddCodec<AvroConfig>(
      {.name = "avro",
       .summary = "Avro: container files, and messages with a schema registry.",
       .details =
           "Container files are compressed by `null`, `deflate`, `snappy` or `zstandard`; the "
           "schema is the file's own. A message is a whole container file, or 0 and the number of "
           "a schema in the `registry` before one record, or, with `schema`, a bare record.\n\n"
           "A column takes the field of its `from` or of its own name; `device.id` is a field of a "
           "record in a record. What the writer does not have is null, as is the null of a union. "
           "`date`, `timestamp-millis`, `-micros` and `-nanos` are times whatever the column's "
           "`format`; `local-timestamp-...` are in the column's `zone`; plain numbers and texts go "
           "by `format`. `decimal` is exact. Enums are their words. Records, arrays and maps "
           "become JSON in a string column.\n\n"
           "Dead letters: `avro.damaged` (a block or record that is not as its schema says), "
           "`avro.schema` (not in the registry, or not readable), `avro.magic` (begins as nothing "
           "known), `avro.type` and `column.type` (not of the column's type). A letter of a "
           "container file is a file of one record, so that it can be replayed. A registry that "
           "does not answer stops the pipeline for a while, it makes no dead letters."},
      [](const AvroConfig& config) { return AvroCodec::Make(config); });
}

}  // namespace catchwater
