/// \file
/// Reads the XML of S3's answers: the few elements that we need, bounded by the answer's size.
/// Source: Amazon S3 API Reference, ListObjectsV2, CreateMultipartUpload, Error responses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/io/http_client.h"

namespace catchwater {

struct S3Object {
  std::string key = {};
  int64_t byte_count = 0;
  int64_t modified_us = 0;
  std::string etag = {};      ///< Without quotes.
  std::string write_id = {};  ///< Of the writer that is us; only known from S3Client::Head.
};

struct S3Page {
  std::vector<S3Object> objects;
  std::vector<std::string> prefixes;  ///< With the slash at the end.
  std::string next_token;             ///< Empty: the last page.
};

/// \retval kUnavailable the text is no listing
arrow::Result<S3Page> ParseS3Page(std::string_view xml);

/// The text of the first element of the name, unescaped; empty without one.
std::string XmlText(std::string_view xml, std::string_view name);

/// What S3 says in an answer that is no success.
struct S3Failure {
  int status = 0;
  std::string code = {};     ///< "NoSuchKey"
  std::string message = {};  ///< For people.
};
S3Failure ParseS3Failure(const HttpResponse& response);

}  // namespace catchwater
