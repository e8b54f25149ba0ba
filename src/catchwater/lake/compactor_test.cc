#include "catchwater/lake/compactor.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/lake/rewrite_change.h"
#include "catchwater/lake/upkeep_fixture_test.h"
#include "catchwater/testing/faulty_files.h"

namespace catchwater {
namespace {

class CompactorTest : public UpkeepTest {};

TEST_F(CompactorTest, MergesFiveFilesIntoOneSortedOne) {
  AppendMany(5);
  const CompactionReport report = Compact();
  EXPECT_EQ(report.merges, 1);
  EXPECT_EQ(report.files_in, 5);
  EXPECT_EQ(report.files_out, 1);
  EXPECT_EQ(report.rows, 5);
  EXPECT_EQ(report.waits_us.size(), 5U);
  EXPECT_EQ(Table()->data_file_count(), 1);
  EXPECT_EQ(Ids(), IdsUpTo(5));
  EXPECT_EQ(Violations(), std::vector<std::string>{});
  const auto names = ReadTable(*Table())->GetColumnByName("name");
  ASSERT_EQ(names->num_chunks(), 1);
  const auto& values = static_cast<const arrow::StringArray&>(*names->chunk(0));
  for (int64_t i = 1; i < values.length(); ++i) EXPECT_LE(values.GetView(i - 1), values.GetView(i));
  const auto live = LiveFiles(*lake_, *Table()).ValueOrDie();
  EXPECT_EQ(live[0].entry.file.sort_order_id, Table()->metadata->default_sort_order_id);
}

TEST_F(CompactorTest, MarksItsInputsDoneWithTheirEnd) {
  AppendMany(5);
  Compact();
  int done = 0;
  for (const DataFileRecord& file : DataFiles()) {
    if (!file.removed_seq) continue;
    EXPECT_EQ(file.state, WorkState::kDone);
    EXPECT_EQ(file.finished_us, clock_.now_us);
    EXPECT_EQ(file.attempts, 1);
    ++done;
  }
  EXPECT_EQ(done, 5);
}

TEST_F(CompactorTest, WritesNothingWhenNothingIsDue) {
  AppendMany(4);
  const int64_t seq = ledger_->Catalog()->seq;
  const auto leases = ledger_->Leases().ValueOrDie();
  EXPECT_EQ(Compact().merges, 0);
  EXPECT_EQ(ledger_->Catalog()->seq, seq);
  EXPECT_EQ(ledger_->Leases()->size(), leases.size());
}

TEST_F(CompactorTest, KeepsPartitionsApart) {
  AppendMany(5, /*day=*/0);
  AppendMany(5, /*day=*/1);
  EXPECT_EQ(Compact().merges, 2);
  EXPECT_EQ(Table()->data_file_count(), 2);
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

TEST_F(CompactorTest, MergesInTinyMemory) {
  AppendMany(8);
  EXPECT_EQ(Compact({.memory_bytes_max = 64}).merges, 1);
  EXPECT_EQ(Ids(), IdsUpTo(8));
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path() + "/spill"));
}

TEST_F(CompactorTest, RewritesOldFilesInTheNewSchema) {
  AppendMany(3);
  TableSpec wider = ReadingsSpec();
  wider.schema = wider.schema->AddField(4, arrow::field("site", arrow::utf8())).ValueOrDie();
  Ensure(wider);
  AppendMany(2);
  EXPECT_EQ(Compact().merges, 1);
  EXPECT_EQ(ReadTable(*Table())->GetColumnByName("site")->null_count(), 5);
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

TEST_F(CompactorTest, LeavesATableAloneThatAnotherWorkerHas) {
  AppendMany(5);
  ASSERT_TRUE(ledger_->AcquireLease("compact/sensors.readings", "worker-2", 60'000).ValueOrDie());
  EXPECT_EQ(Compact().merges, 0);
  Advance(61 * kTestSecondUs);
  EXPECT_EQ(Compact().merges, 1);
}

TEST_F(CompactorTest, TakesOverFromAKilledWorkerAfterItsLease) {
  AppendMany(5);
  const auto epoch =
      ledger_->AcquireLease("compact/sensors.readings", "worker-2", 60'000).ValueOrDie();
  std::vector<int64_t> ids;
  for (const DataFileRecord& file : DataFiles()) ids.push_back(file.id);
  ASSERT_TRUE(ledger_->ClaimDataFiles(ids, {"compact/sensors.readings", *epoch}).ValueOrDie());
  EXPECT_EQ(Compact().merges, 0);  // Its lease still holds.
  Advance(61 * kTestSecondUs);
  EXPECT_EQ(Compact().merges, 0);  // Given back; the back-off runs.
  EXPECT_EQ(DataFiles({.state = WorkState::kToProcess}).size(), 5U);
  Advance(11 * kTestSecondUs);
  EXPECT_EQ(Compact().merges, 1);
  EXPECT_EQ(Ids(), IdsUpTo(5));
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

TEST_F(CompactorTest, FailsAfterThreeAttemptsWithTheReason) {
  AppendMany(5);
  const std::string broken = PathOfUri(DataFiles()[2].file.path).ValueOrDie();
  std::filesystem::resize_file(broken, 10);
  for (int attempt = 1; attempt <= 3; ++attempt) {
    EXPECT_EQ(Compact().failures, 1) << attempt;
    EXPECT_EQ(Compact().failures, 0) << "the back-off must hold it back";
    Advance(700 * kTestSecondUs);
  }
  const auto failed = DataFiles({.state = WorkState::kFailed});
  EXPECT_EQ(failed.size(), 5U);
  EXPECT_FALSE(failed.front().reason.empty());
  EXPECT_EQ(CountOnDisk(".parquet"), 5) << "what failed attempts wrote must be gone";
  EXPECT_EQ(ledger_->Retry({.table_key = kReadings}).ValueOrDie(), 5);
}

TEST_F(CompactorTest, AFullDiskIsNoAttemptOfTheFiles) {
  AppendMany(5);
  FaultyFiles faulty(*files_);
  lake_ = Lake::Open(faulty, *ledger_, clock_, Random(9), {.warehouse = folder_.path() + "/lake"})
              .ValueOrDie();
  for (int round = 1; round <= 4; ++round) {
    faulty.SetFreeBytes(100);
    const CompactionReport report = Compact();
    EXPECT_TRUE(report.is_disk_full) << round << " " << DataFiles()[0].reason;
    EXPECT_EQ(report.failures, 1);
    for (const DataFileRecord& file : DataFiles()) EXPECT_EQ(file.attempts, 0) << round;
  }
  faulty.SetFreeBytes(INT64_MAX);
  EXPECT_EQ(Compact().merges, 1);
  EXPECT_EQ(Ids(), IdsUpTo(5));
  EXPECT_EQ(Violations(), std::vector<std::string>{});
  lake_.reset();
}

TEST_F(CompactorTest, LeavesTablesWithRowLevelDeletesAlone) {
  AppendMany(5);
  const auto base = Table();
  TableMetadata next = *base->metadata;
  auto rows =
      *lake_->manifests().List(base->metadata->current_snapshot()->manifest_list).ValueOrDie();
  ManifestFile deletes = rows.front();
  deletes.is_deletes = true;
  deletes.path += ".deletes";
  rows.push_back(deletes);
  lake_->manifests().PutList("file:///with-deletes.avro",
                             std::make_shared<const std::vector<ManifestFile>>(rows));
  auto snapshot = std::make_shared<Snapshot>(*next.current_snapshot());
  snapshot->manifest_list = "file:///with-deletes.avro";
  next.snapshots.back() = snapshot;
  lake_->Remember(MakeTableState(kReadings, base->location,
                                 std::make_shared<const TableMetadata>(std::move(next)))
                      .ValueOrDie());
  const CompactionReport report = Compact();
  EXPECT_EQ(report.merges, 0);
  EXPECT_EQ(report.failures, 0);
}

/// Another commit comes between each of the first preparations and its commit.
class RacedChange final : public TableChange {
 public:
  RacedChange(TableChange& inner, int races, std::function<void()> race)
      : inner_(inner), races_left_(races), race_(std::move(race)) {}
  const std::string& table_key() const override { return inner_.table_key(); }
  arrow::Result<std::optional<PreparedChange>> Prepare(
      const std::shared_ptr<const TableState>& base, const CommitStamp& stamp) override {
    auto prepared = inner_.Prepare(base, stamp);
    if (races_left_-- > 0) race_();
    return prepared;
  }

 private:
  TableChange& inner_;
  int races_left_;
  std::function<void()> race_;
};

class RewriteChangeTest : public UpkeepTest {
 protected:
  arrow::Result<CommitResult> Commit(TableChange& change) {
    CommitRequest request;
    request.plan.id = lake_->NewUuid();
    request.plan.actor = "test";
    request.changes = {&change};
    Committer committer(*lake_);
    return committer.Commit(std::move(request));
  }
  RewriteRequest Delete(const std::vector<DataFileRecord>& files) {
    RewriteRequest request{.table_key = kReadings,
                           .operation = "delete",
                           .removed = {},
                           .added = {},
                           .fail_points = {}};
    for (const DataFileRecord& file : files) request.removed.insert(file.file.path);
    return request;
  }
};

TEST_F(RewriteChangeTest, IsPutOnTopOfAppendsThatCameBetween) {
  AppendMany(3);
  RewriteChange change(*lake_, Delete(DataFiles()));
  RacedChange raced(change, 3, [this] { AppendOne(); });
  const auto result = Commit(raced);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, Outcome::kCommitted);
  EXPECT_EQ(result->attempts, 4);
  EXPECT_EQ(Ids(), (std::multiset<int64_t>{3, 4, 5}));
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

TEST_F(RewriteChangeTest, RefusesWhenAFileIsGone) {
  AppendMany(2);
  const auto files = DataFiles();
  RewriteChange first(*lake_, Delete({files[0]}));
  ASSERT_EQ(Commit(first)->outcome, Outcome::kCommitted);
  const auto before = FilesOnDisk();
  RewriteChange second(*lake_, Delete(files));
  EXPECT_EQ(KindOf(Commit(second).status()), ErrorKind::kConflict);
  EXPECT_EQ(FilesOnDisk(), before) << "what was prepared must be gone";
}

TEST_F(RewriteChangeTest, RefusesAReplaceThatLosesRows) {
  AppendMany(3);
  RewriteRequest request = Delete(DataFiles());
  request.operation = "replace";
  request.added = WriteFiles(*lake_, Table(), ReadingsBatch({{.id = 0}, {.id = 1}}));
  RewriteChange change(*lake_, std::move(request));
  EXPECT_EQ(KindOf(Commit(change).status()), ErrorKind::kBadData);
  EXPECT_EQ(Ids(), IdsUpTo(3));
}

TEST_F(RewriteChangeTest, ReadsOnlyTheManifestsThatItNeeds) {
  // Full manifests are not folded: 64 entries each.
  AppendMany(130);
  WorkQuery query;
  query.limit = 1'000;
  const auto files = DataFiles(query);
  const auto before =
      lake_->manifests().List(Table()->metadata->current_snapshot()->manifest_list).ValueOrDie();
  RewriteChange change(*lake_, Delete({files.back()}));
  ASSERT_EQ(Commit(change)->outcome, Outcome::kCommitted);
  const auto after =
      lake_->manifests().List(Table()->metadata->current_snapshot()->manifest_list).ValueOrDie();
  ASSERT_EQ(after->size(), before->size());
  for (size_t i = 1; i < after->size(); ++i) EXPECT_EQ((*after)[i].path, (*before)[i].path);
  EXPECT_EQ(after->front().deleted_files, 1);
}

}  // namespace
}  // namespace catchwater
