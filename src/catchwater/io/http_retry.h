/// \file
/// Repeats what failed for a while: back-off that doubles, jitter, a budget of time.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>

#include <arrow/result.h>

#include "catchwater/base/clock.h"
#include "catchwater/base/random.h"
#include "catchwater/io/http_client.h"

namespace catchwater {

struct RetryPolicy {
  int attempts_max = 6;
  int64_t delay_ms_first = 100;
  int64_t delay_ms_max = 10'000;
  int64_t budget_ms = 60'000;  ///< No attempt begins later than this after the first.
};

/// The delays between the attempts of one thing. One thread at a time.
class Backoff {
 public:
  Backoff(const RetryPolicy& policy, const Clock& clock, uint64_t seed);

  /// How long to wait before the next attempt: half to all of a delay that doubles, or what the
  /// server asked for if that is longer. nullopt: attempts or budget are used up.
  std::optional<int64_t> NextDelayMs(std::optional<int64_t> asked_ms = std::nullopt);
  /// Waits that long. \return false if there is no next attempt or a stop was requested
  bool Wait(std::optional<int64_t> asked_ms, std::stop_token stop);
  int attempt_count() const { return attempt_count_; }

 private:
  const RetryPolicy policy_;
  const Clock& clock_;
  Random random_;
  const int64_t begin_us_;
  int attempt_count_ = 1;  // That were made.
};

/// True for answers that may be better later: 408, 425, 429, 500, 502, 503, 504.
bool IsWorthRetrying(int status);

/// Sends until there is an answer that is not worth retrying, or attempts or budget are used up:
/// then the last answer or error. The request must bear being done twice.
arrow::Result<HttpResponse> SendWithRetries(HttpClient& client, const HttpRequest& request,
                                            const RetryPolicy& policy, const Clock& clock,
                                            std::stop_token stop);

}  // namespace catchwater
