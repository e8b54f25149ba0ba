#include "catchwater/query/sql_failure.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

const SqlNames kNames = {.tables = {"files.readings", "files.readings__dead_letters"},
                         .columns = {"sensor_id", "ts", "temperature"}};

std::string Explained(const std::string& message, const SqlText& text) {
  return ExplainSqlFailure(BadData(message), text, kNames).message();
}

TEST(ExplainSqlFailure, AnUnknownTableHasItsPlaceAndTheNearest) {
  EXPECT_EQ(Explained("Catalog Error: Table with name \"files.reading\" does not exist because "
                      "schema \"files\" does not exist.\n\nLINE 1: SELECT * FROM files.reading\n"
                      "                      ^",
                      {.sql = "SELECT * FROM files.reading"}),
            "There is no table files.reading\n"
            " --> SQL:1:15\n"
            "  |\n"
            "1 | SELECT * FROM files.reading\n"
            "  |               ^ did you mean `files.readings`?\n"
            "  = note: tables: files.readings, files.readings__dead_letters\n"
            "  = note: Catalog Error: Table with name \"files.reading\" does not exist because "
            "schema \"files\" does not exist.\n"
            "  = help: `catchwater tables` lists tables and columns");
}

TEST(ExplainSqlFailure, ATableWithoutItsNamespaceIsFound) {
  EXPECT_NE(Explained("Catalog Error: Table with name readings does not exist!\n"
                      "Did you mean \"x\"?\n\nLINE 1: FROM readings\n             ^",
                      {.sql = "FROM readings"})
                .find("did you mean `files.readings`?"),
            std::string::npos);
}

TEST(ExplainSqlFailure, ThePlaceIsThatOfTheLineThatWasCut) {
  const std::string sql = "SELECT 1,\n  " + std::string(90, 'x') + ", foo FROM t WHERE yes";
  const std::string message =
      "Binder Error: Referenced column \"foo\" not found in FROM clause!\n"
      "Candidate bindings: \"food\"\n\nLINE 2: ...xxxxxxxx, foo FROM t WHERE...\n"
      "                     ^";
  const std::string said = Explained(message, {.sql = sql});
  EXPECT_TRUE(said.starts_with("There is no column foo\n --> SQL:2:95\n")) << said;
  EXPECT_NE(said.find("^ did you mean `food`?\n"), std::string::npos) << said;
  EXPECT_NE(said.find("\n  = note: Candidate bindings: \"food\"\n"), std::string::npos) << said;
}

TEST(ExplainSqlFailure, AColumnOfAnAliasIsFoundAmongTheTables) {
  const std::string said = Explained(
      "Binder Error: Values list \"r\" does not have a column named \"temprature\"\n\n"
      "LINE 1: SELECT r.temprature FROM files.readings r\n               ^",
      {.sql = "SELECT r.temprature FROM files.readings r"});
  EXPECT_TRUE(said.starts_with("There is no column temprature\n --> SQL:1:8\n")) << said;
  EXPECT_NE(said.find("^ did you mean `temperature`?\n"), std::string::npos) << said;
}

TEST(ExplainSqlFailure, AConditionIsShownWithoutWhatIsAroundIt) {
  const std::string sql = "SELECT 1 FROM t WHERE (a = b AND\n) GROUP BY x";
  const std::string_view condition = std::string_view(sql).substr(23, 9);
  const SqlText text{.sql = sql, .condition = condition, .source = "--where"};
  EXPECT_EQ(Explained("Parser Error: syntax error at or near \")\"\n\nLINE 2: ) GROUP BY x\n"
                      "        ^",
                      text),
            "--where is not valid\n"
            " --> --where:1:10\n"
            "  |\n"
            "1 | a = b AND\n"
            "  |          ^\n"
            "  = note: Parser Error: syntax error at or near \")\"");
  const std::string named = Explained(
      "Binder Error: Referenced column \"b\" not found in FROM clause!\n\n"
      "LINE 1: SELECT 1 FROM t WHERE (a = b AND\n                                   ^",
      text);
  EXPECT_NE(named.find("--> --where:1:5\n"), std::string::npos) << named;
}

TEST(ExplainSqlFailure, WritingIsRefusedWithWhatToDo) {
  for (const char* message :
       {"Binder Error: Can only delete from base table", "Binder Error: Can only update base table",
        "Catalog Error: readings is not an table",
        "Catalog Error: Existing object readings is of type View, trying to drop type Table"}) {
    const std::string said = Explained(message, {.sql = "DELETE FROM files.readings"});
    EXPECT_TRUE(said.starts_with("Tables cannot be changed by SQL: they are read only\n")) << said;
    EXPECT_NE(said.find(message), std::string::npos);
  }
}

TEST(ExplainSqlFailure, WhatIsNotTheTextsFaultStays) {
  for (const char* message : {"IO Error: Cannot open file \"x\"", "Table has no snapshot as old",
                              "Ledger is damaged: IO Error: x", "SQL text has no statement"}) {
    EXPECT_EQ(Explained(message, {.sql = "SELECT 1"}), message);
  }
  EXPECT_TRUE(ExplainSqlFailure(arrow::Status::OK(), {.sql = ""}, kNames).ok());
}

}  // namespace
}  // namespace catchwater
