// A day of one commit a second on a clock of its own: does the last hour cost what the first did?
// `make test` runs 2,000 commits, `make drill` the whole day (CATCHWATER_DAY_COMMITS=86400); the
// folder is on the disk of TMPDIR.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <time.h>

#include "catchwater/lake/upkeep_fixture_test.h"
#include "catchwater/pipeline/maintenance.h"
#include "catchwater/query/lake_query.h"

namespace catchwater {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kRowsACommit = 58;  // Sensors.
constexpr int64_t kMaintenanceSeconds = 5;
constexpr int kQueriesAtOnce = 9;
constexpr int64_t kMetadataBytesMax = 50'000'000;
constexpr int64_t kWholeDay = 86'400;
#ifdef __SANITIZE_ADDRESS__
constexpr int64_t kCommitUsMax = 100'000;  // Three to five times as slow.
#else
constexpr int64_t kCommitUsMax = 10'000;
#endif
constexpr int64_t kLiveFilesMax = 400;
constexpr int64_t kFilesOnDiskMax = 6'000;
constexpr double kRewritesMax = 3.0;

int64_t CommitCount() {
  const char* text = std::getenv("CATCHWATER_DAY_COMMITS");
  return text == nullptr ? 2'000 : std::max(600LL, std::atoll(text));
}

/// Processor time of this thread: what other programs do to the machine is not in it.
int64_t ProcessorMicros() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000 + now.tv_nsec / 1'000;
}

int64_t Percentile(std::vector<int64_t> values, double share) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(static_cast<double>(values.size() - 1) * share);
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<size_t>(at)];
}

struct FolderSize {
  int64_t files = 0;
  int64_t bytes = 0;
};
FolderSize SizeOf(const std::string& folder) {
  FolderSize size;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    ++size.files;
    size.bytes += static_cast<int64_t>(entry.file_size());
  }
  return size;
}

/// One of 24 parts of the day.
struct Hour {
  std::vector<int64_t> commits_us;
  std::vector<int64_t> processor_us;
  int64_t query_us = 0;  // Fastest of kQueriesAtOnce: the last minute's rows.
  FolderSize metadata;
  FolderSize data;
  int64_t ledger_bytes = 0;
  int64_t live_files = 0;
  int64_t snapshots = 0;
  int64_t maintenance_ms = 0;
};

class DayOfCommitsTest : public UpkeepTest {
 protected:
  void SetUp() override {
    UpkeepTest::SetUp();
    dead_letters_ = ReadingsSpec();
    dead_letters_.table_key = "sensors.readings__dead_letters";
    Ensure(dead_letters_);
    PipelinePlan plan;
    plan.name = "sensors";
    plan.lake = LakePlan{};
    plan.lake->table = ReadingsSpec();
    plan.lake->dead_letters = dead_letters_;
    maintenance_ = std::make_unique<Maintenance>(
        *lake_,
        std::vector<std::shared_ptr<const PipelinePlan>>{
            std::make_shared<const PipelinePlan>(std::move(plan))},
        MaintenanceOptions{.owner = owner_, .spill_folder = folder_.path() + "/tmp"});
    committer_ = std::make_unique<Committer>(*lake_);
    fence_ = {.lease = "pipeline/sensors",
              .epoch = *ledger_->AcquireLease("pipeline/sensors", owner_, kTestDayUs).ValueOrDie()};
    partition_id_ =
        ledger_
            ->OpenPartition(
                {.pipeline = "sensors", .source = "simulate", .name = "all", .incarnation = "1"})
            .ValueOrDie();
  }
  void TearDown() override {
    committer_.reset();
    maintenance_.reset();
  }

