/// \file
/// The operations of S3 and of servers that speak like it, one object or page at a time, repeated
/// within a budget when they fail.
///
/// Every written object carries a random write id in its metadata. When an answer is lost, or says
/// that the name is taken, the object is looked at: if it has our id, the write had succeeded.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/clock.h"
#include "catchwater/io/http_client.h"
#include "catchwater/io/http_retry.h"
#include "catchwater/io/s3/s3_answer.h"
#include "catchwater/io/s3/s3_signer.h"
#include "catchwater/telemetry/log.h"

namespace catchwater {

struct S3Options {
  std::string endpoint = {};  ///< `https://host:port`; empty: Amazon's of the region.
  std::string region = "us-east-1";
  bool is_path_style = false;  ///< `host/bucket/key` instead of `bucket.host/key`.
  bool creates_buckets = false;
  HttpTls tls = {};
  RetryPolicy retry = {};
  int64_t deadline_ms = 30'000;    ///< Of one attempt, and a second more per part_bytes / 8.
  int64_t part_bytes = 8LL << 20;  ///< Larger objects are sent in parts of so many bytes.
  /// Asked at first, and again when the server says that they have expired or are not known.
  std::function<arrow::Result<S3Credentials>()> credentials = {};
};

struct S3Key {
  std::string bucket;
  std::string key = {};
};

struct S3Part {
  int number = 0;  ///< From 1.
  std::string etag;
};

/// Any thread. Errors: kNotFound; kDenied; kConfig for what the settings cause (credentials,
/// region, bucket), with what to do; kUnavailable and kThrottled when the budget is used up.
class S3Client {
 public:
  /// log may be null.
  S3Client(S3Options options, std::unique_ptr<HttpClient> http, const Clock& clock, Log* log);

  arrow::Result<S3Object> Head(const S3Key& object);
  /// Bytes [offset, offset + byte_count) of the version with the etag.
  /// \retval kConflict the object is another one by now
  arrow::Result<std::string> Read(const S3Key& object, int64_t offset, int64_t byte_count,
                                  const std::string& etag);
  /// Creates an object; the write id makes it known as ours. \retval kAlreadyExists
  arrow::Status Create(const S3Key& object, std::string bytes, const std::string& write_id);
  /// Creates or replaces.
  arrow::Status Replace(const S3Key& object, std::string bytes);
  arrow::Status Copy(const S3Key& from, const S3Key& to);
  arrow::Status Delete(const S3Key& object);  ///< A missing one is OK.
  /// One page of keys that begin with the prefix; with a delimiter, not beyond the next one.
  arrow::Result<S3Page> List(const std::string& bucket, const std::string& prefix,
                             std::string_view delimiter, const std::string& token,
                             int64_t keys_max = 1'000);

  arrow::Result<std::string> BeginParts(const S3Key& object, const std::string& write_id);
  arrow::Result<S3Part> PutPart(const S3Key& object, const std::string& upload, int number,
                                std::string bytes);
  /// \retval kAlreadyExists
  arrow::Status CompleteParts(const S3Key& object, const std::string& upload,
                              const std::vector<S3Part>& parts, const std::string& write_id);
  arrow::Status AbortParts(const S3Key& object, const std::string& upload);

  /// Makes sure that the bucket is there; creates it if the options say so.
  /// \retval kConfig with what to do if it is not there
  arrow::Status EnsureBucket(const std::string& bucket);

  const S3Options& options() const { return options_; }
  arrow::Result<S3Credentials> Credentials();

 private:
  struct Call {
    std::string method = "GET";
    S3Key object = {};
    std::vector<std::pair<std::string, std::string>> query = {};
    std::vector<HttpHeader> headers = {};
    std::string body = {};
    int64_t body_bytes_max = 16LL << 20;
    bool is_error_in_success = false;  ///< The server may say 200 first and fail later.
  };
  using Failure = std::optional<S3Failure>;

  /// Sends until it succeeds or may not be repeated. A failure is an answer.
  arrow::Result<std::pair<HttpResponse, Failure>> Send(Call call);
  arrow::Result<HttpRequest> Sign(const Call& call);
  /// Send, with every failure turned into a status.
  arrow::Result<HttpResponse> Run(Call call);
  arrow::Status StatusOf(const S3Failure& failure, const S3Key& object) const;
  bool IsWorthRepeating(const S3Failure& failure);
  /// True if the object is there and was written under the id.
  bool IsOurs(const S3Key& object, const std::string& write_id);
  /// What a write has come to whose answer is a failure or was lost.
  arrow::Status Settle(const S3Key& object, const std::string& write_id, arrow::Status status);
  std::string HostOf(const std::string& bucket) const;

  const S3Options options_;
  const std::unique_ptr<HttpClient> http_;
  const Clock& clock_;
  Log* const log_;
  std::mutex mutex_;  // Guards what follows.
  std::optional<S3Credentials> credentials_;
  std::vector<std::string> buckets_;  // Known to be there.
  bool has_conditions_ = true;        // False: the server does not know If-None-Match.
};

}  // namespace catchwater
