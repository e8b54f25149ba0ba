#include "catchwater/io/s3/s3_signer.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

// The examples of "Authenticating Requests: Using the Authorization Header (AWS Signature Version
// 4)", Amazon S3 API Reference.
struct Case {
  std::string name;
  std::string method;
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;
  std::vector<HttpHeader> headers;
  std::string body;
  std::string signature;
};

const std::vector<Case> kCases = {
    {"GetObject",
     "GET",
     "/test.txt",
     {},
     {{"Range", "bytes=0-9"}},
     "",
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {"PutObject",
     "PUT",
     "/test%24file.text",
     {},
     {{"Date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
     "Welcome to Amazon S3.",
     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {"GetLifecycle",
     "GET",
     "/",
     {{"lifecycle", ""}},
     {},
     "",
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {"ListObjects",
     "GET",
     "/",
     {{"prefix", "J"}, {"max-keys", "2"}},
     {},
     "",
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
};

class S3SignerTest : public ::testing::TestWithParam<Case> {};

TEST_P(S3SignerTest, SignsAsTheReferenceDoes) {
  const Case& test = GetParam();
  HttpRequest request{.method = test.method, .headers = test.headers, .body = test.body};
  const S3Target target{
      .host = "examplebucket.s3.amazonaws.com", .path = test.path, .query = test.query};
  SignS3Request({.access_key_id = "AKIAIOSFODNN7EXAMPLE",
                 .secret_access_key = Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")},
                "us-east-1", target, /*now_us=*/1'369'353'600'000'000, &request);
  ASSERT_EQ(request.secret_headers.size(), 1u);
  const std::string authorization = request.secret_headers[0].value.Reveal();
  EXPECT_TRUE(authorization.ends_with("Signature=" + test.signature)) << authorization;
}

INSTANTIATE_TEST_SUITE_P(Table, S3SignerTest, ::testing::ValuesIn(kCases),
                         [](const auto& test) { return test.param.name; });

TEST(S3Signer, SendsATokenAndSignsIt) {
  HttpRequest request;
  SignS3Request(
      {.access_key_id = "a", .secret_access_key = Secret("b"), .session_token = Secret("canary")},
      "eu-west-1", {.host = "h", .path = "/"}, 0, &request);
  ASSERT_EQ(request.secret_headers.size(), 2u);
  EXPECT_EQ(request.secret_headers[0].name, "x-amz-security-token");
  EXPECT_EQ(request.secret_headers[0].value.Reveal(), "canary");
  EXPECT_NE(request.secret_headers[1].value.Reveal().find("x-amz-security-token"),
            std::string::npos);
}

}  // namespace
}  // namespace catchwater
