#include "catchwater/ledger/sqlite/connection.h"

#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/ledger/sqlite/json_text.h"
#include "catchwater/ledger/sqlite/ledger_fixture_test.h"

namespace catchwater {
namespace {

using ::testing::ElementsAre;

class ConnectionTest : public ::testing::Test {
 protected:
  ConnectionTest() : path_(folder_ / "db") {
    std::ofstream(path_).close();
    connection_ = std::make_unique<Connection>(Connection::Open({.path = path_}).ValueOrDie());
    EXPECT_TRUE(connection_->RunScript("CREATE TABLE t (n INTEGER PRIMARY KEY, s TEXT)").ok());
  }
  int64_t Count() {
    return connection_->QueryNumber("SELECT count(*) FROM t").ValueOrDie().value_or(-1);
  }

  TemporaryFolder folder_;
  std::string path_;
  std::unique_ptr<Connection> connection_;
};

TEST_F(ConnectionTest, BindsAndReadsEveryKindOfValue) {
  const std::string text("a\0b", 3);
  ASSERT_TRUE(connection_->Execute("INSERT INTO t VALUES (?, ?)", {INT64_MAX, text}).ok());
  ASSERT_TRUE(connection_->Execute("INSERT INTO t VALUES (?, ?)", {-1, std::string_view()}).ok());
  ASSERT_TRUE(connection_->Execute("INSERT INTO t VALUES (?, ?)", {0, std::nullopt}).ok());
  std::vector<std::string> texts;
  std::vector<int64_t> numbers;
  std::vector<bool> nulls;
  ASSERT_TRUE(connection_
                  ->Query("SELECT n, s FROM t ORDER BY n", {},
                          [&](const Row& row) {
                            numbers.push_back(row.Number(0));
                            texts.push_back(row.Text(1));
                            nulls.push_back(row.IsNull(1));
                            return arrow::Status::OK();
                          })
                  .ok());
  EXPECT_THAT(numbers, ElementsAre(-1, 0, INT64_MAX));
  EXPECT_THAT(texts, ElementsAre("", "", text));
  EXPECT_THAT(nulls, ElementsAre(false, true, false));
}

TEST_F(ConnectionTest, AStatementIsReadyAgainAfterAnError) {
  for (int i = 0; i < 3; ++i) {
    const auto status = connection_->Execute("INSERT INTO t VALUES (?, 'x')", {7}).status();
    if (i > 0) {
      EXPECT_EQ(KindOf(status), ErrorKind::kAlreadyExists) << status;
    }
  }
  EXPECT_TRUE(connection_->Execute("INSERT INTO t VALUES (?, 'x')", {8}).ok());
  const auto stopped =
      connection_->Query("SELECT n FROM t", {}, [](const Row&) { return Cancelled("enough"); });
  EXPECT_EQ(KindOf(stopped), ErrorKind::kCancelled);
  EXPECT_EQ(Count(), 2);
}

TEST_F(ConnectionTest, RollsBackAndEnds) {
  ASSERT_TRUE(connection_->Begin().ok());
  ASSERT_TRUE(connection_->Execute("INSERT INTO t VALUES (1, 'x')").ok());
  connection_->RollBack();
  connection_->RollBack();
  EXPECT_EQ(Count(), 0);
  ASSERT_TRUE(connection_->Begin().ok());
  ASSERT_TRUE(connection_->Execute("INSERT INTO t VALUES (1, 'x')").ok());
  EXPECT_EQ(connection_->End().first, EndResult::kCommitted);
  EXPECT_EQ(Count(), 1);
}

TEST_F(ConnectionTest, TellsWhatIsMissing) {
  EXPECT_EQ(KindOf(Connection::Open({.path = folder_ / "none"}).status()), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(connection_->Execute("SELECT * FROM none").status()), ErrorKind::kInternal);
}

TEST_F(ConnectionTest, AWrongNumberOfValuesIsAProgrammersMistake) {
  EXPECT_DEATH(static_cast<void>(connection_->Execute("INSERT INTO t VALUES (?, ?)", {1})),
               "as many values");
}

TEST(JsonText, ListsReadBack) {
  const std::vector<std::string> list = {"", "a\"b\\", "ü", "\n"};
  EXPECT_EQ(ListFromJson(JsonList(list)).ValueOrDie(), list);
  EXPECT_TRUE(ListFromJson("").ValueOrDie().empty());
  EXPECT_TRUE(ListFromJson("[]").ValueOrDie().empty());
  for (const char* bad : {"{", "{}", "[1]", "[\"a\"", "null"}) {
    EXPECT_EQ(KindOf(ListFromJson(bad).status()), ErrorKind::kBadData) << bad;
  }
  EXPECT_EQ(JsonList({"\xff"}), "[\"\xEF\xBF\xBD\"]") << "bytes that are not UTF-8";
}

}  // namespace
}  // namespace catchwater
