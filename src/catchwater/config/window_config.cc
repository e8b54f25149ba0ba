#include "catchwater/config/window_config.h"

#include "catchwater/base/error.h"

namespace catchwater {

arrow::Status WindowConfig::Check() const {
  const int kinds = (size ? 1 : 0) + (session ? 1 : 0) + (count ? 1 : 0);
  if (!is_time()) {
    if (kinds == 0 && !every && !every_rows && !cadence && greatest.empty())
      return arrow::Status::OK();
    return ConfigError("`over: all` and `over: none` have no size, session or count");
  }
  if (kinds != 1) {
    return ConfigError(
        "a window is one of `size` (with or without `every`), `session`, `count`, or the word "
        "`all`");
  }
  if (every && !size) return ConfigError("`every` belongs to `size`; for rows use `every_rows`");
  if (every && *every > *size) {
    return ConfigError(
        "`every` is longer than `size`: rows between the windows would be in none; make `size` at "
        "least as long");
  }
  if (every_rows && !count) return ConfigError("`every_rows` belongs to `count`");
  if (every_rows && *every_rows > *count) {
    return ConfigError("`every_rows` is more than `count`: rows would be in no window");
  }
  if (!greatest.empty() && !size) {
    return ConfigError("`greatest` belongs to windows with a `size`");
  }
  if (cadence && !size) return ConfigError("`cadence` belongs to windows with a `size`");
  return arrow::Status::OK();
}

arrow::Status LateConfig::Check() const {
  if (table.empty() || then == LateAction::kSideTable) return arrow::Status::OK();
  return ConfigError("`table` is for `then: side_table` only");
}

}  // namespace catchwater
