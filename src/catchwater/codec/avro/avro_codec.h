/// \file
/// Codec `avro`: container files, messages with a schema registry, bare records.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <arrow/result.h>

#include "catchwater/codec/avro/avro_decoder.h"
#include "catchwater/component/codec.h"
#include "catchwater/component/registry.h"
#include "catchwater/config/describe.h"

namespace catchwater {

struct AvroConfig {
  std::string registry;
  std::string registry_user;
  Secret registry_password;
  std::string schema;

  static constexpr std::string_view kShortFor = "registry";

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("registry", registry,
                   "Schema registry of messages that begin with the number of their schema "
                   "(Confluent's wire format).",
                   Example{"http://localhost:8081"});
    field.Optional("registry_user", registry_user, "User of the registry.");
    field.Optional("registry_password", registry_password, "Password of the registry.");
    field.Optional("schema", schema,
                   "Schema (JSON) of messages that are bare records, without any beginning.");
  }
  /// \retval kConfig if the URL or the schema makes no sense, or both are given
  arrow::Status Check() const;
};

/// Immutable.
class AvroCodec final : public Codec {
 public:
  explicit AvroCodec(AvroMessages messages) : messages_(std::move(messages)) {}
  /// \retval kConfig as AvroConfig::Check
  static arrow::Result<std::unique_ptr<Codec>> Make(const AvroConfig& config);

  arrow::Result<std::unique_ptr<Framer>> MakeFramer(const DecodeOptions& options) const override;
  arrow::Result<std::unique_ptr<Decoder>> MakeDecoder(const DecodeOptions& options) const override;
  /// \retval kConfig always
  arrow::Result<std::unique_ptr<Encoder>> MakeEncoder(
      const std::shared_ptr<arrow::Schema>& schema) const override;

 private:
  const AvroMessages messages_;
};

arrow::Status RegisterAvroCodec(Registry& registry);

}  // namespace catchwater
