/// \file
/// Log and metrics of a process, handed to whoever has something to tell.
#pragma once

#include "catchwater/telemetry/log.h"
#include "catchwater/telemetry/metrics.h"

namespace catchwater {

/// Borrowed; any thread.
struct Telemetry {
  Log& log;
  Metrics& metrics;
};

}  // namespace catchwater
