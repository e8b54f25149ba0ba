#include "catchwater/security/secret.h"

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

std::string Printed(const Secret& secret) {
  std::ostringstream out;
  out << secret;
  return out.str();
}

TEST(Secret, PrintsAsStars) {
  EXPECT_EQ(Printed(Secret("hunter2")), "***");
  EXPECT_EQ(Printed(Secret()), "");
}

TEST(Secret, IsRevealedOnDemandOnly) {
  const Secret secret("hunter2");
  EXPECT_EQ(secret.Reveal(), "hunter2");
  EXPECT_FALSE(secret.is_empty());
}

TEST(Secret, LeavesNothingBehindWhenMoved) {
  Secret from("short");
  const Secret to(std::move(from));
  EXPECT_EQ(to.Reveal(), "short");
  EXPECT_TRUE(from.is_empty());  // NOLINT(bugprone-use-after-move): the contract.
}

TEST(Secret, AssignmentReplacesAndSelfAssignmentKeeps) {
  Secret a("first"), b("second");
  a = b;
  EXPECT_EQ(a.Reveal(), "second");
  const Secret& same = a;
  a = same;
  EXPECT_EQ(a.Reveal(), "second");
  a = Secret("third");
  EXPECT_EQ(a.Reveal(), "third");
}

TEST(Secret, EqualsComparesTheText) {
  EXPECT_TRUE(Secret("a").Equals(Secret("a")));
  EXPECT_FALSE(Secret("a").Equals(Secret("b")));
  EXPECT_FALSE(Secret("a").Equals(Secret("ab")));
  EXPECT_TRUE(Secret().Equals(Secret()));
}

struct MaskCase {
  std::string name;
  std::string text;
  std::string want;
};

const std::vector<MaskCase> kMaskCases = {
    {"YamlKey", "  password: hunter2", "  password: ***"},
    {"QuotedValue", "token: 'a b, c' # why", "token: *** # why"},
    {"QuotedKey", "{\"password\": \"x\"}", "{\"password\": ***}"},
    {"KeyWithPrefix", "db_password: x", "db_password: ***"},
    {"Dashes", "api-key: x", "api-key: ***"},
    {"UpperCase", "PASSWORD=x", "PASSWORD=***"},
    {"FlowMap", "{ user: me, password: x, host: h }", "{ user: me, password: ***, host: h }"},
    {"ValueWithBlanks", "secret: two words", "secret: ***"},
    {"Connection", "host=h password=x user=u", "host=h password=*** user=u"},
    {"Url", "url: postgres://me:pass@host/db", "url: postgres://me:***@host/db"},
    {"UrlPasswordWithAt", "postgres://me:p@ss@host", "postgres://me:***@host"},
    {"UrlWithoutPassword", "mqtt://localhost:1883", "mqtt://localhost:1883"},
    {"UrlUserOnly", "mqtt://me@localhost:1883", "mqtt://me@localhost:1883"},
    {"Variable", "password: ${PG}", "password: ${PG}"},
    {"QuotedVariable", "password: \"${PG}\"", "password: \"${PG}\""},
    {"NoValue", "password:", "password:"},
    {"OtherKey", "path: tokens.csv", "path: tokens.csv"},
    {"Empty", "", ""},
};

class MaskSecretsTest : public ::testing::TestWithParam<MaskCase> {};

TEST_P(MaskSecretsTest, Masks) { EXPECT_EQ(MaskSecrets(GetParam().text), GetParam().want); }

INSTANTIATE_TEST_SUITE_P(Table, MaskSecretsTest, ::testing::ValuesIn(kMaskCases),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace catchwater
