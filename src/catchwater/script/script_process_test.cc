#include "catchwater/script/script_process.h"

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

using testing::HasSubstr;

constexpr const char* kEcho = R"(
import sys
for line in sys.stdin:
    print(line, end="", flush=True)
)";

/// A loaded machine may take long to start a program.
constexpr int64_t kPatienceUs = 60'000'000;

class ScriptProcessTest : public testing::Test {
 protected:
  ChildOptions Python(const std::string& program) const {
    return {.command = {"python3", "-c", program},
            .folder = std::filesystem::temp_directory_path().string(),
            .environment = {"PATH=/usr/local/bin:/usr/bin:/bin"},
            .memory_bytes_max = 0};
  }
  std::unique_ptr<ScriptProcess> Start(const ChildOptions& options,
                                       ScriptLimits limits = {.time_us_max = kPatienceUs}) {
    auto started = ScriptProcess::Start(
        options, limits, clock_, [this](std::string_view line) { said_.emplace_back(line); });
    EXPECT_TRUE(started.ok()) << started.status();
    return started.ok() ? *std::move(started) : nullptr;
  }
  /// What an exchange of one row fails with.
  std::string Failure(const std::string& program,
                      ScriptLimits limits = {.time_us_max = kPatienceUs}) {
    const auto script = Start(Python(program), limits);
    const auto answer = script->Exchange("{\"n\": 1}\n", "c1", {});
    EXPECT_FALSE(answer.ok());
    EXPECT_EQ(KindOf(answer.status()), ErrorKind::kUnavailable);
    return answer.status().message();
  }

  SystemClock clock_;
  std::vector<std::string> said_;
};

TEST_F(ScriptProcessTest, TakesResultsUntilTheCommitIsAnswered) {
  const auto script = Start(Python(kEcho));
  for (const char* commit : {"c1", "c2"}) {
    const auto answer = script->Exchange("{\"n\": 1}\n{\"n\": 2}\n", commit, {});
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->results, "{\"n\": 1}\n{\"n\": 2}\n");
    EXPECT_EQ(answer->state, std::nullopt);
  }
}

TEST_F(ScriptProcessTest, GivesBackTheStateThatItGot) {
  const std::string counts = R"(
import json, sys
n = 0
for line in sys.stdin:
    row = json.loads(line)
    if "$state" in row:
        n = row["$state"]["n"]
    elif "$commit" in row:
        print(json.dumps({**row, "$state": {"n": n}}), flush=True)
    else:
        n += 1
)";
  const auto first = Start(Python(counts))->Exchange("{}\n{}\n", "c1", {});
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->state, "{\"n\":2}");
  const auto script = Start(Python(counts));
  script->GiveState(*first->state);
  EXPECT_EQ(script->Exchange("{}\n", "c2", {})->state, "{\"n\":3}");
}

TEST_F(ScriptProcessTest, TakesMoreThanAPipeHoldsInBothDirections) {
  const auto script =
      Start(Python(kEcho), {.time_us_max = kPatienceUs, .output_bytes_max = 64 << 20});
  std::string rows;
  for (int i = 0; i < 20'000; ++i) rows += "{\"n\": " + std::to_string(i) + "}\n";
  const auto answer = script->Exchange(rows, "c1", {});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->results, rows);
}

TEST_F(ScriptProcessTest, TellsHowItEndedWithItsLastWords) {
  const std::string why = Failure("import sys; sys.exit('no such sensor')");
  EXPECT_THAT(why, HasSubstr("exit status 1: no such sensor"));
  EXPECT_EQ(said_, std::vector<std::string>{"no such sensor"});
  EXPECT_THAT(Failure("import os; os.kill(os.getpid(), 11)"), HasSubstr("signal 11"));
  EXPECT_THAT(Failure("pass"), HasSubstr("exit status 0"));
}

