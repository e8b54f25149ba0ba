// Against scripted answers; the behaviour on a real server is in test/integration/test_s3.py.

#include "catchwater/io/s3/s3_files.h"

#include <functional>
#include <map>
#include <optional>
#include <string>

#include <arrow/buffer.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/testing/fake_clock.h"
#include "catchwater/testing/http_stub.h"

namespace catchwater {
namespace {

constexpr const char* kWriteId = "x-amz-meta-catchwater-write";

std::string ErrorXml(const std::string& code) {
  return "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>m</Message></Error>";
}

/// Keeps what is put, like a server, unless the script answers first.
class ScriptedS3 {
 public:
  using Script = std::function<std::optional<StubReply>(const StubRequest&, int count)>;

  explicit ScriptedS3(Script script = {})
      : script_(std::move(script)), stub_([this](const StubRequest& r) { return Answer(r); }) {
    S3Options options{.endpoint = stub_.url(), .is_path_style = true, .part_bytes = 10};
    options.retry = {.attempts_max = 4};
    options.credentials = [] {
      return S3Credentials{.access_key_id = "id", .secret_access_key = Secret("canary")};
    };
    files = MakeS3Files(
        std::make_shared<S3Client>(std::move(options), MakeHttpClient(), clock, nullptr));
  }

  /// Writes one file and closes it.
  arrow::Status Write(const std::string& path, std::string_view bytes) {
    return files->WriteNew(path, bytes);
  }

  /// What a server does with the request.
  StubReply Serve(const StubRequest& request) {
    const std::string key = request.target.substr(0, request.target.find('?'));
    const std::string query = request.target.substr(std::min(key.size(), request.target.size()));
    if (request.method == "PUT" && query.find("partNumber=") != query.npos) {
      parts_ += request.body;
      return {.headers = {{"ETag", "\"part\""}}};
    }
    if (request.method == "POST" && query.find("uploads=") != query.npos) {
      upload_id_ = request.headers.at(kWriteId);
      return {.body = "<R><UploadId>u1</UploadId></R>"};
    }
    if (request.method == "POST") {
      if (upload_id_.empty()) return {.status = 404, .body = ErrorXml("NoSuchUpload")};
      objects[key] = {parts_, std::exchange(upload_id_, {})};
      return {.body = "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>"};
    }
    if (request.method == "PUT") {
      if (request.headers.contains("if-none-match") && objects.contains(key)) {
        return {.status = 412, .body = ErrorXml("PreconditionFailed")};
      }
      const auto id = request.headers.find(kWriteId);
      objects[key] = {request.body, id == request.headers.end() ? "" : id->second};
      return {};
    }
    if (!objects.contains(key)) return {.status = 404, .body = ErrorXml("NoSuchKey")};
    const auto& [bytes, write_id] = objects[key];
    StubReply reply{.headers = {{"ETag", "\"e\""}, {kWriteId, write_id}}};
    if (request.method == "HEAD") {
      reply.headers["Content-Length"] = std::to_string(bytes.size());
    } else {
      reply.status = 206;
      const std::string range = request.headers.at("range").substr(6);
      const size_t from = std::stoul(range), to = std::stoul(range.substr(range.find('-') + 1));
      reply.body = bytes.substr(from, to - from + 1);
    }
    return reply;
  }

  std::vector<StubRequest> requests() const { return stub_.requests(); }

  FakeClock clock;
  std::unique_ptr<Files> files;
  std::map<std::string, std::pair<std::string, std::string>> objects;  // Bytes and write id.

 private:
  StubReply Answer(const StubRequest& request) {
    if (script_) {
      if (auto reply = script_(request, ++count_)) return *reply;
    }
    return Serve(request);
  }

