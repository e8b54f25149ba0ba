/// \file
/// `overrides:` of a stream: other windows and lateness for some of its keys.
#pragma once

#include <optional>

#include <arrow/status.h>

#include "catchwater/config/describe.h"
#include "catchwater/config/value_detect_config.h"

namespace catchwater {

/// `{only: {station_id: [A]}, size: 5m, allow: 10m}`
struct OverrideConfig {
  OnlyKeys only;
  std::optional<Duration> size;
  std::optional<Duration> every;
  std::optional<Duration> session;
  std::optional<Duration> allow;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("only", only, "The keys, by values of key columns.", Count{1, 16},
                   Example{"{station_id: [A, B]}"});
    field.Optional("size", size, "As in `window`, for these keys.",
                   Bounds{Duration::Millis(1), Duration::Days(3'660)}, Example{"5m"});
    field.Optional("every", every,
                   "As in `window`, for these keys. Default: that of `window`, if it has one.",
                   Bounds{Duration::Millis(1), Duration::Days(3'660)});
    field.Optional("session", session, "As in `window`, for these keys.",
                   Bounds{Duration::Millis(1), Duration::Days(366)});
    field.Optional("allow", allow, "As in `late`, for these keys.",
                   Bounds{Duration::Millis(1), Duration::Days(366)}, Example{"10m"});
  }
  arrow::Status Check() const;
};

}  // namespace catchwater
