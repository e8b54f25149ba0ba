#include "catchwater/source/http_push/http_push_source.h"

#include <algorithm>
#include <utility>

#include <openssl/evp.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int64_t kLingerUs = 1'000;
constexpr int64_t kReadBytes = 1 << 20;

std::string Base64(const std::string& text) {
  std::string encoded((text.size() + 2) / 3 * 4 + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
  encoded.resize(static_cast<size_t>(length));
  return encoded;
}

bool IsLoopback(const std::string& host) { return host.starts_with("127.") || host == "::1"; }

std::string PathIn(const std::string& folder, const std::string& path) {
  return path.starts_with('/') || folder.empty() ? path : folder + "/" + path;
}

}  // namespace

arrow::Status PushAuthConfig::Check() const {
  if (bearer.is_empty() != (user.empty() && password.is_empty())) return arrow::Status::OK();
  return ConfigError("`auth` needs either `bearer`, or `user` and `password`");
}

arrow::Status HttpPushConfig::Check() const {
  if (!path.starts_with('/')) return ConfigError("`path` must begin with `/`: ", path);
  if (!IsLoopback(host) && !auth && !anonymous) {
    return ConfigError(
        "`host` is open to other machines: set `auth`, or `anonymous: true` to let "
        "everybody send. Host: ",
        host);
  }
  if (body_bytes_max.bytes * 2 + (1 << 17) > spool.bytes_max.bytes) {
    return ConfigError("`spool.bytes_max` must hold more than two bodies of `body_bytes_max`");
  }
  return arrow::Status::OK();
}

arrow::Result<std::unique_ptr<HttpPushSource>> HttpPushSource::Make(const HttpPushConfig& config,
                                                                    const SourceContext& context) {
  ARROW_RETURN_NOT_OK(config.Check());
  return std::unique_ptr<HttpPushSource>(new HttpPushSource(config, context));
}

HttpPushSource::HttpPushSource(const HttpPushConfig& config, const SourceContext& context)
    : config_(config), context_(context) {}

HttpPushSource::~HttpPushSource() {
  if (listener_ != nullptr) listener_->Stop();
}

HttpListenerOptions HttpPushSource::ListenerOptions() const {
  HttpListenerOptions options{.host = config_.host, .port = static_cast<uint16_t>(config_.port)};
  if (config_.tls) {
    options.certificate_path = PathIn(context_.project_folder, config_.tls->certificate);
    options.key_path = PathIn(context_.project_folder, config_.tls->key);
  }
  options.header_bytes_max = config_.header_bytes_max.bytes;
  options.body_bytes_max = config_.body_bytes_max.bytes;
  options.all_bodies_bytes_max = std::max<int64_t>(64 << 20, config_.body_bytes_max.bytes);
  options.connection_count_max = config_.connections_max;
  options.header_timeout_ms = std::max<int64_t>(1, config_.timeout.ms / 3);
  options.body_timeout_ms = config_.timeout.ms;
  options.idle_timeout_ms = 2 * config_.timeout.ms;
  return options;
}

PushInboxOptions HttpPushSource::InboxOptions() const {
  PushInboxOptions options{.path = config_.path,
                           .body_bytes_max = config_.body_bytes_max.bytes,
                           .frame_fields = frame_fields_};
  if (config_.auth && !config_.auth->bearer.is_empty()) {
    options.authorization = Secret("bearer " + config_.auth->bearer.Reveal());
    options.challenge = "Bearer";
  } else if (config_.auth) {
    options.authorization =
        Secret("basic " + Base64(config_.auth->user + ":" + config_.auth->password.Reveal()));
    options.challenge = "Basic realm=\"catchwater\"";
  }
  return options;
}

// Binding says whether the address and the TLS files are good; the port is kept until it is used.
arrow::Status HttpPushSource::Check() {
  if (context_.data_folder.empty()) {
    return ConfigError(
        "Source `http_push` keeps requests in the data folder until they are in a "
        "table; the pipeline needs `lake:`");
  }
  if (listener_ != nullptr) return arrow::Status::OK();
  auto listener = HttpListener::Bind(ListenerOptions());
  if (!listener.ok()) return WithContext(listener.status(), "source.http_push");
  listener_ = *std::move(listener);
  return arrow::Status::OK();
}

arrow::Status HttpPushSource::OpenSpool() {
  const std::string folder = context_.data_folder + "/spool/" + context_.pipeline + "/http_push";
  Random random(context_.random_seed);
  ARROW_ASSIGN_OR_RAISE(spool_, Spool::Open(context_.files,
                                            {.folder = folder,
                                             .bytes_max = config_.spool.bytes_max.bytes,
                                             .bell = context_.bell},
                                            random));
  const PushKeysOptions options{.folder = folder + "/keys",
                                .keep_us = config_.idempotency.keep.us(),
                                .key_count_max = config_.idempotency.keys_max};
  ARROW_ASSIGN_OR_RAISE(
      keys_, PushKeys::Open(context_.files, *spool_, options, random, context_.clock.NowMicros()));
  return arrow::Status::OK();
}

