#include "catchwater/io/broker_url.h"

#include <gtest/gtest.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

TEST(ParseBrokerUrl, TakesHostPortTlsAndPath) {
  const auto parse = [](const char* url) {
    return ParseBrokerUrl(url, "amqp", 5672, 5671).ValueOrDie();
  };
  EXPECT_EQ(parse("amqp://h").port, 5672);
  EXPECT_EQ(parse("amqps://h").port, 5671);
  EXPECT_TRUE(parse("amqps://h").has_tls);
  EXPECT_EQ(parse("amqp://h:1/").path, "");
  EXPECT_EQ(parse("amqp://h:1/a").path, "a");
  EXPECT_EQ(parse("amqp://h:1/%2Fa%20b").path, "/a b");
  EXPECT_EQ(parse("amqp://[::1]:99/v").host, "::1");
  EXPECT_EQ(parse("amqp://[::1]").port, 5672);
}

TEST(ParseBrokerUrl, RefusesWithoutRepeatingSecrets) {
  for (const char* bad :
       {"", "h", "http://h", "amqp://", "amqp://:1", "amqp://h:0", "amqp://h:65536", "amqp://h:x",
        "amqp://h:", "amqp://u:canary@h", "amqp://h/%2", "amqp://h/%zz", "amqp:///v"}) {
    const auto status = ParseBrokerUrl(bad, "amqp", 5672, 5671).status();
    ASSERT_FALSE(status.ok()) << bad;
    EXPECT_EQ(KindOf(status), ErrorKind::kConfig) << bad;
    EXPECT_EQ(status.message().find("canary"), std::string::npos) << status;
  }
}

}  // namespace
}  // namespace catchwater
