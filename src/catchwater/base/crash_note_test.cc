#include "catchwater/base/crash_note.h"

#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catchwater/testing/temporary_folder.h"

namespace catchwater {
namespace {

/// Deeper than any stack: each call looks at the bytes of the one before, so that none can be left
/// out.
char Recurse(volatile char* before) {
  volatile char bytes[4096];
  bytes[0] = static_cast<char>(before[0] + 1);
  if (before[0] == bytes[0]) return 0;  // Never.
  const char below = Recurse(bytes);
  return static_cast<char>(below + bytes[0]);
}

class CrashNoteTest : public ::testing::Test {
 protected:
  /// The signal that ended a child which keeps a note and does that.
  int EndOfChild(const std::function<void()>& act) {
    const pid_t child = fork();
    if (child == 0) {
      const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
      setrlimit(RLIMIT_CORE, &no_core);
      KeepCrashNote(path_);
      act();
      _exit(0);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }
  TemporaryFolder folder_;
  std::string path_ = CrashNotePath(folder_.path(), "host/12/ab");
};

TEST_F(CrashNoteTest, APathHasPlainCharacters) {
  EXPECT_EQ(CrashNotePath("/d", "my-host.x/12/ab 3"), "/d/crash-my-host.x_12_ab_3");
}

TEST_F(CrashNoteTest, AnAbortSaysWhatWasInHand) {
  EXPECT_EQ(EndOfChild([] {
              const PartitionInHand in_hand(42);
              std::abort();
            }),
            SIGABRT);
  const auto note = ReadCrashNote(path_);
  ASSERT_TRUE(note);
  EXPECT_EQ(note->signal, SIGABRT);
  EXPECT_EQ(note->partition_id, 42);
}

TEST_F(CrashNoteTest, WhatWasPutDownIsNotInHand) {
  EXPECT_EQ(EndOfChild([] {
              { const PartitionInHand in_hand(42); }
              std::abort();
            }),
            SIGABRT);
  const auto note = ReadCrashNote(path_);
  ASSERT_TRUE(note);
  EXPECT_FALSE(note->partition_id);
}

TEST_F(CrashNoteTest, EachThreadHasItsOwnInHand) {
  EXPECT_EQ(EndOfChild([] {
              const PartitionInHand in_hand(1);
              std::thread([] {
                const PartitionInHand other(2);
                raise(SIGFPE);
              }).join();
            }),
            SIGFPE);
  const auto note = ReadCrashNote(path_);
  ASSERT_TRUE(note);
  EXPECT_EQ(note->partition_id, 2);
}

TEST_F(CrashNoteTest, AnOverflowOfTheStackIsNoted) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer has stacks of its own";
#endif
  EXPECT_EQ(EndOfChild([] {
              std::thread([] {
                const PartitionInHand in_hand(7);
                volatile char first = 0;
                Recurse(&first);
              }).join();
            }),
            SIGSEGV);
  const auto note = ReadCrashNote(path_);
  ASSERT_TRUE(note);
  EXPECT_EQ(note->partition_id, 7);
}

TEST_F(CrashNoteTest, AKillFromOutsideLeavesNone) {
  for (const int signal : {SIGKILL, SIGSEGV, SIGABRT}) {
    const pid_t outside = getpid();
    EXPECT_EQ(EndOfChild([signal, outside] {
                const pid_t target = getpid();
                if (fork() == 0) {  // Somebody else.
                  kill(target, signal);
                  _exit(0);
                }
                while (outside != 0) pause();
              }),
              signal);
    EXPECT_FALSE(ReadCrashNote(path_)) << signal;
  }
}

TEST_F(CrashNoteTest, HalfANoteIsNone) {
  for (const char* text : {"", "11", "11 4", "x 4\n"}) {
    std::ofstream(path_, std::ios::trunc) << text;
    EXPECT_FALSE(ReadCrashNote(path_)) << text;
  }
}

}  // namespace
}  // namespace catchwater
