#include "catchwater/sink/influx/influx_sink.h"

#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/influx/line_protocol.h"
#include "catchwater/io/http_client.h"

namespace catchwater {
namespace {

constexpr size_t kSaidBytesMax = 500;

/// What the server says, short and without what it was sent.
std::string Said(const HttpResponse& response) {
  const auto json = nlohmann::json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  std::string text = response.body;
  for (const char* name : {"error", "message"}) {
    if (json.is_object() && json.contains(name) && json[name].is_string()) {
      text = json[name].get<std::string>();
    }
  }
  if (text.size() > kSaidBytesMax) text.resize(kSaidBytesMax);
  return "HTTP " + std::to_string(response.status) + " " + text;
}

arrow::Status StatusOf(const HttpResponse& response, const InfluxSinkConfig& config) {
  if (response.is_success()) return arrow::Status::OK();
  const std::string said = Said(response);
  switch (response.status) {
    case 401:
    case 403:
      return Denied("InfluxDB refuses ",
                    config.api == InfluxApi::kV1 ? "`user` or `password`: " : "`token`: ", said);
    case 404:
      return config.api == InfluxApi::kV1
                 ? NotFound("InfluxDB does not have `database`; run: CREATE DATABASE \"",
                            config.database, "\": ", said)
                 : NotFound(
                       "InfluxDB does not have `bucket` or `org`; make the bucket, e.g. influx "
                       "bucket create -n ",
                       config.bucket, ": ", said);
    case 408:
    case 425:
    case 500:
    case 502:
    case 503:
    case 504:
      return Unavailable("InfluxDB cannot take points now: ", said);
    case 429:
      return MakeError(ErrorKind::kThrottled, "InfluxDB wants fewer points: " + said);
    default:
      return ConfigError(
          "InfluxDB refuses points; a field that has another type there must be "
          "renamed or its measurement dropped: ",
          said);
  }
}

class InfluxSink final : public Sink {
 public:
  InfluxSink(InfluxSinkConfig config, LineProtocol lines)
      : config_(std::move(config)), lines_(std::move(lines)), client_(MakeHttpClient()) {}

  arrow::Status Check() override {
    HttpRequest request = Request();
    request.method = "GET";
    if (config_.api == InfluxApi::kV1) {
      request.url = config_.url + "/query?q=" + EncodeForUrl("SHOW DATABASES") + Credentials();
      ARROW_ASSIGN_OR_RAISE(const HttpResponse response, client_->Send(request));
      ARROW_RETURN_NOT_OK(StatusOf(response, config_));
      return CheckDatabase(response);
    }
    request.url = config_.url + "/api/v2/buckets?name=" + EncodeForUrl(config_.bucket) +
                  "&org=" + EncodeForUrl(config_.org);
    ARROW_ASSIGN_OR_RAISE(const HttpResponse response, client_->Send(request));
    return StatusOf(response, config_);
  }

  // A point with the tags and time of another one takes its place.
  SinkTraits traits() const override { return {.keeps_mark = false, .replaces_rows = true}; }

  arrow::Status Write(const arrow::RecordBatch& rows) override {
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      ++row_count_;
      if (lines_.Append(rows, row, &body_)) ++point_count_;
      if (point_count_ >= config_.batch_points) ARROW_RETURN_NOT_OK(Send());
    }
    return arrow::Status::OK();
  }

  arrow::Result<SinkReceipt> Flush(const std::optional<DeliveryMark>&) override {
    ARROW_RETURN_NOT_OK(Send());
    return SinkReceipt{.row_count = std::exchange(row_count_, 0)};
  }

  arrow::Status Close() override {
    body_.clear();
    point_count_ = 0;
    return arrow::Status::OK();
  }

 private:
  HttpRequest Request() const {
    HttpRequest request{.method = "POST", .deadline_ms = config_.timeout.ms};
    if (config_.api == InfluxApi::kV2) {
      request.url = config_.url + "/api/v2/write?org=" + EncodeForUrl(config_.org) +
                    "&bucket=" + EncodeForUrl(config_.bucket) + "&precision=us";
      if (!config_.token.is_empty()) {
        request.secret_headers.push_back(
            {"Authorization", Secret("Token " + config_.token.Reveal())});
      }
      return request;
    }
    const size_t slash = config_.database.find('/');
    request.url = config_.url + "/write?db=" + EncodeForUrl(config_.database.substr(0, slash)) +
                  "&precision=u";
    if (slash != config_.database.npos) {
      request.url += "&rp=" + EncodeForUrl(config_.database.substr(slash + 1));
    }
    // The client shows no queries. A header would need a form that 1.6 does not know.
    request.url += Credentials();
    return request;
  }

  std::string Credentials() const {
    if (config_.api == InfluxApi::kV2 || config_.user.empty()) return "";
    return "&u=" + EncodeForUrl(config_.user) + "&p=" + EncodeForUrl(config_.password.Reveal());
  }

  arrow::Status CheckDatabase(const HttpResponse& response) const {
    const std::string name = config_.database.substr(0, config_.database.find('/'));
    const auto json = nlohmann::json::parse(response.body, nullptr, /*allow_exceptions=*/false);
    if (json.is_object() && json.dump().find("[\"" + name + "\"]") != std::string::npos) {
      return arrow::Status::OK();
    }
    return NotFound("InfluxDB does not have `database`; run: CREATE DATABASE \"", name, "\"");
  }

  arrow::Status Send() {
    if (point_count_ == 0) return arrow::Status::OK();
    HttpRequest request = Request();
    request.headers.push_back({"Content-Type", "text/plain; charset=utf-8"});
    request.body = std::exchange(body_, {});
    point_count_ = 0;
    ARROW_ASSIGN_OR_RAISE(const HttpResponse response, client_->Send(request));
    return StatusOf(response, config_);
  }

  const InfluxSinkConfig config_;
  const LineProtocol lines_;
  const std::unique_ptr<HttpClient> client_;
  std::string body_;  // At most batch_points lines.
  int64_t point_count_ = 0;
  int64_t row_count_ = 0;  // Since the last Flush.
};

}  // namespace

arrow::Status InfluxSinkConfig::Check() const {
  if (api == InfluxApi::kV1 && database.empty()) return ConfigError("`api: v1` needs `database`");
  if (api == InfluxApi::kV2 && (org.empty() || bucket.empty())) {
    return ConfigError("`api: v2` needs `org` and `bucket`");
  }
  if (url.ends_with("/")) return ConfigError("`url` ends without a `/`");
  return arrow::Status::OK();
}

arrow::Status RegisterInfluxSink(Registry& registry) {
  return registry.AddSink<InfluxSinkConfig>(
      {.name = "influx", .summary = "Writes points to InfluxDB in line protocol over HTTP."},
      [](InfluxSinkConfig config,
         const SinkContext& context) -> arrow::Result<std::unique_ptr<Sink>> {
        ARROW_ASSIGN_OR_RAISE(auto lines,
                              LineProtocol::Make(*context.schema, config.measurement, config.time,
                                                 config.tags, config.fields));
        return std::make_unique<InfluxSink>(std::move(config), std::move(lines));
      });
}

}  // namespace catchwater