  Script script_;
  int count_ = 0;
  std::string parts_, upload_id_;
  HttpStub stub_;
};

TEST(S3Files, ShowsAnObjectOnlyWhenItIsComplete) {
  ScriptedS3 s3;
  auto file = s3.files->CreateNew("s3://bucket/a/b c").ValueOrDie();
  ASSERT_TRUE(file->Write("12345", 5).ok());
  EXPECT_TRUE(s3.objects.empty());
  ASSERT_TRUE(file->Sync().ok());
  EXPECT_EQ(s3.objects.at("/bucket/a/b%20c").first, "12345");
  EXPECT_EQ(KindOf(file->Write("6", 1)), ErrorKind::kInternal);
  EXPECT_EQ(s3.files->ReadAll("s3://bucket/a/b c", 5).ValueOrDie(), "12345");
  EXPECT_EQ(KindOf(s3.files->ReadAll("s3://bucket/a/b c", 4).status()), ErrorKind::kBadData);
}

TEST(S3Files, SendsLargeObjectsInParts) {
  for (const size_t byte_count : {9u, 10u, 11u, 20u, 35u}) {
    SCOPED_TRACE(byte_count);
    ScriptedS3 s3;
    std::string bytes;
    for (size_t i = 0; i < byte_count; ++i) bytes.push_back(static_cast<char>('a' + i % 26));
    auto file = s3.files->CreateNew("s3://bucket/k").ValueOrDie();
    for (const char& c : bytes) ASSERT_TRUE(file->Write(&c, 1).ok());
    ASSERT_TRUE(file->Close().ok());
    EXPECT_EQ(s3.objects.at("/bucket/k").first, bytes);
    EXPECT_EQ(s3.requests().size(), byte_count <= 10 ? 1 : 2 + (byte_count + 9) / 10);
  }
}

TEST(S3Files, RefusesATakenNameWithoutChangingIt) {
  ScriptedS3 s3;
  ASSERT_TRUE(s3.Write("s3://bucket/k", "first").ok());
  EXPECT_EQ(KindOf(s3.Write("s3://bucket/k", "second")), ErrorKind::kAlreadyExists);
  EXPECT_EQ(s3.objects.at("/bucket/k").first, "first");
}

TEST(S3Files, KnowsItsOwnWriteWhenTheAnswerWasLost) {
  ScriptedS3* server = nullptr;
  ScriptedS3 s3([&](const StubRequest& request, int count) -> std::optional<StubReply> {
    if (request.method != "PUT" || count != 1) return std::nullopt;
    server->Serve(request);  // Stored, but nobody hears of it.
    return StubReply{.is_silent = true};
  });
  server = &s3;
  EXPECT_TRUE(s3.Write("s3://bucket/k", "once").ok());
  EXPECT_EQ(s3.objects.at("/bucket/k").first, "once");
  const auto requests = s3.requests();  // Lost, then refused as taken, then looked at.
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[1].method, "PUT");
  EXPECT_EQ(requests[2].method, "HEAD");
}

TEST(S3Files, LooksAtTheObjectWhenNoAttemptWasAnswered) {
  ScriptedS3* server = nullptr;
  bool does_store = true;
  ScriptedS3 s3([&](const StubRequest& request, int) -> std::optional<StubReply> {
    if (request.method != "PUT") return std::nullopt;
    if (does_store) server->Serve(request);
    return StubReply{.is_silent = true};
  });
  server = &s3;
  EXPECT_TRUE(s3.Write("s3://bucket/stored", "once").ok());
  does_store = false;
  EXPECT_EQ(KindOf(s3.Write("s3://bucket/lost", "x")), ErrorKind::kUnavailable);
}

TEST(S3Files, KnowsThatItsPartsWereJoinedWhenTheAnswerWasLost) {
  ScriptedS3* server = nullptr;
  int completions = 0;
  ScriptedS3 s3([&](const StubRequest& request, int) -> std::optional<StubReply> {
    const bool is_completion =
        request.method == "POST" && request.target.find("uploadId=") != std::string::npos;
    if (!is_completion || ++completions > 1) return std::nullopt;
    server->Serve(request);
    return StubReply{.is_silent = true};
  });
  server = &s3;
  EXPECT_TRUE(s3.Write("s3://bucket/k", "0123456789abc").ok());
  EXPECT_EQ(completions, 2);
  EXPECT_EQ(s3.objects.at("/bucket/k").first, "0123456789abc");
}

TEST(S3Files, DoesNotTakeASuccessWithAnErrorInItForOne) {
  int completions = 0;
  ScriptedS3 s3([&](const StubRequest& request, int) -> std::optional<StubReply> {
    const bool is_completion =
        request.method == "POST" && request.target.find("uploadId=") != std::string::npos;
    if (!is_completion || ++completions > 2) return std::nullopt;
    return StubReply{.body = ErrorXml("InternalError")};
  });
  EXPECT_TRUE(s3.Write("s3://bucket/k", "0123456789abc").ok());
  EXPECT_EQ(completions, 3);
}

TEST(S3Files, RepeatsWhatTheServerCouldNotDo) {
  ScriptedS3 s3([&](const StubRequest&, int count) -> std::optional<StubReply> {
    if (count == 1) return StubReply{.status = 503, .body = ErrorXml("SlowDown")};
    if (count == 2) return StubReply{.status = 500, .body = ErrorXml("InternalError")};
    return std::nullopt;
  });
  EXPECT_TRUE(s3.Write("s3://bucket/k", "x").ok());
  EXPECT_EQ(s3.requests().size(), 3u);
  EXPECT_GT(s3.clock.MonotonicMicros(), 0);  // It waited.
}

TEST(S3Files, ReadsAgainWhenTheBodyWasCut) {
  ScriptedS3* server = nullptr;
  int reads = 0;
  ScriptedS3 s3([&](const StubRequest& request, int) -> std::optional<StubReply> {
    if (request.method != "GET" || ++reads > 1) return std::nullopt;
    StubReply reply = server->Serve(request);
    reply.cut_bytes = 3;
    reply.body.resize(reply.body.size() - 3);
    return reply;
  });
  server = &s3;
  ASSERT_TRUE(s3.Write("s3://bucket/k", "0123456789").ok());
  EXPECT_EQ(s3.files->ReadAll("s3://bucket/k", 100).ValueOrDie(), "0123456789");
  EXPECT_EQ(reads, 2);
}

TEST(S3Files, ReadsAtAnyPlaceOfTheVersionThatWasOpened) {
  ScriptedS3 s3;
  ASSERT_TRUE(s3.files->PublishAtomically("s3://bucket/k", "0123456789").ok());
  const auto file = s3.files->OpenInput("s3://bucket/k").ValueOrDie();
  EXPECT_EQ(file->GetSize().ValueOrDie(), 10);
  EXPECT_EQ(file->ReadAt(3, 4).ValueOrDie()->ToString(), "3456");
  EXPECT_EQ(file->ReadAt(0, 4).ValueOrDie()->ToString(), "0123");
  EXPECT_EQ(file->ReadAt(8, 100).ValueOrDie()->ToString(), "89");
  EXPECT_EQ(file->ReadAt(10, 5).ValueOrDie()->size(), 0);
  EXPECT_EQ(file->Read(2).ValueOrDie()->ToString(), "01");
  EXPECT_EQ(file->Read(2).ValueOrDie()->ToString(), "23");
  for (const StubRequest& request : s3.requests()) {
    if (request.method != "GET") continue;
    EXPECT_EQ(request.headers.at("if-match"), "\"e\"");
  }
}

TEST(S3Files, GivesUpPartsOfAnAbandonedFile) {
  ScriptedS3 s3;
  {
    auto file = s3.files->CreateNew("s3://bucket/k").ValueOrDie();
    ASSERT_TRUE(file->Write("0123456789abc", 13).ok());
  }
  EXPECT_EQ(s3.requests().back().method, "DELETE");
  EXPECT_NE(s3.requests().back().target.find("uploadId=u1"), std::string::npos);
  EXPECT_TRUE(s3.objects.empty());
}

TEST(S3Files, ListsAllPagesSortedWithFolders) {
  ScriptedS3 s3([&](const StubRequest& request, int) -> std::optional<StubReply> {
    if (request.target.find("list-type=2") == std::string::npos) return std::nullopt;
    const auto object = [](const std::string& key) {
      return "<Contents><Key>" + key + "</Key><LastModified>2026-01-02T03:04:05.000Z" +
             "</LastModified><ETag>&quot;x&quot;</ETag><Size>7</Size></Contents>";
    };
    if (request.target.find("continuation-token=t%2B1") != std::string::npos) {
      return StubReply{.body = "<ListBucketResult><EncodingType>url</EncodingType>" +
                               object("p/a%2B%26b") + "</ListBucketResult>"};
    }
    return StubReply{.body = "<ListBucketResult><EncodingType>url</EncodingType>" + object("p/") +
                             object("p/z") + "<CommonPrefixes><Prefix>p/m/</Prefix>" +
                             "</CommonPrefixes><IsTruncated>true</IsTruncated>" +
                             "<NextContinuationToken>t+1</NextContinuationToken>" +
                             "</ListBucketResult>"};
  });
  const auto entries = s3.files->List("s3://bucket/p").ValueOrDie();
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].path, "s3://bucket/p/a+&b");
  EXPECT_NE(entries[0].inode, entries[2].inode);  // Alike, but not one.
  EXPECT_EQ(entries[0].byte_count, 7);
  EXPECT_EQ(entries[0].modified_us, 1'767'323'045'000'000);
  EXPECT_EQ(entries[1].path, "s3://bucket/p/m");
  EXPECT_TRUE(entries[1].is_directory);
  EXPECT_EQ(entries[2].path, "s3://bucket/p/z");
}

