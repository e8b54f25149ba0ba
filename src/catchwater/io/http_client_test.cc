#include "catchwater/io/http_client.h"

#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <zlib.h>

#include "catchwater/base/error.h"
#include "catchwater/io/http_retry.h"
#include "catchwater/testing/fake_clock.h"
#include "catchwater/testing/http_stub.h"

namespace catchwater {
namespace {

StubReply Text(std::string body, int status = 200) {
  return {.status = status, .headers = {}, .body = std::move(body)};
}

TEST(HttpClient, SendsMethodHeadersAndBodyAndReturnsTheAnswer) {
  HttpStub server([](const StubRequest&) {
    return StubReply{.status = 201, .headers = {{"X-Place", "here"}}, .body = "made"};
  });
  const auto client = MakeHttpClient();
  const auto got = client->Send({.method = "PUT",
                                 .url = server.url() + "/a%20b/../c?x=1",
                                 .headers = {{"X-One", "1"}, {"X-Empty", ""}},
                                 .secret_headers = {{"Authorization", Secret("Bearer t")}},
                                 .body = std::string("b\0dy", 4)});
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->status, 201);
  EXPECT_EQ(got->body, "made");
  EXPECT_EQ(got->Header("x-place"), "here");
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].method, "PUT");
  EXPECT_EQ(requests[0].target, "/a%20b/../c?x=1");  // Not tidied: a signature covers it.
  EXPECT_EQ(requests[0].headers.at("x-one"), "1");
  EXPECT_EQ(requests[0].headers.at("x-empty"), "");
  EXPECT_EQ(requests[0].headers.at("authorization"), "Bearer t");
  EXPECT_EQ(requests[0].body, std::string("b\0dy", 4));
  EXPECT_FALSE(requests[0].headers.contains("content-type"));
}

TEST(HttpClient, UsesOneHandleForManyMethods) {
  HttpStub server([](const StubRequest& request) {
    StubReply reply = Text(request.method == "HEAD" ? "" : request.method);
    if (request.method == "HEAD") reply.headers["Content-Length"] = "77";
    return reply;
  });
  const auto client = MakeHttpClient();
  for (const char* method : {"HEAD", "GET", "DELETE", "POST", "HEAD", "PUT", "GET"}) {
    SCOPED_TRACE(method);
    const auto got = client->Send({.method = method, .url = server.url()});
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(got->body, std::string(method) == "HEAD" ? "" : method);
    EXPECT_EQ(server.requests().back().method, method);
  }
}