  /// What a pipeline commits: a data file, a position, the lines of the account.
  CommitRequest NextRequest() {
    std::vector<LakeReading> readings;
    for (int64_t i = 0; i < kRowsACommit; ++i) {
      readings.push_back({.id = next_id_++,
                          .ts_us = clock_.now_us - kTestSecondUs + i * 1'000,
                          .name = "sensor-" + std::to_string(i),
                          .value = static_cast<double>((next_id_ * 7'919) % 1'000) / 8});
    }
    const auto before = static_cast<uint64_t>(next_id_ - kRowsACommit);
    const auto after = static_cast<uint64_t>(next_id_);
    if (writer_ == nullptr) {
      writer_ =
          PartitionWriter::Make(*lake_, Table(), {.lease = fence_.lease, .epoch = fence_.epoch})
              .ValueOrDie();
    }
    EXPECT_TRUE(writer_->Add(ReadingsBatch(readings)).ok());
    CommitRequest request =
        AppendRequest(kReadings, writer_->Close().ValueOrDie(),
                      "{\"" + std::to_string(partition_id_) + "\":" + std::to_string(after) + "}");
    for (const WrittenFile& file : request.appends[0].files) {
      appended_bytes_ += file.data_file.byte_count;
    }
    request.plan.actor = "pipeline/sensors";
    request.plan.fences = {fence_};
    request.plan.positions = {{.range = {.partition_id = partition_id_,
                                         .from = {.ordinal = before, .token = ""},
                                         .to = {.ordinal = after, .token = ""}},
                               .consumer = "lake"}};
    for (const Bucket bucket :
         {Bucket::kFrames, Bucket::kDecodedFrames, Bucket::kRows, Bucket::kLake}) {
      request.plan.account.push_back({.partition_id = partition_id_,
                                      .consumer = "lake",
                                      .reason = "",
                                      .bucket = bucket,
                                      .row_count_added = kRowsACommit});
    }
    return request;
  }

  void CommitOne(Hour& hour) {
    CommitRequest request = NextRequest();
    const SystemClock stopwatch;
    const int64_t begin_us = stopwatch.MonotonicMicros();
    const int64_t processor_begin_us = ProcessorMicros();
    const auto result = committer_->Commit(std::move(request));
    hour.processor_us.push_back(ProcessorMicros() - processor_begin_us);
    hour.commits_us.push_back(stopwatch.MonotonicMicros() - begin_us);
    ASSERT_TRUE(result.ok()) << result.status();
    ASSERT_EQ(result->outcome, Outcome::kCommitted);
  }

  /// The rows of the last minute, by SQL as a user asks, on a connection of its own.
  int64_t FastestQueryUs() {
    int64_t fastest_us = INT64_MAX;
    const SystemClock stopwatch;
    for (int i = 0; i < kQueriesAtOnce; ++i) {
      const CatalogView catalog = ledger_->Catalog().ValueOrDie();
      LakeQueryOptions options;
      options.extension_folder = fs::absolute(".deps/duckdb/extensions").string();
      auto query = LakeQuery::Open(*lake_,
                                   {.seq = catalog.seq,
                                    .metadata_location = catalog.metadata_location,
                                    .unflushed = {},
                                    .as_of_us = {}},
                                   options)
                       .ValueOrDie();
      // The extensions are loaded and the table is known; what is measured is the question.
      EXPECT_TRUE(query->Run("SELECT count(*) FROM sensors.readings").ok());
      const std::string since =
          "make_timestamptz(" + std::to_string(clock_.now_us - 60'000'000) + "::BIGINT)";
      const int64_t begin_us = stopwatch.MonotonicMicros();
      auto rows =
          query->Run("SELECT count(*) AS n, avg(value) FROM sensors.readings WHERE ts >= " + since)
              .ValueOrDie()
              .ReadAll()
              .ValueOrDie();
      fastest_us = std::min(fastest_us, stopwatch.MonotonicMicros() - begin_us);
      const auto& counts = static_cast<const arrow::Int64Array&>(*rows->column(0)->chunk(0));
      EXPECT_EQ(counts.Value(0), 60 * kRowsACommit);
    }
    return fastest_us;
  }

  void Look(Hour& hour) {
    hour.query_us = FastestQueryUs();
    const std::string table_folder = lake_->TableFolder(kReadings);
    hour.metadata = SizeOf(table_folder + "/metadata");
    hour.data = SizeOf(table_folder + "/data");
    hour.live_files = Table()->data_file_count();
    hour.snapshots = static_cast<int64_t>(Table()->metadata->snapshots.size());
    for (const char* suffix : {"", "-wal"}) {
      hour.ledger_bytes +=
          static_cast<int64_t>(fs::file_size(folder_.path() + "/ledger.sqlite" + suffix));
    }
  }

  void RunHour(int64_t commit_count, Hour& hour) {
    const SystemClock stopwatch;
    for (int64_t i = 0; i < commit_count; ++i) {
      Advance(kTestSecondUs);
      ASSERT_NO_FATAL_FAILURE(CommitOne(hour));
      if (++commits_ % kMaintenanceSeconds != 0) continue;
      const int64_t begin_us = stopwatch.MonotonicMicros();
      const arrow::Status kept = maintenance_->RunOnce({});
      ASSERT_TRUE(kept.ok()) << kept;
      hour.maintenance_ms += (stopwatch.MonotonicMicros() - begin_us) / 1'000;
    }
    Look(hour);
  }

  static void Print(size_t number, const Hour& hour) {
    std::printf(
        "part %2zu: commit p50 %5.2f p99 %5.2f ms (processor p50 %4.2f p99 %4.2f), query %5.1f ms, "
        "metadata %4.1f MB in %ld files, ledger %5.1f MB, live files %ld, on disk %ld, snapshots "
        "%ld, maintenance %.1f s\n",
        number, static_cast<double>(Percentile(hour.commits_us, 0.5)) / 1e3,
        static_cast<double>(Percentile(hour.commits_us, 0.99)) / 1e3,
        static_cast<double>(Percentile(hour.processor_us, 0.5)) / 1e3,
        static_cast<double>(Percentile(hour.processor_us, 0.99)) / 1e3,
        static_cast<double>(hour.query_us) / 1e3, static_cast<double>(hour.metadata.bytes) / 1e6,
        hour.metadata.files, static_cast<double>(hour.ledger_bytes) / 1e6, hour.live_files,
        hour.data.files, hour.snapshots, static_cast<double>(hour.maintenance_ms) / 1e3);
    std::fflush(stdout);
  }

  TableSpec dead_letters_;
  std::unique_ptr<Maintenance> maintenance_;
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<PartitionWriter> writer_;
  Fence fence_;
  int64_t partition_id_ = 0;
  int64_t commits_ = 0;
  int64_t appended_bytes_ = 0;
};

TEST_F(DayOfCommitsTest, ItsEndIsAsCheapAsItsBeginning) {
  const int64_t commit_count = CommitCount();
  const int64_t part_count = std::clamp<int64_t>(commit_count / 500, 2, 24);
  std::vector<Hour> hours(static_cast<size_t>(part_count));
  for (size_t i = 0; i < hours.size(); ++i) {
    ASSERT_NO_FATAL_FAILURE(RunHour(commit_count / part_count, hours[i]));
    Print(i + 1, hours[i]);
  }
  const CompactionReport merged = maintenance_->Report();
  const double rewrites =
      static_cast<double>(merged.bytes_out) / static_cast<double>(appended_bytes_);
  std::printf("%ld commits, %ld merges; each byte was rewritten %.2f times on average\n", commits_,
              merged.merges, rewrites);
  EXPECT_LE(rewrites, kRewritesMax);

  // Another program can only make a part of the day slower: its calmest quarter says what a commit
  // costs by then. The short day has other tests beside it for all its parts: it bounds the time
  // of the processor, and a query less closely.
  const bool is_whole_day = commit_count >= kWholeDay;
  std::vector<int64_t> p99s, queries_first, queries_last, upkeep_first, upkeep_last;
  for (size_t i = hours.size() - std::max<size_t>(1, hours.size() / 4); i < hours.size(); ++i) {
    p99s.push_back(Percentile(is_whole_day ? hours[i].commits_us : hours[i].processor_us, 0.99));
    queries_last.push_back(hours[i].query_us);
    upkeep_last.push_back(hours[i].maintenance_ms);
  }
  for (size_t i = 0; i < queries_last.size(); ++i) {
    queries_first.push_back(hours[i].query_us);
    upkeep_first.push_back(hours[i].maintenance_ms);
  }
  EXPECT_LE(*std::ranges::min_element(p99s), kCommitUsMax);
  EXPECT_LE(
      static_cast<double>(*std::ranges::min_element(queries_last)),
      (is_whole_day ? 1.5 : 3.0) * static_cast<double>(*std::ranges::min_element(queries_first)));
  // Copies of the ledger grow with it, nothing else may.
  if (is_whole_day) {
    EXPECT_LE(*std::ranges::min_element(upkeep_last), 3 * *std::ranges::min_element(upkeep_first));
  }
  for (const Hour& hour : hours) {
    EXPECT_LE(hour.metadata.bytes, kMetadataBytesMax);
    EXPECT_LE(hour.live_files, kLiveFilesMax);
    EXPECT_LE(hour.metadata.files + hour.data.files, kFilesOnDiskMax);
  }
  EXPECT_EQ(Table()->record_count(), next_id_);
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

}  // namespace
}  // namespace catchwater
