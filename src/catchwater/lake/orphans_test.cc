#include "catchwater/lake/orphans.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/lake/janitor.h"
#include "catchwater/lake/upkeep_fixture_test.h"

namespace catchwater {
namespace {

constexpr OrphanOptions kAllLooksOld{.foreign_age_us = -400 * kTestDayUs};

class OrphansTest : public UpkeepTest {
 protected:
  OrphanReport Sweep(OrphanOptions options = {}) {
    const auto dead = DeadEpochs::Fence(*lake_, owner_).ValueOrDie();
    auto report = RemoveOrphans(*lake_, dead, kReadings, options, {});
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ValueOr({});
  }
  Fence Take(const std::string& lease, const std::string& owner, int64_t ms = 10'000) {
    return {.lease = lease, .epoch = *ledger_->AcquireLease(lease, owner, ms).ValueOrDie()};
  }
  /// A data file that a writer under the fence left behind.
  std::string LeaveFile(const Fence& fence) {
    const auto written = WriteFiles(*lake_, Table(), ReadingsBatch({{.id = 99}}),
                                    {.lease = fence.lease, .epoch = fence.epoch});
    return PathOfUri(written[0].data_file.path).ValueOrDie();
  }
  bool IsThere(const std::string& path) { return files_->Stat(path).ok(); }
};

TEST_F(OrphansTest, KeepsEverythingThatATableRefersTo) {
  const Fence fence = Take("pipeline/p", "worker-2");
  for (int i = 0; i < 6; ++i) {
    auto request = AppendRequest(
        kReadings, WriteFiles(*lake_, Table(), ReadingsBatch({{.id = next_id_++, .ts_us = 1}}),
                              {.lease = fence.lease, .epoch = fence.epoch}));
    request.plan.fences = {fence};
    ASSERT_EQ(Committer(*lake_).Commit(std::move(request))->outcome, Outcome::kCommitted);
  }
  Compact();
  ASSERT_TRUE(ledger_->ReleaseLease(fence.lease, fence.epoch).ok());
  const auto before = FilesOnDisk();
  EXPECT_EQ(Sweep({.foreign_age_us = -kTestDayUs}).files_removed, 0);
  EXPECT_EQ(FilesOnDisk(), before);
}

TEST_F(OrphansTest, RemovesWhatAReleasedEpochLeft) {
  AppendMany(2);
  const Fence fence = Take("pipeline/p", "worker-2");
  const std::string path = LeaveFile(fence);
  ASSERT_TRUE(ledger_->ReleaseLease(fence.lease, fence.epoch).ok());
  const OrphanReport report = Sweep();
  EXPECT_EQ(report.files_removed, 1);
  EXPECT_GT(report.bytes_removed, 0);
  EXPECT_FALSE(IsThere(path));
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

TEST_F(OrphansTest, KeepsWhatALiveEpochMayStillCommit) {
  const Fence fence = Take("pipeline/p", "worker-2");
  const std::string path = LeaveFile(fence);
  EXPECT_EQ(Sweep().files_removed, 0);
  EXPECT_TRUE(IsThere(path));
}

// A clock that is ahead of the file system's makes what is just being written look days old.
TEST_F(OrphansTest, KeepsWhatALiveEpochMayStillCommitHoweverOldItLooks) {
  const Fence fence = Take("pipeline/p", "worker-2");
  const std::string path = LeaveFile(fence);
  const std::string manifest =
      lake_->TableFolder(kReadings) + "/metadata/" +
      ManifestName(MakeWriterTag(fence.lease, fence.epoch), lake_->NewUuid(), 0);
  ASSERT_TRUE(files_->WriteNew(manifest, "under way").ok());
  const std::string own = LeaveFile(Take("maintenance", owner_));
  EXPECT_EQ(Sweep(kAllLooksOld).files_removed, 0);
  EXPECT_TRUE(IsThere(path));
  EXPECT_TRUE(IsThere(manifest));
  EXPECT_TRUE(IsThere(own));
}

TEST_F(OrphansTest, KeepsWhatWasBegunSinceEpochsWereFenced) {
  const auto dead = DeadEpochs::Fence(*lake_, owner_).ValueOrDie();
  const std::string path = LeaveFile(Take("pipeline/new", "worker-2"));
  EXPECT_EQ(RemoveOrphans(*lake_, dead, kReadings, kAllLooksOld, {})->files_removed, 0);
  EXPECT_TRUE(IsThere(path));
}

TEST_F(OrphansTest, RemovesOldFilesOfAnEpochThatTheLedgerNeverCameTo) {
  const Fence fence = Take("pipeline/p", "worker-2");
  const std::string ahead = LeaveFile({.lease = fence.lease, .epoch = fence.epoch + 7});
  const std::string unknown = LeaveFile({.lease = "pipeline/other", .epoch = 3});
  const std::string without = LeaveFile({.lease = "", .epoch = 0});
  EXPECT_EQ(Sweep().files_removed, 0);
  EXPECT_EQ(Sweep(kAllLooksOld).files_removed, 3);
}

TEST_F(OrphansTest, FencesAnExpiredLeaseFirst) {
  const Fence fence = Take("pipeline/p", "worker-2", /*ms=*/1'000);
  const std::string path = LeaveFile(fence);
  Advance(2 * kTestSecondUs);
  EXPECT_EQ(Sweep().files_removed, 1);
  EXPECT_FALSE(IsThere(path));
  // The stopped worker wakes up: its commit is refused.
  auto request = AppendRequest(kReadings, WriteFiles(*lake_, Table(), ReadingsBatch({{.id = 7}})));
  request.plan.fences = {fence};
  EXPECT_EQ(Committer(*lake_).Commit(std::move(request))->outcome, Outcome::kFenced);
}

TEST_F(OrphansTest, RemovesMetadataOfADeadEpoch) {
  AppendOne();
  const Fence fence = Take("pipeline/p", "worker-2");
  const WriterTag tag = MakeWriterTag(fence.lease, fence.epoch);
  const std::string folder = lake_->TableFolder(kReadings) + "/metadata/";
  for (const std::string& name : {MetadataName(tag, 7, 1), ManifestName(tag, lake_->NewUuid(), 0),
                                  ManifestListName(tag, 5, lake_->NewUuid())}) {
    ASSERT_TRUE(files_->WriteNew(folder + name, "left behind").ok());
  }
  EXPECT_EQ(Sweep().files_removed, 0);
  ASSERT_TRUE(ledger_->ReleaseLease(fence.lease, fence.epoch).ok());
  EXPECT_EQ(Sweep().files_removed, 3);
}

TEST_F(OrphansTest, RemovesForeignNamesOnlyWhenTheyAreOld) {
  const std::string data = lake_->TableFolder(kReadings) + "/data/";
  ASSERT_TRUE(files_->WriteNew(data + "part-0.parquet", "foreign").ok());
  ASSERT_TRUE(files_->WriteNew(data + "notes.txt", "not ours to judge").ok());
  clock_.now_us = SystemClock().NowMicros();  // Files have the times of the system.
  EXPECT_EQ(Sweep().files_removed, 0);
  Advance(3 * kTestDayUs + kTestSecondUs);
  EXPECT_EQ(Sweep().files_removed, 1);
  EXPECT_FALSE(IsThere(data + "part-0.parquet"));
  EXPECT_TRUE(IsThere(data + "notes.txt"));
}

TEST_F(OrphansTest, KeepsALeaseThatTheLedgerDoesNotKnow) {
  const std::string path = LeaveFile({.lease = "pipeline/other", .epoch = 3});
  EXPECT_EQ(Sweep().files_removed, 0);
  EXPECT_TRUE(IsThere(path));
}

TEST_F(OrphansTest, LeavesWhatIsQueuedToTheJanitor) {
  const Fence fence = Take("pipeline/p", "worker-2");
  const std::string path = LeaveFile(fence);
  ASSERT_TRUE(ledger_->ReleaseLease(fence.lease, fence.epoch).ok());
  ASSERT_TRUE(ledger_
                  ->QueueUnlink(
                      {{.path = path, .table_key = kReadings, .not_before_us = clock_.now_us + 1}})
                  .ok());
  EXPECT_EQ(Sweep().files_removed, 0);
  EXPECT_TRUE(IsThere(path));
}

TEST_F(OrphansTest, RemovesStaleRunsOnly) {
  const std::string folder = folder_.path() + "/tmp";
  ASSERT_TRUE(RemoveStaleRuns(*files_, clock_, folder).ok()) << "no folder is fine";
  std::filesystem::create_directories(folder);
  ASSERT_TRUE(files_->WriteNew(folder + "/run-1.arrow", "x").ok());
  ASSERT_TRUE(files_->WriteNew(folder + "/other", "x").ok());
  clock_.now_us = SystemClock().NowMicros();
  ASSERT_TRUE(RemoveStaleRuns(*files_, clock_, folder).ok());
  EXPECT_TRUE(IsThere(folder + "/run-1.arrow"));
  Advance(2 * kTestDayUs);
  ASSERT_TRUE(RemoveStaleRuns(*files_, clock_, folder).ok());
  EXPECT_FALSE(IsThere(folder + "/run-1.arrow"));
  EXPECT_TRUE(IsThere(folder + "/other"));
}

}  // namespace
}  // namespace catchwater