struct Refusal {
  std::string name;
  int status;
  std::string code;
  ErrorKind kind;
  std::string message;
};

class S3RefusalTest : public ::testing::TestWithParam<Refusal> {};

TEST_P(S3RefusalTest, SaysWhatToDoAndNoSecret) {
  const Refusal& test = GetParam();
  ScriptedS3 s3([&](const StubRequest&, int) {
    return StubReply{.status = test.status, .body = ErrorXml(test.code)};
  });
  const arrow::Status status = s3.files->CreateDirectories("s3://bucket/p");
  EXPECT_EQ(KindOf(status), test.kind) << status;
  EXPECT_NE(status.message().find(test.message), std::string::npos) << status;
  EXPECT_EQ(status.message().find("canary"), std::string::npos) << status;
}

INSTANTIATE_TEST_SUITE_P(
    Table, S3RefusalTest,
    ::testing::Values(
        Refusal{"NoBucket", 404, "NoSuchBucket", ErrorKind::kConfig, "s3.create_buckets"},
        Refusal{"WrongKey", 403, "InvalidAccessKeyId", ErrorKind::kConfig, "s3.access_key_id"},
        Refusal{"WrongSecret", 403, "SignatureDoesNotMatch", ErrorKind::kConfig, "clock"},
        Refusal{"WrongRegion", 301, "PermanentRedirect", ErrorKind::kConfig, "s3.region"},
        Refusal{"Busy", 503, "SlowDown", ErrorKind::kThrottled, "slow down"},
        Refusal{"Broken", 500, "InternalError", ErrorKind::kUnavailable, "S3 fails"}),
    [](const auto& test) { return test.param.name; });

TEST(S3Files, RefusesPathsThatNameNoBucket) {
  for (const char* path : {"s3://", "s3:///k", "s3://ab/k", "s3://a b/k", "/local", "s3://x?y/k"}) {
    EXPECT_EQ(KindOf(ParseS3Path(path).status()), ErrorKind::kConfig) << path;
  }
  const S3Key object = ParseS3Path("s3://bucket/a//b").ValueOrDie();
  EXPECT_EQ(object.bucket, "bucket");
  EXPECT_EQ(object.key, "a//b");
}

}  // namespace
}  // namespace catchwater
