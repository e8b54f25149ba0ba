// Kills a process at each step of the spool's work, several times in a row, also while it recovers.
// What was told to be durable must be there, once and in order. The child is this program again: a
// step is armed by the environment once a process.
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catchwater/base/fail_point.h"
#include "catchwater/spool/spool_fixture_test.h"

namespace catchwater {
namespace {

constexpr char kFolder[] = "CATCHWATER_KILL_TEST_FOLDER";
constexpr int kRecordsARun = 12;

std::string TextOf(int number) { return "record " + std::to_string(number) + std::string(40, '.'); }

/// The numbers that the child was told to be durable, in order.
std::vector<int> Told(const std::string& folder) {
  std::ifstream file(folder + "/told");
  std::vector<int> numbers;
  for (int number = 0; file >> number;) numbers.push_back(number);
  return numbers;
}

SpoolOptions Options(const std::string& folder) {
  return {.folder = folder + "/spool", .segment_bytes = 200};
}

TEST(SpoolKillChild, DISABLED_AppendsAndTrims) {
  const std::string folder = std::getenv(kFolder);
  const auto files = MakeLocalFiles();
  const auto spool = OpenSpool(*files, Options(folder));
  ASSERT_NE(spool, nullptr);
  const int told = open((folder + "/told").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  int next = static_cast<int>(Told(folder).size()) * 10;  // Leaves out what was never told.
  for (int i = 0; i < kRecordsARun; ++i, ++next) {
    ASSERT_TRUE(spool->Append(TextOf(next)).ok());
    ASSERT_TRUE(spool->Sync().ok());
    const std::string line = std::to_string(next) + "\n";
    ASSERT_EQ(write(told, line.data(), line.size()), static_cast<ssize_t>(line.size()));
    if (i == kRecordsARun / 2) {
      ASSERT_TRUE(spool->Trim(spool->begin_ordinal() + 250).ok());
    }
  }
  close(told);
}

class SpoolKillTest : public ::testing::TestWithParam<FailPoint> {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/spool_kill_" + std::to_string(getpid()) + "_" +
              std::to_string(static_cast<int>(GetParam()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// \return true if the child was killed
  bool RunChild(const std::string& fail_point) {
    const pid_t child = fork();
    if (child == 0) {
      setenv(kFolder, folder_.c_str(), 1);
      if (!fail_point.empty()) setenv("CATCHWATER_FAIL_POINT", fail_point.c_str(), 1);
      execl("/proc/self/exe", "child", "--gtest_also_run_disabled_tests", "--gtest_brief=1",
            "--gtest_filter=SpoolKillChild.DISABLED_AppendsAndTrims", nullptr);
      _exit(127);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) return WTERMSIG(status) == SIGKILL;
    EXPECT_EQ(WEXITSTATUS(status), 0);
    return false;
  }

  /// All that was told, from the oldest that is kept on; what was not told may stand in between.
  void ExpectNothingLost() {
    const auto files = MakeLocalFiles();
    const auto spool = OpenSpool(*files, Options(folder_));
    ASSERT_NE(spool, nullptr);
    const auto payloads = ReadPayloads(*files, *spool, spool->begin_ordinal());
    ASSERT_TRUE(payloads.ok()) << payloads.status();
    size_t at = 0;
    size_t found = 0;
    for (const int number : Told(folder_)) {
      const auto place = std::find(payloads->begin() + static_cast<ptrdiff_t>(at), payloads->end(),
                                   TextOf(number));
      if (place == payloads->end() && found == 0) continue;  // Trimmed.
      ASSERT_NE(place, payloads->end()) << number;
      ++found;
      at = static_cast<size_t>(place - payloads->begin()) + 1;
    }
    EXPECT_GE(found, static_cast<size_t>(kRecordsARun / 2));
  }

  std::string folder_;
};

TEST_P(SpoolKillTest, LosesNothingThatWasTold) {
  const std::string step(FailPointName(GetParam()));
  int kills = 0;
  for (const char* hit : {"@1", "@2", "@3", "@9", "@1"}) {
    kills += RunChild(step + hit + "=kill") ? 1 : 0;
  }
  EXPECT_GE(kills, 1) << "the child never came to the step";
  ASSERT_FALSE(RunChild(""));
  ExpectNothingLost();
}

INSTANTIATE_TEST_SUITE_P(
    Steps, SpoolKillTest,
    ::testing::Values(FailPoint::kSpoolSegmentCreated, FailPoint::kSpoolGroupWritten,
                      FailPoint::kSpoolGroupSynced, FailPoint::kSpoolTailWritten,
                      FailPoint::kSpoolTailPublished, FailPoint::kSpoolSegmentTrimmed),
    [](const auto& test) {
      std::string name(FailPointName(test.param));
      for (char& c : name) c = c == '.' ? '_' : c;
      return name;
    });

}  // namespace
}  // namespace catchwater
