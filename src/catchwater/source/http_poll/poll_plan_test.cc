#include "catchwater/source/http_poll/poll_plan.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr const char* kUrl = "https://api.example.org/v1/items";

HttpResponse Answer(std::string body, std::vector<HttpHeader> headers = {}) {
  return {.status = 200, .headers = std::move(headers), .body = std::move(body)};
}

/// The URLs of one round over the answers, each preceded by the state's URL.
std::vector<std::string> Round(const PollTemplate& what, const std::vector<HttpResponse>& answers,
                               PollState* state) {
  std::vector<std::string> urls;
  for (const HttpResponse& answer : answers) {
    urls.push_back(NextUrl(what, {"station", "oslo"}, *state));
    const arrow::Status moved = MovePast(what, answer, urls.back(), state);
    EXPECT_TRUE(moved.ok()) << moved;
    if (state->page.empty()) break;
  }
  return urls;
}

TEST(PollPlan, FillsTemplatesAndEncodesValues) {
  PollTemplate what{.url = "https://h/{station}/r",
                    .query = {{"since", "{cursor}"}, {"of", "a b&{station}"}},
                    .page = {},
                    .cursor = PollCursorConfig{.items = "", .field = "id", .start = ""}};
  PollState state;
  EXPECT_EQ(NextUrl(what, {"station", "å/?"}, state),
            "https://h/%C3%A5%2F%3F/r?of=a%20b%26%C3%A5%2F%3F");
  state.cursor = "2026-01-01T00:00:00+01:00";
  EXPECT_EQ(NextUrl(what, {"station", "x"}, state),
            "https://h/x/r?since=2026-01-01T00%3A00%3A00%2B01%3A00&of=a%20b%26x");
  what.cursor->start = "0";
  EXPECT_EQ(NextUrl(what, {"station", "x"}, PollState{}), "https://h/x/r?since=0&of=a%20b%26x");
}

TEST(PollPlan, CountsPagesUntilOneIsEmpty) {
  const PollTemplate what{
      .url = kUrl, .query = {}, .page = {.by = PageKind::kNumber, .items = "/items"}, .cursor = {}};
  PollState state;
  const auto urls = Round(what,
                          {Answer(R"({"items":[1]})"), Answer(R"({"items":[2]})"),
                           Answer(R"({"items":[]})"), Answer("never")},
                          &state);
  EXPECT_EQ(urls,
            (std::vector<std::string>{std::string(kUrl) + "?page=1", std::string(kUrl) + "?page=2",
                                      std::string(kUrl) + "?page=3"}));
  EXPECT_EQ(NextUrl(what, {}, state), std::string(kUrl) + "?page=1");  // The next round.
}

TEST(PollPlan, FollowsACursorAndALink) {
  PollTemplate what{.url = kUrl,
                    .query = {},
                    .page = {.by = PageKind::kCursor, .parameter = "after", .next = "/meta/next"},
                    .cursor = {}};
  PollState state;
  EXPECT_EQ(Round(what, {Answer(R"({"meta":{"next":"a=b"}})"), Answer(R"({"meta":{"next":null}})")},
                  &state),
            (std::vector<std::string>{kUrl, std::string(kUrl) + "?after=a%3Db"}));
  what.page = {.by = PageKind::kLink};
  EXPECT_EQ(
      Round(what,
            {Answer("[]", {{"link",
                            "</v1/items?p=0>; rel=\"prev\", </v1/items?p=2>; "
                            "rel=\"next\""}}),
             Answer("[]", {{"link", "<?p=3>; rel=\"next\""}}), Answer("[]")},
            &state),
      (std::vector<std::string>{kUrl, std::string(kUrl) + "?p=2", std::string(kUrl) + "?p=3"}));
}

struct Refused {
  std::string name;
  PollPageConfig page;
  HttpResponse answer;
  std::string message;
};

class PollRefusalTest : public ::testing::TestWithParam<Refused> {};

TEST_P(PollRefusalTest, SaysWhyTheAnswerIsNotGood) {
  const Refused& test = GetParam();
  const PollTemplate what{.url = kUrl, .query = {}, .page = test.page, .cursor = {}};
  PollState state;
  arrow::Status status;
  for (int i = 0; i < 5 && status.ok(); ++i) {
    status = MovePast(what, test.answer, NextUrl(what, {}, state), &state);
  }
  EXPECT_EQ(KindOf(status), ErrorKind::kBadData);
  EXPECT_NE(status.message().find(test.message), std::string::npos) << status;
}

INSTANTIATE_TEST_SUITE_P(
    Table, PollRefusalTest,
    ::testing::Values(
        Refused{"OtherServer",
                {.by = PageKind::kLink},
                Answer("[]", {{"link", "<https://evil.example/x>; rel=\"next\""}}),
                "another server"},
        Refused{"Loop", {.by = PageKind::kCursor}, Answer(R"({"next":"a"})"), "the page itself"},
        Refused{
            "TooManyPages", {.by = PageKind::kNumber, .pages_max = 3}, Answer("[1]"), "More pages"},
        Refused{"NoJson", {.by = PageKind::kNumber}, Answer("<html>"), "no JSON"},
        Refused{"NoItems", {.by = PageKind::kNumber, .items = "/items"}, Answer("{}"), "no list"}),
    [](const auto& test) { return test.param.name; });

TEST(PollPlan, RemembersTheLargestValueWhenTheRoundEnds) {
  const PollTemplate what{
      .url = "https://h/?s={cursor}",
      .query = {},
      .page = {.by = PageKind::kCursor},
      .cursor = PollCursorConfig{.items = "/items", .field = "n", .start = "1"}};
  PollState state;
  const auto urls = Round(
      what,
      {Answer(R"({"items":[{"n":9},{"n":100},{}],"next":"x"})"), Answer(R"({"items":[{"n":20}]})")},
      &state);
  // All pages of a round are asked with the cursor that it began with.
  EXPECT_EQ(urls, (std::vector<std::string>{"https://h/?s=1", "https://h/?s=1&page=x"}));
  EXPECT_EQ(state.cursor, "100");
  Round(what, {Answer(R"({"items":[{"n":99}]})")}, &state);
  EXPECT_EQ(state.cursor, "100");
  Round(what, {Answer(R"({"items":[]})")}, &state);
  EXPECT_EQ(state.cursor, "100");
}

TEST(PollState, IsReadAsItWasWritten) {
  const PollState state{.cursor = "c\xC3\xA5\n",
                        .cursor_seen = "s",
                        .etag = "\"e\"",
                        .last_modified = "m",
                        .body_hash = "h",
                        .polled_us = 7,
                        .page = "p",
                        .page_count = 3};
  const PollState read = PollState::FromJson(state.ToJson()).ValueOrDie();
  EXPECT_EQ(read.ToJson(), state.ToJson());
  EXPECT_EQ(read.cursor, state.cursor);
  EXPECT_EQ(read.page_count, 3);
  EXPECT_FALSE(PollState::FromJson("[]").ok());
}

TEST(PollPlan, FindsTheNamesOfATemplate) {
  EXPECT_EQ(TemplateNames("a{b}c{d}").ValueOrDie(), (std::vector<std::string>{"b", "d"}));
  EXPECT_EQ(KindOf(TemplateNames("a{b").status()), ErrorKind::kConfig);
}

}  // namespace
}  // namespace catchwater
