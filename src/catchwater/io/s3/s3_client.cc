#include "catchwater/io/s3/s3_client.h"

#include <algorithm>
#include <charconv>

#include "catchwater/base/error.h"
#include "catchwater/base/random.h"

namespace catchwater {
namespace {

constexpr const char* kWriteIdHeader = "x-amz-meta-catchwater-write";
constexpr int64_t kBucketsMax = 64;

std::string Shown(const S3Key& object) { return "s3://" + object.bucket + "/" + object.key; }

std::string Unquoted(std::string_view etag) {
  std::string text(etag);
  std::erase(text, '"');
  return text;
}

bool IsAbout(std::string_view code, std::initializer_list<std::string_view> codes) {
  return std::ranges::find(codes, code) != codes.end();
}

}  // namespace

S3Client::S3Client(S3Options options, std::unique_ptr<HttpClient> http, const Clock& clock,
                   Log* log)
    : options_(std::move(options)), http_(std::move(http)), clock_(clock), log_(log) {}

arrow::Result<S3Credentials> S3Client::Credentials() {
  const std::lock_guard lock(mutex_);
  if (!credentials_) {
    ARROW_ASSIGN_OR_RAISE(credentials_, options_.credentials());
  }
  return *credentials_;
}

std::string S3Client::HostOf(const std::string& bucket) const {
  std::string host =
      options_.endpoint.empty() ? "s3." + options_.region + ".amazonaws.com" : options_.endpoint;
  if (const size_t scheme = host.find("://"); scheme != host.npos) host.erase(0, scheme + 3);
  while (host.ends_with('/')) host.pop_back();
  return options_.is_path_style || bucket.empty() ? host : bucket + "." + host;
}

arrow::Result<HttpRequest> S3Client::Sign(const Call& call) {
  ARROW_ASSIGN_OR_RAISE(const S3Credentials credentials, Credentials());
  S3Target target{.host = HostOf(call.object.bucket), .query = call.query};
  target.path = options_.is_path_style ? "/" + EncodeForUrl(call.object.bucket) : "";
  if (!call.object.key.empty() || !options_.is_path_style) {
    target.path += "/" + EncodeForUrl(call.object.key, "/");
  }
  HttpRequest request{.method = call.method, .headers = call.headers, .body = call.body};
  request.body_bytes_max = call.body_bytes_max;
  const int64_t byte_count = static_cast<int64_t>(call.body.size()) + call.body_bytes_max;
  request.deadline_ms = options_.deadline_ms + byte_count / 1'000;  // At least 1 MB/s.
  const bool is_plain = options_.endpoint.starts_with("http://");
  const std::string query = CanonicalQuery(target);
  request.url = (is_plain ? "http://" : "https://") + target.host + target.path +
                (query.empty() ? "" : "?" + query);
  SignS3Request(credentials, options_.region, target, clock_.NowMicros(), &request);
  return request;
}

bool S3Client::IsWorthRepeating(const S3Failure& failure) {
  if (failure.status == 501 && failure.code == "NotImplemented") {
    const std::lock_guard lock(mutex_);
    return std::exchange(has_conditions_, false);
  }
  if (IsAbout(failure.code, {"ExpiredToken", "TokenRefreshRequired"})) {
    const std::lock_guard lock(mutex_);
    credentials_.reset();  // They may have been renewed where they came from.
    return true;
  }
  return IsWorthRetrying(failure.status) ||
         IsAbout(failure.code, {"RequestTimeout", "SlowDown", "InternalError", "ServiceUnavailable",
                                "ConditionalRequestConflict", "OperationAborted"});
}

arrow::Result<std::pair<HttpResponse, S3Client::Failure>> S3Client::Send(Call call) {
  Backoff backoff(options_.retry, clock_, Random::FromSystem().Next());
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (!has_conditions_) {
        std::erase_if(call.headers,
                      [](const auto& header) { return header.name == "If-None-Match"; });
      }
    }
    ARROW_ASSIGN_OR_RAISE(const HttpRequest request, Sign(call));
    auto response = http_->Send(request, {});
    std::optional<int64_t> asked_ms;
    Failure failure;
    if (response.ok()) {
      const bool is_late_error = call.is_error_in_success && response->is_success() &&
                                 response->body.find("<Error>") != std::string::npos;
      if (response->is_success() && !is_late_error) return std::pair(*std::move(response), failure);
      failure = ParseS3Failure(*response);
      if (is_late_error) failure->status = 500;
      asked_ms = response->RetryAfterMs(clock_.NowMicros());
      if (!IsWorthRepeating(*failure)) return std::pair(*std::move(response), failure);
    } else if (KindOf(response.status()) != ErrorKind::kUnavailable) {
      return response.status();
    }
    const int attempt = backoff.attempt_count();
    if (!backoff.Wait(asked_ms, {})) {
      if (failure) return std::pair(*std::move(response), failure);
      return WithContext(response.status(), "S3 does not answer, object: " + Shown(call.object));
    }
    if (log_ != nullptr) {
      log_->Warning("s3.repeated", {{"object", Shown(call.object)},
                                    {"method", call.method},
                                    {"attempt", attempt},
                                    {"status", failure ? failure->status : 0},
                                    {"code", failure ? failure->code : std::string("no_answer")}});
    }
  }
}

