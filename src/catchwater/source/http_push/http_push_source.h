/// \file
/// Source `http_push`: records that others send by POST. Answered when they are durable.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catchwater/component/registry.h"
#include "catchwater/component/source.h"
#include "catchwater/io/http_listener.h"
#include "catchwater/source/http_push/push_blocks.h"
#include "catchwater/source/http_push/push_inbox.h"
#include "catchwater/source/http_push/push_keys.h"
#include "catchwater/spool/spool.h"
#include "catchwater/spool/spool_reader.h"

namespace catchwater {

struct PushAuthConfig {
  Secret bearer;
  std::string user;
  Secret password;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("bearer", bearer, "Token of `Authorization: Bearer`.", Example{"${PUSH_TOKEN}"});
    field.Optional("user", user, "User of basic authorization.");
    field.Optional("password", password, "Password of basic authorization.");
  }
  arrow::Status Check() const;
};

struct PushTlsConfig {
  std::string certificate;
  std::string key;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("certificate", certificate, "PEM file of the certificate and its chain.",
                   Example{"tls/server.crt"});
    field.Required("key", key, "PEM file of the private key.", Example{"tls/server.key"});
  }
};

struct PushSpoolConfig {
  ByteSize bytes_max = ByteSize::GiB(1);

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("bytes_max", bytes_max,
                   "Disk for what is received and not committed. When it is full: 429.",
                   Bounds{ByteSize::KiB(64), ByteSize::GiB(1024)});
  }
};

struct PushIdempotencyConfig {
  Duration keep = Duration::Hours(24);
  int64_t keys_max = 200'000;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("keep", keep, "How long an `Idempotency-Key` is remembered.",
                   Bounds{Duration::Seconds(1), Duration::Days(30)});
    field.Optional("keys_max", keys_max,
                   "How many are remembered, about 130 bytes of memory each; then the oldest goes.",
                   Bounds{1, 50'000'000});
  }
};

struct HttpPushConfig {
  static constexpr std::string_view kShortFor = "port";

  int64_t port = 0;
  std::string host = "127.0.0.1";
  std::string path = "/";
  std::optional<PushAuthConfig> auth;
  bool anonymous = false;
  std::optional<PushTlsConfig> tls;
  ByteSize body_bytes_max = ByteSize::MiB(8);
  ByteSize header_bytes_max = ByteSize::KiB(16);
  int64_t connections_max = 256;
  Duration timeout = Duration::Seconds(30);
  PushIdempotencyConfig idempotency;
  PushSpoolConfig spool;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("port", port, "Port to listen on.", Bounds{1, 65'535}, Example{"8080"});
    field.Optional("host", host, "Address to listen on; `0.0.0.0` for all of IPv4.");
    field.Optional("path", path, "Path that records are sent to.", Example{"/readings"});
    field.Optional("auth", auth, "Who may send. Needed unless `host` is of this machine.");
    field.Optional("anonymous", anonymous, "Let everybody send who reaches `host`.");
    field.Optional("tls", tls, "Serve HTTPS (TLS 1.2 and 1.3).");
    field.Optional("body_bytes_max", body_bytes_max, "Longest body, also decompressed; then 413.",
                   Bounds{ByteSize::KiB(1), ByteSize::MiB(128)});
    field.Optional("header_bytes_max", header_bytes_max, "Longest header; then 431.",
                   Bounds{ByteSize::KiB(1), ByteSize::MiB(1)});
    field.Optional("connections_max", connections_max, "Connections at a time; then 503.",
                   Bounds{1, 100'000});
    field.Optional("timeout", timeout,
                   "For a whole body, and for the answer; a third of it for the header.",
                   Bounds{Duration::Millis(100), Duration::Hours(1)});
    field.Optional("idempotency", idempotency, "How repeated requests are known.");
    field.Optional("spool", spool, "Where requests wait on disk.");
  }
  arrow::Status Check() const;
};

/// One partition, the path; its positions are the spool's. One thread at a time.
class HttpPushSource final : public Source {
 public:
  static arrow::Result<std::unique_ptr<HttpPushSource>> Make(const HttpPushConfig& config,
                                                             const SourceContext& context);
  ~HttpPushSource() override;

  arrow::Status Check() override;
  arrow::Result<std::vector<Offer>> Discover() override;
  arrow::Status Open(const Offer& offer, int64_t partition_id, const Position& resume_at) override;
  arrow::Result<NextResult> Next(std::stop_token stop) override;
  arrow::Status Acknowledge(int64_t partition_id, const Position& position) override;
  arrow::Status Close() override;
  int64_t discover_interval_ms() const override { return 0; }
  int64_t pending_count() const override;
  void SetFrameColumns(std::vector<std::string> names) override;

 private:
  HttpPushSource(const HttpPushConfig& config, const SourceContext& context);
  arrow::Status OpenSpool();
  HttpListenerOptions ListenerOptions() const;
  PushInboxOptions InboxOptions() const;

  const HttpPushConfig config_;
  const SourceContext context_;
  std::vector<std::string> frame_fields_;
  int64_t partition_id_ = 0;
  // In the order of making; ended in the other one.
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<PushKeys> keys_;
  std::unique_ptr<SpoolReader> reader_;
  std::unique_ptr<PushBlocks> blocks_;
  std::unique_ptr<PushInbox> inbox_;
  std::unique_ptr<HttpListener> listener_;
};

arrow::Status RegisterHttpPushSource(Registry& registry);

}  // namespace catchwater
