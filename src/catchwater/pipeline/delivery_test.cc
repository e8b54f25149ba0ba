#include "catchwater/pipeline/delivery.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <arrow/array/util.h>
#include <gmock/gmock.h>

#include "catchwater/base/error.h"
#include "catchwater/lake/compactor.h"
#include "catchwater/lake/janitor.h"
#include "catchwater/lake/lake_fixture_test.h"
#include "catchwater/testing/memory_sink.h"
#include "catchwater/testing/sink_conformance.h"

namespace catchwater {
namespace {

using ::testing::HasSubstr;
using testing::MakeMemorySink;
using testing::MemoryTarget;
using testing::RowsOf;
using ::testing::SizeIs;
using Made = arrow::Result<std::unique_ptr<Sink>>;

class DeliveryTest : public LakeTest {
 protected:
  void SetUp() override {
    LakeTest::SetUp();
    Ensure(ReadingsSpec());
  }
  static LakeReading At(int64_t id, const std::string& name, double value = 1) {
    return {.id = id, .ts_us = 1'767'225'600'000'000 + id, .name = name, .value = value};
  }
  arrow::Result<std::unique_ptr<Delivery>> Open() {
    return Delivery::Open(*lake_, {.sink = "p/memory",
                                   .table_key = "sensors.readings",
                                   .batch_bytes = batch_bytes_,
                                   .make =
                                       [this](std::shared_ptr<arrow::Schema> schema) {
                                         return Made(MakeMemorySink(target_, schema));
                                       },
                                   .early = early_});
  }
  /// Delivers all that waits, resync included. \return the transactions
  int DeliverAll(Delivery& delivery) {
    int steps = 0;
    if (delivery.needs_resync()) {
      EXPECT_TRUE(delivery.Resync({}).ok());
      ++steps;
    }
    while (delivery.Step({}).ValueOrDie().kind == DeliveryStep::Kind::kDelivered) ++steps;
    return steps;
  }
  void DeliverAll() {
    auto delivery = Open();
    ASSERT_TRUE(delivery.ok()) << delivery.status();
    DeliverAll(**delivery);
  }
  DeliveryRecord Record() {
    const auto deliveries = ledger_->Deliveries("sensors.readings").ValueOrDie();
    EXPECT_THAT(deliveries, SizeIs(1));
    return deliveries.empty() ? DeliveryRecord{} : deliveries[0];
  }
  /// Merges all files, and lets the janitor queue what is not held.
  void CompactAndForget() {
    Compactor compactor(*lake_, "me", folder_.path() + "/tmp");
    const CompactionPolicy policy{.table_key = "sensors.readings", .min_files = 2, .is_last = true};
    ASSERT_EQ(compactor.Run(policy, {}).ValueOrDie().failures, 0);
    clock_.now_us += 40LL * 86'400'000'000;
    Janitor janitor(*lake_, "me");
    ASSERT_TRUE(janitor.ExpireSnapshots("sensors.readings").ok());
    ASSERT_TRUE(janitor.QueueRemoved("sensors.readings").ok());
    clock_.now_us += 3'600'000'000;
    ASSERT_TRUE(janitor.UnlinkDue({}).ok());
  }

  MemoryTarget target_;
  int64_t batch_bytes_ = 64 << 20;
  EarlyResults* early_ = nullptr;
};

TEST_F(DeliveryTest, DeliversCommitsInTheirOrder) {
  Append("sensors.readings", {At(1, "a"), At(2, "b")});
  Append("sensors.readings", {At(1, "c")});
  DeliverAll();
  ASSERT_EQ(target_.rows.size(), 2U);
  EXPECT_THAT(target_.rows["1"], HasSubstr("|c|"));
  ASSERT_TRUE(target_.mark.has_value());
  EXPECT_EQ(Record().mark.seq, target_.mark->seq);
  EXPECT_FALSE(Record().reason.size());
}

TEST_F(DeliveryTest, SmallFilesShareATransactionAndLargeOnesDoNot) {
  for (int64_t id = 0; id < 4; ++id) Append("sensors.readings", {At(id, "a")});
  EXPECT_EQ(DeliverAll(*Open().ValueOrDie()), 1);
  batch_bytes_ = 1;
  for (int64_t id = 4; id < 8; ++id) Append("sensors.readings", {At(id, "a")});
  EXPECT_EQ(DeliverAll(*Open().ValueOrDie()), 4);
  EXPECT_EQ(target_.rows.size(), 8U);
}

TEST_F(DeliveryTest, ACommitIsOneTransactionForASinkThatNeedsItWhole) {
  constexpr int64_t kDayUs = 86'400'000'000;
  const auto two_days = [](int64_t id) {  // Two partitions: two files.
    LakeReading later = At(id + 1, "b");
    *later.ts_us += kDayUs;
    return std::vector<LakeReading>{At(id, "a"), later};
  };
  batch_bytes_ = 1;
  for (int64_t id = 0; id < 6; id += 2) Append("sensors.readings", two_days(id));
  EXPECT_EQ(DeliverAll(*Open().ValueOrDie()), 6) << "else a file is enough";
  target_.needs_whole_commits = true;
  for (int64_t id = 6; id < 12; id += 2) Append("sensors.readings", two_days(id));
  EXPECT_EQ(DeliverAll(*Open().ValueOrDie()), 3);
  batch_bytes_ = 64 << 20;
  for (int64_t id = 12; id < 18; id += 2) Append("sensors.readings", two_days(id));
  EXPECT_EQ(DeliverAll(*Open().ValueOrDie()), 1);
  EXPECT_EQ(target_.rows.size(), 18U);
}

TEST_F(DeliveryTest, TellsOfEachFileWhenItWasCommitted) {
  Append("sensors.readings", {At(1, "a"), At(2, "b")});
  clock_.now_us += 5'000'000;
  Append("sensors.readings", {At(3, "c")});
  const DeliveryStep step = Open().ValueOrDie()->Step({}).ValueOrDie();
  ASSERT_EQ(step.files.size(), 2U);
  EXPECT_EQ(step.files[0].row_count, 2);
  EXPECT_EQ(step.files[1].row_count, 1);
  EXPECT_EQ(step.files[0].committed_us, step.oldest_us);
  EXPECT_EQ(step.files[1].committed_us - step.files[0].committed_us, 5'000'000);
}

/// Rows that a lane has made and the committer commits later.
class EarlyDeliveryTest : public DeliveryTest {
 protected:
  void SetUp() override {
    DeliveryTest::SetUp();
    target_.keeps_mark = target_.has_key = false;  // What comes twice is seen.
    early_ = &way_;
  }
  EarlyRange Make(const std::vector<LakeReading>& rows) { return way_.Add({ReadingsBatch(rows)}); }
  void Commit(const std::vector<LakeReading>& rows, EarlyRange range) {
    auto table = lake_->LoadTable("sensors.readings").ValueOrDie();
    const auto files = WriteFiles(*lake_, table, ReadingsBatch(rows));
    for (const WrittenFile& file : files) way_.Written(file.data_file.path, range);
    Committer committer(*lake_);
    ASSERT_EQ(committer.Commit(AppendRequest("sensors.readings", files)).ValueOrDie().outcome,
              Outcome::kCommitted);
  }