arrow::Status S3Client::StatusOf(const S3Failure& failure, const S3Key& object) const {
  const std::string said = failure.code.empty() ? "status " + std::to_string(failure.status)
                                                : failure.code + " " + failure.message;
  const std::string name = Shown(object);
  if (failure.code == "NoSuchBucket") {
    return ConfigError("S3 bucket is not there; create it, or set `s3.create_buckets: true`: ",
                       object.bucket);
  }
  if (IsAbout(failure.code, {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken",
                             "ExpiredToken", "RequestTimeTooSkewed"})) {
    return ConfigError(
        "S3 refuses the credentials; check `s3.access_key_id`, `s3.secret_access_key` (or "
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) and this machine's clock, object and reason: ",
        name, ": ", said);
  }
  if (IsAbout(failure.code, {"PermanentRedirect", "AuthorizationHeaderMalformed",
                             "IllegalLocationConstraintException"})) {
    return ConfigError("S3 bucket is in another region; set `s3.region`, now and reason: ",
                       options_.region, ": ", said);
  }
  switch (failure.status) {
    case 404:
      return NotFound("S3 object does not exist: ", name);
    case 403:
      return Denied("S3 denies the access, object and reason: ", name, ": ", said);
    case 412:
      return Conflict("S3 object is not the expected one: ", name);
    case 416:
      return BadData("S3 object is shorter than expected: ", name);
    case 429:
    case 503:
      return MakeError(ErrorKind::kThrottled,
                       "S3 asks to slow down, object and reason: " + name + ": " + said);
    default:
      break;
  }
  if (failure.status >= 500 || failure.status == 408) {
    return Unavailable("S3 fails, object and reason: ", name, ": ", said);
  }
  return ConfigError("S3 refuses the request, object and reason: ", name, ": ", said);
}

arrow::Result<HttpResponse> S3Client::Run(Call call) {
  const S3Key object = call.object;
  ARROW_ASSIGN_OR_RAISE(auto answer, Send(std::move(call)));
  if (answer.second) return StatusOf(*answer.second, object);
  return std::move(answer.first);
}

arrow::Result<S3Object> S3Client::Head(const S3Key& object) {
  ARROW_ASSIGN_OR_RAISE(const HttpResponse response, Run({.method = "HEAD", .object = object}));
  S3Object found{
      .key = object.key,
      .modified_us = ParseHttpDate(std::string(response.Header("last-modified"))).value_or(0),
      .etag = Unquoted(response.Header("etag")),
      .write_id = std::string(response.Header(kWriteIdHeader))};
  const std::string_view length = response.Header("content-length");
  const auto parsed =
      std::from_chars(length.data(), length.data() + length.size(), found.byte_count);
  if (parsed.ec != std::errc()) {
    return Unavailable("S3 does not say how long the object is: ", Shown(object));
  }
  return found;
}

arrow::Result<std::string> S3Client::Read(const S3Key& object, int64_t offset, int64_t byte_count,
                                          const std::string& etag) {
  if (byte_count == 0) return std::string();
  Call call{.object = object, .body_bytes_max = byte_count};
  call.headers.push_back(
      {"Range", "bytes=" + std::to_string(offset) + "-" + std::to_string(offset + byte_count - 1)});
  if (!etag.empty()) call.headers.push_back({"If-Match", "\"" + etag + "\""});
  ARROW_ASSIGN_OR_RAISE(HttpResponse response, Run(std::move(call)));
  if (static_cast<int64_t>(response.body.size()) != byte_count) {
    return Unavailable("S3 gave another number of bytes than asked for, object, asked and got: ",
                       Shown(object), " ", byte_count, " ", response.body.size());
  }
  return std::move(response.body);
}

bool S3Client::IsOurs(const S3Key& object, const std::string& write_id) {
  const auto found = Head(object);
  return found.ok() && found->write_id == write_id;
}

arrow::Status S3Client::Settle(const S3Key& object, const std::string& write_id,
                               arrow::Status status) {
  if (status.ok() || KindOf(status) == ErrorKind::kConfig) return status;
  const bool is_taken = KindOf(status) == ErrorKind::kConflict;
  if (IsOurs(object, write_id)) return arrow::Status::OK();
  if (is_taken) return AlreadyExists("S3 object exists already: ", Shown(object));
  if (KindOf(status) == ErrorKind::kNotFound) {
    return Unavailable("S3 upload was removed by somebody, object: ", Shown(object));
  }
  return status;
}

arrow::Status S3Client::Create(const S3Key& object, std::string bytes,
                               const std::string& write_id) {
  const auto answer = Run({.method = "PUT",
                           .object = object,
                           .headers = {{"If-None-Match", "*"}, {kWriteIdHeader, write_id}},
                           .body = std::move(bytes)});
  return Settle(object, write_id, answer.status());
}

arrow::Status S3Client::Replace(const S3Key& object, std::string bytes) {
  return Run({.method = "PUT", .object = object, .body = std::move(bytes)}).status();
}

