#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include <arrow/buffer.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catchwater/base/error.h"
#include "catchwater/io/files.h"

namespace catchwater {
namespace {

namespace fs = std::filesystem;

// Each test has a folder of its own.
class LocalFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        fs::path(::testing::TempDir()) /
        (std::string("files_") + ::testing::UnitTest::GetInstance()->current_test_info()->name() +
         "_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string Path(const std::string& name) const { return (folder_ / name).string(); }

  fs::path folder_;
  std::unique_ptr<Files> files_ = MakeLocalFiles();
};

TEST_F(LocalFilesTest, CreatesOnlyWhatIsNew) {
  ASSERT_TRUE(files_->WriteNew(Path("a"), "first").ok());
  const auto second = files_->CreateNew(Path("a"));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(KindOf(second.status()), ErrorKind::kAlreadyExists);
  EXPECT_NE(second.status().message().find(Path("a")), std::string::npos);
  EXPECT_EQ(files_->ReadAll(Path("a"), 100).ValueOrDie(), "first");
}

TEST_F(LocalFilesTest, WritesSmallAndLargePiecesInOrder) {
  std::string wanted;
  auto file = files_->CreateNew(Path("a")).ValueOrDie();
  for (int i = 0; i < 300; ++i) {
    const std::string piece(static_cast<size_t>(i * i * 37 % 20'000),
                            static_cast<char>('a' + i % 26));
    ASSERT_TRUE(file->Write(piece.data(), static_cast<int64_t>(piece.size())).ok());
    wanted += piece;
  }
  const std::string large(3 << 20, 'z');
  ASSERT_TRUE(file->Write(large.data(), static_cast<int64_t>(large.size())).ok());
  wanted += large;
  EXPECT_EQ(file->Tell().ValueOrDie(), static_cast<int64_t>(wanted.size()));
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(file->Close().ok());
  EXPECT_TRUE(file->closed());
  EXPECT_EQ(files_->ReadAll(Path("a"), 100 << 20).ValueOrDie(), wanted);
}

TEST_F(LocalFilesTest, RefusesToWriteAfterClose) {
  auto file = files_->CreateNew(Path("a")).ValueOrDie();
  ASSERT_TRUE(file->Close().ok());
  ASSERT_TRUE(file->Close().ok()) << "closing twice is harmless";
  EXPECT_EQ(KindOf(file->Write("x", 1)), ErrorKind::kInternal);
}

TEST_F(LocalFilesTest, ReadsAnywhereAndShortOnlyAtTheEnd) {
  ASSERT_TRUE(files_->WriteNew(Path("a"), "0123456789").ok());
  auto file = files_->OpenInput(Path("a")).ValueOrDie();
  EXPECT_EQ(file->ReadAt(8, 5).ValueOrDie()->ToString(), "89");
  EXPECT_EQ(file->ReadAt(100, 5).ValueOrDie()->size(), 0);
  EXPECT_EQ(file->Read(4).ValueOrDie()->ToString(), "0123");
  ASSERT_TRUE(file->Seek(6).ok());
  EXPECT_EQ(file->Read(2).ValueOrDie()->ToString(), "67");
  EXPECT_EQ(file->Tell().ValueOrDie(), 8);
  EXPECT_EQ(file->GetSize().ValueOrDie(), 10);
  std::ofstream(Path("a"), std::ios::app) << "more";
  EXPECT_EQ(file->GetSize().ValueOrDie(), 14) << "a growing file is seen to grow";
}

TEST_F(LocalFilesTest, SaysWhatIsNotThere) {
  const auto open = files_->OpenInput(Path("none"));
  EXPECT_EQ(KindOf(open.status()), ErrorKind::kNotFound);
  EXPECT_NE(open.status().message().find("No such file"), std::string::npos);
  EXPECT_EQ(KindOf(files_->Stat(Path("none")).status()), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(files_->List(Path("none")).status()), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(files_->SyncDirectory(Path("none"))), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(files_->CreateNew(Path("none/a")).status()), ErrorKind::kNotFound);
  EXPECT_TRUE(files_->Remove(Path("none")).ok()) << "a missing file is removed already";
}

TEST_F(LocalFilesTest, RefusesToReadWhatIsNoRegularFile) {
  ASSERT_EQ(::mkfifo(Path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(KindOf(files_->OpenInput(Path("pipe")).status()), ErrorKind::kDenied);
  EXPECT_EQ(KindOf(files_->OpenInput(folder_.string()).status()), ErrorKind::kDenied);
}

TEST_F(LocalFilesTest, ReadAllHasALimit) {
  ASSERT_TRUE(files_->WriteNew(Path("a"), "12345").ok());
  EXPECT_TRUE(files_->ReadAll(Path("a"), 5).ok());
  EXPECT_EQ(KindOf(files_->ReadAll(Path("a"), 4).status()), ErrorKind::kBadData);
}

TEST_F(LocalFilesTest, ListsSortedWithFacts) {
  ASSERT_TRUE(files_->WriteNew(Path("b"), "22").ok());
  ASSERT_TRUE(files_->WriteNew(Path("a"), "1").ok());
  ASSERT_TRUE(files_->CreateDirectories(Path("c/d")).ok());
  fs::create_symlink(Path("b"), Path("link"));
  fs::create_symlink(Path("nowhere"), Path("dangling"));
  const auto entries = files_->List(folder_.string()).ValueOrDie();
  ASSERT_EQ(entries.size(), 4U);
  EXPECT_EQ(entries[0].path, Path("a"));
  EXPECT_EQ(entries[1].byte_count, 2);
  EXPECT_TRUE(entries[2].is_directory);
  EXPECT_EQ(entries[3].path, Path("link"));
  EXPECT_EQ(entries[3].inode, entries[1].inode) << "links are followed";
  EXPECT_GT(entries[0].modified_us, 1'600'000'000'000'000);
}

TEST_F(LocalFilesTest, PublishesOverAnOldFileAndLeavesNothingBeside) {
  ASSERT_TRUE(files_->PublishAtomically(Path("out"), "old").ok());
  ASSERT_TRUE(files_->PublishAtomically(Path("out"), "new").ok());
  EXPECT_EQ(files_->ReadAll(Path("out"), 10).ValueOrDie(), "new");
  EXPECT_EQ(files_->List(folder_.string())->size(), 1U);
  EXPECT_FALSE(files_->PublishAtomically(Path("none/out"), "x").ok());
}

// A limit on the size of files is the full disk that needs no rights: EFBIG goes the same way, and
// ENOSPC is checked by its number.
TEST_F(LocalFilesTest, KeepsTheReasonOfAFailedWriteAndDoesNotForgiveIt) {
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const rlimit limited{.rlim_cur = 4096, .rlim_max = old.rlim_max};
  ASSERT_NE(::signal(SIGXFSZ, SIG_IGN), SIG_ERR);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limited), 0);
  auto file = files_->CreateNew(Path("a")).ValueOrDie();
  const std::string bytes(8192, 'x');
  ASSERT_TRUE(file->Write(bytes.data(), 8192).ok()) << "buffered";
  const arrow::Status first = file->Sync();
  const arrow::Status whole = files_->WriteNew(Path("b"), bytes);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  EXPECT_EQ(SystemErrnoOf(first), EFBIG) << first;
  EXPECT_EQ(SystemErrnoOf(file->Sync()), EFBIG) << "a later success would lie";
  EXPECT_EQ(SystemErrnoOf(whole), EFBIG);
  EXPECT_FALSE(fs::exists(Path("b"))) << "half a file is removed";
}

TEST(IsDiskFull, KnowsByErrnoAlsoBehindContext) {
  EXPECT_TRUE(IsDiskFull(SystemError(ENOSPC, "Cannot write")));
  EXPECT_TRUE(IsDiskFull(WithContext(SystemError(EDQUOT, "Cannot write"), "While flushing")));
  EXPECT_FALSE(IsDiskFull(SystemError(EIO, "Cannot write")));
  EXPECT_FALSE(IsDiskFull(Unavailable("No space left on device")));
  EXPECT_FALSE(IsDiskFull(arrow::Status::OK()));
}

TEST(IsDiskFull, HoldsOnARealFullDevice) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  std::ofstream probe("/dev/full");
  const int descriptor_ok = ::access("/dev/full", W_OK);
  if (descriptor_ok != 0) GTEST_SKIP() << "/dev/full may not be written";
  errno = 0;
  probe << "x" << std::flush;
  EXPECT_TRUE(IsDiskFull(SystemError(errno, "Cannot write")));
}

}  // namespace
}  // namespace catchwater
