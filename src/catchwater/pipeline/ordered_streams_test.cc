#include "catchwater/pipeline/ordered_streams.h"

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
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
    EXPECT_EQ(cut.at(0).has_rows, !cut.at(0).state.bytes.empty());
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

/// One app that is switched at random between blocks, and a committer that is up to two epochs
/// behind and builds it anew when it joins.
class SwitchedApp {
 public:
  SwitchedApp(std::vector<Work> work, Random* random)
      : work_(std::move(work)), random_(random), stream_(CountOfMinutes()) {
    streams_ = std::make_unique<OrderedStreams>(
        std::vector<OrderedStream>{
            {.stream = stream_.get(), .growth = {}, .is_wanted = [this] { return is_on_; }}},
        /*keeps_state=*/true);
  }

  void Run(int64_t epoch_count) {
    for (size_t i = 0; i < work_.size(); ++i) {
      if (random_->Below(5) == 0) is_on_ = !is_on_;
      const Turn turn{.sequence = i, .open = nullptr, .stop = {}};
      const Batch* rows = work_[i].has_rows ? &work_[i].rows : nullptr;
      ASSERT_TRUE(streams_->Pass(turn, work_[i].epoch, rows).ok());
      const int64_t lag = static_cast<int64_t>(random_->Below(3));
      while (taken() < work_[i].epoch - lag) TakeNext();
    }
    while (taken() < epoch_count) TakeNext();
  }

  /// Of each epoch that has a commit with the app.
  std::vector<std::optional<EpochSums>> sums;

 private:
  int64_t taken() const { return static_cast<int64_t>(sums.size()); }

  void TakeNext() {
    StreamCut cut = std::move(streams_->Take(taken()).ValueOrDie().at(0));
    if (cut.is_void) is_committed_ = false;
    if (cut.is_void) return sums.push_back(std::nullopt);
    if (!is_on_ && is_committed_ && random_->Below(2) == 0) {
      streams_->TurnOff(0);  // The committer notices before the lanes do.
      is_committed_ = false;
      return sums.push_back(std::nullopt);
    }
    EXPECT_TRUE(is_committed_ || cut.is_joining);
    if (cut.is_joining) {
      stream_ = CountOfMinutes();
      for (const Work& block : work_) {
        if (block.epoch >= taken() || !block.has_rows) continue;
        EXPECT_TRUE(stream_->Add(block.rows).ok());
      }
      stream_->TakeResults();
      EXPECT_TRUE(
          streams_
              ->Join(
                  0,
                  {.stream = stream_.get(), .growth = {}, .is_wanted = [this] { return is_on_; }},
                  &cut)
              .ok());
      ++join_count;
    }
    is_committed_ = true;
    sums.push_back(SumsOf(cut));
  }

  const std::vector<Work> work_;
  Random* const random_;
  std::unique_ptr<TimedStream> stream_;
  std::unique_ptr<OrderedStreams> streams_;
  bool is_on_ = true;
  bool is_committed_ = true;

 public:
  int join_count = 0;
};

// Property: in every epoch that an app has part in it makes what it would make if it had never
// been off.
TEST(OrderedStreams, AnAppThatJoinsAgainHasNoGap) {
  int join_count = 0;
  int part_count = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    int64_t epoch_count = 0;
    const auto work = RandomWork(&random, &epoch_count);
    const auto expected = Deal(work, epoch_count, 1, &random);
    SwitchedApp app(work, &random);
    app.Run(epoch_count);
    ASSERT_EQ(app.sums.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      if (!app.sums[i]) continue;
      EXPECT_EQ(*app.sums[i], expected[i]) << i;
      ++part_count;
    }
    join_count += app.join_count;
  }
  EXPECT_GT(join_count, 50);
  EXPECT_GT(part_count, 300);
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
