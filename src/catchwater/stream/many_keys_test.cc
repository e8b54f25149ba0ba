// Windows with more keys than a batch of results has rows.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/stream/window_test_support_internal.h"

namespace catchwater {
namespace {

using namespace window_test;

constexpr int kKeyCount = 140'000;
constexpr int kNearKey = 5;
constexpr int kFarKey = 70'000;  // Its results are in another batch.

std::string NameOf(int key) { return "k" + std::to_string(key); }

std::unique_ptr<TimedStream> StreamOfMinutes() {
  StreamConfig config = BaseConfig({.allow = Duration::Seconds(1)});
  config.window.size = Duration::Minutes(1);
  return MakeStream(config);
}

Batch EachKey(int64_t event_us) {
  std::vector<SensorReading> readings;
  for (int key = 0; key < kKeyCount; ++key) {
    readings.push_back({.sensor = NameOf(key), .event_us = event_us, .value = key});
  }
  return MakeBatch(readings);
}

int64_t Number(const arrow::RecordBatch& rows, const char* column, int64_t row) {
  const auto& values = *rows.GetColumnByName(column)->data();
  return values.GetValues<int64_t>(1)[row];
}

TEST(ManyKeys, BatchesOfAWindowShareItsTimes) {
  const auto stream = StreamOfMinutes();
  ASSERT_TRUE(stream->Add(EachKey(kSecond)).ok());
  ASSERT_TRUE(stream->Add(EachKey(kMinute + kSecond)).ok());
  ASSERT_TRUE(stream->Add(EachKey(2 * kMinute + kSecond)).ok());
  std::map<int64_t, std::vector<std::shared_ptr<arrow::RecordBatch>>> windows;
  for (const auto& rows : stream->TakeResults()) {
    ASSERT_TRUE(rows->ValidateFull().ok());
    for (int64_t row = 0; row < rows->num_rows(); ++row) {
      ASSERT_EQ(Number(*rows, "window_start", row), Number(*rows, "window_start", 0));
      ASSERT_EQ(Number(*rows, "window_end", row), Number(*rows, "window_start", 0) + kMinute);
      ASSERT_EQ(Number(*rows, "revision", row), 1);
      ASSERT_EQ(Number(*rows, "n", row), 1);
    }
    windows[Number(*rows, "window_start", 0)].push_back(rows);
  }
  ASSERT_EQ(windows.size(), 2U);
  for (const auto& [begin_us, batches] : windows) {
    ASSERT_EQ(batches.size(), 3U);
    EXPECT_EQ(batches[0]->num_rows() + batches[1]->num_rows() + batches[2]->num_rows(), kKeyCount);
    for (const char* column : {"window_start", "window_end", "revision"}) {
      const auto values = [&](size_t batch) {
        return batches[batch]->GetColumnByName(column)->data()->buffers[1]->data();
      };
      EXPECT_EQ(values(0), values(1)) << column;
      EXPECT_EQ(values(0), values(2)) << column;
    }
  }
}

TEST(ManyKeys, EachHasItsOwnRevision) {
  const auto stream = StreamOfMinutes();
  ASSERT_TRUE(stream->Add(EachKey(kSecond)).ok());
  const auto add = [&](std::vector<int> keys) {
    std::vector<SensorReading> readings;
    for (const int key : keys) {
      readings.push_back({.sensor = NameOf(key), .event_us = kMinute + kSecond, .value = 1});
    }
    EXPECT_TRUE(stream->Add(MakeBatch(readings)).ok());
    EXPECT_TRUE(stream->End().ok());
  };
  // Each time the end puts the open window out again, of the keys whose rows have changed.
  add({kNearKey, kFarKey});
  add({kNearKey});
  stream->TakeResults();
  add({kNearKey, kFarKey});
  std::map<std::string, int64_t> revisions;
  for (const auto& rows : stream->TakeResults()) {
    const auto& keys = static_cast<const arrow::StringArray&>(*rows->column(0));
    const auto& retracted =
        static_cast<const arrow::BooleanArray&>(*rows->GetColumnByName("retracted"));
    for (int64_t row = 0; row < rows->num_rows(); ++row) {
      if (!retracted.Value(row)) revisions[keys.GetString(row)] = Number(*rows, "revision", row);
    }
  }
  EXPECT_EQ(revisions,
            (std::map<std::string, int64_t>{{NameOf(kNearKey), 3}, {NameOf(kFarKey), 2}}));
}

}  // namespace
}  // namespace catchwater
