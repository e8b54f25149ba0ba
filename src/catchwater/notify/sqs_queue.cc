#include "catchwater/notify/sqs_queue.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/io/http_retry.h"

namespace catchwater {
namespace {

constexpr int64_t kDeadlineMs = 10'000;
constexpr int kMessagesMax = 10;  // The most that SQS gives at once.

/// A text of an object; empty: there is none.
std::string TextOf(const nlohmann::json& json, const char* name) {
  if (!json.is_object()) return "";
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

bool IsOneOf(std::string_view code, std::initializer_list<std::string_view> codes) {
  return std::ranges::find(codes, code) != codes.end();
}

/// `http://host:port` of a URL.
std::string_view ServerOf(std::string_view url) {
  const size_t host = url.find("://") + 3;
  return url.substr(0, url.find('/', host));
}

}  // namespace

arrow::Result<std::vector<SqsMessage>> ParseSqsMessages(std::string_view answer) {
  const auto json = nlohmann::json::parse(answer, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    return Unavailable("SQS gives no list of messages, bytes: ", answer.size());
  std::vector<SqsMessage> messages;
  const auto list = json.find("Messages");
  if (list == json.end() || !list->is_array()) return messages;
  for (const auto& item : *list) {
    if (messages.size() == kMessagesMax) break;
    SqsMessage message{.body = TextOf(item, "Body"), .receipt = TextOf(item, "ReceiptHandle")};
    if (!message.receipt.empty()) messages.push_back(std::move(message));
  }
  return messages;
}

std::string RegionOfSqs(std::string_view queue_url) {
  std::string_view host = ServerOf(queue_url);
  host.remove_prefix(host.find("://") + 3);
  constexpr std::string_view kService = "sqs.";
  const size_t end = host.find(".amazonaws.com");
  if (!host.starts_with(kService) || end == host.npos || end <= kService.size()) return "";
  return std::string(host.substr(kService.size(), end - kService.size()));
}

arrow::Status SqsQueue::Find(std::stop_token stop) {
  return Ask("GetQueueAttributes",
             {{"QueueUrl", options_.queue_url},
              {"AttributeNames", nlohmann::json::array({"QueueArn"})}},
             kDeadlineMs, std::move(stop))
      .status();
}

arrow::Result<std::vector<SqsMessage>> SqsQueue::Receive(int wait_s, std::stop_token stop) {
  const nlohmann::json question{{"QueueUrl", options_.queue_url},
                                {"MaxNumberOfMessages", kMessagesMax},
                                {"WaitTimeSeconds", wait_s}};
  ARROW_ASSIGN_OR_RAISE(const std::string answer,
                        Ask("ReceiveMessage", question, kDeadlineMs + wait_s * 1'000, stop));
  return ParseSqsMessages(answer);
}

arrow::Status SqsQueue::Delete(const std::vector<SqsMessage>& messages, std::stop_token stop) {
  nlohmann::json entries = nlohmann::json::array();
  for (const SqsMessage& message : messages) {
    entries.push_back({{"Id", std::to_string(entries.size())}, {"ReceiptHandle", message.receipt}});
  }
  return Ask("DeleteMessageBatch",
             {{"QueueUrl", options_.queue_url}, {"Entries", std::move(entries)}}, kDeadlineMs,
             std::move(stop))
      .status();
}

arrow::Result<std::string> SqsQueue::Ask(std::string_view action, const nlohmann::json& question,
                                         int64_t deadline_ms, std::stop_token stop) {
  const std::string server(ServerOf(options_.queue_url));
  HttpRequest request{.method = "POST", .url = server + "/", .deadline_ms = deadline_ms};
  request.headers = {{"Content-Type", "application/x-amz-json-1.0"},
                     {"X-Amz-Target", "AmazonSQS." + std::string(action)}};
  // A text that is no UTF-8 cannot be here: the URL was checked, receipts came as JSON.
  request.body = question.dump();
  const S3Target target{
      .host = server.substr(server.find("://") + 3), .path = "/", .service = "sqs"};
  SignS3Request(options_.credentials, options_.region, target, clock_.NowMicros(), &request);
  ARROW_ASSIGN_OR_RAISE(HttpResponse response, http_->Send(request, std::move(stop)));
  if (!response.is_success()) return ErrorOf(response);
  return std::move(response.body);
}

arrow::Status SqsQueue::ErrorOf(const HttpResponse& response) const {
  const auto json = nlohmann::json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  std::string code = TextOf(json, "__type");
  code.erase(0, code.find('#') + 1);  // `com.amazonaws.sqs#QueueDoesNotExist`
  std::string said = TextOf(json, "message");
  if (said.empty()) said = TextOf(json, "Message");
  said = "status " + std::to_string(response.status) + " " + code + " " + said;
  if (IsOneOf(code, {"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"})) {
    return NotFound("SQS queue does not exist; check `queue_url` and `region`: ",
                    options_.queue_url, ", ", options_.region);
  }
  if (IsOneOf(code, {"InvalidClientTokenId", "UnrecognizedClientException", "ExpiredToken",
                     "ExpiredTokenException", "SignatureDoesNotMatch", "InvalidSignatureException",
                     "IncompleteSignature", "MissingAuthenticationToken", "InvalidSecurity"})) {
    return Denied(
        "SQS refuses the credentials; check `access_key_id`, `secret_access_key` (or "
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), `region` and this machine's clock: ",
        said);
  }
  if (response.status == 403 || IsOneOf(code, {"AccessDenied", "AccessDeniedException"})) {
    return Denied(
        "SQS does not allow it; give the user sqs:GetQueueAttributes, sqs:ReceiveMessage and "
        "sqs:DeleteMessage of the queue: ",
        said);
  }
  if (response.status == 429 || code.find("Throttl") != code.npos) {
    return MakeError(ErrorKind::kThrottled, "SQS asks to slow down: " + said);
  }
  if (IsWorthRetrying(response.status)) return Unavailable("SQS fails: ", said);
  return ConfigError("SQS refuses the request; check `queue_url`, URL and reason: ",
                     options_.queue_url, " ", said);
}

}  // namespace catchwater
