#include "catchwater/config/override_config.h"

#include "catchwater/base/error.h"

namespace catchwater {

arrow::Status OverrideConfig::Check() const {
  if (!size && !every && !session && !allow) {
    return ConfigError("an override has `size`, `every`, `session` or `allow`");
  }
  if (session && (size || every)) return ConfigError("`session` is not with `size` and `every`");
  return arrow::Status::OK();
}

}  // namespace catchwater
