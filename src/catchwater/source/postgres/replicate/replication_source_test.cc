#include "catchwater/source/postgres/replicate/replication_source.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/source/postgres/replicate/replication_fixture_test.h"
#include "catchwater/testing/pgoutput_bytes.h"

namespace catchwater {
namespace {

TEST_F(ReplicationSourceTest, ChangesAreRows) {
  const Position begun = Begun();
  Write({pg_bytes::Insert(kOid, {"1", "a"}), pg_bytes::Insert(kOtherOid, {"x"}),
         pg_bytes::Update(kOid, {"1", "b"}), pg_bytes::Update(kOid, {"2", "b"}, 'K', {"1", {}}),
         pg_bytes::Delete(kOid, {"2", {}}), pg_bytes::Truncate({kOtherOid, kOid}),
         pg_bytes::Truncate({kOtherOid})});
  const auto read = All(*Opened(begun));
  EXPECT_EQ(read.rows, (std::vector<std::string>{
                           RowText("insert", 100, 2, R"(,"id":1,"v":"a")"),
                           RowText("update", 100, 4, R"(,"id":1,"v":"b")"),
                           RowText("delete", 100, 5, R"(,"id":1)"),
                           RowText("update", 100, 6, R"(,"id":2,"v":"b")"),
                           RowText("delete", 100, 8, R"(,"id":2)"),
                           RowText("truncate", 100, 10, ""),
                       }));
}

TEST_F(ReplicationSourceTest, WithWholeRowsAChangedKeyIsFoundByItsColumns) {
  const Position begun = Begun();
  Write({pg_bytes::Update(kOid, {"1", "\1"}, 'O', {"1", "long"}),
         pg_bytes::Update(kOid, {"2", "\1"}, 'O', {"1", "long"}),
         pg_bytes::Delete(kOid, {"2", "long"}, 'O')});
  EXPECT_EQ(All(*Opened(begun)).rows, (std::vector<std::string>{
                                          RowText("update", 100, 2, R"(,"id":1,"v":"long")"),
                                          RowText("delete", 100, 3, R"(,"id":1,"v":"long")"),
                                          RowText("update", 100, 4, R"(,"id":2,"v":"long")"),
                                          RowText("delete", 100, 6, R"(,"id":2,"v":"long")"),
                                      }));
}

TEST_F(ReplicationSourceTest, ResumesBehindAnyBlockAlsoInsideATransaction) {
  config_.block_bytes = ByteSize{100};  // A change each.
  const Position begun = Begun();
  for (int t = 0; t < 5; ++t) {
    std::vector<std::string> messages;
    for (int i = 0; i < 7; ++i) {
      messages.push_back(i % 3 == 1 ? pg_bytes::Update(kOid, {"2", "b"}, 'K', {"1", {}})
                                    : pg_bytes::Insert(kOid, {std::to_string(i), "a"}));
    }
    Write(std::move(messages));
  }
  const auto whole = All(*Opened(begun));
  ASSERT_EQ(whole.rows.size(), 45U);
  ASSERT_EQ(whole.ends.size(), 35U);
  for (const Position& end : whole.ends) {
    const auto rest = All(*Opened(end), end.ordinal).rows;
    const auto from = whole.rows.begin() + static_cast<std::ptrdiff_t>(end.ordinal);
    EXPECT_EQ(rest, std::vector<std::string>(from, whole.rows.end())) << end.token;
  }
}

TEST_F(ReplicationSourceTest, TheRowsOfAChangedKeyAreInOneBlock) {
  config_.block_bytes = ByteSize{100};
  const Position begun = Begun();
  Write({pg_bytes::Insert(kOid, {"1", "a"}),
         pg_bytes::Update(kOid, {"2", std::string(200, 'v')}, 'K', {"1", {}}),
         pg_bytes::Insert(kOid, {"3", "a"})});
  const auto read = All(*Opened(begun));
  ASSERT_EQ(read.rows.size(), 4U);
  ASSERT_EQ(read.ends.size(), 3U);
  EXPECT_EQ(read.ends[1].ordinal, 3U);
  // Others that were committed may stand between the two.
  auto between = ReplicationPosition::FromToken(read.ends[1].token).ValueOrDie().value();
  --between.row_count;
  EXPECT_EQ(All(*Opened({.ordinal = 2, .token = between.Token()}), 2).rows,
            std::vector<std::string>(read.rows.begin() + 2, read.rows.end()));
}

TEST_F(ReplicationSourceTest, TheServerIsToldOfWhatIsCommittedOnly) {
  const Position begun = Begun();
  const std::string slot = state_.slots.begin()->first;
  EXPECT_TRUE(slot.starts_with("catchwater_my_orders_")) << slot;
  Write({pg_bytes::Insert(kOid, {"1", "a"})});
  Write({pg_bytes::Insert(kOid, {"2", "a"})});
  const auto source = Opened(begun);
  const auto read = All(*source);
  EXPECT_EQ(state_.slots.at(slot), 100U);
  ASSERT_TRUE(source->Acknowledge(1, read.ends.back()).ok());
  EXPECT_EQ(state_.slots.at(slot), 124U) << "behind the second transaction";
  EXPECT_TRUE(All(*Opened(read.ends.back()), 2).rows.empty());
}

TEST_F(ReplicationSourceTest, AnIdleTableLetsTheServerTrimItsLog) {
  const auto source = Opened(Begun());
  state_.end = 5'000;  // Of other tables.
  EXPECT_TRUE(std::holds_alternative<NotYet>(source->Next({}).ValueOrDie()));
  clock_.Advance(11'000'000);
  Position moved;
  for (int i = 0; i < 5 && moved.token.empty(); ++i) {
    auto next = source->Next({}).ValueOrDie();
    if (const auto* skip = std::get_if<Skip>(&next)) moved = skip->to;
    clock_.Advance(11'000'000);
  }
  EXPECT_EQ(moved.ordinal, 0U);
  EXPECT_NE(moved.token.find("0/1388"), moved.token.npos) << moved.token;
  EXPECT_EQ(state_.slots.begin()->second, 100U) << "not committed yet";
  ASSERT_TRUE(source->Acknowledge(1, moved).ok());
  EXPECT_EQ(state_.slots.begin()->second, 5'000U);
}

TEST_F(ReplicationSourceTest, ATableThatWasMadeAnewIsNoticedThoughNothingComes) {
  const auto source = Opened(Begun());
  state_.is_made_anew = true;
  EXPECT_TRUE(NextOf(*source, 3).ok());
  clock_.Advance(11'000'000);
  EXPECT_EQ(KindOf(NextOf(*source, 3).status()), ErrorKind::kConflict);
}

TEST_F(ReplicationSourceTest, IsCaughtUpWhenTheLogIsRead) {
  const Position begun = Begun();
  Write({pg_bytes::Insert(kOid, {"1", "a"})});
  state_.end = 1'000;
  const auto source = Opened(begun);
  EXPECT_EQ(source->pending_count(), 1);
  EXPECT_EQ(All(*source).rows.size(), 1U);
  clock_.Advance(50'000);
  NextOf(*source, 3).ValueOrDie();
  EXPECT_EQ(source->pending_count(), 0) << "a sign of life said so";
}

TEST_F(ReplicationSourceTest, ASignOfLifeIsAnsweredIfAsked) {
  const auto source = Opened(Begun());
  const size_t before = state_.sent.size();
  server_->SendLife(/*wants_answer=*/false);
  All(*source);
  EXPECT_EQ(state_.sent.size(), before);
  server_->SendLife(/*wants_answer=*/true);
  All(*source);
  EXPECT_EQ(state_.sent.size(), before + 1);
}

TEST_F(ReplicationSourceTest, ASlotThatIsNotWhereItWasLeftIsTold) {
  const Position begun = Begun();
  const std::string slot = state_.slots.begin()->first;
  state_.slots[slot] = 4'000;
  auto refused = Make()->Open({}, 1, begun);
  EXPECT_EQ(KindOf(refused), ErrorKind::kConfig);
  EXPECT_NE(refused.message().find("somebody else moved it"), std::string::npos) << refused;
  state_.slots.clear();
  refused = Make()->Open({}, 1, begun);
  EXPECT_NE(refused.message().find("it is gone"), std::string::npos) << refused;
}

TEST_F(ReplicationSourceTest, ASlotThatWasNeverReadIsMadeAnew) {
  Begun();
  const std::string first = state_.slots.begin()->first;
  Begun();  // Nothing was committed.
  ASSERT_EQ(state_.slots.size(), 1U) << "ours was dropped";
  EXPECT_NE(state_.slots.begin()->first, first);
  state_.slots["mine"] = 40;
  config_.slot = "mine";
  EXPECT_NE(Begun().token.find("0/28"), std::string::npos) << "read from where it stands";
}

TEST_F(ReplicationSourceTest, ATruncationIsLeftOutOrStops) {
  const Position begun = Begun();
  Write({pg_bytes::Truncate({kOid}), pg_bytes::Insert(kOid, {"1", "a"})});
  config_.on_truncate = OnTruncate::kIgnore;
  EXPECT_EQ(All(*Opened(begun)).rows,
            (std::vector<std::string>{RowText("insert", 100, 4, R"(,"id":1,"v":"a")")}));
  config_.on_truncate = OnTruncate::kFail;
  EXPECT_EQ(KindOf(NextOf(*Opened(begun)).status()), ErrorKind::kConfig);
}

TEST_F(ReplicationSourceTest, ChangedColumnsAreFollowedOrStop) {
  const auto read = [&](const Position& at) { return All(*Opened(at), at.ordinal); };
  const Position begun = Begun();
  Write({pg_bytes::Insert(kOid, {"1", "a"})});
  const Position before = read(begun).ends.back();
  Write({pg_bytes::Relation(kOid, {{"id", 20, true}, {"v", 23, false}, {"w", 25, false}}),
         pg_bytes::Insert(kOid, {"2", "5", "x"})});
  config_.on_columns = OnColumns::kFail;
  const auto told = NextOf(*Opened(before)).status();
  EXPECT_EQ(KindOf(told), ErrorKind::kConfig);
  EXPECT_NE(told.message().find("id, v, w"), std::string::npos) << told;
  config_.on_columns = OnColumns::kFollow;
  const auto followed = read(before);
  EXPECT_EQ(followed.rows,
            (std::vector<std::string>{RowText("insert", 116, 2, R"(,"id":2,"v":5,"w":"x")")}));
  state_.has_old_columns = false;
  config_.on_columns = OnColumns::kFail;
  EXPECT_TRUE(read(followed.ends.back()).rows.empty());
}

TEST_F(ReplicationSourceTest, NeedsAPlaceForItsPosition) {
  const SourceContext context{.files = files_, .clock = clock_};
  ReplicationSource source(config_, context, std::make_unique<FakeServer>(state_));
  EXPECT_EQ(KindOf(source.Check()), ErrorKind::kConfig);
}

TEST(PostgresSourceConfig, RefusesOptionsOfTheOtherMode) {
  PostgresSourceConfig config;
  config.url = Secret("postgres://localhost/shop");
  config.table = "t";
  EXPECT_FALSE(config.Check().ok()) << "no column";
  config.column = "id";
  EXPECT_TRUE(config.Check().ok());
  config.slot = "s";
  EXPECT_FALSE(config.Check().ok());
  config.mode = PostgresMode::kReplicate;
  EXPECT_FALSE(config.Check().ok()) << "a column";
  config.column = "";
  EXPECT_TRUE(config.Check().ok());
  for (const std::string& slot : {std::string("Slot"), std::string("a-b"), std::string(64, 's')}) {
    config.slot = slot;
    EXPECT_FALSE(config.Check().ok()) << slot;
  }
  config.slot = "";
  config.once = true;
  EXPECT_FALSE(config.Check().ok());
  config.once = false;
  config.table = std::string(60, 't');
  EXPECT_FALSE(config.Check().ok());
  config.publication = "p";
  EXPECT_TRUE(config.Check().ok());
}

}  // namespace
}  // namespace catchwater
