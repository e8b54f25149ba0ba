#include "catchwater/source/mqtt/mqtt_record.h"

#include <string>

#include <gtest/gtest.h>

#include "catchwater/io/mqtt_connection.h"

namespace catchwater {
namespace {

TEST(MqttRecord, RoundTripsAndEveryCutIsRefused) {
  const MqttRecord record{.receive_us = -5,
                          .qos = 1,
                          .is_retained = true,
                          .topic = "a/b",
                          .payload = std::string_view("x\0y", 3)};
  const std::string bytes = EncodeMqttRecord(record);
  const MqttRecord back = DecodeMqttRecord(bytes).ValueOrDie();
  EXPECT_EQ(back.receive_us, -5);
  EXPECT_EQ(back.qos, 1);
  EXPECT_TRUE(back.is_retained);
  EXPECT_EQ(back.topic, "a/b");
  EXPECT_EQ(back.payload, record.payload);
  for (size_t length = 0; length < bytes.size() - 3; ++length) {
    EXPECT_FALSE(DecodeMqttRecord(std::string_view(bytes).substr(0, length)).ok()) << length;
  }
}

TEST(MqttField, LevelsCountFromZeroAndMayBeEmptyOrMissing) {
  const MqttRecord record{.qos = 1, .topic = "sensors//s1/measure"};
  EXPECT_EQ(MqttField(record, "topic"), "sensors//s1/measure");
  EXPECT_EQ(MqttField(record, "topic[0]"), "sensors");
  EXPECT_EQ(MqttField(record, "topic[1]"), "");
  EXPECT_EQ(MqttField(record, "topic[2]"), "s1");
  EXPECT_EQ(MqttField(record, "topic[3]"), "measure");
  EXPECT_EQ(MqttField(record, "topic[4]"), std::nullopt);
  EXPECT_EQ(MqttField(record, "topic[x]"), std::nullopt);
  EXPECT_EQ(MqttField(record, "retained"), "false");
  EXPECT_EQ(MqttField(record, "qos"), "1");
}

TEST(IsTopicFilter, WildcardsAreWholeLevels) {
  for (const char* good : {"a", "/", "a/+/b", "+", "#", "a/#", "+/+/#", "a//b"}) {
    EXPECT_TRUE(IsTopicFilter(good)) << good;
  }
  for (const char* bad : {"", "a+", "a/b+/c", "#/a", "a#", "a/#b"}) {
    EXPECT_FALSE(IsTopicFilter(bad)) << bad;
  }
}

TEST(ParseMqttUrl, TakesHostAndPortAndNoCredentials) {
  EXPECT_EQ(ParseMqttUrl("mqtt://h").ValueOrDie().port, 1883);
  EXPECT_EQ(ParseMqttUrl("mqtts://h/").ValueOrDie().port, 8883);
  EXPECT_EQ(ParseMqttUrl("mqtt://[::1]:99").ValueOrDie().host, "::1");
  EXPECT_EQ(ParseMqttUrl("mqtt://[::1]").ValueOrDie().port, 1883);
  for (const char* bad : {"", "h:1", "http://h", "mqtt://", "mqtt://h:0", "mqtt://h:x",
                          "mqtt://h:70000", "mqtt://u:secret@h", "mqtt://h/path"}) {
    const auto url = ParseMqttUrl(bad);
    EXPECT_FALSE(url.ok()) << bad;
    EXPECT_EQ(url.status().message().find("secret"), std::string::npos);
  }
}

}  // namespace
}  // namespace catchwater