arrow::Result<std::vector<Offer>> HttpPushSource::Discover() {
  if (spool_ == nullptr) ARROW_RETURN_NOT_OK(OpenSpool());
  return std::vector<Offer>{{.name = config_.path,
                             .incarnation = spool_->uuid(),
                             .attributes = std::make_shared<const Attributes>(),
                             .file = std::nullopt,
                             .is_bounded = false}};
}

arrow::Status HttpPushSource::Open(const Offer&, int64_t partition_id, const Position& resume_at) {
  if (!context_.make_framer) return ConfigError("Source `http_push` needs a codec");
  ARROW_ASSIGN_OR_RAISE(auto framer, context_.make_framer());
  ARROW_ASSIGN_OR_RAISE(auto inbox_framer, context_.make_framer());
  if (!framer || !inbox_framer) return ConfigError("Source `http_push` needs a codec of texts");
  partition_id_ = partition_id;
  // Also tells whether the spool still has what is not committed.
  ARROW_RETURN_NOT_OK(spool_->Locate(resume_at.ordinal).status());
  reader_ = std::make_unique<SpoolReader>(context_.files, *spool_, resume_at.ordinal);
  blocks_ = std::make_unique<PushBlocks>(std::move(framer), frame_fields_);
  ARROW_RETURN_NOT_OK(Acknowledge(partition_id, resume_at));
  if (listener_ == nullptr) ARROW_RETURN_NOT_OK(Check());
  inbox_ = std::make_unique<PushInbox>(InboxOptions(), *spool_, *keys_, std::move(inbox_framer),
                                       context_.clock);
  listener_->Start(*inbox_);
  return arrow::Status::OK();
}

arrow::Result<NextResult> HttpPushSource::Next(std::stop_token stop) {
  if (stop.stop_requested() || reader_ == nullptr) return NotYet{};
  while (blocks_->is_empty()) {
    ARROW_ASSIGN_OR_RAISE(const auto records, reader_->Read(kReadBytes));
    for (const auto& record : records) {
      ARROW_RETURN_NOT_OK(blocks_->Add(record, partition_id_));
    }
    if (!records.empty()) continue;
    ARROW_RETURN_NOT_OK(blocks_->Flush());
    if (!blocks_->is_empty()) break;
    context_.clock.SleepMicros(kLingerUs, stop);
    return NotYet{};
  }
  return blocks_->Pop();
}

int64_t HttpPushSource::pending_count() const {
  return reader_ != nullptr && reader_->ordinal() < spool_->appended_ordinal() ? 1 : 0;
}

arrow::Status HttpPushSource::Acknowledge(int64_t, const Position& position) {
  ARROW_RETURN_NOT_OK(keys_->Sync());  // Before the records that know them go.
  return spool_->Trim(position.ordinal);
}

arrow::Status HttpPushSource::Close() {
  if (listener_ != nullptr) listener_->Stop();
  listener_.reset();
  inbox_.reset();
  reader_.reset();
  if (spool_ == nullptr) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(keys_ == nullptr ? arrow::Status::OK() : keys_->Close());
  ARROW_RETURN_NOT_OK(spool_->Close());
  keys_.reset();
  spool_.reset();
  return arrow::Status::OK();
}

void HttpPushSource::SetFrameColumns(std::vector<std::string> names) {
  frame_fields_ = std::move(names);
}

arrow::Status RegisterHttpPushSource(Registry& registry) {
  return registry.AddSource<HttpPushConfig>(
      {.name = "http_push",
       .summary = "Takes records that others send with HTTP POST.",
       .details =
           "A request is answered with 202 when its body is synced to disk; from then on its "
           "records are in the table exactly once. With an `Idempotency-Key` a request that is "
           "sent again is answered with 200 and not stored again; without one it is another "
           "request (at least once). Bodies are what the codec reads: JSON, JSON lines, CSV with "
           "its header; plain, gzip or zstd. 400: no body for this codec, 401, 404, 405, 413: too "
           "large, 415: unknown encoding, 422: the key came with another body, 429: not written "
           "yet, send again after `Retry-After`, 431, 503. Problems are JSON (RFC 9457). A bad "
           "record in a good body is a dead letter. Columns may take `header[name]`, "
           "`query[name]` and `request.remote`. Guide: docs/guide/push.md.",
       .frame_columns = {"header[]", "query[]", "request.remote"},
       .is_live = true},
      [](const HttpPushConfig& config,
         const SourceContext& context) -> arrow::Result<std::unique_ptr<Source>> {
        return HttpPushSource::Make(config, context);
      });
}

}  // namespace catchwater
