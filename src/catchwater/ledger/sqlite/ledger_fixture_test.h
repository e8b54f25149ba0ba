/// \file
/// What the tests of the ledger share: a folder, a clock, short plans, a dump of all tables.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include "catchwater/ledger/ledger.h"
#include "catchwater/testing/fake_clock.h"
#include "catchwater/testing/temporary_folder.h"

namespace catchwater {

/// Runs SQL as another program would; each row is one line, its columns joined by '|'.
inline std::vector<std::string> ForeignSql(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  EXPECT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  sqlite3_busy_timeout(database, 5000);
  std::vector<std::string> lines;
  const auto add = [](void* out, int count, char** values, char**) {
    std::string line;
    for (int i = 0; i < count; ++i) {
      line += (i > 0 ? "|" : "") + std::string(values[i] == nullptr ? "NULL" : values[i]);
    }
    static_cast<std::vector<std::string>*>(out)->push_back(line);
    return 0;
  };
  char* message = nullptr;
  if (sqlite3_exec(database, sql.c_str(), add, &lines, &message) != SQLITE_OK) {
    lines.push_back("error: " + std::string(message == nullptr ? "" : message));
  }
  sqlite3_free(message);
  sqlite3_close(database);
  return lines;
}

/// Every row of every table.
inline std::vector<std::string> DumpLedger(const std::string& path) {
  std::vector<std::string> dump;
  for (const std::string& table :
       ForeignSql(path, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")) {
    dump.push_back("-- " + table);
    for (std::string& line : ForeignSql(path, "SELECT * FROM " + table + " ORDER BY 1, 2")) {
      dump.push_back(std::move(line));
    }
  }
  return dump;
}

class LedgerTest : public ::testing::Test {
 protected:
  LedgerTest() : path_(folder_ / "ledger.sqlite") { Reopen(); }

  void Reopen() {
    ledger_.reset();
    ledger_ = OpenSecond();
  }
  std::unique_ptr<Ledger> OpenSecond(int64_t busy_timeout_ms = 10'000) {
    return Ledger::Open({.path = path_, .busy_timeout_ms = busy_timeout_ms}, clock_).ValueOrDie();
  }
  std::vector<std::string> Sql(const std::string& sql) { return ForeignSql(path_, sql); }
  std::vector<std::string> Dump() { return DumpLedger(path_); }

  Fence TakeLease(const std::string& name = "pipeline/p", const std::string& owner = "me") {
    const auto epoch = ledger_->AcquireLease(name, owner, 30'000).ValueOrDie();
    return {.lease = name, .epoch = epoch.value_or(-1)};
  }
  int64_t MakePartition(const std::string& name = "part") {
    return ledger_->OpenPartition({"p", "s", name, "1"}).ValueOrDie();
  }
  Outcome Commit(const CommitPlan& plan) {
    const auto committed = ledger_->Commit(plan);
    EXPECT_TRUE(committed.ok()) << committed.status();
    return committed.ok() ? committed->first : Outcome::kUnknown;
  }
  /// A commit of these moves; its id is made up.
  CommitPlan Plan() {
    CommitPlan plan;
    plan.id = "commit-" + std::to_string(++plan_count_);
    plan.actor = "pipeline/p";
    return plan;
  }
  static DataFile File(const std::string& path, int64_t row_count = 10, int tier = 0) {
    return {.path = path,
            .partition_key = "day=1",
            .tier = tier,
            .row_count = row_count,
            .byte_count = 1000,
            .event_us_min = 1,
            .event_us_max = 2};
  }
  static PointerSwap Append(const std::string& expected, const std::string& next,
                            std::vector<DataFile> files) {
    PointerSwap swap{.table_key = "db.t",
                     .expected = expected,
                     .next = next,
                     .operation = "append",
                     .snapshot_id = 7,
                     .schema_id = 0,
                     .rows_added = 0,
                     .rows_removed = 0,
                     .added = std::move(files),
                     .removed = {}};
    for (const DataFile& file : swap.added) swap.rows_added += file.row_count;
    return swap;
  }
  static PositionAdvance Advance(int64_t partition_id, uint64_t from, uint64_t to,
                                 const std::string& consumer = "lake") {
    return {.range = {.partition_id = partition_id, .from = {from, ""}, .to = {to, "token"}},
            .consumer = consumer};
  }
  std::vector<std::string> Violations() { return ledger_->CheckInvariants().ValueOrDie(); }

  TemporaryFolder folder_;
  std::string path_;
  FakeClock clock_;
  std::unique_ptr<Ledger> ledger_;
  int plan_count_ = 0;
};

}  // namespace catchwater
