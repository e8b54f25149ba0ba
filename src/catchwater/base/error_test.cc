#include "catchwater/base/error.h"

#include <gtest/gtest.h>

#include "catchwater/base/fail_point.h"

namespace catchwater {
namespace {

TEST(Error, TheKindSurvivesPropagationAndContext) {
  const arrow::Status status = Conflict("Pointer moved, table: ", "a.b");
  EXPECT_EQ(KindOf(status), ErrorKind::kConflict);
  EXPECT_EQ(status.message(), "Pointer moved, table: a.b");
  const arrow::Status wider = WithContext(status, "pipeline `x`");
  EXPECT_EQ(KindOf(wider), ErrorKind::kConflict);
  EXPECT_EQ(wider.message(), "pipeline `x`: Pointer moved, table: a.b");
}

TEST(Error, StatusesOfOthersGetTheNearestKind) {
  EXPECT_EQ(KindOf(arrow::Status::IOError("x")), ErrorKind::kUnavailable);
  EXPECT_EQ(KindOf(arrow::Status::Invalid("x")), ErrorKind::kBadData);
  EXPECT_EQ(KindOf(arrow::Status::KeyError("x")), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(arrow::Status::NotImplemented("x")), ErrorKind::kInternal);
}

TEST(Error, EveryKindHasANameOfItsOwn) {
  EXPECT_EQ(ErrorKindName(ErrorKind::kCommitUnknown), "commit_unknown");
  EXPECT_EQ(ErrorKindName(ErrorKind::kBadData), "bad_data");
}

TEST(FailPoint, NamesStandAtTheirPlaceInTheTable) {
  EXPECT_EQ(FailPointName(FailPoint::kRecoveryBegin), "recovery.begin");
  EXPECT_EQ(FailPointName(FailPoint::kInputClaimed), "input.claimed");
  int index = 0;
  for (const FailPoint point : AllFailPoints()) EXPECT_EQ(static_cast<int>(point), index++);
}

TEST(FailPoint, IsQuietWhenNothingIsArmed) {
  for (const FailPoint point : AllFailPoints()) EXPECT_TRUE(Reach(point).ok());
}

}  // namespace
}  // namespace catchwater