TEST(HttpClient, RefusesAnAnswerThatIsTooLong) {
  HttpStub server([](const StubRequest&) { return Text(std::string(1'001, 'x')); });
  const auto client = MakeHttpClient();
  const auto got = client->Send({.url = server.url(), .body_bytes_max = 1'000});
  EXPECT_EQ(KindOf(got.status()), ErrorKind::kBadData) << got.status();
  EXPECT_TRUE(client->Send({.url = server.url(), .body_bytes_max = 1'001}).ok());
}

TEST(HttpClient, UnpacksACompressedAnswerWithinItsBound) {
  std::string packed(10'000, '\0');
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string plain(1'000'000, 'a');
  stream.next_in = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  HttpStub server([&](const StubRequest&) {
    return StubReply{.headers = {{"Content-Encoding", "gzip"}}, .body = packed};
  });
  const auto client = MakeHttpClient();
  const auto whole = client->Send({.url = server.url(), .may_compress = true});
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_EQ(whole->body.size(), plain.size());
  const auto bomb =
      client->Send({.url = server.url(), .body_bytes_max = 999'999, .may_compress = true});
  EXPECT_EQ(KindOf(bomb.status()), ErrorKind::kBadData) << bomb.status();
}

TEST(HttpClient, SaysThatACutAnswerIsNoAnswer) {
  HttpStub server([](const StubRequest&) {
    StubReply reply = Text("half");
    reply.cut_bytes = 4;
    return reply;
  });
  const auto got = MakeHttpClient()->Send({.url = server.url()});
  EXPECT_EQ(KindOf(got.status()), ErrorKind::kUnavailable) << got.status();
}

TEST(HttpClient, SaysThatSomethingElseThanHttpIsNoAnswer) {
  HttpStub server(
      [](const StubRequest&) { return StubReply{.raw = "garbage of an answer before"}; });
  const auto got = MakeHttpClient()->Send({.url = server.url()});
  EXPECT_EQ(KindOf(got.status()), ErrorKind::kUnavailable) << got.status();
}

TEST(HttpClient, GivesUpAtTheDeadlineAndWhenStopped) {
  HttpStub server([](const StubRequest&) {
    SystemClock().SleepMicros(700'000, {});
    return Text("late");
  });
  const auto client = MakeHttpClient();
  const auto late = client->Send({.url = server.url(), .deadline_ms = 100});
  EXPECT_EQ(KindOf(late.status()), ErrorKind::kUnavailable) << late.status();
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = client->Send({.url = server.url()}, stop.get_token());
  EXPECT_EQ(KindOf(stopped.status()), ErrorKind::kCancelled) << stopped.status();
}

TEST(HttpClient, ShowsNoSecretOfTheUrl) {
  const auto got =
      MakeHttpClient()->Send({.url = "http://user:canary@127.0.0.1:1/path?api_key=canary"});
  EXPECT_EQ(KindOf(got.status()), ErrorKind::kUnavailable);
  EXPECT_EQ(got.status().message().find("canary"), std::string::npos) << got.status();
  EXPECT_NE(got.status().message().find("http://127.0.0.1:1/path"), std::string::npos);
  EXPECT_EQ(KindOf(MakeHttpClient()->Send({.url = "file:///etc/passwd"}).status()),
            ErrorKind::kConfig);
}

TEST(HttpClient, RefusesAHeaderThatBreaksTheLine) {
  const auto got =
      MakeHttpClient()->Send({.url = "http://127.0.0.1:1/", .headers = {{"X-A", "1\r\nX-B: 2"}}});
  EXPECT_EQ(KindOf(got.status()), ErrorKind::kConfig);
}

TEST(HttpClient, FollowsRedirectsButKeepsSecretsFromOtherHosts) {
  HttpStub other([](const StubRequest&) { return Text("there"); });
  HttpStub server([&](const StubRequest& request) {
    StubReply reply = Text("moved", 302);
    reply.headers["Location"] = request.target == "/out" ? other.url() + "/x" : "/round";
    return reply;
  });
  const auto client = MakeHttpClient();
  HttpRequest request{.url = server.url() + "/out",
                      .secret_headers = {{"X-Key", Secret("canary")}},
                      .redirects_max = 3};
  const auto got = client->Send(request);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->body, "there");
  EXPECT_FALSE(other.requests().at(0).headers.contains("x-key"));
  request.url = server.url() + "/round";
  const auto round = client->Send(request);
  EXPECT_EQ(KindOf(round.status()), ErrorKind::kBadData) << round.status();
  EXPECT_EQ(server.requests().back().headers.at("x-key"), "canary");
  request.redirects_max = 0;
  EXPECT_EQ(client->Send(request)->status, 302);
}

TEST(HttpRetry, RepeatsUntilTheServerIsWell) {
  int count = 0;
  HttpStub server([&](const StubRequest&) {
    ++count;
    if (count == 1) return StubReply{.is_silent = true};
    if (count == 2) return Text("slow down", 503);
    if (count == 3) return StubReply{.status = 429, .headers = {{"Retry-After", "7"}}};
    return Text("well");
  });
  const auto client = MakeHttpClient();
  FakeClock clock;
  const auto got = SendWithRetries(*client, {.url = server.url()}, {}, clock, {});
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->body, "well");
  EXPECT_EQ(count, 4);
  EXPECT_GE(clock.MonotonicMicros(), 7'000'000);  // As long as the server asked for.
  EXPECT_LT(clock.MonotonicMicros(), 8'000'000);
}

TEST(HttpRetry, EndsWithTheLastAnswerWhenAttemptsOrBudgetAreUsedUp) {
  int count = 0;
  HttpStub server([&](const StubRequest&) {
    ++count;
    return Text("", 503);
  });
  const auto client = MakeHttpClient();
  FakeClock clock;
  EXPECT_EQ(SendWithRetries(*client, {.url = server.url()}, {.attempts_max = 3}, clock, {})->status,
            503);
  EXPECT_EQ(count, 3);
  count = 0;
  const RetryPolicy brief{.attempts_max = 100, .delay_ms_first = 1'000, .budget_ms = 2'500};
  EXPECT_EQ(SendWithRetries(*client, {.url = server.url()}, brief, clock, {})->status, 503);
  EXPECT_LE(count, 4);
  count = 0;
  server.requests();
  EXPECT_EQ(SendWithRetries(*client, {.url = "ftp://x/"}, {}, clock, {}).status().code(),
            arrow::StatusCode::Invalid);
}

TEST(HttpRetry, NeverWaitsLongerThanTwiceTheLastDelayNorShorterThanHalf) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    FakeClock clock;
    Backoff backoff({.attempts_max = 8, .delay_ms_first = 100, .delay_ms_max = 1'000}, clock, seed);
    int64_t whole_ms = 100;
    for (int i = 0; i < 7; ++i) {
      const auto delay_ms = backoff.NextDelayMs();
      ASSERT_TRUE(delay_ms);
      EXPECT_GE(*delay_ms, whole_ms / 2);
      EXPECT_LE(*delay_ms, whole_ms);
      whole_ms = std::min<int64_t>(whole_ms * 2, 1'000);
    }
    EXPECT_FALSE(backoff.NextDelayMs());
  }
}

TEST(HttpResponse, ReadsRetryAfterOfBothForms) {
  const auto after = [](std::string text) {
    const HttpResponse response{.headers = {{"retry-after", std::move(text)}}};
    return response.RetryAfterMs(/*now_us=*/784'111'777'000'000);
  };
  EXPECT_EQ(after("120"), 120'000);
  EXPECT_EQ(after("Sun, 06 Nov 1994 08:50:07 GMT"), 30'000);
  EXPECT_EQ(after("Sun, 06 Nov 1994 08:00:00 GMT"), 0);
  EXPECT_EQ(after("99999999999"), 86'400'000);
  EXPECT_EQ(after("soon"), std::nullopt);
  EXPECT_EQ(HttpResponse().RetryAfterMs(0), std::nullopt);
}

TEST(HttpUrl, EncodesAllButWhatIsPlain) {
  EXPECT_EQ(EncodeForUrl("a b/ü~-._9"), "a%20b%2F%C3%BC~-._9");
  EXPECT_EQ(EncodeForUrl("a/b", "/"), "a/b");
}

}  // namespace
}  // namespace catchwater
