// The golden tests of test/config_errors: each `name.yaml` is a wrong pipeline, `name.expected`
// what is printed about it. CATCHWATER_REWRITE_GOLDEN=1 writes the expectations anew: read the
// diff.
//
// Lines of a case that begin with `#! set ` are `--set` flags, with `#! env ` variables.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/component/bind_pipeline.h"
#include "catchwater/config/error_codes.h"
#include "catchwater/config/overrides.h"
#include "catchwater/testing/fake_components.h"

namespace catchwater {
namespace {

const std::filesystem::path kFolder = "test/config_errors";

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> CaseNames() {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder, error)) {
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Diagnostics Diagnose(const std::string& name) {
  Diagnostics diagnostics;
  Registry registry;
  EXPECT_TRUE(testing::RegisterFakes(registry).ok());
  const std::string text = ReadText(kFolder / (name + ".yaml"));
  std::map<std::string, std::string> variables;
  std::vector<std::string> flags;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#! set ")) flags.push_back(line.substr(7));
    if (!line.starts_with("#! env ")) continue;
    const size_t equals = line.find('=');
    variables[line.substr(7, equals - 7)] = line.substr(equals + 1);
  }
  const Environment environment =
      Environment::FromMap(variables, {{"secrets/pg", "postgres://u:hidden@h/db"}});
  ConfigNode tree = ParseYamlText(name + ".yaml", text, environment, diagnostics);
  for (const std::string& flag : flags) {
    Override parsed;
    if (ParseOverride(flag, environment, diagnostics, parsed)) {
      tree = ApplyOverride(tree, parsed, 0, diagnostics);
    }
  }
  if (tree.is_missing()) return diagnostics;
  const PipelineConfig pipeline = ReadPipeline(tree, diagnostics);
  const bool is_bound = BindPipeline(pipeline, registry, diagnostics).has_value();
  EXPECT_TRUE(is_bound || diagnostics.has_errors());
  return diagnostics;
}

class ConfigErrorsTest : public ::testing::TestWithParam<std::string> {};

TEST_P(ConfigErrorsTest, AreSaidAsExpected) {
  const std::string& name = GetParam();
  const Diagnostics diagnostics = Diagnose(name);
  const std::string got = Render(diagnostics, RenderOptions{});
  const std::filesystem::path expected_path = kFolder / (name + ".expected");
  const char* rewrite = std::getenv("CATCHWATER_REWRITE_GOLDEN");
  if (rewrite != nullptr && std::string_view(rewrite) == "1") {
    std::ofstream(expected_path, std::ios::binary) << got;
  }
  EXPECT_FALSE(got.empty()) << "nothing is wrong with this case";
  EXPECT_EQ(got, ReadText(expected_path));
  EXPECT_EQ(got.find("hidden"), std::string::npos) << "a secret is shown";
}

INSTANTIATE_TEST_SUITE_P(Golden, ConfigErrorsTest, ::testing::ValuesIn(CaseNames()),
                         [](const auto& test) { return test.param; });

TEST(ConfigErrors, ThereAreManyCases) {
  ASSERT_TRUE(std::filesystem::exists(kFolder)) << "run the test from the top of the tree";
  EXPECT_GE(CaseNames().size(), 60U);
}

TEST(ConfigErrors, EveryExpectationHasItsCase) {
  const std::vector<std::string> names = CaseNames();
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    const std::string stem = entry.path().stem().string();
    EXPECT_TRUE(std::binary_search(names.begin(), names.end(), stem)) << entry.path();
  }
}

// What a reader can meet is explained, and nothing is explained that nobody can meet.
TEST(ConfigErrors, CodesInTheSourcesAreThoseOfTheTable) {
  std::vector<std::string> emitted;
  for (const char* room : {"config", "component", "pipeline"}) {
    const std::string folder = std::string("src/catchwater/") + room;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      if (entry.path().extension() != ".cc" || name.ends_with("_test.cc")) continue;
      if (name == "config_error_codes.cc") continue;
      const std::string text = ReadText(entry.path());
      for (size_t at = text.find("\"E1"); at != text.npos; at = text.find("\"E1", at + 1)) {
        if (at + 6 < text.size() && text[at + 6] == '"') emitted.push_back(text.substr(at + 1, 5));
      }
    }
  }
  std::sort(emitted.begin(), emitted.end());
  emitted.erase(std::unique(emitted.begin(), emitted.end()), emitted.end());
  std::vector<std::string> explained;
  const ErrorCodeTable table = ErrorCodeTable::WithConfigCodes();
  for (const ErrorCode& code : table.all()) explained.push_back(code.code);
  EXPECT_EQ(emitted, explained);
}

}  // namespace
}  // namespace catchwater
