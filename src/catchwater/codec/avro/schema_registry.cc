#include "catchwater/codec/avro/schema_registry.h"

#include <utility>

#include "catchwater/avro/json_guard.h"
#include "catchwater/base/clock.h"
#include "catchwater/base/error.h"
#include "catchwater/io/http_retry.h"

namespace catchwater {
namespace {

constexpr size_t kSchemasMax = 10'000;
constexpr int64_t kAnswerBytesMax = 4 << 20;
constexpr int kAttemptsMax = 4;

std::string Base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](size_t at) {
      return at < bytes.size() ? static_cast<uint32_t>(static_cast<uint8_t>(bytes[at])) : 0u;
    };
    const uint32_t word = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    text += kDigits[word >> 18];
    text += kDigits[word >> 12 & 63];
    text += i + 1 < bytes.size() ? kDigits[word >> 6 & 63] : '=';
    text += i + 2 < bytes.size() ? kDigits[word & 63] : '=';
  }
  return text;
}

}  // namespace

SchemaRegistry::SchemaRegistry(SchemaRegistryOptions options)
    : options_(std::move(options)), client_(MakeHttpClient()) {}

arrow::Result<std::shared_ptr<const AvroNode>> SchemaRegistry::Get(uint32_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = schemas_.find(id);
  if (found != schemas_.end()) return found->second;
  ARROW_ASSIGN_OR_RAISE(auto schema, Ask(id));
  if (schemas_.size() >= kSchemasMax) schemas_.clear();
  return schemas_[id] = std::move(schema);
}

arrow::Result<std::shared_ptr<const AvroNode>> SchemaRegistry::Ask(uint32_t id) {
  HttpRequest request{.url = options_.url + "/schemas/ids/" + std::to_string(id),
                      .headers = {{"Accept", "application/vnd.schemaregistry.v1+json"}},
                      .deadline_ms = options_.deadline_ms,
                      .body_bytes_max = kAnswerBytesMax};
  if (!options_.user.empty()) {
    request.secret_headers.push_back(
        {"Authorization",
         Secret("Basic " + Base64(options_.user + ":" + options_.password.Reveal()))});
  }
  const std::string where = ShownUrl(request.url);
  ARROW_ASSIGN_OR_RAISE(
      const HttpResponse answer,
      SendWithRetries(*client_, request, {.attempts_max = kAttemptsMax}, SystemClock(), {}));
  if (answer.status == 404) return NotFound("Schema registry has no such schema: ", where);
  if (answer.status == 401 || answer.status == 403) {
    return Denied("Schema registry refuses `registry_user` or `registry_password`, HTTP ",
                  answer.status, ": ", where);
  }
  if (!answer.is_success()) {
    return Unavailable("Schema registry does not answer, HTTP ", answer.status, ": ", where);
  }
  ARROW_ASSIGN_OR_RAISE(const nlohmann::json json, ParseJsonGuarded(answer.body));
  const auto text = [&](const char* key) {
    const bool has_text = json.is_object() && json.contains(key) && json[key].is_string();
    return has_text ? json[key].get<std::string>() : std::string();
  };
  const std::string type = text("schemaType");
  if (!type.empty() && type != "AVRO") {
    return BadData("Schema of the registry is not Avro but ", type, ": ", where);
  }
  if (json.is_object() && json.contains("references") && !json["references"].empty()) {
    return BadData("Schema of the registry refers to others, which is not supported: ", where);
  }
  auto schema = ParseAvroSchema(text("schema"));
  if (!schema.ok()) return WithContext(schema.status(), "Schema of the registry " + where);
  return std::make_shared<const AvroNode>(*std::move(schema));
}

}  // namespace catchwater
