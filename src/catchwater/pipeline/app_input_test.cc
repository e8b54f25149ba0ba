#include "catchwater/pipeline/app_input.h"

#include <memory>
#include <string>
#include <vector>

#include <arrow/builder.h>
#include <gtest/gtest.h>

#include "catchwater/lake/lake_fixture_test.h"
#include "catchwater/pipeline/app_meter.h"
#include "catchwater/testing/fake_clock.h"

namespace catchwater {
namespace {

constexpr int64_t kSecond = 1'000'000;

/// A block of so many bytes whose messages were enqueued then; empty: they do not say when.
Block MessagesAt(const std::vector<int64_t>& seconds, int64_t byte_count = 100) {
  Block block;
  block.bytes = arrow::Buffer::FromString(std::string(static_cast<size_t>(byte_count), 'x'));
  if (seconds.empty()) return block;
  const auto type = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  arrow::TimestampBuilder builder(type, arrow::default_memory_pool());
  EXPECT_TRUE(builder.AppendNull().ok());
  for (const int64_t second : seconds) EXPECT_TRUE(builder.Append(second * kSecond).ok());
  block.frame_columns = arrow::RecordBatch::Make(arrow::schema({arrow::field("timestamp", type)}),
                                                 builder.length(), {builder.Finish().ValueOrDie()});
  return block;
}

class AppInputTest : public ::testing::Test {
 protected:
  void Take(const Block& block, const InputFaults& faults = {}) {
    input_.Read(block);
    input_.Decoded(block, faults);
  }
  AppReport Report(const std::string& app = "a") { return AppMeter::ReportOf(metrics_, "p", app); }

  Metrics metrics_;
  FakeClock clock_;
  AppSwitches switches_{"p", {"a", "b"}};
  AppInput input_{metrics_, clock_, "p", {"a", "b"}, switches_};
};

TEST_F(AppInputTest, CountsBytesAndWhatCouldNotBeReadForEachApp) {
  Take(MessagesAt({}, 100), {.frame_count = 2, .value_count = 3});
  Take(MessagesAt({}, 50));
  for (const char* app : {"a", "b"}) {
    EXPECT_EQ(Report(app).input_bytes, 150);
    EXPECT_EQ(Report(app).deserialization_errors, 2);
    EXPECT_EQ(Report(app).conversion_errors, 3);
  }
}

TEST_F(AppInputTest, DelayIsTheTimeOfTheNewestMessageLessThatOfTheOldestInWork) {
  const Block first = MessagesAt({10, 12});
  const Block second = MessagesAt({13, 40});
  input_.Read(first);
  input_.Read(second);
  input_.Decoded(first, {});
  EXPECT_EQ(Report().queue_delay_by, "enqueue_time");
  EXPECT_EQ(Report().queue_delay_s, 30);
  input_.Decoded(second, {});
  EXPECT_EQ(Report().queue_delay_s, 27);
  EXPECT_EQ(Report().queue_delay_s_max, 30);
  Take(MessagesAt({5}));  // Redelivered: the newest known stays.
  EXPECT_EQ(Report().queue_delay_s, 35);
}

TEST_F(AppInputTest, WithoutTimesItIsWhatWaitsOverTheRate) {
  clock_.Advance(kSecond);
  Take(MessagesAt({}, 1'000));
  EXPECT_EQ(Report().queue_delay_by, "") << "no rate is known yet";
  const Block next = MessagesAt({}, 1'000);
  input_.Read(next);
  for (int i = 0; i < 3; ++i) input_.Read(MessagesAt({}, 500));
  clock_.Advance(2 * kSecond);
  input_.Decoded(next, {});
  EXPECT_EQ(Report().queue_delay_by, "depth_over_rate");
  EXPECT_EQ(Report().queue_delay_s, 1.5) << "1500 bytes at 1000 a second";
}

TEST_F(AppInputTest, AnAppThatIsOffTakesNothing) {
  const TemporaryFolder folder;
  StillClock clock;
  const auto ledger = Ledger::Open({.path = folder.path() + "/ledger.sqlite"}, clock).ValueOrDie();
  ASSERT_TRUE(WriteAppState(*ledger, "p", "b", /*is_on=*/false, "c").ok());
  ASSERT_TRUE(switches_.Read(*ledger).ok());
  Take(MessagesAt({1}, 10), {.frame_count = 1, .value_count = 1});
  EXPECT_EQ(Report("a").input_bytes, 10);
  EXPECT_EQ(Report("b").input_bytes, 0);
  EXPECT_EQ(Report("b").conversion_errors, 0);
  EXPECT_EQ(Report("b").queue_delay_by, "");
}

}  // namespace
}  // namespace catchwater
