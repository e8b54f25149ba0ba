#include "catchwater/stream/detect/detect_operator.h"

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <arrow/builder.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int64_t kMinuteUs = 60'000'000;

struct Row {
  std::string station;
  int64_t sensor = 0;
  int64_t minute = 0;
  std::optional<double> value;
  bool is_active = false;
};

std::shared_ptr<arrow::Schema> InputSchema() {
  return arrow::schema(
      {arrow::field("station", arrow::utf8()), arrow::field("sensor", arrow::int64()),
       arrow::field("ts", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
       arrow::field("value", arrow::float64()), arrow::field("limit", arrow::float64()),
       arrow::field("isActive", arrow::boolean())});
}

Batch BatchOf(const std::vector<Row>& rows) {
  arrow::StringBuilder station;
  arrow::Int64Builder sensor;
  arrow::TimestampBuilder ts(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
                             arrow::default_memory_pool());
  arrow::DoubleBuilder value, limit;
  arrow::BooleanBuilder active;
  for (const Row& row : rows) {
    EXPECT_TRUE(station.Append(row.station).ok() && sensor.Append(row.sensor).ok() &&
                ts.Append(row.minute * kMinuteUs).ok() && limit.Append(45).ok() &&
                active.Append(row.is_active).ok());
    EXPECT_TRUE((row.value ? value.Append(*row.value) : value.AppendNull()).ok());
  }
  Batch batch;
  batch.rows = arrow::RecordBatch::Make(
      InputSchema(), static_cast<int64_t>(rows.size()),
      {station.Finish().ValueOrDie(), sensor.Finish().ValueOrDie(), ts.Finish().ValueOrDie(),
       value.Finish().ValueOrDie(), limit.Finish().ValueOrDie(), active.Finish().ValueOrDie()});
  return batch;
}

class DetectOperatorTest : public ::testing::Test {
 protected:
  DetectOperatorTest() {
    options_.key = {"station", "sensor"};
    options_.event_time_column = "ts";
  }
  std::unique_ptr<OrderedOperator> Make() {
    return DetectOperator::Make(options_, InputSchema()).ValueOrDie();
  }
  /// "station sensor kind state since until", minutes; in the order of the rows.
  static std::vector<std::string> Told(const arrow::RecordBatchVector& batches) {
    std::vector<std::string> told;
    for (const auto& batch : batches) {
      for (int64_t row = 0; row < batch->num_rows(); ++row) {
        std::string text;
        for (const char* name : {"station", "sensor", "kind", "state"}) {
          text += batch->GetColumnByName(name)->GetScalar(row).ValueOrDie()->ToString() + " ";
        }
        for (const char* name : {"since", "until"}) {
          const auto& times =
              static_cast<const arrow::TimestampArray&>(*batch->GetColumnByName(name));
          text += times.IsNull(row) ? "- " : std::to_string(times.Value(row) / kMinuteUs) + " ";
        }
        text.pop_back();
        told.push_back(text);
      }
    }
    return told;
  }
  /// Batches of a size, the watermark `allow` minutes behind; restarted after each of `restart`.
  std::vector<std::string> Run(const std::vector<Row>& rows, size_t batch_rows,
                               size_t restart = 0) {
    auto op = Make();
    std::vector<std::string> told;
    int64_t newest = INT64_MIN;
    size_t batch_count = 0;
    const auto append = [&](const arrow::RecordBatchVector& results) {
      for (auto& text : Told(results)) told.push_back(text);
    };
    for (size_t at = 0; at < rows.size(); at += batch_rows) {
      const std::vector<Row> some(
          rows.begin() + static_cast<std::ptrdiff_t>(at),
          rows.begin() + static_cast<std::ptrdiff_t>(std::min(at + batch_rows, rows.size())));
      for (const Row& row : some) newest = std::max(newest, row.minute);
      EXPECT_EQ(op->Add(BatchOf(some)).ValueOrDie().used, static_cast<int64_t>(some.size()));
      append(op->AdvanceTo((newest - 5) * kMinuteUs).ValueOrDie());
      if (restart > 0 && ++batch_count % restart == 0) {
        const std::string state = op->Save().ValueOrDie();
        op = Make();
        EXPECT_TRUE(op->Load(state).ok());
      }
    }
    append(op->End().ValueOrDie());
    return told;
  }
  DetectorConfig& Detect() { return options_.detect.emplace_back(); }

  DetectOptions options_;
};

using Texts = std::vector<std::string>;

TEST_F(DetectOperatorTest, CountsRowsThatLedToAlarmsOnce) {
  Detect().active_alarm.emplace();
  const auto op = Make();
  ASSERT_TRUE(op->Add(BatchOf({{"a", 1, 1, 1.0, false},
                               {"a", 1, 2, 1.0, true},
                               {"b", 1, 2, 1.0, true},
                               {"a", 1, 3, 1.0, false}}))
                  .ok());
  EXPECT_EQ(op->TakeResultRowCount(), 3);
  EXPECT_EQ(op->TakeResultRowCount(), 0);
}

TEST_F(DetectOperatorTest, RaisesAndClearsWhatTheSenderReports) {
  Detect().active_alarm.emplace();
  EXPECT_EQ(Run({{"a", 151, 10, 0.0, false},
                 {"a", 151, 11, 1.0, true},
                 {"b", 151, 11, 0.0, false},
                 {"a", 151, 15, 0.0, false}},
                1),
            (Texts{"a 151 active_alarm raised 11 -", "a 151 active_alarm cleared 11 15"}));
}

TEST_F(DetectOperatorTest, AnActivationOlderThanTheClearingRaisesNothing) {
  Detect().active_alarm.emplace();
  EXPECT_EQ(Run({{"a", 1, 690, 0.0, false}, {"a", 1, 685, 1.0, true}}, 1), Texts{});
  EXPECT_EQ(Run({{"a", 1, 685, 1.0, true}, {"a", 1, 690, 0.0, false}}, 1),
            (Texts{"a 1 active_alarm raised 685 -", "a 1 active_alarm cleared 685 690"}));
}

/// Two stations; a sensor with a peak, a ramp to the limit, a silence; disorder within five
/// minutes.
std::vector<Row> Story(uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(0, 0.2);
  std::vector<std::pair<int64_t, Row>> arriving;
  for (int64_t minute = 0; minute < 240; ++minute) {
    for (const int64_t sensor : {111, 112}) {
      if (sensor == 112 && minute >= 150 && minute < 200) continue;
      double value =
          24 + noise(random) +
          (sensor == 111 ? 0.2 * static_cast<double>(std::max<int64_t>(0, minute - 90)) : 0);
      if (sensor == 112 && minute == 60) value += 10;
      const bool is_active = sensor == 111 && minute >= 196 && minute < 230;
      arriving.push_back(
          {minute + static_cast<int64_t>(random() % 5), {"a", sensor, minute, value, is_active}});
    }
  }
  std::stable_sort(arriving.begin(), arriving.end(),
                   [](const auto& one, const auto& other) { return one.first < other.first; });
  std::vector<Row> rows;
  for (auto& [arrival, row] : arriving) rows.push_back(row);
  return rows;
}

TEST_F(DetectOperatorTest, WhatIsFoundDependsOnNeitherTheCutNorRestarts) {
  Detect().missing.emplace();
  Detect().spike.emplace();
  auto& trend = Detect().trend_to_threshold.emplace();
  trend.threshold = "limit";
  trend.only = {{"sensor", {{"111"}}}};
  Detect().active_alarm.emplace();
  Detect().frequency.emplace();
  for (uint32_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    const auto rows = Story(seed);
    // What arrives is told at once and what is released later: the cut moves one against the other.
    const auto sorted = [](Texts texts) {
      std::sort(texts.begin(), texts.end());
      return texts;
    };
    const Texts one = sorted(Run(rows, 1));
    EXPECT_EQ(sorted(Run(rows, 7)), one);
    EXPECT_EQ(sorted(Run(rows, 10'000)), one);
    EXPECT_EQ(sorted(Run(rows, 7, /*restart=*/1)), one);
    const auto has = [&](const std::string& text) {
      return std::any_of(one.begin(), one.end(), [&](const std::string& told) {
        return told.compare(0, text.size(), text) == 0;
      });
    };
    EXPECT_TRUE(has("a 112 spike cleared 60 60"));
    EXPECT_TRUE(has("a 112 missing raised 149"));
    EXPECT_TRUE(has("a 111 trend_to_threshold raised"));
    EXPECT_TRUE(has("a 111 active_alarm cleared"));
    EXPECT_FALSE(has("a 112 trend_to_threshold"));
  }
}

TEST_F(DetectOperatorTest, AStalledSourceIsOneAlarmWithTheColumnsOfTheSource) {
  Detect().missing.emplace().source = {"station"};
  std::vector<Row> rows;
  for (int64_t minute = 0; minute < 100; ++minute) {
    for (int64_t sensor = 0; sensor < 5; ++sensor) {
      rows.push_back({"alive", sensor, minute, 1.0, false});
      if (minute < 20) rows.push_back({"dead", sensor, minute, 1.0, false});
    }
  }
  EXPECT_EQ(Run(rows, 10), Texts{"dead null pipeline_stalled raised 19 -"});
}

TEST_F(DetectOperatorTest, RowsOfNewKeysOverTheBoundAreRefusedAndCounted) {
  Detect().active_alarm.emplace();
  options_.keys_max = 2;
  auto op = Make();
  const auto tally = op->Add(BatchOf({{"a", 1, 0, 1.0, true},
                                      {"b", 1, 0, 1.0, true},
                                      {"c", 1, 0, 1.0, true},
                                      {"a", 1, 1, 1.0, true}}))
                         .ValueOrDie();
  EXPECT_EQ(tally.used, 3);
  ASSERT_EQ(tally.others.size(), 1U);
  EXPECT_EQ(tally.others[0].reason, "new_key_over_bound");
  EXPECT_EQ(tally.others[0].row_count, 1);
  EXPECT_EQ(Told(op->End().ValueOrDie()).size(), 2U);
}

TEST_F(DetectOperatorTest, NullsAreNoReadings) {
  Detect().spike.emplace();
  auto rows = Story(1);
  for (size_t i = 0; i < rows.size(); i += 3) rows[i].value.reset();
  Run(rows, 5);
}

TEST_F(DetectOperatorTest, SaysWhichColumnIsWrong) {
  const auto message = [this] {
    return DetectOperator::Make(options_, InputSchema()).status().ToString();
  };
  Detect().spike.emplace().value = "nowhere";
  EXPECT_NE(message().find("nowhere"), std::string::npos);
  options_.detect[0].spike->value = "station";
  EXPECT_NE(message().find("needs numbers"), std::string::npos);
  options_.detect[0].spike->value = "value";
  options_.detect[0].spike->only = {{"value", {{"1"}}}};
  EXPECT_NE(message().find("not in `key`"), std::string::npos);
  options_.detect[0].spike->only.clear();
  EXPECT_TRUE(DetectOperator::Make(options_, InputSchema()).ok());
}

TEST_F(DetectOperatorTest, DamagedStateIsRefused) {
  Detect().missing.emplace();
  Detect().spike.emplace();
  auto op = Make();
  ASSERT_TRUE(op->Add(BatchOf(Story(1))).ok());
  ASSERT_TRUE(op->AdvanceTo(100 * kMinuteUs).ok());
  const std::string state = op->Save().ValueOrDie();
  for (size_t size = 0; size < state.size(); size += 97) {
    auto other = Make();
    EXPECT_EQ(KindOf(other->Load(state.substr(0, size))), ErrorKind::kBadData) << size;
  }
}

}  // namespace
}  // namespace catchwater
