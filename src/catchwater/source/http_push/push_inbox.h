/// \file
/// Answers push requests: checks them, puts their bodies into the spool, and says 202 when they are
/// durable.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catchwater/base/clock.h"
#include "catchwater/component/codec.h"
#include "catchwater/io/http_listener.h"
#include "catchwater/security/secret.h"
#include "catchwater/source/http_push/push_keys.h"
#include "catchwater/spool/spool.h"

namespace catchwater {

struct PushInboxOptions {
  std::string path = "/";
  int64_t body_bytes_max = 8 << 20;  ///< After decompression, too.
  /// The whole value of `Authorization` that is let in; empty: everybody.
  Secret authorization{};
  std::string challenge{};  ///< Of a 401: "Bearer" or "Basic realm=...".
  std::vector<std::string> frame_fields{};
};

/// The listener's thread.
class PushInbox final : public HttpHandler {
 public:
  PushInbox(PushInboxOptions options, Spool& spool, PushKeys& keys, std::unique_ptr<Framer> framer,
            const Clock& clock)
      : options_(std::move(options)),
        spool_(spool),
        keys_(keys),
        framer_(std::move(framer)),
        clock_(clock) {}

  std::optional<HttpAnswer> Admit(const HttpHead& head) override;
  std::function<HttpAnswer()> Take(HttpHead head, std::string body) override;
  void Settle() override;

 private:
  /// A request with a key in the group that is not durable yet.
  struct Waiting {
    PushKey key;
    Spool::Ticket ticket;
  };

  std::optional<HttpAnswer> Unpack(const HttpHead& head, std::string* body) const;
  std::optional<HttpAnswer> CheckBody(std::string_view body) const;
  std::optional<std::function<HttpAnswer()>> Repeated(const PushKey& key);
  HttpAnswer AnswerOf(const Spool::Ticket& ticket, bool is_repeated);
  HttpAnswer AnswerOfFailure(const arrow::Status& failure) const;
  std::vector<std::pair<std::string, std::optional<std::string>>> FieldsOf(
      const HttpHead& head) const;

  const PushInboxOptions options_;
  Spool& spool_;
  PushKeys& keys_;
  const std::unique_ptr<Framer> framer_;
  const Clock& clock_;
  std::vector<Waiting> waiting_;
};

/// The value of a query parameter, `%20` and `+` decoded; nothing: it is not there.
std::optional<std::string> QueryValue(std::string_view query, std::string_view name);

}  // namespace catchwater
