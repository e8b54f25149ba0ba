/// \file
/// Listens for object-created events. They only wake the listing, which remains the truth: one that
/// comes twice, late or never changes nothing but when a file is found.
///
/// Has a thread of its own, or the HTTP listener's, because the pipeline may be blocked while
/// events come; what it hands over is one flag.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/clock.h"
#include "catchwater/io/files.h"
#include "catchwater/notify/notify_config.h"

namespace catchwater {

struct ObjectEventsOptions {
  std::vector<std::string> patterns;  ///< `s3://bucket/in/*.csv`: events of others wake nobody.
  std::string project_folder;
  Files* files = nullptr;  ///< Where the keys for SQS may lie.
};

/// One thread at a time.
class ObjectEvents {
 public:
  /// Begins to listen. A broker that is away is tried again, and each new connection counts as an
  /// event: some may have been missed.
  /// \retval kConfig the address or TLS files cannot be used
  static arrow::Result<std::unique_ptr<ObjectEvents>> Listen(const NotifyConfig& config,
                                                             ObjectEventsOptions options,
                                                             const Clock& clock);
  /// Stops listening.
  virtual ~ObjectEvents() = default;

  /// True if something was created since the last call.
  virtual bool Take() = 0;
  /// Why nothing can be told now; empty: it can. A trouble that begins or ends counts as an event.
  virtual std::string Trouble() const { return ""; }

  /// Tests that the broker can be reached, without taking anything.
  /// \retval kNotFound no such topic or queue; kDenied, kUnavailable, kConfig
  static arrow::Status Check(const NotifyConfig& config, const ObjectEventsOptions& options,
                             const Clock& clock);
};

}  // namespace catchwater
