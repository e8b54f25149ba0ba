#include <gmock/gmock.h>

#include "catchwater/ledger/sqlite/ledger_fixture_test.h"

namespace catchwater {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DeliveriesTest : public LedgerTest {
 protected:
  /// A commit of these files. \return its number
  int64_t Add(std::vector<DataFile> files, const std::string& operation = "append",
              std::vector<std::string> removed = {}) {
    CommitPlan plan = Plan();
    const std::string next = "m" + std::to_string(++pointer_count_);
    plan.tables = {Append(pointer_, next, std::move(files))};
    plan.tables[0].operation = operation;
    plan.tables[0].removed = std::move(removed);
    EXPECT_EQ(Commit(plan), Outcome::kCommitted);
    pointer_ = next;
    return ledger_->Catalog().ValueOrDie().seq;
  }
  std::vector<std::string> Waiting(const DeliveryMark& mark) {
    std::vector<std::string> paths;
    for (const auto& file : ledger_->FilesToDeliver("db.t", mark, 100).ValueOrDie()) {
      paths.push_back(file.file.path);
    }
    return paths;
  }
  void Set(const DeliveryMark& mark, DeliveryState state = DeliveryState::kLive,
           const std::string& reason = "") {
    ASSERT_EQ(ledger_->SetDelivery({.sink = "p/pg",
                                    .table_key = "db.t",
                                    .mark = mark,
                                    .schema_id = 3,
                                    .state = state,
                                    .reason = reason}),
              arrow::Status::OK());
  }
  bool CanFollow(const DeliveryMark& mark) { return ledger_->CanFollow("db.t", mark).ValueOrDie(); }

  std::string pointer_;
  int pointer_count_ = 0;
};

TEST_F(DeliveriesTest, FilesComeInTheOrderOfCommitsWithoutMerges) {
  const int64_t first = Add({File("a"), File("b")});
  Add({File("merged", 20)}, "replace", {"a", "b"});
  const int64_t second = Add({File("c")});
  EXPECT_THAT(Waiting({}), ElementsAre("a", "b", "c"));
  EXPECT_THAT(Waiting({.seq = first, .ordinal = 0}), ElementsAre("b", "c"));
  EXPECT_THAT(Waiting({.seq = first, .ordinal = kWholeCommit}), ElementsAre("c"));
  EXPECT_THAT(Waiting({.seq = second, .ordinal = 0}), IsEmpty());
  const DeliveryBacklog backlog =
      ledger_->Backlog("db.t", {.seq = first, .ordinal = 0}).ValueOrDie();
  EXPECT_EQ(backlog.file_count, 2);
  EXPECT_EQ(backlog.row_count, 20);
  EXPECT_TRUE(backlog.oldest_us.has_value());
}

TEST_F(DeliveriesTest, NothingPassesAForeignCommitThatIsNotRead) {
  Add({File("a")});
  Sql("UPDATE iceberg_tables SET metadata_location = 'foreign-1'");
  pointer_ = "foreign-1";
  Add({File("c")});
  EXPECT_THAT(Waiting({}), ElementsAre("a"));
  PointerSwap read = Append("m1", "foreign-1", {File("b")});
  ASSERT_EQ(ledger_->RecordForeignCommit("foreign-1", read), arrow::Status::OK());
  EXPECT_THAT(Waiting({}), ElementsAre("a", "b", "c"));
}

TEST_F(DeliveriesTest, RemembersWhatEachSinkHas) {
  Set({.seq = 4, .ordinal = 2});
  Set({.seq = 5, .ordinal = 0}, DeliveryState::kBlocked, "ALTER TABLE t;");
  const auto deliveries = ledger_->Deliveries("db.t").ValueOrDie();
  ASSERT_THAT(deliveries, SizeIs(1));
  EXPECT_EQ(deliveries[0].sink, "p/pg");
  EXPECT_EQ(deliveries[0].mark.seq, 5);
  EXPECT_EQ(deliveries[0].schema_id, 3);
  EXPECT_EQ(deliveries[0].state, DeliveryState::kBlocked);
  EXPECT_EQ(deliveries[0].reason, "ALTER TABLE t;");
  EXPECT_THAT(ledger_->Deliveries("db.other").ValueOrDie(), IsEmpty());
  ASSERT_TRUE(ledger_->RemoveDelivery("p/pg", "db.t").ok());
  EXPECT_THAT(ledger_->Deliveries("").ValueOrDie(), IsEmpty());
}

TEST_F(DeliveriesTest, OnlyAnotherStateIsNews) {
  Set({.seq = 1, .ordinal = 0});
  const int64_t before = ledger_->Catalog().ValueOrDie().seq;
  Set({.seq = 2, .ordinal = 0});
  EXPECT_EQ(ledger_->Catalog().ValueOrDie().seq, before);
  Set({.seq = 2, .ordinal = 0}, DeliveryState::kBlocked, "why");
  const auto events = ledger_->Feed(before, 10).ValueOrDie();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].kind, "delivery");
  EXPECT_EQ(events[0].object, "p/pg");
}

