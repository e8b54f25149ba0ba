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

TEST(AmqpSinkConfig, DescribesOnlyAQueueThatIsMade) {
  AmqpSinkConfig config;
  config.broker.url = "amqp://localhost";
  config.routing_key = "acme.results";
  config.queue_type = AmqpQueueType::kQuorum;
  EXPECT_FALSE(config.Check().ok());  // Nothing is made.
  config.create = true;
  EXPECT_TRUE(config.Check().ok());
  config.queue_arguments = {{"x-dead-letter-exchange", "dead"}};
  EXPECT_TRUE(config.Check().ok());
  config.exchange = "results";
  EXPECT_FALSE(config.Check().ok());  // The exchange is made, no queue.
  config.exchange = "";
  config.queue_arguments = {{"x-queue-type", "stream"}};
  EXPECT_FALSE(config.Check().ok());
}

}  // namespace
}  // namespace catchwater
