#include "catchwater/source/postgres/postgres_source.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/testing/fake_clock.h"
#include "catchwater/testing/memory_files.h"
#include "catchwater/testing/source_conformance.h"

namespace catchwater {
namespace {

/// Rows of (value, key) in order, and who writes; the real one is tested against a server.
struct TableState {
  std::vector<std::pair<int64_t, int64_t>> rows;
  PgTransactions transactions;
  bool has_younger = false;
  int64_t row_count_most = 0;  // Of one answer.
  std::string padding;
  std::string key_suffix;
};

class FakeTable final : public PollTable {
 public:
  explicit FakeTable(TableState& state) : state_(state) {}
  arrow::Status Check() override { return arrow::Status::OK(); }
  arrow::Result<std::string> Identity() override { return std::string("1"); }
  arrow::Result<PollCeiling> Ceiling() override {
    PollCeiling ceiling{.value = std::nullopt, .has_younger = state_.has_younger};
    if (!state_.rows.empty()) ceiling.value = std::to_string(state_.rows.back().first);
    return ceiling;
  }
  arrow::Result<PgTransactions> Transactions() override { return state_.transactions; }
  arrow::Result<std::vector<PollRow>> Rows(const PollRequest& request) override {
    std::vector<PollRow> found;
    uint64_t skip_count = request.skip_count;
    for (const auto& [value, key] : state_.rows) {
      if (value > std::stoll(request.ceiling)) continue;
      if (request.after &&
          std::pair(value, key) <= std::pair<int64_t, int64_t>(std::stoll((*request.after)[0]),
                                                               std::stoll((*request.after)[1]))) {
        continue;
      }
      if (skip_count > 0) {
        --skip_count;
        continue;
      }
      if (static_cast<int64_t>(found.size()) == request.row_count_max) break;
      found.push_back({.json = "{\"k\":" + std::to_string(key) + state_.padding + "}",
                       .cursor = {std::to_string(value), std::to_string(key) + state_.key_suffix}});
    }
    state_.row_count_most = std::max(state_.row_count_most, static_cast<int64_t>(found.size()));
    return found;
  }

 private:
  TableState& state_;
};

class PostgresSourceTest : public ::testing::Test {
 protected:
  PostgresSourceTest() { config_.table = "t"; }
  std::unique_ptr<Source> Make() {
    const SourceContext context{.files = files_, .clock = clock_, .frame_bytes_max = 1 << 20};
    return std::make_unique<PostgresSource>(config_, context, std::make_unique<FakeTable>(state_));
  }
  void Fill(int64_t count) {
    for (int64_t i = 0; i < count; ++i) state_.rows.emplace_back(i / 3, i);  // Ties, too.
  }
  std::unique_ptr<Source> Opened() {
    auto source = Make();
    EXPECT_TRUE(source->Open(source->Discover().ValueOrDie()[0], 1, {}).ok());
    return source;
  }
  /// What the next block holds; "" if nothing comes.
  std::string NextText(Source& source) {
    auto next = NextOf(source).ValueOrDie();
    const auto* block = std::get_if<Block>(&next);
    return block == nullptr ? "" : block->bytes->ToString();
  }

