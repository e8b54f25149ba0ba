#include "catchwater/mqtt/connection_config.h"

#include <gtest/gtest.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

MqttBrokerConfig Good() {
  MqttBrokerConfig config;
  config.url = "mqtts://broker:8884";
  config.user = "u";
  config.password = Secret("canary");
  config.tls.ca = "tls/ca.pem";
  return config;
}

TEST(MqttBrokerConfig, BecomesOptionsOfAConnection) {
  MqttBrokerConfig config = Good();
  MqttOptions options = config.Options("/project", "usual").ValueOrDie();
  EXPECT_EQ(options.host, "broker");
  EXPECT_EQ(options.port, 8884);
  EXPECT_TRUE(options.has_tls);
  EXPECT_EQ(options.tls.ca_path, "/project/tls/ca.pem");
  EXPECT_EQ(options.tls.key_path, "");
  EXPECT_EQ(options.client_id, "usual");
  EXPECT_FALSE(options.is_version_5);
  config.client_id = "mine";
  config.protocol = MqttProtocol::k5;
  config.tls.ca = "/etc/ca.pem";
  options = config.Options("/project", "usual").ValueOrDie();
  EXPECT_EQ(options.client_id, "mine");
  EXPECT_TRUE(options.is_version_5);
  EXPECT_EQ(options.tls.ca_path, "/etc/ca.pem");
}

TEST(MqttBrokerConfig, RefusesWithoutRepeatingSecrets) {
  MqttBrokerConfig config = Good();
  config.user = "";
  EXPECT_EQ(KindOf(config.CheckBroker()), ErrorKind::kConfig);
  config = Good();
  config.url = "mqtt://u:canary@broker";
  EXPECT_EQ(KindOf(config.CheckBroker()), ErrorKind::kConfig);
  EXPECT_EQ(config.CheckBroker().message().find("canary"), std::string::npos);
  config.url = "mqtt://broker/path";
  EXPECT_EQ(KindOf(config.CheckBroker()), ErrorKind::kConfig);
}

TEST(MqttTlsConfig, WantsCertificateAndKeyTogether) {
  MqttTlsConfig tls;
  EXPECT_TRUE(tls.Check().ok());
  tls.certificate = "a.pem";
  EXPECT_FALSE(tls.Check().ok());
  tls.key = "a.key";
  EXPECT_TRUE(tls.Check().ok());
}

}  // namespace
}  // namespace catchwater
