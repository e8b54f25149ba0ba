/// \file
/// A queue of Amazon SQS, or of a server that speaks like it, by its JSON protocol. Source: Amazon
/// SQS API Reference, "Making Query API requests using AWS JSON protocol".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>
#include <nlohmann/json_fwd.hpp>

#include "catchwater/base/clock.h"
#include "catchwater/io/http_client.h"
#include "catchwater/io/s3/s3_signer.h"

namespace catchwater {

struct SqsMessage {
  std::string body;
  std::string receipt;  ///< Of this delivery, for Delete.
};

struct SqsOptions {
  std::string queue_url;
  std::string region;
  S3Credentials credentials;
};

/// One thread at a time. Errors: kNotFound no such queue; kDenied credentials or rights; kConfig
/// the request is refused; kUnavailable, kThrottled later it may go; kCancelled.
class SqsQueue {
 public:
  SqsQueue(SqsOptions options, std::unique_ptr<HttpClient> http, const Clock& clock)
      : options_(std::move(options)), http_(std::move(http)), clock_(clock) {}

  /// Tests that the queue is there and may be used, without taking anything.
  arrow::Status Find(std::stop_token stop);
  /// Waits up to wait_s, at most 20, for messages; up to 10. Until they are deleted or the queue's
  /// time for that is over, nobody else gets them.
  arrow::Result<std::vector<SqsMessage>> Receive(int wait_s, std::stop_token stop);
  /// \pre at most 10. One that cannot be deleted comes again.
  arrow::Status Delete(const std::vector<SqsMessage>& messages, std::stop_token stop);

 private:
  arrow::Result<std::string> Ask(std::string_view action, const nlohmann::json& question,
                                 int64_t deadline_ms, std::stop_token stop);
  arrow::Status ErrorOf(const HttpResponse& response) const;

  const SqsOptions options_;
  const std::unique_ptr<HttpClient> http_;
  const Clock& clock_;
};

/// The messages of an answer to ReceiveMessage. \retval kUnavailable it is none
arrow::Result<std::vector<SqsMessage>> ParseSqsMessages(std::string_view answer);

/// `eu-west-1` of `https://sqs.eu-west-1.amazonaws.com/123456789012/name`; empty: the URL has none.
std::string RegionOfSqs(std::string_view queue_url);

}  // namespace catchwater
