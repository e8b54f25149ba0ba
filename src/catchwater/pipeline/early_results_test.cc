#include "catchwater/pipeline/early_results.h"

#include <arrow/array/util.h>
#include <arrow/scalar.h>
#include <gtest/gtest.h>

namespace catchwater {
namespace {

arrow::RecordBatchVector Rows(int64_t count) {
  const auto schema = arrow::schema({arrow::field("n", arrow::int64())});
  return {arrow::RecordBatch::Make(
      schema, count, {arrow::MakeArrayFromScalar(arrow::Int64Scalar(1), count).ValueOrDie()})};
}

class EarlyResultsTest : public ::testing::Test {
 protected:
  /// Sends all that may be. \return the batches
  size_t Send() {
    const auto share = early_.Take();
    if (!share) return 0;
    early_.Sent(share->end);
    return share->results.size();
  }

  Bell bell_;
  EarlyResults early_{bell_};
};

TEST_F(EarlyResultsTest, AFileWhoseResultsWereSentIsNotSentAgain) {
  early_.Written("a", early_.Add(Rows(1)));
  EXPECT_EQ(Send(), 1U);
  EXPECT_EQ(Send(), 0U);
  EXPECT_TRUE(early_.Settle("a"));
  EXPECT_FALSE(early_.Settle("a")) << "asked once: the next to ask has lost the answer";
  EXPECT_FALSE(early_.Settle("unknown"));
}

TEST_F(EarlyResultsTest, OneOfWhichSomeWaitIsDeliveredWhole) {
  EarlyRange range = early_.Add(Rows(1));
  EXPECT_EQ(Send(), 1U);
  range.end = early_.Add(Rows(1)).end;
  early_.Written("a", range);
  EXPECT_FALSE(early_.Settle("a"));
  EXPECT_EQ(Send(), 0U) << "its results came by the table";
  early_.Written("b", early_.Add(Rows(1)));
  EXPECT_EQ(Send(), 1U);
  EXPECT_TRUE(early_.Settle("b"));
}

TEST_F(EarlyResultsTest, WhatWasTakenAndNotSentComesByTheTable) {
  const EarlyRange first = early_.Add(Rows(1));
  EXPECT_TRUE(early_.Take().has_value());
  early_.Lose();  // The target failed.
  early_.Written("a", first);
  const EarlyRange second = early_.Add(Rows(1));
  EXPECT_EQ(Send(), 0U) << "it would come before the one that was lost";
  EXPECT_FALSE(early_.Settle("a"));
  EXPECT_EQ(Send(), 1U);
  early_.Written("b", second);
  EXPECT_TRUE(early_.Settle("b"));
}

TEST_F(EarlyResultsTest, NothingIsLostIfAllWasSent) {
  const EarlyRange range = early_.Add(Rows(1));
  EXPECT_EQ(Send(), 1U);
  early_.Lose();
  early_.Written("a", range);
  EXPECT_TRUE(early_.Settle("a"));
}

TEST_F(EarlyResultsTest, WhatWaitsForATargetIsNotLost) {
  const EarlyRange range = early_.Add(Rows(1));
  early_.Lose();
  EXPECT_EQ(Send(), 1U);
  early_.Written("a", range);
  EXPECT_TRUE(early_.Settle("a"));
}

TEST_F(EarlyResultsTest, WhatIsTooMuchComesByTheTable) {
  const EarlyRange many = early_.Add(Rows(EarlyResults::kRowsMax + 1));
  EXPECT_EQ(Send(), 0U);
  const EarlyRange next = early_.Add(Rows(1));
  EXPECT_EQ(Send(), 0U);
  early_.Written("a", many);
  EXPECT_FALSE(early_.Settle("a"));
  EXPECT_EQ(Send(), 1U);
  early_.Written("b", next);
  EXPECT_TRUE(early_.Settle("b"));
}

TEST_F(EarlyResultsTest, SoDoManySmallOnes) {
  const arrow::RecordBatchVector one = Rows(1);
  for (int64_t i = 0; i < EarlyResults::kRowsMax; ++i) early_.Add(one);
  EXPECT_EQ(Send(), 0U) << "a batch costs more than its row";
}

TEST_F(EarlyResultsTest, NothingWaitsForATargetThatIsDown) {
  early_.Written("a", early_.Add(Rows(1)));
  EXPECT_EQ(Send(), 1U);
  early_.Close();
  EXPECT_TRUE(early_.Settle("a")) << "it was sent before";
  const EarlyRange missed = early_.Add(Rows(1));
  early_.Open();
  const EarlyRange next = early_.Add(Rows(1));
  EXPECT_EQ(Send(), 0U) << "it would come before the one that was missed";
  early_.Written("b", missed);
  EXPECT_FALSE(early_.Settle("b"));
  EXPECT_EQ(Send(), 1U);
  early_.Written("c", next);
  EXPECT_TRUE(early_.Settle("c"));
}

TEST_F(EarlyResultsTest, WhatIsMadeForTheTableAloneComesBeforeWhatIsAddedLater) {
  early_.Add(Rows(1));  // Of an epoch that is void.
  early_.Written("anew", early_.AddToTable());
  const EarlyRange next = early_.Add(Rows(1));
  EXPECT_EQ(Send(), 0U);
  EXPECT_FALSE(early_.Settle("anew"));
  EXPECT_EQ(Send(), 1U);
  early_.Written("b", next);
  EXPECT_TRUE(early_.Settle("b"));
}

TEST_F(EarlyResultsTest, WhatIsSentWhileAllIsLostIsNotSentOnce) {
  EarlyRange range = early_.Add(Rows(1));
  const auto share = early_.Take();
  range.end = early_.Add(Rows(EarlyResults::kRowsMax + 1)).end;
  early_.Sent(share->end);
  early_.Open();
  early_.Written("a", range);
  EXPECT_FALSE(early_.Settle("a"));
  early_.Written("b", early_.Add(Rows(1)));
  EXPECT_EQ(Send(), 1U);
  EXPECT_TRUE(early_.Settle("b"));
}

TEST_F(EarlyResultsTest, FilesThatNobodyAsksForAreForgotten) {
  early_.Written("first", early_.Add(Rows(1)));
  EXPECT_EQ(Send(), 1U);
  for (size_t i = 0; i < EarlyResults::kFilesMax; ++i) {
    early_.Written(std::to_string(i), {.begin = 0, .end = 1});
  }
  EXPECT_FALSE(early_.Settle("first")) << "it is sent once more, not kept for ever";
}

}  // namespace
}  // namespace catchwater