arrow::Status S3Client::Copy(const S3Key& from, const S3Key& to) {
  const std::string source = "/" + from.bucket + "/" + EncodeForUrl(from.key, "/");
  return Run({.method = "PUT",
              .object = to,
              .headers = {{"x-amz-copy-source", source}},
              .is_error_in_success = true})
      .status();
}

arrow::Status S3Client::Delete(const S3Key& object) {
  const arrow::Status status = Run({.method = "DELETE", .object = object}).status();
  if (!status.ok() && KindOf(status) == ErrorKind::kNotFound) return arrow::Status::OK();
  return status;
}

arrow::Result<S3Page> S3Client::List(const std::string& bucket, const std::string& prefix,
                                     std::string_view delimiter, const std::string& token,
                                     int64_t keys_max) {
  Call call{.object = {.bucket = bucket, .key = ""}};
  call.query = {{"list-type", "2"},
                {"encoding-type", "url"},
                {"max-keys", std::to_string(keys_max)},
                {"prefix", prefix}};
  if (!delimiter.empty()) call.query.emplace_back("delimiter", delimiter);
  if (!token.empty()) call.query.emplace_back("continuation-token", token);
  ARROW_ASSIGN_OR_RAISE(const HttpResponse response, Run(std::move(call)));
  return ParseS3Page(response.body);
}

arrow::Result<std::string> S3Client::BeginParts(const S3Key& object, const std::string& write_id) {
  ARROW_ASSIGN_OR_RAISE(const HttpResponse response,
                        Run({.method = "POST",
                             .object = object,
                             .query = {{"uploads", ""}},
                             .headers = {{kWriteIdHeader, write_id}}}));
  std::string upload = XmlText(response.body, "UploadId");
  if (upload.empty()) return Unavailable("S3 gives no id for an upload, object: ", Shown(object));
  return upload;
}

arrow::Result<S3Part> S3Client::PutPart(const S3Key& object, const std::string& upload, int number,
                                        std::string bytes) {
  ARROW_ASSIGN_OR_RAISE(
      const HttpResponse response,
      Run({.method = "PUT",
           .object = object,
           .query = {{"partNumber", std::to_string(number)}, {"uploadId", upload}},
           .body = std::move(bytes)}));
  return S3Part{.number = number, .etag = Unquoted(response.Header("etag"))};
}

arrow::Status S3Client::CompleteParts(const S3Key& object, const std::string& upload,
                                      const std::vector<S3Part>& parts,
                                      const std::string& write_id) {
  std::string body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (const S3Part& part : parts) {
    body += "<Part><PartNumber>" + std::to_string(part.number) + "</PartNumber><ETag>&quot;" +
            part.etag + "&quot;</ETag></Part>";
  }
  body += "</CompleteMultipartUpload>";
  // After a lost answer the upload is gone: that is a 404, and the object is ours.
  const auto answer = Run({.method = "POST",
                           .object = object,
                           .query = {{"uploadId", upload}},
                           .headers = {{"If-None-Match", "*"}, {"Content-Type", "application/xml"}},
                           .body = std::move(body),
                           .is_error_in_success = true});
  return Settle(object, write_id, answer.status());
}

arrow::Status S3Client::AbortParts(const S3Key& object, const std::string& upload) {
  const arrow::Status status =
      Run({.method = "DELETE", .object = object, .query = {{"uploadId", upload}}}).status();
  if (!status.ok() && KindOf(status) == ErrorKind::kNotFound) return arrow::Status::OK();
  return status;
}

arrow::Status S3Client::EnsureBucket(const std::string& bucket) {
  {
    const std::lock_guard lock(mutex_);
    if (std::ranges::find(buckets_, bucket) != buckets_.end()) return arrow::Status::OK();
  }
  // A listing says why it is refused; a HEAD has no body.
  const S3Key object{.bucket = bucket, .key = ""};
  ARROW_ASSIGN_OR_RAISE(auto answer,
                        Send({.object = object, .query = {{"list-type", "2"}, {"max-keys", "1"}}}));
  if (answer.second && answer.second->code == "NoSuchBucket" && options_.creates_buckets) {
    std::string body;
    if (options_.endpoint.empty() && options_.region != "us-east-1") {
      body =
          "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
          "<LocationConstraint>" +
          options_.region + "</LocationConstraint></CreateBucketConfiguration>";
    }
    ARROW_ASSIGN_OR_RAISE(answer,
                          Send({.method = "PUT", .object = object, .body = std::move(body)}));
    // Another process may have been quicker.
    if (answer.second && answer.second->code == "BucketAlreadyOwnedByYou") answer.second.reset();
  }
  // Who may not list the whole bucket may still use a part of it.
  if (answer.second && answer.second->code == "AccessDenied") answer.second.reset();
  if (answer.second) return StatusOf(*answer.second, object);
  const std::lock_guard lock(mutex_);
  if (static_cast<int64_t>(buckets_.size()) < kBucketsMax) buckets_.push_back(bucket);
  return arrow::Status::OK();
}

}  // namespace catchwater
