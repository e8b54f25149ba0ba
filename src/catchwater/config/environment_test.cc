#include "catchwater/config/environment.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

struct Case {
  std::string name;
  std::string raw;
  std::string want;
  std::string want_code = "";  // Empty: it works.
};

const std::vector<Case> kCases = {
    {"NoVariable", "plain $ text {}", "plain $ text {}"},
    {"Variable", "${A}", "one"},
    {"InTheMiddle", "x${A}y", "xoney"},
    {"Two", "${A}${B}", "one"},
    {"SetButEmpty", "${B:default}", ""},
    {"Default", "${UNSET:default}", "default"},
    {"EmptyDefault", "${UNSET:}", ""},
    {"DefaultWithColon", "${UNSET:mqtt://host:1883}", "mqtt://host:1883"},
    {"NegativeDefault", "${UNSET:-40}", "-40"},
    {"SetWithMessage", "${A:?needed}", "one"},
    {"Escaped", "$${A}", "${A}"},
    {"EscapedThenVariable", "$${A} ${A}", "${A} one"},
    {"NeverInsideOfWhatWasPutIn", "${NESTED}", "${A}"},
    {"NeverInsideOfADefault", "${UNSET:${A}", "${A"},
    {"File", "${file:secrets/x}", "secret"},
    {"DollarAtTheEnd", "a$", "a$"},
    {"Unset", "${UNSET}", "", "E1006"},
    {"UnsetWithMessage", "${UNSET:?the port}", "", "E1006"},
    {"Empty", "${}", "", "E1007"},
    {"Blank", "${ A}", "", "E1007"},
    {"DigitFirst", "${1A}", "", "E1007"},
    {"NotClosed", "a ${A", "", "E1007"},
    {"FileMissing", "${file:nothing}", "", "E1008"},
};

class SubstituteTest : public ::testing::TestWithParam<Case> {};

TEST_P(SubstituteTest, Substitutes) {
  const Environment environment = Environment::FromMap(
      {{"A", "one"}, {"B", ""}, {"NESTED", "${A}"}}, {{"secrets/x", "secret"}});
  const Substituted got = Substitute(GetParam().raw, environment);
  if (GetParam().want_code.empty()) {
    EXPECT_FALSE(got.failure) << got.failure->message;
    EXPECT_EQ(got.text, GetParam().want);
  } else {
    ASSERT_TRUE(got.failure);
    EXPECT_EQ(got.failure->code, GetParam().want_code);
    EXPECT_FALSE(got.failure->help.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Table, SubstituteTest, ::testing::ValuesIn(kCases),
                         [](const auto& test) { return test.param.name; });

class ProcessEnvironmentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    // One folder a process: tests of this suite run beside each other.
    folder_ = std::filesystem::temp_directory_path() /
              ("catchwater_environment_test_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  arrow::Result<std::string> Read(const std::string& content) const {
    std::ofstream(folder_ / "secret", std::ios::binary) << content;
    return Environment::FromProcess(folder_.string()).file("secret");
  }

  std::filesystem::path folder_;
};

TEST_F(ProcessEnvironmentTest, ReadsAFileWithoutItsLastLineEnd) {
  EXPECT_EQ(Read("text\n").ValueOrDie(), "text");
  EXPECT_EQ(Read("text\r\n").ValueOrDie(), "text");
  EXPECT_EQ(Read("text").ValueOrDie(), "text");
  EXPECT_EQ(Read("two\nlines\n\n").ValueOrDie(), "two\nlines\n");
  EXPECT_EQ(Read("").ValueOrDie(), "");
}

TEST_F(ProcessEnvironmentTest, RefusesLargeFilesFoldersAndMissingOnes) {
  EXPECT_TRUE(Read(std::string(64 << 10, 'x')).ok());
  EXPECT_EQ(KindOf(Read(std::string((64 << 10) + 1, 'x')).status()), ErrorKind::kConfig);
  const Environment environment = Environment::FromProcess(folder_.string());
  EXPECT_EQ(KindOf(environment.file("missing").status()), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(environment.file(".").status()), ErrorKind::kNotFound);
}

TEST_F(ProcessEnvironmentTest, ReadsVariables) {
  ASSERT_EQ(setenv("CATCHWATER_TEST_VARIABLE", "x", 1), 0);
  const Environment environment = Environment::FromProcess(".");
  EXPECT_EQ(environment.variable("CATCHWATER_TEST_VARIABLE"), "x");
  ASSERT_EQ(unsetenv("CATCHWATER_TEST_VARIABLE"), 0);
  EXPECT_EQ(environment.variable("CATCHWATER_TEST_VARIABLE"), std::nullopt);
}

}  // namespace
}  // namespace catchwater
