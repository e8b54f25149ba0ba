#include "catchwater/cli/open_store.h"

#include <algorithm>
#include <utility>

#include "catchwater/config/environment.h"
#include "catchwater/io/s3/s3_credentials.h"

namespace catchwater {
namespace {

constexpr int kAttemptsMax = 1'000;  // The time decides.

}  // namespace

std::shared_ptr<S3Client> OpenStore(const S3Config& config, Files& local, const Clock& clock) {
  const VariableLookup variable = Environment::FromProcess("").variable;
  const auto first_of = [&variable](const std::string& set,
                                    std::initializer_list<const char*> names) {
    std::string value = set;
    for (const char* name : names) {
      if (value.empty()) value = variable(name).value_or(std::string());
    }
    return value;
  };
  S3Options options;
  options.endpoint = first_of(config.endpoint, {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"});
  options.region = first_of(config.region, {"AWS_REGION", "AWS_DEFAULT_REGION"});
  if (options.region.empty()) options.region = "us-east-1";
  options.is_path_style = config.is_path_style.value_or(!options.endpoint.empty());
  options.creates_buckets = config.creates_buckets;
  options.tls.ca_file = config.ca_file;
  options.deadline_ms = config.deadline.ms;
  options.retry = {.attempts_max = kAttemptsMax, .budget_ms = config.retry_for.ms};
  if (config.access_key_id.empty()) {
    options.credentials = [&local, variable] { return FindS3Credentials(local, variable); };
  } else {
    options.credentials = [config] {
      return S3Credentials{.access_key_id = config.access_key_id,
                           .secret_access_key = config.secret_access_key,
                           .session_token = config.session_token};
    };
  }
  const HttpClientOptions http{.tls = options.tls};
  return std::make_shared<S3Client>(std::move(options), MakeHttpClient(http), clock, nullptr);
}

arrow::Result<SqlS3Options> SqlOptionsOf(S3Client& client) {
  ARROW_ASSIGN_OR_RAISE(const S3Credentials credentials, client.Credentials());
  const S3Options& options = client.options();
  return SqlS3Options{.endpoint = options.endpoint,
                      .region = options.region,
                      .is_path_style = options.is_path_style,
                      .ca_file = options.tls.ca_file,
                      .access_key_id = credentials.access_key_id,
                      .secret_access_key = credentials.secret_access_key,
                      .session_token = credentials.session_token};
}

}  // namespace catchwater