TEST_F(DeliveriesTest, AFileOfAHalfDeliveredCommitIsHeld) {
  const int64_t first = Add({File("a"), File("b")});
  Set({.seq = first, .ordinal = 0});
  Add({File("merged", 20)}, "replace", {"a", "b"});
  const auto removed = ledger_->RemovedDataFiles("db.t", {}, 10).ValueOrDie();
  ASSERT_THAT(removed, SizeIs(1));
  EXPECT_EQ(removed[0].file.path, "a");
  Set({.seq = first, .ordinal = 1});
  EXPECT_THAT(ledger_->RemovedDataFiles("db.t", {}, 10).ValueOrDie(), SizeIs(2));
}

TEST_F(DeliveriesTest, AMergedFileIsHeldForNobody) {
  const int64_t first = Add({File("a"), File("b")});
  Set({.seq = first, .ordinal = 0});
  Add({File("merged", 20)}, "replace", {"a", "b"});
  Add({File("merged again", 20)}, "replace", {"merged"});
  std::vector<std::string> removed;
  for (const auto& file : ledger_->RemovedDataFiles("db.t", {}, 10).ValueOrDie()) {
    removed.push_back(file.file.path);
  }
  EXPECT_THAT(removed, ElementsAre("a", "merged")) << "b is still to be delivered";
}

TEST_F(DeliveriesTest, AMarkCanBeFollowedWhileWhatIsBehindItIsThere) {
  const int64_t first = Add({File("a")});
  const int64_t second = Add({File("b")});
  EXPECT_TRUE(CanFollow({}));
  EXPECT_TRUE(CanFollow({.seq = first, .ordinal = 0, .file = "a"}));
  EXPECT_FALSE(CanFollow({.seq = first, .ordinal = 0, .file = "of another ledger"}));
  EXPECT_TRUE(CanFollow({.seq = second, .ordinal = kWholeCommit, .file = "m2"}));
  EXPECT_FALSE(CanFollow({.seq = 99, .ordinal = 0, .file = "b"}));
  Add({File("merged", 20)}, "replace", {"a", "b"});
  for (const auto& file : ledger_->RemovedDataFiles("db.t", {}, 10).ValueOrDie()) {
    ASSERT_TRUE(ledger_
                    ->QueueUnlink({{.path = file.file.path,
                                    .table_key = "db.t",
                                    .not_before_us = 0,
                                    .data_file_id = file.id}})
                    .ok());
  }
  EXPECT_FALSE(CanFollow({})) << "a will be gone";
  EXPECT_FALSE(CanFollow({.seq = first, .ordinal = 0, .file = "a"})) << "b will be gone";
  EXPECT_TRUE(CanFollow({.seq = second, .ordinal = 0, .file = "b"}));
}

}  // namespace
}  // namespace catchwater
