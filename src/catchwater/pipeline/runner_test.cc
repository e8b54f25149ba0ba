// A whole pipeline in one process, from files to a table: under load, stopped in the middle, with a
// disk that is full or fails, and with a lease that is lost. Each line must be in the table once.
#include "catchwater/pipeline/runner.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "catchwater/codec/lines/lines_codec.h"
#include "catchwater/lake/lake_fixture_test.h"
#include "catchwater/pipeline/build_plan.h"
#include "catchwater/source/file/file_source.h"
#include "catchwater/testing/faulty_files.h"

namespace catchwater {
namespace {

/// Sleeps less than it is asked for: a test does not wait for a back-off.
class ImpatientClock final : public Clock {
 public:
  int64_t NowMicros() const override { return clock_.NowMicros(); }
  int64_t MonotonicMicros() const override { return clock_.MonotonicMicros(); }
  bool SleepMicros(int64_t duration_us, std::stop_token stop) const override {
    return clock_.SleepMicros(std::min<int64_t>(duration_us, 20'000), stop);
  }

 private:
  SystemClock clock_;
};

constexpr std::string_view kPipeline = R"(
pipeline: lines
source: { file: { path: in/*.txt, watch: WATCH, poll: 20ms, complete_after: 1ms, block_bytes: 4KiB } }
codec: lines
columns: { line: string }
lake: { table: t.lines, flush: { every: 100ms, bytes: 64KiB } }
)";

class RunnerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(RegisterFileSource(registry_).ok());
    ASSERT_TRUE(RegisterLinesCodec(registry_).ok());
    std::filesystem::create_directories(folder_.path() + "/in");
    OpenLake();
  }

  void OpenLake() {
    lake_.reset();
    ledger_.reset();
    ledger_ = Ledger::Open({.path = folder_.path() + "/ledger.sqlite"}, clock_).ValueOrDie();
    lake_ = Lake::Open(faulty_, *ledger_, clock_, Random::FromSystem(),
                       {.warehouse = folder_.path() + "/lake"})
                .ValueOrDie();
  }

  std::unique_ptr<PipelineRunner> MakeRunner(RunnerOptions options = {}, bool watches = false) {
    std::string yaml(kPipeline);
    yaml.replace(yaml.find("WATCH"), 5, watches ? "true" : "false");
    Diagnostics diagnostics;
    const ConfigNode tree = ParseYamlText("t.yaml", yaml, Environment::FromMap({}), diagnostics);
    const auto bound = BindPipeline(ReadPipeline(tree, diagnostics), registry_, diagnostics);
    EXPECT_TRUE(bound) << Render(diagnostics, {});
    auto plan =
        std::make_shared<const PipelinePlan>(BuildPlan(*bound, folder_.path()).ValueOrDie());
    return std::make_unique<PipelineRunner>(
        std::move(plan),
        RunnerContext{.files = *local_,
                      .clock = clock_,
                      .registry = registry_,
                      .ledger = ledger_.get(),
                      .lake = lake_.get(),
                      .owner = "here/" + std::to_string(++owner_),
                      .console = std::cout},
        options);
  }

  void WriteLines(const std::string& name, int line_count) {
    std::ofstream file(folder_.path() + "/in/" + name + ".txt.part");
    for (int i = 0; i < line_count; ++i) {
      const std::string line = name + " " + std::to_string(i) + " " + std::string(40, 'x');
      file << line << "\n";
      expected_.insert(line);
    }
    file.close();
    std::filesystem::rename(folder_.path() + "/in/" + name + ".txt.part",
                            folder_.path() + "/in/" + name + ".txt");
  }

  std::multiset<std::string> LinesInTable() {
    std::multiset<std::string> lines;
    const auto table = lake_->LoadTable("t.lines");
    if (!table.ok()) return lines;
    auto reader = ReadRows(*lake_, **table, LiveFiles(*lake_, **table).ValueOrDie()).ValueOrDie();
    while (const auto rows = reader->Next().ValueOrDie()) {
      const auto& texts = static_cast<const arrow::StringArray&>(*rows->column(0));
      for (int64_t i = 0; i < texts.length(); ++i) lines.insert(texts.GetString(i));
    }
    return lines;
  }

  /// Everything is there once, the account adds up, and no file lies about that nothing refers to.
  void ExpectAllOnce() {
    const auto found = LinesInTable();
    EXPECT_EQ(found.size(), expected_.size());
    EXPECT_TRUE(found == expected_);
    EXPECT_EQ(ledger_->InputCounts("lines").ValueOrDie().failed, 0);
    EXPECT_EQ(ledger_->CheckInvariants().ValueOrDie(), std::vector<std::string>{});
    EXPECT_EQ(ledger_->InputCounts("lines").ValueOrDie().processing, 0);
  }

  int64_t DataFilesOnDisk() const {
    int64_t count = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder_.path() + "/lake/t/lines/data")) {
      count += entry.path().extension() == ".parquet" ? 1 : 0;
    }
    return count;
  }
  int64_t LiveDataFiles() {
    return static_cast<int64_t>(
        LiveFiles(*lake_, **lake_->LoadTable("t.lines")).ValueOrDie().size());
  }

  template <typename Condition>
  bool WaitFor(Condition condition) const {
    const int64_t end_us = clock_.MonotonicMicros() + 60'000'000;
    while (!condition()) {
      if (clock_.MonotonicMicros() > end_us) return false;
      clock_.SleepMicros(5'000, {});
    }
    return true;
  }

  TemporaryFolder folder_;
  ImpatientClock clock_;
  std::unique_ptr<Files> local_ = MakeLocalFiles();
  FaultyFiles faulty_{*local_};  // What the lake writes with.
  Registry registry_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Lake> lake_;
  std::multiset<std::string> expected_;
  int owner_ = 0;
};

/// Asks a runner for everything that other threads may ask, until it is destroyed.
class Askers {
 public:
  explicit Askers(PipelineRunner& runner)
      : flusher_([&runner](std::stop_token stop) {
          while (!stop.stop_requested()) runner.Flush(/*timeout_ms=*/1'000);
        }),
        reader_([&runner](std::stop_token stop) {
          while (!stop.stop_requested()) {
            {
              const std::lock_guard lock(runner.read_point_mutex());
              rows_seen += static_cast<int64_t>(runner.Unflushed().batches.size());
            }
            rows_seen += runner.Report().rows;
            std::this_thread::yield();
          }
        }) {}

 private:
  inline static std::atomic<int64_t> rows_seen{0};  // Only so that nothing is optimised away.
  std::jthread flusher_;
  std::jthread reader_;
};

constexpr RunnerOptions kSmall{.until_idle = true,
                               .lane_count = 2,
                               .writer_buffer_bytes = 256 << 10,
                               .queue_bytes = 16 << 10,
                               .unflushed_bytes_max = 64 << 10};

TEST_F(RunnerTest, TakesEachLineOnceWhileOthersAskForFlushes) {
  for (int i = 0; i < 30; ++i) WriteLines("f" + std::to_string(i), 300);
  const auto runner = MakeRunner(kSmall);
  const Askers askers(*runner);
  const auto status = runner->Run({});
  ASSERT_TRUE(status.ok()) << status;
  ExpectAllOnce();
  EXPECT_EQ(DataFilesOnDisk(), LiveDataFiles());
}

TEST_F(RunnerTest, AStopInTheMiddleCommitsWhatWasReadAndTheNextRunGoesOn) {
  for (int i = 0; i < 20; ++i) WriteLines("f" + std::to_string(i), 300);
  for (int round = 1; round <= 4; ++round) {
    const auto runner = MakeRunner(kSmall);
    const Askers askers(*runner);
    std::stop_source stop;
    std::jthread stopper([&] {
      WaitFor([&] { return runner->Report().rows >= 700 || runner->Report().state == "done"; });
      stop.request_stop();
    });
    const auto status = runner->Run(stop.get_token());
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(ledger_->InputCounts("lines").ValueOrDie().processing, 0);
  }
  ASSERT_TRUE(MakeRunner(kSmall)->Run({}).ok());
  ExpectAllOnce();
  EXPECT_EQ(DataFilesOnDisk(), LiveDataFiles());
}

TEST_F(RunnerTest, GoesOnByItselfWhenAFullDiskHasRoomAgain) {
  for (int i = 0; i < 20; ++i) WriteLines("f" + std::to_string(i), 300);
  RunnerOptions options = kSmall;
  options.until_idle = false;
  const auto runner = MakeRunner(options, /*watches=*/true);
  faulty_.SetFreeBytes(40'000);
  std::stop_source stop;
  arrow::Status ended;
  std::jthread run([&] { ended = runner->Run(stop.get_token()); });
  EXPECT_TRUE(WaitFor([&] { return runner->Report().restarts >= 3; }));
  EXPECT_LT(LinesInTable().size(), expected_.size());
  faulty_.SetFreeBytes(INT64_MAX);
  EXPECT_TRUE(WaitFor(
      [&] { return runner->Report().rows_committed == static_cast<int64_t>(expected_.size()); }));
  stop.request_stop();
  run.join();
  EXPECT_TRUE(ended.ok()) << ended;
  ExpectAllOnce();
  EXPECT_EQ(DataFilesOnDisk(), LiveDataFiles());
}

TEST_F(RunnerTest, AnyOperationOfTheLakesDiskMayFailOnce) {
  for (int i = 0; i < 3; ++i) WriteLines("f" + std::to_string(i), 120);
  bool has_failed = true;
  for (int64_t k = 1; has_failed; k += 3) {
    SCOPED_TRACE("operation " + std::to_string(k));
    std::filesystem::remove_all(folder_.path() + "/lake");
    ledger_.reset();
    for (const char* suffix : {"", "-wal", "-shm"}) {
      std::filesystem::remove(folder_.path() + "/ledger.sqlite" + suffix);
    }
    OpenLake();
    faulty_.FailOperation(k, ENOSPC);
    const auto status = MakeRunner(kSmall)->Run({});
    has_failed = faulty_.has_failed();
    faulty_.FailOperation(INT64_MAX / 2, 0);  // Never: the test itself reads, too.
    ASSERT_TRUE(status.ok()) << status;
    ExpectAllOnce();
    EXPECT_EQ(DataFilesOnDisk(), LiveDataFiles());
    if (HasFailure()) return;
  }
}

TEST_F(RunnerTest, ALeaseThatIsLostWhileIdleIsTakenAgain) {
  RunnerOptions options = kSmall;
  options.until_idle = false;
  options.lease_ms = 60;
  const auto runner = MakeRunner(options, /*watches=*/true);
  std::stop_source stop;
  arrow::Status ended;
  std::jthread run([&] { ended = runner->Run(stop.get_token()); });
  for (int round = 0; round < 3; ++round) {
    WriteLines("round" + std::to_string(round), 50);
    ASSERT_TRUE(WaitFor([&] { return LinesInTable().size() == expected_.size(); }));
    // As if another process had taken it, read everything there was, and ended.
    ASSERT_TRUE(ledger_->FenceAll(1).ok());
    EXPECT_TRUE(WaitFor([&] { return runner->Report().restarts > round; }));
  }
  stop.request_stop();
  run.join();
  EXPECT_TRUE(ended.ok()) << ended;
  ExpectAllOnce();
}

TEST_F(RunnerTest, ALeaseThatIsLostWhileReadingDoublesNothing) {
  for (int i = 0; i < 30; ++i) WriteLines("f" + std::to_string(i), 300);
  const auto runner = MakeRunner(kSmall);
  std::jthread thief([&](std::stop_token stop) {
    for (int i = 0; i < 2 && clock_.SleepMicros(20'000, stop); ++i) {
      ASSERT_TRUE(ledger_->FenceAll(1).ok());
    }
  });
  const auto status = runner->Run({});
  thief.request_stop();
  ASSERT_TRUE(status.ok()) << status;
  ExpectAllOnce();
}

}  // namespace
}  // namespace catchwater
