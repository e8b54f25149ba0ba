#include "catchwater/lake/commit.h"

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/lake/file_names.h"
#include "catchwater/lake/lake_fixture_test.h"
#include "catchwater/testing/faulty_files.h"

namespace catchwater {
namespace {

constexpr int64_t kStartUs = 1'767'225'600'000'000;
constexpr char kTable[] = "sensors.readings";

class CommitTest : public LakeTest {
 protected:
  void SetUp() override {
    LakeTest::SetUp();
    Ensure(ReadingsSpec());
  }

  std::vector<WrittenFile> OneFile(Lake& lake, int64_t id) {
    return WriteFiles(lake, lake.LoadTable(kTable).ValueOrDie(),
                      ReadingsBatch({{.id = id, .ts_us = kStartUs + id}}));
  }

  std::vector<ManifestFile> Manifests(const TableState& table) {
    return *lake_->manifests().List(table.metadata->current_snapshot()->manifest_list).ValueOrDie();
  }

  static std::set<std::string> FilesIn(const std::string& folder) {
    std::set<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      paths.insert(entry.path().string());
    }
    return paths;
  }

  std::string MetadataFolder() { return lake_->TableFolder(kTable) + "/metadata"; }
};

TEST_F(CommitTest, WhatTheLedgerRefusesLeavesNoFile) {
  Committer committer(*lake_);
  auto first = AppendRequest(kTable, OneFile(*lake_, 1));
  auto second = AppendRequest(kTable, OneFile(*lake_, 2));
  second.plan.id = first.plan.id;  // Which the ledger's schema forbids.
  ASSERT_TRUE(committer.Commit(std::move(first)).ok());
  const auto before = FilesIn(MetadataFolder());
  const auto refused = committer.Commit(std::move(second));
  ASSERT_EQ(KindOf(refused.status()), ErrorKind::kAlreadyExists) << refused.status();
  EXPECT_EQ(FilesIn(MetadataFolder()), before);
}

TEST_F(CommitTest, WhatTheDiskRefusesLeavesNoFile) {
  FaultyFiles faulty(*files_);
  const auto lake =
      Lake::Open(faulty, *ledger_, clock_, Random(7), {.warehouse = folder_.path() + "/lake"})
          .ValueOrDie();
  Append(kTable, {{.id = 1, .ts_us = kStartUs}});
  const auto files = OneFile(*lake_, 2);
  Committer committer(*lake);
  int failures = 0;
  for (int64_t k = 1;; ++k) {
    SCOPED_TRACE("operation " + std::to_string(k));
    const auto before = FilesIn(MetadataFolder());
    faulty.FailOperation(k, ENOSPC);
    const auto result = committer.Commit(AppendRequest(kTable, files));
    if (result.ok()) break;
    ++failures;
    ASSERT_EQ(FilesIn(MetadataFolder()), before);
  }
  EXPECT_GE(failures, 9);  // Three files: created, written, synced; and the folder.
}

TEST_F(CommitTest, MakesRowsVisible) {
  const auto table = Append(kTable, {{.id = 1, .ts_us = kStartUs, .name = "a", .value = 1.5},
                                     {.id = 2, .ts_us = kStartUs + 1}});
  EXPECT_EQ(table->record_count(), 2);
  EXPECT_EQ(table->data_file_count(), 1);
  const auto rows = ReadTable(*table);
  EXPECT_EQ(rows->num_rows(), 2);
  EXPECT_EQ(rows->GetColumnByName("name")->null_count(), 1);
  // Another process sees the same.
  const auto other = OpenLake({});
  const auto loaded = other->LoadTable(kTable).ValueOrDie();
  EXPECT_EQ(loaded->location, table->location);
  EXPECT_EQ(LiveFiles(*other, *loaded).ValueOrDie().size(), 1U);
}

TEST_F(CommitTest, SummariesAddUp) {
  Append(kTable, {{.id = 1, .ts_us = kStartUs}});
  const auto table =
      Append(kTable, {{.id = 2, .ts_us = kStartUs}, {.id = 3, .ts_us = kStartUs + 86'400'000'000}});
  const StringMap& summary = table->metadata->current_snapshot()->summary;
  EXPECT_EQ(summary.at("operation"), "append");
  EXPECT_EQ(summary.at("added-data-files"), "2");
  EXPECT_EQ(summary.at("added-records"), "2");
  EXPECT_EQ(summary.at("total-data-files"), "3");
  EXPECT_EQ(summary.at("total-records"), "3");
  EXPECT_EQ(summary.at("changed-partition-count"), "2");
  EXPECT_EQ(summary.at("catchwater.actor"), "pipeline/test");
  EXPECT_EQ(summary.at("catchwater.commit-id").size(), 36U);
  int64_t byte_count = 0;
  for (const LiveFile& file : LiveFiles(*lake_, *table).ValueOrDie()) {
    byte_count += file.entry.file.file_byte_count;
  }
  EXPECT_EQ(summary.at("total-files-size"), std::to_string(byte_count));
}

TEST_F(CommitTest, PositionsStandInTheMetadata) {
  Committer committer(*lake_);
  auto result =
      committer.Commit(AppendRequest(kTable, OneFile(*lake_, 1), R"({"p/0":"17"})")).ValueOrDie();
  EXPECT_EQ(result.tables[kTable]->metadata->properties.at("catchwater.positions"),
            R"({"p/0":"17"})");
  result = committer.Commit(AppendRequest(kTable, OneFile(*lake_, 2))).ValueOrDie();
  EXPECT_EQ(result.tables[kTable]->metadata->properties.at("catchwater.positions"),
            R"({"p/0":"17"})");
}

TEST_F(CommitTest, WithoutFilesThereIsNoSnapshot) {
  Committer committer(*lake_);
  const auto before = lake_->LoadTable(kTable).ValueOrDie()->location;
  const auto result = committer.Commit(AppendRequest(kTable, {})).ValueOrDie();
  EXPECT_EQ(result.outcome, Outcome::kCommitted);
  EXPECT_GT(result.receipt.seq, 0);
  EXPECT_TRUE(result.tables.empty());
  EXPECT_EQ(lake_->LoadTable(kTable).ValueOrDie()->location, before);
}

TEST_F(CommitTest, ARivalIsRebasedOver) {
  const auto other = OpenLake({});
  const auto ours = OneFile(*lake_, 1);
  const auto theirs = OneFile(*other, 2);
  // Both caches hold the same base; theirs is committed first.
  Committer their_committer(*other);
  ASSERT_EQ(their_committer.Commit(AppendRequest(kTable, theirs)).ValueOrDie().outcome,
            Outcome::kCommitted);
  Committer committer(*lake_);
  auto result = committer.Commit(AppendRequest(kTable, ours)).ValueOrDie();
  EXPECT_EQ(result.outcome, Outcome::kCommitted);
  EXPECT_EQ(result.tables[kTable]->record_count(), 2);
  EXPECT_EQ(ReadTable(*result.tables[kTable])->num_rows(), 2);
}

TEST_F(CommitTest, RacingCommittersLoseNothing) {
  constexpr int kThreads = 4;
  constexpr int kCommits = 25;
  std::vector<std::thread> threads;
  std::atomic<int> rebased = 0;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t, lake = OpenLake({})] {
      Committer committer(*lake);
      for (int i = 0; i < kCommits; ++i) {
        CommitRequest request;
        request.plan.id = lake->NewUuid();
        request.plan.actor = "pipeline/race";
        request.appends.push_back(
            {.table_key = kTable, .files = OneFile(*lake, t * kCommits + i), .positions_json = {}});
        const auto result = committer.Commit(std::move(request));
        ASSERT_TRUE(result.ok()) << result.status();
        ASSERT_EQ(result->outcome, Outcome::kCommitted);
        rebased += result->attempts - 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto table = lake_->LoadTable(kTable).ValueOrDie();
  EXPECT_EQ(table->record_count(), kThreads * kCommits);
  std::set<int64_t> ids;
  const auto rows = ReadTable(*table);
  for (const auto& chunk : rows->GetColumnByName("id")->chunks()) {
    const auto& values = static_cast<const arrow::Int64Array&>(*chunk);
    for (int64_t i = 0; i < values.length(); ++i) ids.insert(values.Value(i));
  }
  EXPECT_EQ(ids.size(), static_cast<size_t>(kThreads * kCommits));
  EXPECT_EQ(rows->num_rows(), kThreads * kCommits);
}

TEST_F(CommitTest, ALostLeaseCommitsNothingAndLeavesNoMetadata) {
  const auto epoch = ledger_->AcquireLease("pipeline/a", "me", 1000).ValueOrDie();
  ASSERT_TRUE(epoch.has_value());
  const auto files = OneFile(*lake_, 1);
  const auto before = FilesIn(MetadataFolder());
  auto request = AppendRequest(kTable, files);
  request.plan.fences.push_back({.lease = "pipeline/a", .epoch = *epoch + 1});
  Committer committer(*lake_);
  const auto result = committer.Commit(std::move(request)).ValueOrDie();
  EXPECT_EQ(result.outcome, Outcome::kFenced);
  EXPECT_EQ(FilesIn(MetadataFolder()), before);
  EXPECT_EQ(lake_->LoadTable(kTable).ValueOrDie()->record_count(), 0);
  ASSERT_TRUE(RemoveWritten(*files_, files).ok());
  EXPECT_FALSE(std::filesystem::exists(PathOfUri(files[0].entry.path).ValueOrDie()));
}

TEST_F(CommitTest, NamesCarryLeaseAndEpoch) {
  const auto epoch = ledger_->AcquireLease("pipeline/a", "me", 1000).ValueOrDie();
  auto request = AppendRequest(kTable, WriteFiles(*lake_, lake_->LoadTable(kTable).ValueOrDie(),
                                                  ReadingsBatch({{.id = 1, .ts_us = kStartUs}}),
                                                  {.lease = "pipeline/a", .epoch = *epoch}));
  request.plan.fences.push_back({.lease = "pipeline/a", .epoch = *epoch});
  Committer committer(*lake_);
  auto result = committer.Commit(std::move(request)).ValueOrDie();
  const auto table = result.tables[kTable];
  const WriterTag want = MakeWriterTag("pipeline/a", *epoch);
  auto tag_of = [](const std::string& uri) {
    return ReadWriterTag(std::filesystem::path(uri).filename().string());
  };
  EXPECT_EQ(tag_of(table->location), want);
  EXPECT_EQ(tag_of(table->metadata->current_snapshot()->manifest_list), want);
  EXPECT_EQ(tag_of(Manifests(*table)[0].path), want);
  EXPECT_EQ(tag_of(LiveFiles(*lake_, *table).ValueOrDie()[0].entry.file.path), want);
}

TEST_F(CommitTest, ManifestsStayFewAndEveryFileIsThereOnce) {
  Committer committer(*lake_);
  std::shared_ptr<const TableState> table;
  constexpr int kCommits = 300;
  for (int i = 0; i < kCommits; ++i) {
    clock_.now_us += 1'000'000;
    auto result = committer.Commit(AppendRequest(kTable, OneFile(*lake_, i))).ValueOrDie();
    ASSERT_EQ(result.outcome, Outcome::kCommitted);
    table = result.tables[kTable];
    ASSERT_LE(Manifests(*table).size(), 8U) << i;
  }
  std::set<std::string> paths;
  std::set<int64_t> sequence_numbers;
  for (const LiveFile& file : LiveFiles(*lake_, *table).ValueOrDie()) {
    EXPECT_TRUE(paths.insert(file.entry.file.path).second);
    // Folding keeps when a file came.
    EXPECT_TRUE(sequence_numbers.insert(*file.entry.sequence_number).second);
  }
  EXPECT_EQ(paths.size(), static_cast<size_t>(kCommits));
  EXPECT_EQ(*sequence_numbers.begin(), 1);
  EXPECT_EQ(*sequence_numbers.rbegin(), kCommits);
  // A reader that has nothing cached finds the same.
  const auto other = OpenLake({});
  EXPECT_EQ(LiveFiles(*other, *other->LoadTable(kTable).ValueOrDie()).ValueOrDie().size(),
            static_cast<size_t>(kCommits));
}

TEST_F(CommitTest, OldMetadataAndExpiredSnapshotsAreQueuedAndNothingThatIsNeeded) {
  LakeOptions options;
  options.metadata_log_max = 3;
  options.ladder = {
      .all_ms = 5'000, .by_minute_ms = 120'000, .by_hour_ms = 3'600'000, .count_max = 300};
  options.metadata_grace_us = 0;
  options.unlink_grace_us = 0;
  const auto lake = OpenLake(options);
  std::shared_ptr<const TableState> table;
  {
    Committer committer(*lake);
    for (int i = 0; i < 400; ++i) {
      clock_.now_us += 1'000'000;
      auto result = committer.Commit(AppendRequest(kTable, OneFile(*lake, i))).ValueOrDie();
      table = result.tables[kTable];
    }
  }
  EXPECT_EQ(table->metadata->metadata_log.size(), 3U);
  EXPECT_LE(table->metadata->snapshots.size(), 12U);
  clock_.now_us += kNotesKeptUs + 1'000'000;
  for (;;) {
    const auto due = ledger_->DueUnlinks(1'000).ValueOrDie();
    if (due.empty()) break;
    std::vector<std::string> paths;
    for (const UnlinkRecord& record : due) {
      EXPECT_TRUE(std::filesystem::remove(record.path)) << record.path;
      paths.push_back(record.path);
    }
    ASSERT_TRUE(ledger_->RemoveUnlinks(paths).ok());
  }
  // What is left is exactly what the table refers to.
  std::set<std::string> needed = {PathOfUri(table->location).ValueOrDie()};
  const auto fresh = OpenLake({});
  const auto loaded = fresh->LoadTable(kTable).ValueOrDie();
  for (const auto& entry : loaded->metadata->metadata_log) {
    needed.insert(PathOfUri(entry.location).ValueOrDie());
  }
  for (const auto& snapshot : loaded->metadata->snapshots) {
    needed.insert(PathOfUri(snapshot->manifest_list).ValueOrDie());
    for (const ManifestFile& row : *fresh->manifests().List(snapshot->manifest_list).ValueOrDie()) {
      needed.insert(PathOfUri(row.path).ValueOrDie());
    }
    EXPECT_TRUE(LiveFiles(*fresh, *loaded, snapshot->snapshot_id).ok());
  }
  EXPECT_EQ(FilesIn(MetadataFolder()), needed);
}

TEST_F(CommitTest, AForeignTableIsAFineBase) {
  // As DuckDB and pyiceberg leave it: no totals, -1 for "no parent", another key order.
  const auto table = Append(kTable, {{.id = 1, .ts_us = kStartUs}, {.id = 2, .ts_us = kStartUs}});
  TableMetadata foreign = *table->metadata;
  auto snapshot = std::make_shared<Snapshot>(*foreign.current_snapshot());
  snapshot->summary = {{"operation", "append"}};
  snapshot->parent_snapshot_id = -1;
  RenderSnapshot(*snapshot);
  foreign.snapshots = {snapshot};
  const std::string path = MetadataFolder() + "/00009-" + lake_->NewUuid() + ".metadata.json";
  ASSERT_TRUE(files_->WriteNew(path, MetadataToJson(foreign)).ok());
  CommitPlan plan{.id = lake_->NewUuid(), .actor = "foreign"};
  plan.tables.push_back({.table_key = kTable,
                         .expected = table->location,
                         .next = UriOfPath(path),
                         .operation = "append"});
  ASSERT_EQ(ledger_->Commit(plan).ValueOrDie().first, Outcome::kCommitted);
  const auto next = Append(kTable, {{.id = 3, .ts_us = kStartUs}});
  EXPECT_EQ(next->record_count(), 3);
  EXPECT_EQ(next->data_file_count(), 2);
  EXPECT_NE(next->location.find("/00010-"), std::string::npos) << next->location;
  EXPECT_EQ(ReadTable(*next)->num_rows(), 3);
}

TEST_F(CommitTest, AMissingTableIsNotFoundAndNothingIsCommitted) {
  const auto files = OneFile(*lake_, 1);
  Committer committer(*lake_);
  const auto result = committer.Commit(AppendRequest("sensors.none", files));
  EXPECT_EQ(KindOf(result.status()), ErrorKind::kNotFound);
}

TEST_F(CommitTest, TwoTablesAreCommittedTogether) {
  TableSpec dead = ReadingsSpec();
  dead.table_key = "sensors.readings__dead_letters";
  Ensure(dead);
  auto request = AppendRequest(kTable, OneFile(*lake_, 1));
  request.appends.push_back(
      {.table_key = dead.table_key,
       .files = WriteFiles(*lake_, lake_->LoadTable(dead.table_key).ValueOrDie(),
                           ReadingsBatch({{.id = 7, .ts_us = kStartUs}})),
       .positions_json = {}});
  Committer committer(*lake_);
  const auto result = committer.Commit(std::move(request)).ValueOrDie();
  EXPECT_EQ(result.tables.size(), 2U);
  EXPECT_EQ(ledger_->Catalog().ValueOrDie().seq, result.receipt.seq);
  EXPECT_EQ(ledger_->CheckInvariants().ValueOrDie(), std::vector<std::string>{});
}

}  // namespace
}  // namespace catchwater
