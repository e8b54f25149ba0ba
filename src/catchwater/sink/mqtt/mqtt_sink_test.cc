#include "catchwater/sink/mqtt/mqtt_sink.h"

#include <gtest/gtest.h>

namespace catchwater {
namespace {

// What it sends is judged by a real broker: test/integration/test_mqtt_sink.py.
TEST(MqttSinkConfig, RefusesWhatMakesNoSense) {
  MqttSinkConfig config;
  config.broker.url = "mqtt://localhost";
  config.topic = "results/{room}";
  EXPECT_TRUE(config.Check().ok());
  config.id_field = "a\"b";
  EXPECT_FALSE(config.Check().ok());
  config.id_field = "";
  EXPECT_TRUE(config.Check().ok());
  config.topic = "";
  EXPECT_FALSE(config.Check().ok());
  config.topic = "x";
  config.broker.password = Secret("canary");
  EXPECT_FALSE(config.Check().ok());
  config.broker.user = "u";
  EXPECT_TRUE(config.Check().ok());
  config.broker.url = "http://localhost";
  EXPECT_FALSE(config.Check().ok());
}

}  // namespace
}  // namespace catchwater
