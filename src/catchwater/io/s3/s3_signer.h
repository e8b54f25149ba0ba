/// \file
/// Signs requests to S3, and to the services of AWS beside it. Source: AWS Signature Version 4,
/// "Create a signed AWS API request".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catchwater/io/http_client.h"
#include "catchwater/security/secret.h"

namespace catchwater {

struct S3Credentials {
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token = {};  ///< Of temporary credentials; may be empty.
};

/// What of a request is signed besides its headers and body.
struct S3Target {
  std::string host;       ///< With the port if it is not the scheme's.
  std::string path = {};  ///< Percent-encoded, with the leading slash.
  /// Names and values, not encoded.
  std::vector<std::pair<std::string, std::string>> query = {};
  std::string service = "s3";  ///< As AWS names it.
};

/// `a=1&b=x%20y`, sorted by name as the signature wants it.
std::string CanonicalQuery(const S3Target& target);

/// Adds date, body hash, token and signature to the request. The headers that it has are signed.
void SignS3Request(const S3Credentials& credentials, const std::string& region,
                   const S3Target& target, int64_t now_us, HttpRequest* request);

/// Lower-case hexadecimal SHA-256.
std::string Sha256Hex(std::string_view bytes);

}  // namespace catchwater
