#include "catchwater/io/s3/s3_signer.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <map>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "catchwater/base/error.h"
#include "catchwater/base/hex.h"

namespace catchwater {
namespace {

using Digest = std::array<unsigned char, 32>;

std::string_view BytesOf(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Digest Hmac(std::string_view key, std::string_view text) {
  Digest digest;
  unsigned int length = 0;
  const auto* made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                          digest.data(), &length);
  CATCHWATER_CHECK(made != nullptr && length == digest.size(), "SHA-256 is built in");
  return digest;
}

std::string DateText(int64_t now_us, const char* format) {
  const time_t seconds = now_us / 1'000'000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof(text), format, &parts)};
}

}  // namespace

std::string Sha256Hex(std::string_view bytes) {
  Digest digest;
  unsigned int length = 0;
  const int is_done =
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr);
  CATCHWATER_CHECK(is_done == 1, "SHA-256 is built in");
  return HexOf(BytesOf(digest));
}

std::string CanonicalQuery(const S3Target& target) {
  std::vector<std::pair<std::string, std::string>> encoded;
  for (const auto& [name, value] : target.query) {
    encoded.emplace_back(EncodeForUrl(name), EncodeForUrl(value));
  }
  std::ranges::sort(encoded);
  std::string query;
  for (const auto& [name, value] : encoded) {
    query += (query.empty() ? "" : "&") + name + "=" + value;
  }
  return query;
}

void SignS3Request(const S3Credentials& credentials, const std::string& region,
                   const S3Target& target, int64_t now_us, HttpRequest* request) {
  const std::string time = DateText(now_us, "%Y%m%dT%H%M%SZ");
  const std::string day = time.substr(0, 8);
  const std::string body_hash = Sha256Hex(request->body);
  request->headers.push_back({"x-amz-date", time});
  request->headers.push_back({"x-amz-content-sha256", body_hash});

  std::map<std::string, std::string> signed_headers{{"host", target.host}};
  for (const HttpHeader& header : request->headers) {
    std::string name = header.name;
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    signed_headers[name] = header.value;
  }
  if (!credentials.session_token.is_empty()) {
    signed_headers["x-amz-security-token"] = credentials.session_token.Reveal();
    request->secret_headers.push_back({"x-amz-security-token", credentials.session_token});
  }
  std::string names, lines;
  for (const auto& [name, value] : signed_headers) {
    names += (names.empty() ? "" : ";") + name;
    lines += name + ":" + value + "\n";
  }
  const std::string canonical = request->method + "\n" + target.path + "\n" +
                                CanonicalQuery(target) + "\n" + lines + "\n" + names + "\n" +
                                body_hash;
  const std::string scope = day + "/" + region + "/" + target.service + "/aws4_request";
  const std::string to_sign =
      "AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n" + Sha256Hex(canonical);
  const Secret first("AWS4" + credentials.secret_access_key.Reveal());
  const Digest of_day = Hmac(first.Reveal(), day);
  const Digest of_region = Hmac(BytesOf(of_day), region);
  const Digest of_service = Hmac(BytesOf(of_region), target.service);
  const Digest key = Hmac(BytesOf(of_service), "aws4_request");
  request->secret_headers.push_back(
      {"Authorization", Secret("AWS4-HMAC-SHA256 Credential=" + credentials.access_key_id + "/" +
                               scope + ", SignedHeaders=" + names +
                               ", Signature=" + HexOf(BytesOf(Hmac(BytesOf(key), to_sign))))});
}

}  // namespace catchwater
