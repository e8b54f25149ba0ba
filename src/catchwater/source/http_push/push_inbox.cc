#include "catchwater/source/http_push/push_inbox.h"

#include <algorithm>
#include <cctype>

#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <xxhash.h>

#include "catchwater/base/error.h"
#include "catchwater/io/decompress.h"

namespace catchwater {
namespace {

constexpr size_t kKeyBytesMax = 255;
constexpr int64_t kFullMarginBytes = 1 << 16;

HttpAnswer WithRetry(HttpAnswer answer) {
  answer.headers.emplace_back("Retry-After", "1");
  return answer;
}

HttpAnswer FullAnswer() {
  return WithRetry(HttpProblem(429, "Too many requests",
                               "What was received is not written yet; send again later."));
}

std::function<HttpAnswer()> Now(HttpAnswer answer) {
  return [answer = std::move(answer)] { return answer; };
}

/// The scheme of `Authorization` may be in any case.
std::string WithLowScheme(std::string text) {
  for (char& c : text) {
    if (c == ' ') break;
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return text;
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::string Unescape(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? HexValue(text[i + 1]) : -1;
    const int low = high >= 0 ? HexValue(text[i + 2]) : -1;
    if (low >= 0) {
      plain += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      plain += text[i] == '+' ? ' ' : text[i];
    }
  }
  return plain;
}

}  // namespace

std::optional<std::string> QueryValue(std::string_view query, std::string_view name) {
  const auto query_end = query.end();
  for (auto begin = query.begin(); begin != query_end;) {
    const auto end = std::find(begin, query_end, '&');
    const auto equals = std::find(begin, end, '=');
    if (Unescape({begin, equals}) == name) {
      return Unescape({equals == end ? end : equals + 1, end});
    }
    begin = end == query_end ? end : end + 1;
  }
  return std::nullopt;
}

std::optional<HttpAnswer> PushInbox::Admit(const HttpHead& head) {
  if (head.path != options_.path) {
    return HttpProblem(404, "Not found", "Records are taken at " + options_.path);
  }
  if (!options_.authorization.is_empty()) {
    const std::string* given = head.Find("Authorization");
    if (given == nullptr || !Secret(WithLowScheme(*given)).Equals(options_.authorization)) {
      HttpAnswer answer = HttpProblem(401, "Not authorized", "Send the credentials of this path.");
      answer.headers.emplace_back("WWW-Authenticate", options_.challenge);
      return answer;
    }
  }
  if (head.method != "POST") {
    HttpAnswer answer = HttpProblem(405, "Method not allowed", "Send records with POST.");
    answer.headers.emplace_back("Allow", "POST");
    return answer;
  }
  if (const std::string* key = head.Find("Idempotency-Key");
      key != nullptr && (key->empty() || key->size() > kKeyBytesMax)) {
    return HttpProblem(400, "Idempotency-Key is malformed", "It must have 1 to 255 characters.");
  }
  if (spool_.free_bytes() < options_.body_bytes_max + kFullMarginBytes) return FullAnswer();
  return std::nullopt;
}

// Turns a compressed body into a plain one, no longer than the limit.
std::optional<HttpAnswer> PushInbox::Unpack(const HttpHead& head, std::string* body) const {
  const std::string* encoding = head.Find("Content-Encoding");
  if (encoding == nullptr || *encoding == "identity") return std::nullopt;
  if (*encoding != "gzip" && *encoding != "x-gzip" && *encoding != "zstd") {
    return HttpProblem(415, "Content-Encoding is not known", "Send gzip, zstd or plain bodies.");
  }
  const auto malformed = [&](const std::string& detail) {
    return HttpProblem(400, "Body is malformed", "It cannot be decompressed: " + detail);
  };
  const bool is_gzip = *encoding != "zstd";
  if (DetectCompression(*body) != (is_gzip ? Compression::kGzip : Compression::kZstd)) {
    return malformed("it is no " + *encoding);
  }
  auto reader =
      ByteReader::Open(std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(*body)));
  if (!reader.ok()) return malformed(reader.status().message());
  std::string plain(static_cast<size_t>(options_.body_bytes_max) + 1, '\0');
  const auto got = (*reader)->Read(static_cast<int64_t>(plain.size()), plain.data());
  if (!got.ok()) return malformed(got.status().message());
  if (*got > options_.body_bytes_max) {
    return HttpProblem(413, "Body is too large",
                       "It has more bytes than allowed when decompressed, allowed: " +
                           std::to_string(options_.body_bytes_max));
  }
  plain.resize(static_cast<size_t>(*got));
  plain.shrink_to_fit();
  *body = std::move(plain);
  return std::nullopt;
}

// What the codec cannot take as a whole is refused here; single bad records become dead letters.
std::optional<HttpAnswer> PushInbox::CheckBody(std::string_view body) const {
  const auto head = framer_->ReadHead(body, /*is_end=*/true);
  if (!head.ok()) return HttpProblem(400, "Body is malformed", head.status().message());
  const std::string_view content = body.substr(static_cast<size_t>(head->byte_count));
  if (content.find_first_not_of(" \t\r\n") == content.npos || body == "[]") {
    return HttpProblem(400, "Body is empty", "It holds no record.");
  }
  return std::nullopt;
}

std::vector<std::pair<std::string, std::optional<std::string>>> PushInbox::FieldsOf(
    const HttpHead& head) const {
  std::vector<std::pair<std::string, std::optional<std::string>>> fields;
  for (const std::string& name : options_.frame_fields) {
    std::optional<std::string> value;
    const size_t bracket = name.find('[');
    if (name == "request.remote") {
      value = head.remote;
    } else if (bracket != name.npos) {
      const std::string inner = name.substr(bracket + 1, name.size() - bracket - 2);
      if (name.starts_with("query[")) {
        value = QueryValue(head.query, inner);
      } else if (const std::string* header = head.Find(inner)) {
        value = *header;
      }
    }
    fields.emplace_back(name, std::move(value));
  }
  return fields;
}

HttpAnswer PushInbox::AnswerOfFailure(const arrow::Status& failure) const {
  if (KindOf(failure) == ErrorKind::kThrottled) return FullAnswer();
  // Paths and reasons are for the log of this side.
  return WithRetry(HttpProblem(503, "Not stored",
                               IsDiskFull(failure) ? "The disk is full; send again later."
                                                   : "The body could not be stored; send again."));
}

HttpAnswer PushInbox::AnswerOf(const Spool::Ticket& ticket, bool is_repeated) {
  const arrow::Status durable = spool_.WaitDurable(ticket);
  if (!durable.ok()) return AnswerOfFailure(durable);
  return {.status = is_repeated ? 200 : 202,
          .body = is_repeated ? R"({"status":"known"})" : R"({"status":"stored"})"};
}

// A request that came before: it is answered as the first one, and not stored again.
std::optional<std::function<HttpAnswer()>> PushInbox::Repeated(const PushKey& key) {
  const auto other_body = [] {
    return Now(HttpProblem(422, "Idempotency-Key was used",
                           "It came with another body before; use a new key for new records."));
  };
  if (const auto body_hash = keys_.Find(key.key)) {
    if (*body_hash != key.body_hash) return other_body();
    return Now({.status = 200, .body = R"({"status":"known"})"});
  }
  for (const Waiting& waiting : waiting_) {
    if (!(waiting.key.key == key.key)) continue;
    if (waiting.key.body_hash != key.body_hash) return other_body();
    return [this, ticket = waiting.ticket] { return AnswerOf(ticket, /*is_repeated=*/true); };
  }
  return std::nullopt;
}

std::function<HttpAnswer()> PushInbox::Take(HttpHead head, std::string body) {
  if (auto refusal = Unpack(head, &body)) return Now(*std::move(refusal));
  if (auto refusal = CheckBody(body)) return Now(*std::move(refusal));
  PushRecord record{.receive_us = clock_.NowMicros(),
                    .key = std::nullopt,
                    .fields = FieldsOf(head),
                    .body = body};
  if (const std::string* key = head.Find("Idempotency-Key")) {
    const XXH128_hash_t hash = XXH3_128bits(key->data(), key->size());
    record.key = PushKey{.key = {.low = hash.low64, .high = hash.high64},
                         .body_hash = XXH3_64bits(body.data(), body.size())};
    if (auto answer = Repeated(*record.key)) return *std::move(answer);
  }
  const auto ticket = spool_.Append(EncodePushRecord(record));
  if (!ticket.ok()) return Now(AnswerOfFailure(ticket.status()));
  if (record.key) waiting_.push_back({.key = *record.key, .ticket = *ticket});
  return [this, ticket = *ticket] { return AnswerOf(ticket, /*is_repeated=*/false); };
}

void PushInbox::Settle() {
  // The outcome is asked of each ticket.
  static_cast<void>(spool_.Sync());
  for (const Waiting& waiting : waiting_) {
    if (!spool_.WaitDurable(waiting.ticket).ok()) continue;
    // Without its line in the log the key is still found in the spool, as long as that is there.
    static_cast<void>(keys_.Add(waiting.key, waiting.ticket.end_ordinal, clock_.NowMicros()));
  }
  waiting_.clear();
}

}  // namespace catchwater
