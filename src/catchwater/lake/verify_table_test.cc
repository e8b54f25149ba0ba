#include "catchwater/lake/verify_table.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catchwater/lake/upkeep_fixture_test.h"

namespace catchwater {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class VerifyTableTest : public UpkeepTest {
 protected:
  std::vector<std::string> Verify(bool reads_footers = false) {
    const auto verdict = VerifyTable(*lake_, kReadings, {.reads_footers = reads_footers});
    EXPECT_TRUE(verdict.ok()) << verdict.status();
    return verdict.ok() ? verdict->violations : std::vector<std::string>{};
  }
  std::string FirstFile() { return PathOfUri(DataFiles()[0].file.path).ValueOrDie(); }
};

TEST_F(VerifyTableTest, IsCleanForAnEmptyTable) { EXPECT_TRUE(Verify(true).empty()); }

TEST_F(VerifyTableTest, CountsRowsAndFiles) {
  AppendMany(3);
  AppendAsForeign(2);
  const auto verdict = VerifyTable(*lake_, kReadings, {}).ValueOrDie();
  EXPECT_TRUE(verdict.violations.empty());
  EXPECT_EQ(verdict.data_files, 4);
  EXPECT_EQ(verdict.rows_in_files, 5);
  EXPECT_EQ(verdict.rows_in_ledger, 5);
  EXPECT_EQ(verdict.rows_in_snapshot, 5);
  EXPECT_EQ(verdict.foreign_rows, 2);
}

TEST_F(VerifyTableTest, IsCleanAfterPruning) {
  AppendMany(3);
  Advance(40 * kTestDayUs);
  AppendOne();
  ASSERT_TRUE(ledger_->Prune(clock_.now_us - 30 * kTestDayUs).ok());
  EXPECT_TRUE(Verify().empty());
}

TEST_F(VerifyTableTest, TellsAMissingFile) {
  AppendMany(2);
  std::filesystem::remove(FirstFile());
  EXPECT_THAT(Verify(), Contains(HasSubstr("Data file is not there: " + FirstFile())));
}

TEST_F(VerifyTableTest, TellsAFileOfAnotherLength) {
  AppendMany(2);
  std::filesystem::resize_file(FirstFile(), 10);
  EXPECT_THAT(Verify(), Contains(HasSubstr("Data file has 10 bytes instead of ")));
}

TEST_F(VerifyTableTest, TellsADamagedFooterWhenAsked) {
  AppendMany(2);
  const auto byte_count = std::filesystem::file_size(FirstFile());
  std::filesystem::resize_file(FirstFile(), 0);
  std::filesystem::resize_file(FirstFile(), byte_count);
  EXPECT_TRUE(Verify(false).empty());
  EXPECT_THAT(Verify(true), Contains(HasSubstr("Data file is damaged: ")));
}

TEST_F(VerifyTableTest, TellsWhatTheLedgerLacks) {
  AppendMany(2);
  ForeignSql("DELETE FROM data_file WHERE id = 1");
  EXPECT_THAT(Verify(), Contains(HasSubstr("Table has a data file that the ledger lacks: ")));
}

TEST_F(VerifyTableTest, TellsWhatTheTableLacks) {
  AppendMany(2);
  ForeignSql(
      "INSERT INTO data_file (table_key, path, partition_key, tier, added_seq, added_by, "
      "added_us, ordinal, row_count, byte_count, state) VALUES ('sensors.readings', "
      "'file:///x', '', 0, 1, 'append', 0, 0, 1, 1, 'done')");
  EXPECT_THAT(Verify(), Contains("Ledger has a live data file that the table lacks: file:///x"));
}

TEST_F(VerifyTableTest, TellsOtherRowCounts) {
  AppendMany(2);
  ForeignSql("UPDATE data_file SET row_count = 7 WHERE id = 1");
  EXPECT_THAT(Verify(), Contains(HasSubstr("Ledger says 7 rows, the manifest 1: ")));
  ForeignSql("UPDATE commit_table SET rows_added = 9 WHERE rows_added = 1");
  EXPECT_THAT(Verify(), Contains("Commits added up to 18 rows, the files hold 2: "
                                 "sensors.readings"));
}

/// Metadata whose current snapshot has another list of manifests.
class ForgedTest : public VerifyTableTest {
 protected:
  void Forge(std::vector<ManifestFile> manifests) {
    const auto base = Table();
    TableMetadata next = *base->metadata;
    auto snapshot = std::make_shared<Snapshot>(*next.current_snapshot());
    snapshot->manifest_list = "file:///forged-" + lake_->NewUuid() + ".avro";
    lake_->manifests().PutList(
        snapshot->manifest_list,
        std::make_shared<const std::vector<ManifestFile>>(std::move(manifests)));
    next.snapshots.back() = snapshot;
    lake_->Remember(MakeTableState(kReadings, base->location,
                                   std::make_shared<const TableMetadata>(std::move(next)))
                        .ValueOrDie());
  }
  std::vector<ManifestFile> Manifests() {
    return *lake_->manifests()
                .List(Table()->metadata->current_snapshot()->manifest_list)
                .ValueOrDie();
  }
};

TEST_F(ForgedTest, TellsAFileThatStandsTwice) {
  AppendMany(2);
  auto manifests = Manifests();
  manifests.push_back(manifests.front());
  Forge(manifests);
  EXPECT_THAT(Verify(),
              Contains("Data file stands in two live entries: " + DataFiles()[0].file.path));
}

TEST_F(ForgedTest, TellsAListThatCountsOtherwise) {
  AppendMany(2);
  auto manifests = Manifests();
  manifests.front().existing_rows += 5;
  Forge(manifests);
  EXPECT_THAT(Verify(), Contains(HasSubstr("Manifest list says 2 files and 7 rows, the manifest "
                                           "has 2 and 2: ")));
}

TEST_F(ForgedTest, TellsASnapshotWithAnotherTotal) {
  AppendMany(2);
  Forge({});
  EXPECT_THAT(Verify(), Contains("Snapshot says 2 rows, its files hold 0: sensors.readings"));
}

}  // namespace
}  // namespace catchwater
