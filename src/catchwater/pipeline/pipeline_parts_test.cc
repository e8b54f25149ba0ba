// The small parts of the runtime, each by itself.
#include <string>
#include <thread>
#include <vector>

#include <arrow/builder.h>
#include <gtest/gtest.h>

#include "catchwater/pipeline/delay_histogram.h"
#include "catchwater/pipeline/epoch_commit.h"
#include "catchwater/pipeline/flow.h"
#include "catchwater/pipeline/ordered_gate.h"
#include "catchwater/pipeline/partition_book.h"
#include "catchwater/pipeline/unflushed_rows.h"

namespace catchwater {
namespace {

std::shared_ptr<arrow::RecordBatch> Rows(int64_t row_count) {
  arrow::Int64Builder builder;
  for (int64_t i = 0; i < row_count; ++i) EXPECT_TRUE(builder.Append(i).ok());
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::int64())}), row_count,
                                  {builder.Finish().ValueOrDie()});
}

TEST(DelayHistogram, PercentilesAreRightToFivePercent) {
  DelayHistogram histogram;
  for (int64_t us = 1; us <= 10'000; ++us) histogram.Add(us);
  EXPECT_NEAR(static_cast<double>(histogram.PercentileMicros(0.5)), 5'000, 260);
  EXPECT_NEAR(static_cast<double>(histogram.PercentileMicros(0.99)), 9'900, 500);
  EXPECT_EQ(DelayHistogram().PercentileMicros(0.5), 0);
}

TEST(DelayHistogram, WeightsAndMergesAddUp) {
  DelayHistogram a;
  DelayHistogram b;
  a.Add(10, 99);
  b.Add(1'000'000, 1);
  a.Merge(b);
  EXPECT_EQ(a.count(), 100);
  EXPECT_LT(a.PercentileMicros(0.99), 12);
  EXPECT_GT(a.PercentileMicros(1), 900'000);
}

TEST(OrderedGate, LetsThreadsPassInSequence) {
  OrderedGate gate;
  std::vector<int> passed;
  {
    std::vector<std::jthread> threads;
    for (int i = 9; i >= 0; --i) {
      threads.emplace_back([&gate, &passed, i] {
        ASSERT_TRUE(gate.Enter(static_cast<uint64_t>(i), {}));
        passed.push_back(i);
        gate.Leave();
      });
    }
  }
  EXPECT_EQ(passed, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(OrderedGate, AStopEndsTheWait) {
  OrderedGate gate;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(gate.Enter(1, stop.get_token()));
}

TEST(PartitionBook, AFrontierHoldsWhatWasReadSinceTheLastOne) {
  PartitionBook book;
  book.Open(1, Offer{.name = "a"}, Position{0});
  book.Open(2, Offer{.name = "b"}, Position{5});
  book.Read({.partition_id = 1, .from = {10}, .to = {20}});  // Behind a header of 10 bytes.
  EXPECT_TRUE(book.is_dirty());
  auto frontier = book.DrawFrontier();
  ASSERT_EQ(frontier.size(), 1U);
  EXPECT_EQ(frontier[0].range.from.ordinal, 0U);
  EXPECT_EQ(frontier[0].range.to.ordinal, 20U);
  EXPECT_FALSE(book.is_dirty());
  EXPECT_TRUE(book.DrawFrontier().empty());

  book.Finish(2);
  frontier = book.DrawFrontier();
  ASSERT_EQ(frontier.size(), 1U);
  EXPECT_TRUE(frontier[0].is_finished);
  EXPECT_FALSE(book.is_open(2));
  EXPECT_TRUE(book.is_open(1));
}

TEST(PartitionBook, AGapInASourceIsAProgrammersMistake) {
  PartitionBook book;
  book.Open(1, Offer{.name = "a"}, Position{0});
  book.Read({.partition_id = 1, .from = {0}, .to = {20}});
  EXPECT_DEATH(book.Read({.partition_id = 1, .from = {21}, .to = {30}}), "without gaps");
}

TEST(UnflushedRows, AreForgottenOnceTheirEpochIsCommitted) {
  UnflushedRows unflushed(1 << 20);
  unflushed.Add(Rows(3));
  unflushed.NextEpoch();
  unflushed.Add(Rows(4));
  EXPECT_EQ(unflushed.Look().batches.size(), 2U);
  unflushed.Committed(0);
  ASSERT_EQ(unflushed.Look().batches.size(), 1U);
  EXPECT_EQ(unflushed.Look().batches[0]->num_rows(), 4);
}

TEST(UnflushedRows, SayWhenTheyAreTooMany) {
  UnflushedRows unflushed(/*bytes_max=*/100);
  unflushed.Add(Rows(1'000));
  EXPECT_FALSE(unflushed.Look().is_complete);
  unflushed.Committed(0);
  EXPECT_TRUE(unflushed.Look().is_complete);
}

TEST(MakeCommitRequest, GathersAllLanesIntoOnePlan) {
  Epoch epoch(0, /*drawn_us=*/0,
              {{.range = {.partition_id = 7, .from = {0}, .to = {90}},
                .is_finished = true,
                .is_input_file = true}},
              /*events=*/{},
              /*lane_count=*/2);
  for (const int64_t rows : {3, 4}) {
    LaneOutput output;
    output.row_count = rows;
    output.receipts = {{1'000, rows}};
    output.flows[7].Count(Bucket::kLake, "", rows);
    output.flows[7].Count(Bucket::kFrames, "", rows);
    output.flows[7].AddEntity("S" + std::to_string(rows));
    WrittenFile file;
    file.data_file.path = "file:///d/" + std::to_string(rows);
    output.appends.push_back({.table_key = "a.b", .files = {file}, .positions_json = ""});
    EXPECT_EQ(epoch.Deliver(std::move(output)), rows == 4);
  }
  const CommitRequest request = MakeCommitRequest({.commit_id = "id",
                                                   .pipeline = "p",
                                                   .consumer = "lake",
                                                   .fence = {.lease = "pipeline/p", .epoch = 2}},
                                                  epoch);
  ASSERT_EQ(request.appends.size(), 1U);
  EXPECT_EQ(request.appends[0].files.size(), 2U);
  ASSERT_EQ(request.plan.positions.size(), 1U);
  EXPECT_TRUE(request.plan.positions[0].is_finished);
  ASSERT_EQ(request.plan.work.size(), 1U);
  EXPECT_EQ(request.plan.work[0].to, WorkState::kDone);
  EXPECT_EQ(request.plan.work[0].entities, (std::vector<std::string>{"S3", "S4"}));
  int64_t lake_rows = 0;
  for (const RowAccount& line : request.plan.account) {
    if (line.bucket == Bucket::kLake) lake_rows += line.row_count_added;
  }
  EXPECT_EQ(lake_rows, 7);
  EXPECT_EQ(request.plan.fences[0].epoch, 2);
}

}  // namespace
}  // namespace catchwater
