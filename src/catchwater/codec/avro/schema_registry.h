/// \file
/// The schemas of a registry by their number, as Confluent's and compatible ones give them.
/// Source: Confluent Schema Registry API, `GET /schemas/ids/{id}`.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <arrow/result.h>

#include "catchwater/avro/avro.h"
#include "catchwater/io/http_client.h"
#include "catchwater/security/secret.h"

namespace catchwater {

struct SchemaRegistryOptions {
  std::string url;  ///< Without a `/` at its end.
  std::string user{};
  Secret password{};
  int64_t deadline_ms = 10'000;
};

/// Asks once for each number: what a number means never changes. Any thread.
class SchemaRegistry {
 public:
  explicit SchemaRegistry(SchemaRegistryOptions options);

  /// \retval kNotFound if the registry has no such number
  /// \retval kBadData if it is no Avro schema, or refers to others
  /// \retval kDenied, kUnavailable
  arrow::Result<std::shared_ptr<const AvroNode>> Get(uint32_t id);

 private:
  arrow::Result<std::shared_ptr<const AvroNode>> Ask(uint32_t id);

  const SchemaRegistryOptions options_;
  const std::unique_ptr<HttpClient> client_;
  std::mutex mutex_;  // Held while asking: lanes that want the same schema wait for one answer.
  std::map<uint32_t, std::shared_ptr<const AvroNode>> schemas_;  // At most kSchemasMax.
};

}  // namespace catchwater
