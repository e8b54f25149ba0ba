#include "catchwater/ledger/account_laws.h"

#include <gtest/gtest.h>

namespace catchwater {
namespace {

AccountRecord Line(Bucket bucket, int64_t row_count, int64_t partition_id = 1,
                   const std::string& consumer = "lake", const std::string& reason = "") {
  return {.partition_id = partition_id,
          .consumer = consumer,
          .bucket = bucket,
          .reason = reason,
          .row_count = row_count};
}

TEST(AccountLaws, AnEmptyAccountIsInOrder) { EXPECT_TRUE(FindUnaccounted({}).empty()); }

// The worked example of docs/formats/ledger.md.
TEST(AccountLaws, TheWorkedExampleAddsUp) {
  const std::vector<AccountRecord> account = {
      Line(Bucket::kFrames, 1000),
      Line(Bucket::kDecodedFrames, 998),
      Line(Bucket::kDeadFrames, 2, 1, "lake", "csv.field_count"),
      Line(Bucket::kRows, 998),
      Line(Bucket::kLake, 900),
      Line(Bucket::kDeadRows, 7, 1, "lake", "range"),
      Line(Bucket::kDeadRows, 1, 1, "lake", "csv.type"),
      Line(Bucket::kFiltered, 60, 1, "lake", "select[0]"),
      Line(Bucket::kDropped, 10, 1, "lake", "not_null"),
      Line(Bucket::kDeduplicated, 15),
      Line(Bucket::kExpired, 5),
      Line(Bucket::kRows, 900, 1, "room_stats"),
      Line(Bucket::kUsed, 880, 1, "room_stats"),
      Line(Bucket::kLate, 12, 1, "room_stats"),
      Line(Bucket::kFuture, 3, 1, "room_stats"),
      Line(Bucket::kFiltered, 5, 1, "room_stats"),
  };
  EXPECT_TRUE(FindUnaccounted(account).empty());
}

TEST(AccountLaws, EachBucketCountsInItsLaw) {
  for (int i = 0; i <= static_cast<int>(Bucket::kFuture); ++i) {
    const auto broken = FindUnaccounted(std::vector{Line(static_cast<Bucket>(i), 3)});
    ASSERT_EQ(broken.size(), 1u) << i;
    EXPECT_EQ(std::abs(broken[0].frame_count), i <= 2 ? 3 : 0) << i;
    EXPECT_EQ(std::abs(broken[0].row_count), i <= 2 ? 0 : 3) << i;
  }
}

TEST(AccountLaws, PartitionsAndConsumersDoNotMakeUpForEachOther) {
  const auto broken = FindUnaccounted(
      std::vector{Line(Bucket::kRows, 5, 1), Line(Bucket::kLake, 4, 1), Line(Bucket::kRows, 5, 2),
                  Line(Bucket::kLake, 6, 2), Line(Bucket::kRows, 1, 1, "app"),
                  Line(Bucket::kUsed, 1, 1, "app")});
  ASSERT_EQ(broken.size(), 2u);
  EXPECT_EQ(broken[0].partition_id, 1);
  EXPECT_EQ(broken[0].row_count, 1) << "a row is missing";
  EXPECT_EQ(broken[1].partition_id, 2);
  EXPECT_EQ(broken[1].row_count, -1) << "a row too many";
}

}  // namespace
}  // namespace catchwater