  Bell bell_;
  EarlyResults way_{bell_};
};

TEST_F(EarlyDeliveryTest, SendsBeforeTheCommitAndNotOnceMoreBehindIt) {
  auto delivery = Open().ValueOrDie();
  DeliverAll(*delivery);
  const EarlyRange range = Make({At(1, "a"), At(2, "b")});
  EXPECT_EQ(delivery->SendEarly({}).ValueOrDie(), 2);
  EXPECT_EQ(target_.rows.size(), 2U);
  Commit({At(1, "a"), At(2, "b")}, range);
  EXPECT_EQ(DeliverAll(*delivery), 1) << "the mark moves";
  EXPECT_EQ(target_.rows.size(), 2U);
  EXPECT_EQ(Record().mark.seq, delivery->mark().seq);
  DeliverAll();
  EXPECT_EQ(target_.rows.size(), 2U) << "another process finds nothing to send";
}

TEST_F(EarlyDeliveryTest, LooksAtCommitsAlsoIfResultsNeverEnd) {
  auto delivery = Open().ValueOrDie();
  DeliverAll(*delivery);
  Make({At(1, "a")});
  target_.on_flush = [&] {
    if (target_.flushes < 100) Make({At(2, "b")});
  };
  EXPECT_EQ(delivery->SendEarly({}).ValueOrDie(), 1);
  EXPECT_EQ(delivery->SendEarly({}).ValueOrDie(), 1) << "it came while the first was sent";
}

TEST_F(EarlyDeliveryTest, SendsNothingAheadOfACommitThatWaits) {
  Append("sensors.readings", {At(1, "a")});
  auto delivery = Open().ValueOrDie();
  Make({At(2, "b")});
  EXPECT_EQ(delivery->SendEarly({}).ValueOrDie(), 0);
  DeliverAll(*delivery);
  EXPECT_EQ(target_.rows.size(), 2U);
  EXPECT_THAT(target_.rows["0"], HasSubstr("|a|"));
}

TEST_F(EarlyDeliveryTest, WhatATargetRefusedComesWithTheCommit) {
  auto delivery = Open().ValueOrDie();
  DeliverAll(*delivery);
  const EarlyRange range = Make({At(1, "a")});
  target_.flush_answer = Unavailable("down");
  EXPECT_FALSE(delivery->SendEarly({}).ok());
  delivery = Open().ValueOrDie();
  DeliverAll(*delivery);
  EXPECT_EQ(target_.rows.size(), 0U);
  Commit({At(1, "a")}, range);
  DeliverAll(*delivery);
  EXPECT_EQ(target_.rows.size(), 1U);
}

TEST_F(EarlyDeliveryTest, WhatACrashLostComesWithTheCommit) {
  auto delivery = Open().ValueOrDie();
  DeliverAll(*delivery);
  Make({At(1, "a")});
  EXPECT_EQ(delivery->SendEarly({}).ValueOrDie(), 1);
  early_ = nullptr;  // The next process knows nothing of it, and makes the row again.
  Append("sensors.readings", {At(1, "a")});
  DeliverAll();
  EXPECT_EQ(target_.rows.size(), 2U) << "at least once";
}

TEST_F(DeliveryTest, GoesOnAtTheTargetsMarkNotAtTheLedgers) {
  Append("sensors.readings", {At(1, "a")});
  DeliverAll();
  Append("sensors.readings", {At(2, "b")});
  // The answer is lost: the target has the rows, the ledger does not know.
  target_.flush_answer = Unavailable("Connection is lost");
  target_.flush_happens = true;
  auto delivery = Open().ValueOrDie();
  EXPECT_FALSE(delivery->Step({}).ok());
  EXPECT_LT(Record().mark.seq, target_.mark->seq);
  target_.has_key = false;  // A second delivery would be seen.
  const auto before = target_.rows.size();
  delivery = Open().ValueOrDie();
  EXPECT_FALSE(delivery->needs_resync());
  EXPECT_EQ(DeliverAll(*delivery), 0);
  EXPECT_EQ(target_.rows.size(), before);
  EXPECT_EQ(Record().mark.seq, target_.mark->seq);
}

TEST_F(DeliveryTest, AConflictIsTriedOnceMoreWithTheSameSink) {
  Append("sensors.readings", {At(1, "a")});
  target_.flush_answer = Conflict("Another way, please");
  auto delivery = Open().ValueOrDie();
  EXPECT_EQ(DeliverAll(*delivery), 1);
  EXPECT_EQ(target_.opens, 1);
  EXPECT_EQ(target_.rows.size(), 1U);
}

TEST_F(DeliveryTest, FilesThatWereMergedAwayAreKeptForTheSink) {
  Append("sensors.readings", {At(1, "a")});
  DeliverAll();
  target_.open_answer = Unavailable("down");
  for (int64_t id = 2; id < 8; ++id) Append("sensors.readings", {At(id, "b")});
  CompactAndForget();
  target_.open_answer = arrow::Status::OK();
  auto delivery = Open().ValueOrDie();
  EXPECT_FALSE(delivery->needs_resync());
  DeliverAll(*delivery);
  EXPECT_EQ(target_.rows.size(), 7U);
  EXPECT_EQ(target_.restarts, 0);
}

TEST_F(DeliveryTest, ASinkThatComesLateGetsTheWholeTable) {
  for (int64_t id = 0; id < 6; ++id) Append("sensors.readings", {At(id, "a")});
  CompactAndForget();
  Append("sensors.readings", {At(5, "last")});
  batch_bytes_ = 1;
  auto delivery = Open().ValueOrDie();
  EXPECT_TRUE(delivery->needs_resync());
  EXPECT_EQ(Record().mark.seq, 0) << "everything is held meanwhile";
  DeliverAll(*delivery);
  EXPECT_EQ(target_.rows.size(), 6U);
  EXPECT_THAT(target_.rows["5"], HasSubstr("|last|"));
  EXPECT_EQ(target_.restarts, 1);
  EXPECT_FALSE(Open().ValueOrDie()->needs_resync());
}

TEST_F(DeliveryTest, RowsWithoutAKeyComeInOneTransactionOfAResync) {
  for (int64_t id = 0; id < 6; ++id) Append("sensors.readings", {At(id, "a")});
  CompactAndForget();
  Append("sensors.readings", {At(7, "b")});
  target_.has_key = false;
  batch_bytes_ = 1;
  auto delivery = Open().ValueOrDie();
  ASSERT_TRUE(delivery->Resync({}).ok());
  EXPECT_EQ(target_.flushes, 1);
  EXPECT_EQ(target_.rows.size(), 7U);
}

TEST_F(DeliveryTest, AMarkOfAnotherLedgerIsNotFollowed) {
  target_.mark = DeliveryMark{.seq = 1, .ordinal = 0, .file = "file:///elsewhere.parquet"};
  Append("sensors.readings", {At(1, "a")});
  EXPECT_TRUE(Open().ValueOrDie()->needs_resync());
  DeliverAll();
  EXPECT_EQ(target_.rows.size(), 1U);
}

TEST_F(DeliveryTest, ASinkThatLaggedTooLongGetsTheWholeTable) {
  Append("sensors.readings", {At(1, "a")});
  DeliverAll();
  DeliveryRecord record = Record();
  record.state = DeliveryState::kResync;
  ASSERT_TRUE(ledger_->SetDelivery(record).ok());
  EXPECT_TRUE(Open().ValueOrDie()->needs_resync());
  DeliverAll();
  EXPECT_EQ(Record().state, DeliveryState::kLive);
}

TEST_F(DeliveryTest, TheLedgersMarkCountsForASinkThatKeepsNone) {
  target_.keeps_mark = false;
  Append("sensors.readings", {At(1, "a")});
  DeliverAll();
  const auto flushes = target_.flushes;
  DeliverAll();
  EXPECT_EQ(target_.flushes, flushes);
}

TEST_F(DeliveryTest, ANewColumnAsksForAnotherSink) {
  Append("sensors.readings", {At(1, "a")});
  auto delivery = Open().ValueOrDie();
  DeliverAll(*delivery);
  TableSpec spec = ReadingsSpec();
  spec.schema = spec.schema->AddField(4, arrow::field("room", arrow::utf8())).ValueOrDie();
  const auto table = Ensure(spec);
  EXPECT_EQ(delivery->Step({}).ValueOrDie().kind, DeliveryStep::Kind::kNothing)
      << "no rows, no need";
  auto rows = ReadingsBatch({At(2, "b")});
  rows = rows->AddColumn(4, "room", arrow::MakeArrayOfNull(arrow::utf8(), 1).ValueOrDie())
             .ValueOrDie();
  Committer committer(*lake_);
  ASSERT_TRUE(
      committer.Commit(AppendRequest("sensors.readings", WriteFiles(*lake_, table, rows))).ok());
  EXPECT_EQ(delivery->Step({}).ValueOrDie().kind, DeliveryStep::Kind::kSchemaChanged);
  DeliverAll();
  EXPECT_EQ(target_.columns.back(), "room");
  EXPECT_EQ(target_.rows.size(), 2U);
}

TEST_F(DeliveryTest, AStopLeavesNothingHalfDone) {
  Append("sensors.readings", {At(1, "a")});
  std::stop_source stop;
  stop.request_stop();
  auto delivery = Open().ValueOrDie();
  EXPECT_EQ(KindOf(delivery->Step(stop.get_token()).status()), ErrorKind::kCancelled);
  EXPECT_TRUE(target_.rows.empty());
}

TEST(MemorySink, Conforms) {
  MemoryTarget target;
  testing::CheckSinkConformance({.make =
                                     [&](std::shared_ptr<arrow::Schema> schema) {
                                       return Made(MakeMemorySink(target, schema));
                                     },
                                 .rows =
                                     [&] {
                                       std::vector<std::string> rows = RowsOf(target);
                                       for (std::string& row : rows) row[row.find('|')] = '=';
                                       std::ranges::sort(rows);
                                       return rows;
                                     }});
}

}  // namespace
}  // namespace catchwater
