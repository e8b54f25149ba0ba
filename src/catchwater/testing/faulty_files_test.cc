#include "catchwater/testing/faulty_files.h"

#include <cerrno>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/testing/memory_files.h"

namespace catchwater {
namespace {

struct Fixture {
  MemoryFiles memory;
  FaultyFiles files{memory};
  Fixture() { EXPECT_TRUE(memory.CreateDirectories("d").ok()); }
  std::string Content(const std::string& path) {
    return memory.ReadAll(path, 1'000).ValueOr("(none)");
  }
};

TEST(FaultyFiles, EachOperationCanFailOnce) {
  auto work = [](FaultyFiles& files) {
    ARROW_RETURN_NOT_OK(files.WriteNew("d/a", "1"));
    ARROW_RETURN_NOT_OK(files.SyncDirectory("d"));
    ARROW_RETURN_NOT_OK(files.Rename("d/a", "d/b"));
    return files.ReadAll("d/b", 10).status();
  };
  int64_t failures = 0;
  for (int64_t k = 1;; ++k) {
    Fixture fixture;
    fixture.files.FailOperation(k, EIO);
    const arrow::Status status = work(fixture.files);
    EXPECT_EQ(status.ok(), !fixture.files.has_failed());
    if (status.ok()) break;
    EXPECT_EQ(SystemErrnoOf(status), EIO);
    ++failures;
  }
  EXPECT_EQ(failures, 6) << "create, write, sync, sync folder, rename, read";
}

TEST(FaultyFiles, AFullDiskTakesWhatFits) {
  Fixture fixture;
  fixture.files.SetFreeBytes(3);
  auto file = fixture.files.CreateNew("d/a").ValueOrDie();
  const arrow::Status status = file->Write("12345", 5);
  EXPECT_TRUE(IsDiskFull(status)) << status;
  EXPECT_EQ(fixture.Content("d/a"), "123");
}

TEST(FaultyFiles, PowerLossTakesUnsyncedBytes) {
  Fixture fixture;
  auto file = fixture.files.CreateNew("d/a").ValueOrDie();
  ASSERT_TRUE(file->Write("12", 2).ok());
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(file->Write("34", 2).ok());
  ASSERT_TRUE(fixture.files.SyncDirectory("d").ok());
  fixture.files.LosePower();
  EXPECT_EQ(fixture.Content("d/a"), "12");
}

TEST(FaultyFiles, PowerLossTakesUnsyncedNames) {
  Fixture fixture;
  ASSERT_TRUE(fixture.files.WriteNew("d/kept", "1").ok());
  ASSERT_TRUE(fixture.files.WriteNew("d/moved", "2").ok());
  ASSERT_TRUE(fixture.files.WriteNew("d/over", "3").ok());
  ASSERT_TRUE(fixture.files.SyncDirectory("d").ok());
  ASSERT_TRUE(fixture.files.WriteNew("d/new", "4").ok());
  ASSERT_TRUE(fixture.files.Rename("d/moved", "d/over").ok());
  ASSERT_TRUE(fixture.files.Remove("d/kept").ok());
  fixture.files.LosePower();
  EXPECT_EQ(fixture.Content("d/kept"), "1");
  EXPECT_EQ(fixture.Content("d/moved"), "2");
  EXPECT_EQ(fixture.Content("d/over"), "3");
  EXPECT_EQ(fixture.Content("d/new"), "(none)");
}

TEST(FaultyFiles, WhatIsPublishedSurvives) {
  Fixture fixture;
  ASSERT_TRUE(fixture.files.PublishAtomically("d/a", "old").ok());
  ASSERT_TRUE(fixture.files.PublishAtomically("d/a", "new").ok());
  fixture.files.LosePower();
  EXPECT_EQ(fixture.Content("d/a"), "new");
}

TEST(FaultyFiles, APathMayBeForbidden) {
  Fixture fixture;
  fixture.memory.Put("d/a", "x");
  fixture.files.FailPath("d/a", EACCES);
  EXPECT_EQ(KindOf(fixture.files.OpenInput("d/a").status()), ErrorKind::kDenied);
  fixture.files.FailPath("d/a", 0);
  EXPECT_TRUE(fixture.files.OpenInput("d/a").ok());
}

}  // namespace
}  // namespace catchwater
