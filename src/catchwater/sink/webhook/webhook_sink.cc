#include "catchwater/sink/webhook/webhook_sink.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/component/pick_columns.h"
#include "catchwater/io/http_client.h"

namespace catchwater {
namespace {

arrow::Status StatusOf(const HttpResponse& response) {
  if (response.is_success()) return arrow::Status::OK();
  const std::string said = "HTTP " + std::to_string(response.status);
  switch (response.status) {
    case 401:
    case 403:
      return Denied("Receiver refuses the request; look at `headers`: ", said);
    case 404:
    case 410:
      return NotFound("Receiver has nothing at this `url`: ", said);
    case 429:
      return MakeError(ErrorKind::kThrottled, "Receiver wants fewer requests: " + said);
    case 408:
    case 425:
      return Unavailable("Receiver did not take the rows: ", said);
    default:
      if (response.status >= 500) return Unavailable("Receiver failed: ", said);
      return ConfigError("Receiver refuses the rows; look at `url` and `columns`: ", said);
  }
}

/// A request never spans two data files, so that it is the same whenever it comes: its id tells
/// table, commit, file and first row.
class WebhookSink final : public Sink {
 public:
  WebhookSink(WebhookSinkConfig config, PickColumns pick, std::unique_ptr<Codec> codec,
              const SinkContext& context)
      : config_(std::move(config)),
        pick_(std::move(pick)),
        codec_(std::move(codec)),
        source_(context.stream.empty() ? context.table_key : context.stream),
        client_(MakeHttpClient()) {}

  arrow::Status Check() override {
    // A receiver of rows need not know any other method; what counts is that somebody answers.
    HttpRequest request{.method = "HEAD", .url = config_.url, .deadline_ms = config_.timeout.ms};
    AddHeaders(&request);
    ARROW_ASSIGN_OR_RAISE(const HttpResponse response, client_->Send(request));
    const bool is_refused = response.status == 401 || response.status == 403;
    return is_refused ? StatusOf(response) : arrow::Status::OK();
  }

  void BeginFile(const DeliveryMark& file) override {
    file_ = file;
    row_in_file_ = 0;
  }

  arrow::Status Write(const arrow::RecordBatch& rows) override {
    ARROW_ASSIGN_OR_RAISE(const auto picked, pick_.Apply(rows));
    for (int64_t begin = 0; begin < picked->num_rows(); begin += config_.batch_rows) {
      ARROW_RETURN_NOT_OK(Post(*picked->Slice(begin, config_.batch_rows)));
    }
    return arrow::Status::OK();
  }

  arrow::Result<SinkReceipt> Flush(const std::optional<DeliveryMark>&) override {
    return SinkReceipt{.row_count = std::exchange(row_count_, 0)};
  }
  arrow::Status Close() override { return arrow::Status::OK(); }

 private:
  void AddHeaders(HttpRequest* request) const {
    for (const auto& [name, value] : config_.headers) {
      request->secret_headers.push_back({name, value});
    }
  }

  arrow::Status Post(const arrow::RecordBatch& rows) {
    HttpRequest request{.method = "POST", .url = config_.url, .deadline_ms = config_.timeout.ms};
    ARROW_ASSIGN_OR_RAISE(const auto encoder, codec_->MakeEncoder(pick_.schema()));
    ARROW_RETURN_NOT_OK(encoder->Encode(rows, &request.body));
    ARROW_RETURN_NOT_OK(encoder->Finish(&request.body));
    request.headers = {{"Content-Type", "application/x-ndjson"},
                       {"Idempotency-Key", source_ + ":" + std::to_string(file_.seq) + ":" +
                                               std::to_string(file_.ordinal) + ":" +
                                               std::to_string(row_in_file_)}};
    AddHeaders(&request);
    ARROW_ASSIGN_OR_RAISE(const HttpResponse response, client_->Send(request));
    ARROW_RETURN_NOT_OK(StatusOf(response));
    row_in_file_ += rows.num_rows();
    row_count_ += rows.num_rows();
    return arrow::Status::OK();
  }

  const WebhookSinkConfig config_;
  const PickColumns pick_;
  const std::unique_ptr<Codec> codec_;
  const std::string source_;
  const std::unique_ptr<HttpClient> client_;
  DeliveryMark file_;
  int64_t row_in_file_ = 0;
  int64_t row_count_ = 0;  // Since the last Flush.
};

}  // namespace

arrow::Status RegisterWebhookSink(Registry& registry) {
  return registry.AddSink<WebhookSinkConfig>(
      {.name = "webhook",
       .summary = "Posts rows as JSON lines to a URL, at least once, each request with its id."},
      [](WebhookSinkConfig config,
         const SinkContext& context) -> arrow::Result<std::unique_ptr<Sink>> {
        ARROW_ASSIGN_OR_RAISE(auto pick, PickColumns::Make(config.columns, context.schema));
        ARROW_ASSIGN_OR_RAISE(auto codec, context.registry.MakeCodec("json"));
        return std::make_unique<WebhookSink>(std::move(config), std::move(pick), std::move(codec),
                                             context);
      });
}

}  // namespace catchwater
