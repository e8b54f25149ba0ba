#include "catchwater/source/kafka/kafka_source.h"

#include <string>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

// How it reads is judged by a real broker: test/integration/test_kafka.py.
TEST(KafkaSourceConfig, RefusesWhatMakesNoSense) {
  KafkaSourceConfig config;
  config.connection.brokers = "localhost:9092";
  config.topics = {"a.b_c-1"};
  EXPECT_TRUE(config.Check().ok());
  for (const std::string start : {"latest", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00+01:00"}) {
    config.start = start;
    EXPECT_TRUE(config.Check().ok()) << start;
  }
  config.start = "yesterday";
  EXPECT_FALSE(config.Check().ok());
  config.start = "earliest";
  for (const std::string topic : {"", "a b", "^a.*", "ä"}) {
    config.topics = {topic};
    EXPECT_FALSE(config.Check().ok()) << topic;
  }
}

}  // namespace
}  // namespace catchwater
