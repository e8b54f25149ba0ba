#include "catchwater/amqp/connection_config.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/amqp/connection.h"
#include "catchwater/amqp/errors.h"
#include "catchwater/base/error.h"

namespace catchwater {
namespace {

TEST(AmqpBrokerConfig, BecomesOptionsOfAConnection) {
  AmqpBrokerConfig config;
  config.url = "amqps://broker/fac%2Ftory";
  config.tls.ca = "tls/ca.pem";
  AmqpOptions options = config.Options("/project", "name").ValueOrDie();
  EXPECT_EQ(options.Address(), "broker:5671");
  EXPECT_EQ(options.vhost, "fac/tory");
  EXPECT_TRUE(options.has_tls);
  EXPECT_EQ(options.tls.ca, "/project/tls/ca.pem");
  EXPECT_EQ(options.tls.key, "");
  EXPECT_EQ(options.heartbeat_s, 30);
  config.url = "amqp://broker:1";
  options = config.Options("/project", "name").ValueOrDie();
  EXPECT_EQ(options.Address(), "broker:1");
  EXPECT_EQ(options.vhost, "/");
  config.url = "amqp://u:canary@broker";
  EXPECT_EQ(KindOf(config.CheckBroker()), ErrorKind::kConfig);
  EXPECT_EQ(config.CheckBroker().message().find("canary"), std::string::npos);
}

TEST(AmqpTlsConfig, WantsCertificateAndKeyTogether) {
  AmqpTlsConfig tls;
  EXPECT_TRUE(tls.Check().ok());
  tls.certificate = "a.pem";
  EXPECT_FALSE(tls.Check().ok());
  tls.key = "a.key";
  EXPECT_TRUE(tls.Check().ok());
}

AmqpOptions Somewhere() {
  AmqpOptions options;
  options.host = "broker";
  options.user = "reader";
  options.password = Secret("canary");
  return options;
}

TEST(AmqpErrors, NameTheSetting) {
  struct Case {
    int code;
    ErrorKind kind;
    std::string want;
  };
  const std::vector<Case> cases = {
      {AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED, ErrorKind::kUnavailable, "`url`"},
      {AMQP_STATUS_SOCKET_ERROR, ErrorKind::kUnavailable, "`url`"},
      {AMQP_STATUS_SSL_PEER_VERIFY_FAILED, ErrorKind::kDenied, "`tls.ca`"},
      {AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED, ErrorKind::kDenied, "host name"},
      {AMQP_STATUS_SSL_CONNECTION_FAILED, ErrorKind::kDenied, "`amqp://`"},
  };
  for (const Case& one : cases) {
    const arrow::Status status = AmqpConnectError(one.code, Somewhere());
    EXPECT_EQ(KindOf(status), one.kind) << status;
    EXPECT_NE(status.message().find(one.want), std::string::npos) << status;
    EXPECT_EQ(status.message().find("canary"), std::string::npos) << status;
  }
}

TEST(AmqpErrors, TellAPortForTls) {
  const amqp_rpc_reply_t reply{.reply_type = AMQP_RESPONSE_LIBRARY_EXCEPTION,
                               .reply = {},
                               .library_error = AMQP_STATUS_BAD_AMQP_DATA};
  const arrow::Status status = AmqpLoginError(reply, Somewhere());
  EXPECT_EQ(KindOf(status), ErrorKind::kDenied);
  EXPECT_NE(status.message().find("`amqps://`"), std::string::npos) << status;
}

TEST(AmqpConnection, SaysThatNobodyListens) {
  AmqpOptions options = Somewhere();
  options.host = "127.0.0.1";
  options.port = 1;  // Nobody has it.
  const arrow::Status status = AmqpConnection::Connect(options).status();
  EXPECT_EQ(KindOf(status), ErrorKind::kUnavailable) << status;
}

}  // namespace
}  // namespace catchwater
