#include "catchwater/io/http_retry.h"

#include <algorithm>

#include "catchwater/base/error.h"

namespace catchwater {

Backoff::Backoff(const RetryPolicy& policy, const Clock& clock, uint64_t seed)
    : policy_(policy), clock_(clock), random_(seed), begin_us_(clock.MonotonicMicros()) {}

std::optional<int64_t> Backoff::NextDelayMs(std::optional<int64_t> asked_ms) {
  if (attempt_count_ >= policy_.attempts_max) return std::nullopt;
  const int doublings = std::min(attempt_count_ - 1, 30);
  const int64_t whole_ms = std::min(policy_.delay_ms_max, policy_.delay_ms_first << doublings);
  const int64_t half_ms = whole_ms / 2;
  int64_t delay_ms =
      half_ms + static_cast<int64_t>(random_.Below(static_cast<uint64_t>(whole_ms - half_ms) + 1));
  if (asked_ms) delay_ms = std::max(delay_ms, *asked_ms);
  const int64_t spent_ms = (clock_.MonotonicMicros() - begin_us_) / 1'000;
  if (spent_ms + delay_ms > policy_.budget_ms) return std::nullopt;
  ++attempt_count_;
  return delay_ms;
}

bool Backoff::Wait(std::optional<int64_t> asked_ms, std::stop_token stop) {
  const auto delay_ms = NextDelayMs(asked_ms);
  return delay_ms && clock_.SleepMicros(*delay_ms * 1'000, std::move(stop));
}

bool IsWorthRetrying(int status) {
  switch (status) {
    case 408:
    case 425:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
      return true;
    default:
      return false;
  }
}

arrow::Result<HttpResponse> SendWithRetries(HttpClient& client, const HttpRequest& request,
                                            const RetryPolicy& policy, const Clock& clock,
                                            std::stop_token stop) {
  Backoff backoff(policy, clock, Random::FromSystem().Next());
  while (true) {
    auto response = client.Send(request, stop);
    std::optional<int64_t> asked_ms;
    if (response.ok()) {
      if (!IsWorthRetrying(response->status)) return response;
      asked_ms = response->RetryAfterMs(clock.NowMicros());
    } else if (KindOf(response.status()) != ErrorKind::kUnavailable) {
      return response;
    }
    if (!backoff.Wait(asked_ms, stop)) {
      if (stop.stop_requested()) return Cancelled("Request was given up: the program stops");
      return response;
    }
  }
}

}  // namespace catchwater