  MemoryFiles files_;
  FakeClock clock_;
  PostgresSourceConfig config_;
  TableState state_;
};

TEST_F(PostgresSourceTest, Conforms) {
  config_.once = true;
  config_.block_bytes = ByteSize::KiB(1);
  Fill(1'000);
  CheckSourceConformance(
      {.make = [this]() -> arrow::Result<std::unique_ptr<Source>> { return Make(); },
       .resume_count_max = 60});
}

TEST_F(PostgresSourceTest, NewRowsComeWithTheNextLook) {
  state_.rows = {{1, 1}, {1, 2}};
  const auto source = Opened();
  EXPECT_EQ(source->pending_count(), 1) << "nothing was looked at";
  EXPECT_EQ(NextText(*source), "{\"k\":1}{\"k\":2}");
  EXPECT_EQ(NextText(*source), "");
  EXPECT_EQ(source->pending_count(), 0);
  state_.rows.emplace_back(2, 0);
  clock_.Advance(config_.every.us());
  EXPECT_EQ(NextText(*source), "{\"k\":0}");
}

TEST_F(PostgresSourceTest, ARowThatIsCommittedLateIsNotLost) {
  state_.rows = {{2, 2}};
  state_.transactions.running = {"3/1"};  // It has drawn 1.
  const auto source = Opened();
  EXPECT_EQ(NextText(*source), "");
  EXPECT_EQ(source->pending_count(), 1) << "rows are there, but not settled";
  state_.transactions.running = {"4/1"};  // Began later.
  state_.rows = {{1, 1}, {2, 2}};
  EXPECT_EQ(NextText(*source), "{\"k\":1}{\"k\":2}");
}

TEST_F(PostgresSourceTest, YoungRowsAreNotIdleness) {
  state_.rows = {{1, 1}};
  state_.has_younger = true;
  const auto source = Opened();
  EXPECT_EQ(NextText(*source), "{\"k\":1}");
  EXPECT_EQ(NextText(*source), "");
  EXPECT_EQ(source->pending_count(), 1);
}

TEST_F(PostgresSourceTest, WhatIsNotOpenedIsNotWaitedFor) {
  config_.once = true;  // It was read before, and is done.
  const auto source = Make();
  ASSERT_TRUE(source->Discover().ok());
  EXPECT_TRUE(std::holds_alternative<SourceEnd>(source->Next({}).ValueOrDie()));
  EXPECT_EQ(source->pending_count(), 0);
}

TEST_F(PostgresSourceTest, LargeRowsMakeSmallPages) {
  config_.once = true;
  state_.padding = ",\"x\":\"" + std::string(500'000, 'x') + "\"";
  Fill(200);
  const auto source = Make();
  EXPECT_EQ(ReadToEnd(*source).at("t").frames.size(), 200U);
  EXPECT_EQ(state_.row_count_most, 64) << "the first page only";
}

TEST_F(PostgresSourceTest, ARowOverTheLimitIsRejectedAlone) {
  config_.once = true;
  state_.padding = ",\"x\":\"" + std::string(2 << 20, 'x') + "\"";
  Fill(2);
  const auto frames = ReadToEnd(*Make()).at("t").frames;
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[1], Frame(1, "rejected: " + std::to_string((2 << 20) + 14)));
}

TEST_F(PostgresSourceTest, RefusesAPositionThatIsNotItsOwn) {
  auto source = Make();
  for (const std::string token : {"mark=3", "[]", "[1]", "{\"a\":\"b\"}"}) {
    EXPECT_FALSE(source->Open({}, 1, {.ordinal = 5, .token = token}).ok()) << token;
  }
  EXPECT_TRUE(source->Open({}, 1, {.ordinal = 0, .token = std::string(kNewIncarnation)}).ok());
}

TEST_F(PostgresSourceTest, RefusesKeysThatAPositionCannotHold) {
  state_.rows = {{1, 1}};
  for (const std::string& suffix : {std::string(2'000, 'k'), std::string("\xff")}) {
    state_.key_suffix = suffix;
    const auto source = Opened();
    EXPECT_EQ(KindOf(NextOf(*source).status()), ErrorKind::kConfig);
  }
  state_.key_suffix = " \"é\n";
  EXPECT_NE(NextText(*Opened()), "");
}

TEST(PageSql, ComparesTheWholeCursor) {
  const PollRequest first{
      .after = std::nullopt, .skip_count = 3, .ceiling = "9", .row_count_max = 10};
  EXPECT_EQ(PageSql("\"t\"", {"v", "k"}, {"bigint", "uuid"}, {}, first),
            "SELECT row_to_json(t)::text, t.\"v\"::text, t.\"k\"::text FROM \"t\" t "
            "WHERE t.\"v\" <= $1::text::bigint ORDER BY t.\"v\", t.\"k\" LIMIT 10 OFFSET 3");
  const PollRequest next{
      .after = PollCursor{"1", "2"}, .skip_count = 0, .ceiling = "9", .row_count_max = 10};
  EXPECT_EQ(PageSql("\"t\"", {"v", "k"}, {"bigint", "uuid"}, {"a"}, next),
            "SELECT (SELECT row_to_json(r)::text FROM (SELECT t.\"a\") r), t.\"v\"::text, "
            "t.\"k\"::text FROM \"t\" t WHERE t.\"v\" <= $1::text::bigint "
            "AND (t.\"v\", t.\"k\") > ($2::text::bigint, $3::text::uuid) "
            "ORDER BY t.\"v\", t.\"k\" LIMIT 10");
}

TEST(PostgresSourceConfig, RefusesWhatIsNoUrl) {
  PostgresSourceConfig config;
  config.column = "id";
  config.url = Secret("shop");
  EXPECT_FALSE(config.Check().ok());
  config.url = Secret("postgres://localhost/shop");
  EXPECT_TRUE(config.Check().ok());
}

}  // namespace
}  // namespace catchwater
