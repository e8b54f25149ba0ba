#include "catchwater/config/store_config.h"

#include "catchwater/base/error.h"

namespace catchwater {

arrow::Status S3Config::Check() const {
  if (!endpoint.empty() && !endpoint.starts_with("http://") && !endpoint.starts_with("https://")) {
    return ConfigError("`endpoint` must begin with http:// or https://: ", endpoint);
  }
  if (access_key_id.empty() != secret_access_key.is_empty()) {
    return ConfigError("`access_key_id` and `secret_access_key` go together");
  }
  return arrow::Status::OK();
}

}  // namespace catchwater
