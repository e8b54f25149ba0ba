#include "catchwater/sink/kafka/kafka_sink.h"

#include <string>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

// What it sends is judged by a real broker: test/integration/test_kafka_sink.py.
TEST(KafkaSinkConfig, RefusesWhatMakesNoSense) {
  KafkaSinkConfig config;
  config.connection.brokers = "localhost:9092";
  config.topic = "a.b_c-1";
  EXPECT_TRUE(config.Check().ok());
  for (const std::string topic : {"", "a b", "results/{room}", "ä"}) {
    config.topic = topic;
    EXPECT_FALSE(config.Check().ok()) << topic;
  }
  config.topic = "a";
  config.connection.brokers = "localhost";
  EXPECT_FALSE(config.Check().ok());
}

}  // namespace
}  // namespace catchwater
