#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "catchwater/base/error.h"
#include "catchwater/ledger/sqlite/ledger_fixture_test.h"

namespace catchwater {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace fs = std::filesystem;

class OpenTest : public LedgerTest {
 protected:
  arrow::Status OpenStatus(LedgerOptions options) { return Ledger::Open(options, clock_).status(); }
  // Writes bytes into the closed file.
  void Damage(int64_t offset, const std::string& bytes) {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offset);
    file << bytes;
  }
};

TEST_F(OpenTest, CreatesFolderAndFileForTheOwnerAlone) {
  const std::string path = folder_ / "new/data/ledger.sqlite";
  const auto ledger = Ledger::Open({.path = path}, clock_).ValueOrDie();
  struct stat facts {};
  for (const auto& [name, mode] :
       {std::pair(path, 0600u), std::pair(path + "-wal", 0600u), std::pair(path + "-shm", 0600u),
        std::pair(folder_ / "new/data", 0700u)}) {
    ASSERT_EQ(stat(name.c_str(), &facts), 0) << name;
    EXPECT_EQ(facts.st_mode & 0777u, mode) << name;
  }
}

TEST_F(OpenTest, FindsEverythingAgain) {
  const std::string uuid = ledger_->LedgerUuid().ValueOrDie();
  EXPECT_EQ(uuid.size(), 36u);
  CommitPlan plan = Plan();
  plan.tables = {Append("", "m1", {File("f1")})};
  ASSERT_EQ(Commit(plan), Outcome::kCommitted);
  Reopen();
  EXPECT_EQ(ledger_->LedgerUuid().ValueOrDie(), uuid);
  EXPECT_EQ(ledger_->TablePointer("db.t").ValueOrDie(), "m1");
  EXPECT_EQ(Sql("PRAGMA journal_mode")[0], "wal");
}

TEST_F(OpenTest, ReadsAnEmptyLedger) {
  EXPECT_EQ(ledger_->Catalog().ValueOrDie().seq, 0);
  EXPECT_THAT(ledger_->Catalog().ValueOrDie().metadata_location, IsEmpty());
  EXPECT_EQ(ledger_->TablePointer("db.t").ValueOrDie(), std::nullopt);
  EXPECT_THAT(ledger_->Inputs({}).ValueOrDie(), IsEmpty());
  EXPECT_THAT(ledger_->Feed(0, 10).ValueOrDie(), IsEmpty());
  EXPECT_EQ(ledger_->GetPosition(1, "lake").ValueOrDie().ordinal, 0u);
  EXPECT_TRUE(ledger_->Prune(clock_.NowMicros()).ok());
  EXPECT_THAT(Violations(), IsEmpty());
}

TEST_F(OpenTest, RefusesANewerFormat) {
  Sql("UPDATE ledger_clock SET format = 2");
  const auto status = OpenStatus({.path = path_});
  EXPECT_EQ(KindOf(status), ErrorKind::kConfig);
  EXPECT_THAT(status.message(), HasSubstr("newer format"));
}

TEST_F(OpenTest, RefusesADatabaseOfAnotherProgram) {
  const std::string path = folder_ / "other.sqlite";
  ForeignSql(path, "CREATE TABLE theirs (x)");
  EXPECT_EQ(KindOf(OpenStatus({.path = path})), ErrorKind::kConfig);
  EXPECT_EQ(ForeignSql(path, "SELECT count(*) FROM sqlite_master")[0], "1");
}

TEST_F(OpenTest, RefusesWhatIsNoDatabase) {
  ledger_.reset();
  Damage(0, "this is no database at all");
  const auto status = OpenStatus({.path = path_});
  EXPECT_EQ(KindOf(status), ErrorKind::kBadData) << status;
  EXPECT_THAT(status.message(), HasSubstr("ledger rebuild"));
}

TEST_F(OpenTest, TellsOfADamagedMiddle) {
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(
        ledger_->OpenPartition({"p", "s", std::string(100, 'x') + std::to_string(i), ""}).ok());
  }
  ledger_.reset();
  const auto page = ForeignSql(path_,
                               "SELECT rootpage FROM sqlite_master WHERE name = "
                               "'source_partition'")[0];
  Damage((std::stoll(page) - 1) * 4096, std::string(4096, '\x7f'));
  Reopen();
  const auto read = ledger_->Partitions("p").status();
  EXPECT_EQ(KindOf(read), ErrorKind::kBadData) << read;
  EXPECT_THAT(read.message(), HasSubstr("ledger rebuild"));
  const auto checked = ledger_->CheckInvariants();
  EXPECT_TRUE(!checked.ok() || !checked->empty());
}

TEST_F(OpenTest, TellsOfACutFile) {
  ledger_.reset();
  fs::resize_file(path_, 8192);
  const auto opened = Ledger::Open({.path = path_}, clock_);
  const auto status = opened.ok() ? (*opened)->Commit(Plan()).status() : opened.status();
  EXPECT_EQ(KindOf(status), ErrorKind::kBadData) << status;
}

TEST_F(OpenTest, WaitsForALockAndGivesUp) {
  sqlite3* writer = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &writer), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(writer, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  const auto impatient = OpenSecond(/*busy_timeout_ms=*/20);
  const auto status = impatient->Commit(Plan()).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("20 ms"));
  sqlite3_exec(writer, "ROLLBACK", nullptr, nullptr, nullptr);
  EXPECT_TRUE(impatient->Commit(Plan()).ok());
  sqlite3_close(writer);
}

TEST_F(OpenTest, ReadOnlyReadsAndRefusesToWrite) {
  EXPECT_EQ(KindOf(OpenStatus({.path = folder_ / "none", .is_read_only = true})),
            ErrorKind::kNotFound);
  EXPECT_FALSE(fs::exists(folder_ / "none"));
  const auto reader = Ledger::Open({.path = path_, .is_read_only = true}, clock_).ValueOrDie();
  ASSERT_EQ(Commit(Plan()), Outcome::kCommitted);
  EXPECT_EQ(reader->Catalog().ValueOrDie().seq, 1);
  EXPECT_EQ(KindOf(reader->Commit(Plan()).status()), ErrorKind::kDenied);
  EXPECT_THAT(reader->CheckInvariants().ValueOrDie(), IsEmpty());
}

TEST_F(OpenTest, ManyMayCreateItAtOnce) {
  const std::string path = folder_ / "fresh.sqlite";
  std::vector<std::string> uuids(8);
  {
    std::vector<std::jthread> threads;
    for (std::string& uuid : uuids) {
      threads.emplace_back([&] {
        const auto opened = Ledger::Open({.path = path}, clock_);
        uuid = opened.ok() ? (*opened)->LedgerUuid().ValueOrDie() : opened.status().ToString();
      });
    }
  }
  for (const std::string& uuid : uuids) EXPECT_EQ(uuid, uuids[0]);
  EXPECT_EQ(uuids[0].size(), 36u) << uuids[0];
}

}  // namespace
}  // namespace catchwater
