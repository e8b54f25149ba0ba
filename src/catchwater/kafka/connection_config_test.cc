#include "catchwater/kafka/connection_config.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

struct Case {
  std::string name;
  std::string brokers;
  std::vector<std::pair<std::string, std::string>> properties;
  std::string want;  ///< Part of the refusal; empty: accepted.
};

const std::vector<Case> kCases = {
    {"One", "localhost:9092", {}, ""},
    {"Several", "a:1,b:65535, c.example:9092", {}, ""},
    {"Ipv6", "[::1]:9092", {}, ""},
    {"ListedProperty", "a:1", {{"client.id", "x"}, {"fetch.min.bytes", "1"}}, ""},
    {"NoPort", "localhost", {}, "host:port"},
    {"NoHost", ":9092", {}, "host:port"},
    {"Empty", "", {}, "host:port"},
    {"EmptyItem", "a:1,", {}, "host:port"},
    {"PortZero", "a:0", {}, "host:port"},
    {"PortTooLarge", "a:65536", {}, "host:port"},
    {"PortIsWord", "a:kafka", {}, "host:port"},
    {"OwnedProperty", "a:1", {{"enable.auto.commit", "true"}}, "ledger"},
    {"OwnedSecret", "a:1", {{"sasl.password", "canary"}}, "use `sasl.password`"},
    {"Unknown", "a:1", {{"nonsense", "1"}}, "not in the list"},
    {"Misspelt", "a:1", {{"fetch.min.byte", "1"}}, "did you mean `fetch.min.bytes`"},
};

class CheckConnectionTest : public ::testing::TestWithParam<Case> {};

TEST_P(CheckConnectionTest, SaysWhatIsWrong) {
  KafkaConnection connection;
  connection.brokers = GetParam().brokers;
  connection.properties = GetParam().properties;
  const arrow::Status status = connection.CheckConnection();
  if (GetParam().want.empty()) {
    EXPECT_TRUE(status.ok()) << status;
    return;
  }
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(KindOf(status), ErrorKind::kConfig);
  EXPECT_NE(status.message().find(GetParam().want), std::string::npos) << status;
  EXPECT_EQ(status.message().find("canary"), std::string::npos) << status;
}

INSTANTIATE_TEST_SUITE_P(Table, CheckConnectionTest, ::testing::ValuesIn(kCases),
                         [](const auto& test) { return test.param.name; });

TEST(KafkaPassThroughProperties, AreSortedAndNoSecrets) {
  const auto& names = KafkaPassThroughProperties();
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  for (const std::string& name : names) {
    EXPECT_EQ(name.find("password"), name.npos) << name;
    EXPECT_FALSE(name.starts_with("sasl.")) << name;
  }
}

TEST(KafkaTlsConfig, WantsCertificateAndKeyTogether) {
  KafkaTlsConfig tls;
  EXPECT_TRUE(tls.Check().ok());
  tls.certificate_file = "a.pem";
  EXPECT_FALSE(tls.Check().ok());
  tls.key_file = "a.key";
  EXPECT_TRUE(tls.Check().ok());
}

}  // namespace
}  // namespace catchwater