TEST_F(ScriptProcessTest, EndsOneThatHangs) {
  const ScriptLimits limits{.time_us_max = 300'000};
  EXPECT_THAT(Failure("import time; time.sleep(1000)", limits), HasSubstr("hangs"));
  EXPECT_THAT(Failure("while True: pass", limits), HasSubstr("hangs"));
  const std::string closed = "import os, time; os.close(0); time.sleep(1000)";
  EXPECT_THAT(Failure(closed, limits), HasSubstr("hangs"));
}

TEST_F(ScriptProcessTest, EndsOneThatFloods) {
  const ScriptLimits limits{.time_us_max = kPatienceUs, .output_bytes_max = 100'000};
  EXPECT_THAT(Failure("while True: print('{}')", limits), HasSubstr("floods"));
  EXPECT_THAT(Failure("while True: print('x' * 100, end='')", limits), HasSubstr("floods"));
  EXPECT_THAT(Failure("import sys\nwhile True: print('x', file=sys.stderr)", limits),
              HasSubstr("floods"));
}

TEST_F(ScriptProcessTest, RefusesAnotherAnswerAndALargeState) {
  EXPECT_THAT(Failure("print('{\"$commit\": \"c9\"}')"), HasSubstr("another commit"));
  EXPECT_THAT(Failure("print('{\"$commit\": \"c1\", \"$state\": \"' + 'x' * 200 + '\"}')",
                      {.time_us_max = kPatienceUs, .state_bytes_max = 100}),
              HasSubstr("too large"));
}

TEST_F(ScriptProcessTest, RefusesAStateOfAMillionBrackets) {
  const std::string deep = R"(
import sys
for line in sys.stdin:
    if "$commit" in line:
        print(line.strip()[:-1] + ', "$state": ' + "[" * 1000000 + "]" * 1000000 + "}", flush=True)
)";
  const ScriptLimits limits = {.time_us_max = kPatienceUs, .output_bytes_max = 8 << 20};
  EXPECT_THAT(Failure(deep, limits), HasSubstr("too many brackets in each other, at most: 64"));
}

TEST_F(ScriptProcessTest, BoundsItsMemory) {
  ChildOptions options = Python("x = bytearray(1 << 30)");
  options.memory_bytes_max = 256 << 20;
  const auto answer = Start(options)->Exchange("{}\n", "c1", {});
  EXPECT_THAT(answer.status().message(), HasSubstr("MemoryError"));
}

TEST_F(ScriptProcessTest, StopsAtOnce) {
  const auto script = Start(Python("import time; time.sleep(1000)"));
  std::stop_source stop;
  stop.request_stop();
  const auto answer = script->Exchange("{}\n", "c1", stop.get_token());
  EXPECT_EQ(KindOf(answer.status()), ErrorKind::kCancelled);
}

TEST_F(ScriptProcessTest, HasNoFileButItsStreamsAndNoVariableButItsOwn) {
  const std::string looks = R"(
import json, os, sys
sys.stdin.readline()
commit = sys.stdin.readline()
files = [f for f in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{f}")]
print(json.dumps({"files": sorted(files), "own": os.getpgid(0) == os.getpid(),
                  "names": sorted(n for n in os.environ if n != "LC_CTYPE")}))
print(commit, end="")
)";
  ASSERT_EQ(::setenv("CATCHWATER_TEST_SECRET", "x", 1), 0);
  const auto answer = Start(Python(looks))->Exchange("{}\n", "c1", {});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->results,
            "{\"files\": [\"0\", \"1\", \"2\"], \"own\": true, \"names\": [\"PATH\"]}\n");
}

/// Waits for the end of a pipe whose other end only the processes have.
bool AllAreGone(int file) {
  struct pollfd one = {.fd = file, .events = POLLIN, .revents = 0};
  return ::poll(&one, 1, 60'000) == 1 && (one.revents & POLLHUP) != 0;
}

TEST_F(ScriptProcessTest, EndsItsWholeGroupAndLeavesNoZombie) {
  // The grandchild has the output too: our end closes when both are gone.
  const ChildOptions options = Python(R"(
import subprocess, time
subprocess.Popen(["sleep", "1000"])
print("ready", flush=True)
time.sleep(1000)
)");
  auto child = ChildProcess::Start(options);
  ASSERT_TRUE(child.ok()) << child.status();
  struct pollfd ready = {.fd = (*child)->output(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&ready, 1, 60'000), 1);
  char text[16];
  ASSERT_GT(::read((*child)->output(), text, sizeof text), 0);
  const pid_t id = (*child)->id();
  EXPECT_EQ((*child)->End(/*wait_ms=*/0), "signal 9 (Killed)");
  EXPECT_TRUE(AllAreGone((*child)->output()));
  EXPECT_EQ(::kill(id, 0), -1) << "it was not reaped";
}

TEST_F(ScriptProcessTest, NamesWhatCannotBeStarted) {
  ChildOptions options = Python("");
  const auto failure = [&](std::vector<std::string> command) {
    options.command = std::move(command);
    const auto started = ScriptProcess::Start(options, {}, clock_, [](std::string_view) {});
    EXPECT_EQ(KindOf(started.status()), ErrorKind::kConfig);
    return started.status().message();
  };
  EXPECT_THAT(failure({"no-such-program"}), HasSubstr("no-such-program"));
  EXPECT_THAT(failure({"./no-such-file"}), HasSubstr("/no-such-file"));
  const auto folder = std::filesystem::temp_directory_path() / "catchwater_script_test";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "no_program") << "neither magic nor a shebang\n";
  std::filesystem::permissions(folder / "no_program", std::filesystem::perms::all);
  EXPECT_THAT(failure({(folder / "no_program").string()}), HasSubstr("cannot be started"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace catchwater
