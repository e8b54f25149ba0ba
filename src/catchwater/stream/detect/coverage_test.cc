#include "catchwater/stream/detect/coverage.h"

#include <memory>
#include <string>
#include <vector>

#include <arrow/builder.h>
#include <gtest/gtest.h>

namespace catchwater {
namespace {

constexpr int64_t kMinuteUs = 60'000'000;

std::shared_ptr<arrow::Schema> InputSchema() {
  return arrow::schema({arrow::field("sensor", arrow::utf8()),
                        arrow::field("ts", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"))});
}

class CoverageTest : public ::testing::Test {
 protected:
  CoverageTest() {
    options_.key = {"sensor"};
    options_.event_time_column = "ts";
    op_ = Coverage::Make(options_, InputSchema()).ValueOrDie();
  }
  void Add(const std::string& sensor, int64_t from, int64_t to) {
    arrow::StringBuilder sensors;
    arrow::TimestampBuilder times(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
                                  arrow::default_memory_pool());
    for (int64_t minute = from; minute < to; ++minute) {
      ASSERT_TRUE(sensors.Append(sensor).ok() && times.Append(minute * kMinuteUs).ok());
    }
    Batch batch;
    const int64_t row_count = to - from;
    batch.rows = arrow::RecordBatch::Make(
        InputSchema(), row_count, {sensors.Finish().ValueOrDie(), times.Finish().ValueOrDie()});
    ASSERT_TRUE(op_->Add(batch).ok());
  }
  /// "sensor hour expected received missing"
  void Take(const arrow::RecordBatchVector& batches) {
    for (const auto& batch : batches) {
      for (int64_t row = 0; row < batch->num_rows(); ++row) {
        const auto text = [&](const char* name) {
          return batch->GetColumnByName(name)->GetScalar(row).ValueOrDie()->ToString();
        };
        const auto& starts =
            static_cast<const arrow::TimestampArray&>(*batch->GetColumnByName("period_start"));
        told_.push_back(text("sensor") + " " + std::to_string(starts.Value(row) / 60 / kMinuteUs) +
                        " " + text("expected") + " " + text("received") + " " + text("missing"));
      }
    }
  }

  CoverageOptions options_;
  std::unique_ptr<OrderedOperator> op_;
  std::vector<std::string> told_;
};

using Texts = std::vector<std::string>;

TEST_F(CoverageTest, CountsWhatIsMissingAlsoWhereNothingCame) {
  Add("a", 0, 240);
  Add("b", 30, 100);
  Take(op_->AdvanceTo(180 * kMinuteUs).ValueOrDie());
  EXPECT_EQ(told_, (Texts{"a 0 60 60 0", "b 0 30 30 0", "a 1 60 60 0", "b 1 60 40 20",
                          "a 2 60 60 0", "b 2 60 0 60"}));
}

TEST_F(CoverageTest, AKeyWhoseCadenceIsNotKnownExpectsNothing) {
  Add("a", 0, 3);
  Take(op_->End().ValueOrDie());
  EXPECT_EQ(told_, Texts{"a 0 null 3 null"});
}

TEST_F(CoverageTest, StateSurvivesItsText) {
  Add("a", 0, 90);
  Take(op_->AdvanceTo(70 * kMinuteUs).ValueOrDie());
  const std::string state = op_->Save().ValueOrDie();
  op_ = Coverage::Make(options_, InputSchema()).ValueOrDie();
  ASSERT_TRUE(op_->Load(state).ok());
  Add("a", 100, 130);
  Take(op_->End().ValueOrDie());
  EXPECT_EQ(told_, (Texts{"a 0 60 60 0", "a 1 60 50 10", "a 2 60 10 50"}));
  EXPECT_FALSE(op_->Load(state.substr(0, state.size() / 2)).ok());
}

}  // namespace
}  // namespace catchwater
