#include "catchwater/lake/foreign_watch.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/lake/rewrite_change.h"
#include "catchwater/lake/upkeep_fixture_test.h"

namespace catchwater {
namespace {

class ForeignWatchTest : public UpkeepTest {
 protected:
  ForeignReport Read() {
    auto report = ReadForeignCommits(*lake_);
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ValueOr({});
  }
  void DeleteAsForeign(const std::string& uri) {
    RewriteChange change(*lake_, {.table_key = kReadings,
                                  .operation = "delete",
                                  .removed = {uri},
                                  .added = {},
                                  .fail_points = {}});
    CommitAsForeign(change);
  }
};

TEST_F(ForeignWatchTest, CostsNothingWithoutForeignCommits) {
  AppendMany(3);
  EXPECT_EQ(Read().commits, 0);
}

TEST_F(ForeignWatchTest, AdoptsAnAppend) {
  AppendMany(2);
  AppendAsForeign(4);
  EXPECT_FALSE(ledger_->UnreadForeignCommits(10)->empty());
  const ForeignReport report = Read();
  EXPECT_EQ(report.commits, 1);
  EXPECT_EQ(report.files_added, 1);
  EXPECT_EQ(report.rows_added, 4);
  EXPECT_EQ(Violations(), std::vector<std::string>{});
  const auto counts = ledger_->RowCounts(kReadings).ValueOrDie();
  EXPECT_EQ(counts.rows_added, 6);
  EXPECT_EQ(counts.foreign_rows_added, 4);
  EXPECT_EQ(counts.foreign_commits, 1);
  EXPECT_EQ(counts.unread_commits, 0);
  EXPECT_EQ(Read().commits, 0) << "read once";
}

TEST_F(ForeignWatchTest, OurNextAppendBuildsOnIt) {
  AppendMany(2);
  AppendAsForeign(1);
  AppendOne();  // Before anybody read the foreign commit.
  EXPECT_EQ(Ids(), IdsUpTo(4));
  EXPECT_EQ(Read().rows_added, 1);
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

TEST_F(ForeignWatchTest, GivesAForeignFileItsPartitionTierAndTimes) {
  AppendMany(2);
  AppendAsForeign(1);
  Read();
  const auto files = DataFiles();
  ASSERT_EQ(files.size(), 3U);
  EXPECT_EQ(files[2].added_by, "foreign");
  EXPECT_EQ(files[2].file.partition_key, files[0].file.partition_key);
  EXPECT_EQ(files[2].file.tier, files[0].file.tier);
  EXPECT_EQ(files[2].file.event_us_min, clock_.now_us);
  EXPECT_EQ(files[2].file.event_us_max, clock_.now_us);
  EXPECT_EQ(files[2].state, WorkState::kToProcess);
}

TEST_F(ForeignWatchTest, MergesForeignFilesToo) {
  AppendMany(3);
  AppendAsForeign(1);
  AppendAsForeign(1);
  EXPECT_EQ(Read().commits, 2);
  EXPECT_EQ(Compact().files_in, 5);
  EXPECT_EQ(Ids(), IdsUpTo(5));
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

TEST_F(ForeignWatchTest, AdoptsADelete) {
  AppendMany(3);
  DeleteAsForeign(DataFiles()[1].file.path);
  const ForeignReport report = Read();
  EXPECT_EQ(report.files_removed, 1);
  EXPECT_EQ(report.rows_removed, 1);
  EXPECT_EQ(Ids(), (std::multiset<int64_t>{0, 2}));
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

TEST_F(ForeignWatchTest, AdoptsAChangeOfMetadataOnly) {
  AppendMany(2);
  TableMetadata next = *Table()->metadata;
  next.properties["owner"] = "somebody";
  const std::string path = lake_->TableFolder(kReadings) + "/metadata/00009-x.metadata.json";
  ASSERT_TRUE(files_->WriteNew(path, MetadataToJson(next)).ok());
  SwapAsForeign(UriOfPath(path));
  const ForeignReport report = Read();
  EXPECT_EQ(report.commits, 1);
  EXPECT_EQ(report.rows_added, 0);
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

TEST_F(ForeignWatchTest, AdoptsARollBack) {
  AppendMany(2);
  const auto before = Table();
  Advance(kTestSecondUs);
  const std::string removed = DataFiles()[0].file.path;
  RewriteChange change(*lake_, {.table_key = kReadings,
                                .operation = "delete",
                                .removed = {removed},
                                .added = {},
                                .fail_points = {}});
  CommitRequest request;
  request.plan.id = lake_->NewUuid();
  request.changes = {&change};
  ASSERT_EQ(Committer(*lake_).Commit(std::move(request))->outcome, Outcome::kCommitted);
  TableMetadata next = *Table()->metadata;
  next.current_snapshot_id = before->metadata->current_snapshot_id;
  next.refs["main"].snapshot_id = *next.current_snapshot_id;
  const std::string path = lake_->TableFolder(kReadings) + "/metadata/00010-x.metadata.json";
  ASSERT_TRUE(files_->WriteNew(path, MetadataToJson(next)).ok());
  SwapAsForeign(UriOfPath(path));
  EXPECT_EQ(Read().rows_added, 1);
  EXPECT_EQ(Ids(), IdsUpTo(2));
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

TEST_F(ForeignWatchTest, ComparesWithTheLedgerWhenMetadataBetweenIsGone) {
  AppendMany(2);
  AppendAsForeign(1);
  AppendAsForeign(2);
  const auto unread = ledger_->UnreadForeignCommits(10).ValueOrDie();
  ASSERT_EQ(unread.size(), 2U);
  AppendOne();
  std::filesystem::remove(PathOfUri(unread[0].metadata_location).ValueOrDie());
  lake_ = OpenLake({});  // Forgets what it had read.
  const ForeignReport report = Read();
  EXPECT_EQ(report.commits, 2);
  EXPECT_EQ(report.rows_added, 3);
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

}  // namespace
}  // namespace catchwater
