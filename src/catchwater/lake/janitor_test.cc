#include "catchwater/lake/janitor.h"

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/lake/retention.h"
#include "catchwater/lake/upkeep_fixture_test.h"

namespace catchwater {
namespace {

class JanitorTest : public UpkeepTest {
 protected:
  int64_t Expire() { return Janitor(*lake_, owner_).ExpireSnapshots(kReadings).ValueOrDie(); }
  int64_t Queue() { return Janitor(*lake_, owner_).QueueRemoved(kReadings).ValueOrDie(); }
  int64_t Unlink() { return Janitor(*lake_, owner_).UnlinkDue({}).ValueOrDie().removed; }
};

TEST_F(JanitorTest, ExpiresSnapshotsOfATableThatRests) {
  AppendMany(10);
  EXPECT_EQ(Expire(), 0) << "all are younger than five minutes";
  Advance(400 * kTestSecondUs);
  EXPECT_EQ(Expire(), 9) << "one of the minute stays";
  EXPECT_EQ(Table()->metadata->snapshots.size(), 1U);
  EXPECT_EQ(Ids(), IdsUpTo(10));
  EXPECT_EQ(Expire(), 0);
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

TEST_F(JanitorTest, RemovesListsAndManifestsOfExpiredSnapshotsAfterTheGrace) {
  AppendMany(10);
  Advance(400 * kTestSecondUs);
  Expire();
  EXPECT_EQ(CountOnDisk(".avro"), 20);
  Unlink();
  EXPECT_EQ(CountOnDisk(".avro"), 20) << "readers have their grace";
  Advance(601 * kTestSecondUs);
  Unlink();
  EXPECT_EQ(CountOnDisk(".avro"), 11) << "lists, until a copy of the ledger has what they note";
  Advance(kNotesKeptUs - 600 * kTestSecondUs);
  Unlink();
  EXPECT_EQ(CountOnDisk(".avro"), 2);
  EXPECT_EQ(Ids(), IdsUpTo(10));
}

TEST_F(JanitorTest, KeepsAMergedFileWhileASnapshotRefersToIt) {
  AppendMany(5);
  Advance(kTestSecondUs);
  Compact();
  EXPECT_EQ(Queue(), 0) << "the snapshots before the merge are kept";
  Advance(120 * kTestSecondUs);
  EXPECT_EQ(Queue(), 0);
  Advance(500 * kTestSecondUs);
  Expire();  // Now only the snapshot of the merge is left.
  EXPECT_EQ(Queue(), 5);
  EXPECT_EQ(Queue(), 0) << "queued once";
  EXPECT_EQ(CountOnDisk(".parquet"), 6);
  Advance(601 * kTestSecondUs);
  Unlink();
  EXPECT_EQ(CountOnDisk(".parquet"), 1);
  EXPECT_EQ(Ids(), IdsUpTo(5));
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

TEST_F(JanitorTest, KeepsFilesOfATaggedSnapshot) {
  AppendMany(5);
  const int64_t tagged = Table()->metadata->current_snapshot_id.value_or(0);
  // Another program tags the snapshot.
  TableMetadata tagging = *Table()->metadata;
  tagging.refs["audit"] = {.snapshot_id = tagged, .is_branch = false};
  const std::string path = lake_->TableFolder(kReadings) + "/metadata/00099-tagged.metadata.json";
  ASSERT_TRUE(files_->WriteNew(path, MetadataToJson(tagging)).ok());
  SwapAsForeign(UriOfPath(path));
  Advance(kTestSecondUs);
  Compact();
  Advance(30 * kTestDayUs);
  Expire();
  EXPECT_EQ(Table()->metadata->snapshots.size(), 2U);
  EXPECT_EQ(Queue(), 0);
  Advance(601 * kTestSecondUs);
  Unlink();
  const auto old = LiveFiles(*lake_, *Table(), tagged).ValueOrDie();
  EXPECT_EQ(ReadRows(*lake_, *Table(), old).ValueOrDie()->ToTable().ValueOrDie()->num_rows(), 5);
}

TEST_F(JanitorTest, QueuesNothingOfATableWithAnUnreadForeignCommit) {
  AppendMany(5);
  Compact();
  Advance(1'000 * kTestSecondUs);
  Expire();
  AppendAsForeign(1);
  EXPECT_EQ(Queue(), 0);
}

TEST_F(JanitorTest, PostponesWhatCannotBeRemoved) {
  const std::string folder = folder_.path() + "/full";
  std::filesystem::create_directories(folder + "/inside");
  ASSERT_TRUE(ledger_
                  ->QueueUnlink({{.path = folder, .table_key = kReadings, .not_before_us = 0},
                                 {.path = folder_.path() + "/gone", .table_key = kReadings}})
                  .ok());
  const auto report = Janitor(*lake_, owner_).UnlinkDue({}).ValueOrDie();
  EXPECT_EQ(report.removed, 1);
  EXPECT_EQ(report.postponed, 1);
  EXPECT_TRUE(ledger_->DueUnlinks(10)->empty());
  Advance(3'601 * kTestSecondUs);
  EXPECT_EQ(ledger_->DueUnlinks(10)->size(), 1U);
}

class RetentionTest : public UpkeepTest {
 protected:
  RetentionReport Retain(int64_t days) {
    auto report = RemoveExpiredFiles(*lake_, owner_, kReadings, days * kTestDayUs / 1'000, {});
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ValueOr({});
  }
};

TEST_F(RetentionTest, RemovesFilesThatAreOldAsAWhole) {
  AppendMany(2, /*day=*/0);
  AppendMany(3, /*day=*/10);
  const RetentionReport report = Retain(5);
  EXPECT_EQ(report.files_removed, 3);
  EXPECT_EQ(report.rows_removed, 3);
  EXPECT_EQ(Ids(), IdsUpTo(2));
  EXPECT_EQ(Violations(), std::vector<std::string>{});
  EXPECT_EQ(Table()->metadata->current_snapshot()->summary.at("operation"), "delete");
  EXPECT_EQ(Retain(5).files_removed, 0);
}

TEST_F(RetentionTest, KeepsAFileThatStraddlesTheLimit) {
  TableSpec spec = ReadingsSpec();
  spec.table_key = "sensors.whole";
  spec.partition.clear();
  Ensure(spec);
  Append("sensors.whole",
         {{.id = 1, .ts_us = clock_.now_us - 10 * kTestDayUs}, {.id = 2, .ts_us = clock_.now_us}});
  const auto report =
      RemoveExpiredFiles(*lake_, owner_, "sensors.whole", 5 * kTestDayUs / 1'000, {}).ValueOrDie();
  EXPECT_EQ(report.files_removed, 0);
}

TEST_F(RetentionTest, KeepsFilesWithoutEventTimes) {
  Append(kReadings, {{.id = next_id_++}});
  EXPECT_EQ(Retain(1).files_removed, 0);
}

TEST_F(RetentionTest, WritesNothingWhenNothingIsOld) {
  AppendOne();
  const int64_t seq = ledger_->Catalog()->seq;
  Retain(5);
  EXPECT_EQ(ledger_->Catalog()->seq, seq);
}

}  // namespace
}  // namespace catchwater
