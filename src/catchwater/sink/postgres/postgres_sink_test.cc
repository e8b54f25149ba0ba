// The conformance suite against a real server, which CATCHWATER_TEST_POSTGRES_URL names: the
// integration tests start one and run this program.
#include "catchwater/sink/postgres/postgres_sink.h"

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/config/environment.h"
#include "catchwater/config/yaml_tree.h"
#include "catchwater/io/files.h"
#include "catchwater/postgres/pg_connection.h"
#include "catchwater/testing/fake_clock.h"
#include "catchwater/testing/sink_conformance.h"

namespace catchwater {
namespace {

ConfigNode Parse(const std::string& yaml) {
  Diagnostics diagnostics;
  const ConfigNode node = ParseYamlText("test.yaml", yaml, Environment::FromMap({}), diagnostics);
  EXPECT_FALSE(diagnostics.has_errors());
  return node;
}

class PostgresSinkTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const char* url = std::getenv("CATCHWATER_TEST_POSTGRES_URL");
    if (url == nullptr) GTEST_SKIP() << "CATCHWATER_TEST_POSTGRES_URL names no server";
    connection_ = PgConnection::Connect(Secret(url)).ValueOrDie();
    ASSERT_TRUE(connection_->Execute("DROP TABLE IF EXISTS conformance, catchwater_delivery").ok());
    ASSERT_TRUE(RegisterPostgresSink(registry_).ok());
    Diagnostics diagnostics;
    const auto chosen =
        registry_.ChooseSink(Parse("postgres: { url: '" + std::string(url) +
                                   "', table: conformance, key: [id], load: " + GetParam() + " }"),
                             diagnostics);
    ASSERT_TRUE(chosen.has_value());
    make_ = chosen->make;
  }

  arrow::Result<std::unique_ptr<Sink>> Make(std::shared_ptr<arrow::Schema> schema) {
    return make_({.schema = std::move(schema),
                  .pipeline = "p",
                  .sink = "p/postgres",
                  .table_key = "db.t",
                  .files = *files_,
                  .clock = clock_,
                  .registry = registry_,
                  .console = std::cout});
  }
  std::vector<std::string> Rows() {
    std::vector<std::string> rows;
    const auto answer = connection_->Query(
        "SELECT line FROM (SELECT id || '=' || name AS line FROM conformance) r "
        "ORDER BY line COLLATE \"C\"");
    if (!answer.ok()) return rows;  // The table is not made yet.
    for (const PgRow& row : *answer) rows.push_back(row[0].value_or("null"));
    return rows;
  }

  std::unique_ptr<PgConnection> connection_;
  std::unique_ptr<Files> files_ = MakeLocalFiles();
  FakeClock clock_;
  Registry registry_;
  std::function<arrow::Result<std::unique_ptr<Sink>>(const SinkContext&)> make_;
};

TEST_P(PostgresSinkTest, Conforms) {
  testing::CheckSinkConformance(
      {.make = [this](std::shared_ptr<arrow::Schema> schema) { return Make(std::move(schema)); },
       .rows = [this] { return Rows(); }});
}

TEST_P(PostgresSinkTest, TwoThatDeliverAtOnceDoNotBothMoveTheMark) {
  const auto schema = testing::ConformanceSchema();
  const auto first = Make(schema).ValueOrDie();
  const auto second = Make(schema).ValueOrDie();
  ASSERT_TRUE(first->Open().ok());
  ASSERT_TRUE(second->Open().ok());
  ASSERT_TRUE(first->Flush(DeliveryMark{.seq = 1, .ordinal = 0, .file = "a"}).ok());
  const auto refused = second->Flush(DeliveryMark{.seq = 1, .ordinal = 0, .file = "a"});
  EXPECT_EQ(KindOf(refused.status()), ErrorKind::kConflict);
  EXPECT_EQ(second->Close(), arrow::Status::OK());
  EXPECT_EQ(Make(schema).ValueOrDie()->Open().ValueOrDie()->seq, 1);
}

INSTANTIATE_TEST_SUITE_P(Load, PostgresSinkTest, ::testing::Values("auto", "staging", "insert"),
                         [](const auto& test) { return std::string(test.param); });

TEST(PostgresSinkExample, IsAPipelineThatBinds) {
  std::ifstream file("src/catchwater/sink/postgres/postgres_sink.example.yaml");
  std::stringstream text;
  text << file.rdbuf();
  Registry registry;
  ASSERT_TRUE(RegisterPostgresSink(registry).ok());
  Diagnostics diagnostics;
  const ConfigNode document = Parse(text.str());
  ASSERT_EQ(document.At("sinks").items().size(), 1U);
  const auto chosen = registry.ChooseSink(document.At("sinks").items()[0], diagnostics);
  ASSERT_TRUE(chosen.has_value());
  ASSERT_TRUE(chosen->delivery.has_value());
  EXPECT_EQ(chosen->delivery->every.ms, 1'000);
}

}  // namespace
}  // namespace catchwater
