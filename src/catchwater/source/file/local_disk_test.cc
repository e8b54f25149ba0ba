// The file source over the real disk: a very long line in little memory, resuming, many files.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "catchwater/base/clock.h"
#include "catchwater/source/file/file_source.h"
#include "catchwater/testing/line_framer.h"
#include "catchwater/testing/source_conformance.h"

namespace catchwater {
namespace {

namespace fs = std::filesystem;

int64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t total = 0;
  int64_t resident = 0;
  statm >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

class LocalDiskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) /
              (std::string("local_disk_") +
               ::testing::UnitTest::GetInstance()->current_test_info()->name() + "_" +
               std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  arrow::Result<std::unique_ptr<Source>> Make(const std::string& path) {
    FileSourceConfig config;
    config.path = ConfigNode::Scalar(path);
    const SourceContext context{.files = *files_,
                                .clock = clock_,
                                .random_seed = 0,
                                .project_folder = folder_.string(),
                                .pipeline = "p",
                                .make_framer = []() -> arrow::Result<std::unique_ptr<Framer>> {
                                  return std::make_unique<LineFramer>();
                                }};
    ARROW_ASSIGN_OR_RAISE(auto source, FileSource::Make(config, context));
    return std::unique_ptr<Source>(std::move(source));
  }

  fs::path folder_;
  std::unique_ptr<Files> files_ = MakeLocalFiles();
  SystemClock clock_;
};

TEST_F(LocalDiskTest, ALineOfAGibibyteIsRejectedInLittleMemory) {
  constexpr int64_t kLineBytes = int64_t{1} << 30;
  const fs::path path = folder_ / "long.txt";
  std::ofstream(path) << "first\n";
  fs::resize_file(path, 6 + kLineBytes);  // A hole: takes no room on the disk.
  std::ofstream(path, std::ios::app) << "\nlast\n";
  auto source = Make("long.txt").ValueOrDie();
  ASSERT_TRUE(source->Open(source->Discover()->front(), 1, {}).ok());
  const int64_t before = ResidentBytes();
  int64_t most = 0;
  std::vector<Frame> frames;
  for (;;) {
    const NextResult next = source->Next({}).ValueOrDie();
    most = std::max(most, ResidentBytes() - before);
    if (const auto* block = std::get_if<Block>(&next)) {
      for (Frame& frame : FramesOf(*block)) frames.push_back(std::move(frame));
    } else if (!std::holds_alternative<NotYet>(next)) {
      EXPECT_TRUE(std::holds_alternative<PartitionEnd>(next));
      break;
    }
  }
  EXPECT_EQ(frames,
            (std::vector<Frame>{
                {0, "first\n"}, {6, "rejected: 1073741825"}, {6 + kLineBytes + 1, "last\n"}}));
  EXPECT_LT(most, 64 << 20);
}

TEST_F(LocalDiskTest, ConformsOverAFolder) {
  std::ofstream(folder_ / "a.csv") << "1\n2\n3";
  std::ofstream(folder_ / "b.csv") << "4\r\n5\r\n";
  CheckSourceConformance({.make = [this] { return Make("*.csv"); }});
}

TEST_F(LocalDiskTest, KnowsManyFilesByTheirFacts) {
  constexpr int kFileCount = 2'000;
  for (int i = 0; i < kFileCount; ++i) {
    std::ofstream(folder_ / (std::to_string(i) + ".csv")) << i << "\n";
  }
  auto source = Make("*.csv").ValueOrDie();
  const auto first = source->Discover().ValueOrDie();
  ASSERT_EQ(first.size(), static_cast<size_t>(kFileCount));
  std::ofstream(folder_ / "7.csv", std::ios::app) << "more\n";
  const auto second = source->Discover().ValueOrDie();
  int64_t changed = 0;
  for (size_t i = 0; i < first.size(); ++i) {
    changed += first[i].file->head_hash != second[i].file->head_hash ? 1 : 0;
  }
  EXPECT_EQ(changed, 1);
}

}  // namespace
}  // namespace catchwater
