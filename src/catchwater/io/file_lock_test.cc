#include "catchwater/io/file_lock.h"

#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

TEST(FileLock, OneAtATimeAndFreeWhenItsHolderIsGone) {
  const std::string path = ::testing::TempDir() + "/lock_" + std::to_string(getpid());
  std::optional<FileLock> first = FileLock::Acquire(path).ValueOrDie();
  const auto second = FileLock::Acquire(path);
  EXPECT_EQ(KindOf(second.status()), ErrorKind::kUnavailable);
  EXPECT_NE(second.status().message().find(path), std::string::npos);
  first.reset();
  EXPECT_TRUE(FileLock::Acquire(path).ok());
  unlink(path.c_str());
}

}  // namespace
}  // namespace catchwater
