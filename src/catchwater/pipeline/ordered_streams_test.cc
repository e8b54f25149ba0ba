#include "catchwater/pipeline/ordered_streams.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <arrow/builder.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/base/random.h"
#include "catchwater/stream/make_operator.h"

namespace catchwater {
namespace {

constexpr int64_t kSecond = 1'000'000;

std::shared_ptr<arrow::Schema> InputSchema() {
  return arrow::schema({arrow::field("ts", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"))});
}

Batch RowsAt(const std::vector<int64_t>& seconds) {
  arrow::TimestampBuilder builder(InputSchema()->field(0)->type(), arrow::default_memory_pool());
  for (const int64_t second : seconds) EXPECT_TRUE(builder.Append(second * kSecond).ok());
  Batch batch;
  batch.rows = arrow::RecordBatch::Make(InputSchema(), static_cast<int64_t>(seconds.size()),
                                        {builder.Finish().ValueOrDie()});
  batch.origin.range.partition_id = 1;
  return batch;
}

std::unique_ptr<TimedStream> CountOfMinutes() {
  StreamConfig config;
  config.name = "minutes";
  config.window.size = Duration::Minutes(1);
  config.late = LateConfig{.allow = Duration::Seconds(30)};
  return MakeTimedStream(config, {.schema = InputSchema(), .event_time_column = "ts"}).ValueOrDie();
}

/// What an epoch came to: rows in, used and late, and the rows of the windows that it closed.
struct EpochSums {
  int64_t in = 0, used = 0, late = 0, closed = 0;
  bool operator==(const EpochSums&) const = default;
};

EpochSums SumsOf(const StreamCut& cut) {
  EpochSums sums;
  for (const auto& [id, flow] : cut.flows) {
    sums.in += flow.Total(Bucket::kRows);
    sums.used += flow.Total(Bucket::kUsed);
    sums.late += flow.Total(Bucket::kLate);
  }
  for (const auto& rows : cut.results) {
    const auto n = std::static_pointer_cast<arrow::Int64Array>(rows->GetColumnByName("n"));
    for (int64_t row = 0; row < rows->num_rows(); ++row) sums.closed += n->Value(row);
  }
  return sums;
}

struct Work {
  Batch rows;
  bool has_rows = true;
  int64_t epoch = 0;
};

std::vector<Work> RandomWork(Random* random, int64_t* epoch_count) {
  std::vector<Work> work;
  int64_t now = 0;
  int64_t epoch = 0;
  for (int i = 0; i < 60; ++i) {
    std::vector<int64_t> seconds;
    for (uint64_t k = random->Below(8); k > 0; --k) {
      now += static_cast<int64_t>(random->Below(20));
      seconds.push_back(now - static_cast<int64_t>(random->Below(60)));
    }
    work.push_back({.rows = RowsAt(seconds), .has_rows = !seconds.empty(), .epoch = epoch});
    epoch += random->Below(6) == 0 ? 1 + static_cast<int64_t>(random->Below(2)) : 0;
  }
  *epoch_count = epoch + 1;
  return work;
}

/// Blocks are dealt to so many threads, each of which hands over its own in their order.
std::vector<EpochSums> Deal(const std::vector<Work>& work, int64_t epoch_count, size_t lane_count,
                            Random* random) {
  const auto stream = CountOfMinutes();
  OrderedStreams streams({{.stream = stream.get(), .growth = {}}}, /*keeps_state=*/true);
  std::vector<std::vector<size_t>> lanes(lane_count);
  for (size_t i = 0; i < work.size(); ++i) lanes[random->Below(lane_count)].push_back(i);
  {
    std::vector<std::jthread> threads;
    for (const auto& lane : lanes) {
      threads.emplace_back([&] {
        for (const size_t i : lane) {
          const Turn turn{.sequence = i, .open = nullptr, .stop = {}};
          const Batch* rows = work[i].has_rows ? &work[i].rows : nullptr;
          ASSERT_TRUE(streams.Pass(turn, work[i].epoch, rows).ok());
        }
      });
    }
  }
  std::vector<EpochSums> sums;
  for (int64_t epoch = 0; epoch < epoch_count; ++epoch) {
    const auto cut = streams.Take(epoch).ValueOrDie();
    EXPECT_EQ(cut.at(0).has_rows, !cut.at(0).state.empty());
    sums.push_back(SumsOf(cut.at(0)));
  }
  return sums;
}

// Property: neither how many lanes there are nor which block falls to which changes any epoch.
TEST(OrderedStreams, EpochsDoNotDependOnLanes) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    int64_t epoch_count = 0;
    const auto work = RandomWork(&random, &epoch_count);
    const auto expected = Deal(work, epoch_count, 1, &random);
    int64_t late = 0;
    for (const EpochSums& sums : expected) {
      EXPECT_EQ(sums.in, sums.used + sums.late);
      late += sums.late;
    }
    EXPECT_GT(late, 0);
    EXPECT_EQ(Deal(work, epoch_count, 3, &random), expected);
  }
}

TEST(OrderedStreams, AStopLetsThoseGoThatWaitForTheirTurn) {
  const auto stream = CountOfMinutes();
  OrderedStreams streams({{.stream = stream.get(), .growth = {}}}, /*keeps_state=*/false);
  std::stop_source stop;
  arrow::Status status;
  {
    std::jthread waiting([&] {
      status = streams.Pass({.sequence = 1, .open = nullptr, .stop = stop.get_token()}, 0, nullptr);
    });
    stop.request_stop();
  }
  EXPECT_EQ(KindOf(status), ErrorKind::kCancelled);
}

TEST(StateGrowth, ABaseIsDueWhenPartsAreAsLargeOrMany) {
  StateGrowth growth;
  EXPECT_TRUE(growth.is_base_due());
  growth.Saved(/*is_base=*/true, 100);
  EXPECT_FALSE(growth.is_base_due());
  growth.Saved(/*is_base=*/false, 99);
  EXPECT_FALSE(growth.is_base_due());
  growth.Saved(/*is_base=*/false, 1);
  EXPECT_TRUE(growth.is_base_due());
  growth.Saved(/*is_base=*/true, 1'000);
  for (size_t i = 1; i < StateGrowth::kFilesMax; ++i) growth.Saved(/*is_base=*/false, 1);
  EXPECT_TRUE(growth.is_base_due());
}

}  // namespace
}  // namespace catchwater
