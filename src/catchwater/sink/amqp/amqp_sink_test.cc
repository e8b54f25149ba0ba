#include "catchwater/sink/amqp/amqp_sink.h"

#include <gtest/gtest.h>

namespace catchwater {
namespace {

// What it sends is judged by a real broker: test/integration/test_amqp_sink.py.
TEST(AmqpSinkConfig, RefusesWhatMakesNoSense) {
  AmqpSinkConfig config;
  config.broker.url = "amqp://localhost/%2F";
  config.routing_key = "results";
  EXPECT_TRUE(config.Check().ok());
  config.create = true;
  EXPECT_TRUE(config.Check().ok());
  config.routing_key = "results.{room}";
  EXPECT_FALSE(config.Check().ok());
  config.exchange = "rooms";
  EXPECT_TRUE(config.Check().ok());
  config.routing_key = "";
  EXPECT_TRUE(config.Check().ok());
  config.exchange = "";
  EXPECT_FALSE(config.Check().ok());
  config.routing_key = "results";
  config.broker.url = "amqp://user:password@localhost";
  EXPECT_FALSE(config.Check().ok());
}

}  // namespace
}  // namespace catchwater
