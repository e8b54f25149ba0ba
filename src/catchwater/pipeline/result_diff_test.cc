#include "catchwater/pipeline/result_diff.h"

#include <cmath>
#include <limits>

#include <arrow/builder.h>
#include <gmock/gmock.h>

#include "catchwater/lake/lake_fixture_test.h"
#include "catchwater/pipeline/result_table.h"

namespace catchwater {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Result {
  std::string sensor;
  double mean = 0;
  int64_t revision = 1;
  bool is_retracted = false;
};

class ResultDiffTest : public LakeTest {
 protected:
  void SetUp() override {
    LakeTest::SetUp();
    schema_ = arrow::schema(
        {arrow::field("sensor", arrow::utf8()), arrow::field("mean", arrow::float64()),
         arrow::field("revision", arrow::int64()), arrow::field("retracted", arrow::boolean())});
    Ensure(RevisedTableSpec("sensors.means", schema_, {"sensor"}, "p"));
  }
  std::shared_ptr<arrow::RecordBatch> Rows(const std::vector<Result>& results) {
    arrow::StringBuilder sensors;
    arrow::DoubleBuilder means;
    arrow::Int64Builder revisions;
    arrow::BooleanBuilder retracted;
    for (const Result& one : results) {
      EXPECT_TRUE(sensors.Append(one.sensor).ok() && means.Append(one.mean).ok() &&
                  revisions.Append(one.revision).ok() && retracted.Append(one.is_retracted).ok());
    }
    return arrow::RecordBatch::Make(
        schema_, static_cast<int64_t>(results.size()),
        {sensors.Finish().ValueOrDie(), means.Finish().ValueOrDie(),
         revisions.Finish().ValueOrDie(), retracted.Finish().ValueOrDie()});
  }
  void Show(const std::vector<Result>& results) {
    const auto table = lake_->LoadTable("sensors.means").ValueOrDie();
    Committer committer(*lake_);
    const auto files = WriteFiles(*lake_, table, Rows(results));
    ASSERT_EQ(committer.Commit(AppendRequest("sensors.means", files)).ValueOrDie().outcome,
              Outcome::kCommitted);
  }
  ResultDiff Diff() {
    return ResultDiff::Make(*lake_, lake_->LoadTable("sensors.means").ValueOrDie()).ValueOrDie();
  }
  /// `a 1`, or `-a` if it is retracted; revision 8 retracts, 9 is new.
  static std::vector<std::string> Told(const arrow::RecordBatchVector& batches) {
    std::vector<std::string> told;
    for (const auto& rows : batches) {
      const auto& sensors = static_cast<const arrow::StringArray&>(*rows->column(0));
      const auto& means = static_cast<const arrow::DoubleArray&>(*rows->column(1));
      const auto& revisions = static_cast<const arrow::Int64Array&>(*rows->column(2));
      const auto& retracted = static_cast<const arrow::BooleanArray&>(*rows->column(3));
      for (int64_t i = 0; i < rows->num_rows(); ++i) {
        EXPECT_EQ(revisions.Value(i), retracted.Value(i) ? 8 : 9);
        EXPECT_EQ(means.IsNull(i), retracted.Value(i));
        told.push_back(retracted.Value(i) ? "-" + sensors.GetString(i)
                                          : sensors.GetString(i) + " " +
                                                std::to_string(std::lround(means.Value(i))));
      }
    }
    return told;
  }

  std::shared_ptr<arrow::Schema> schema_;
};

TEST_F(ResultDiffTest, TellsWhatIsNewWhatIsOtherAndWhatIsGone) {
  Show({{"same", 1}, {"other", 2}, {"gone", 3}});
  ResultDiff diff = Diff();
  EXPECT_THAT(
      Told(diff.NewOf(Rows({{"same", 1, 9}, {"other", 5, 9}, {"new", 6, 9}}), 8).ValueOrDie()),
      ElementsAre("-other", "other 5", "new 6"));
  EXPECT_THAT(Told(diff.Gone(8).ValueOrDie()), ElementsAre("-gone"));
}

TEST_F(ResultDiffTest, ComparesWithTheLastRevision) {
  Show({{"a", 1, 1}, {"b", 1, 1}, {"c", 1, 1}, {"d", 1, 1}});
  Show({{"a", 1, 1, true}, {"a", 2, 2}, {"b", 1, 2, true}, {"c", 1, 2, true}});
  ResultDiff diff = Diff();
  EXPECT_THAT(Told(diff.NewOf(Rows({{"a", 2, 9}, {"b", 1, 9}, {"d", 1, 9}}), 8).ValueOrDie()),
              ElementsAre("b 1"))
      << "it was retracted, and holds again";
  EXPECT_THAT(Told(diff.Gone(8).ValueOrDie()), IsEmpty()) << "`c` is retracted already";
}

TEST_F(ResultDiffTest, SumsInAnotherOrderAreTheSame) {
  const double mean = 0.1 + 0.2 + 0.3;
  Show({{"a", mean}, {"b", mean}, {"c", 0}, {"d", std::nan("")}});
  ResultDiff diff = Diff();
  EXPECT_THAT(Told(diff.NewOf(Rows({{"a", std::nextafter(mean, 1), 9},
                                    {"b", mean * (1 + 1e-6), 9},
                                    {"c", 0, 9},
                                    {"d", std::nan(""), 9}}),
                              8)
                       .ValueOrDie()),
              ElementsAre("-b", "b 1"));
}

TEST_F(ResultDiffTest, AnEmptyTableShowsNothing) {
  ResultDiff diff = Diff();
  EXPECT_THAT(Told(diff.NewOf(Rows({{"a", 1, 9}}), 8).ValueOrDie()), ElementsAre("a 1"));
  EXPECT_THAT(Told(diff.Gone(8).ValueOrDie()), IsEmpty());
}

}  // namespace
}  // namespace catchwater
