#include "catchwater/component/registry.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/testing/fake_components.h"

namespace catchwater {
namespace {

class RegistryTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(testing::RegisterFakes(registry_).ok()); }

  ConfigNode Parse(std::string_view yaml) {
    diagnostics_ = Diagnostics();
    return ParseYamlText("t.yaml", yaml, Environment::FromMap({}), diagnostics_);
  }
  std::string Said() const { return Render(diagnostics_, {}); }

  Registry registry_;
  Diagnostics diagnostics_;
};

TEST_F(RegistryTest, ANameIsAComponentWithItsDefaults) {
  const auto codec = registry_.ChooseCodec(Parse("csv"), diagnostics_);
  ASSERT_TRUE(codec) << Said();
  EXPECT_EQ(codec->name, "csv");
  EXPECT_TRUE(codec->make(NoContext{}).ok());
}

TEST_F(RegistryTest, AMapOfOneNameIsAComponentWithOptions) {
  const auto source = registry_.ChooseSource(Parse("{file: {path: a.csv}}"), diagnostics_);
  ASSERT_TRUE(source) << Said();
  EXPECT_EQ(source->config.At("path").text(), "a.csv");
}

TEST_F(RegistryTest, TheShortFormOfAComponentIsTaken) {
  EXPECT_TRUE(registry_.ChooseSource(Parse("{file: a.csv}"), diagnostics_)) << Said();
  EXPECT_TRUE(registry_.ChooseStep(Parse("{select: a > 1}"), diagnostics_)) << Said();
  EXPECT_TRUE(registry_.ChooseSink(Parse("{console: }"), diagnostics_)) << Said();
}

TEST_F(RegistryTest, MakePassesTheConfigAndMayBeCalledAgain) {
  const auto codec = registry_.ChooseCodec(Parse("{csv: {delimiter: ;}}"), diagnostics_);
  ASSERT_TRUE(codec) << Said();
  for (int i = 0; i < 2; ++i) {
    const auto made = codec->make(NoContext{});
    ASSERT_TRUE(made.ok());
    EXPECT_NE((*made)->MakeDecoder({}).status().message().find(';'), std::string::npos);
  }
}

TEST_F(RegistryTest, StepsTellTheirColumns) {
  const auto step =
      registry_.ChooseStep(Parse("{enrich: {with: a.csv, key: id, add: [x, y]}}"), diagnostics_);
  ASSERT_TRUE(step) << Said();
  EXPECT_EQ(step->columns.read, (std::vector<std::string>{"id"}));
  EXPECT_EQ(step->columns.added, (std::vector<std::string>{"x", "y"}));
  EXPECT_FALSE(step->columns.adds_unknown);
  const auto open = registry_.ChooseStep(Parse("{enrich: {with: a.csv, key: id}}"), diagnostics_);
  ASSERT_TRUE(open) << Said();
  EXPECT_TRUE(open->columns.adds_unknown);
  EXPECT_TRUE(registry_.MayAddColumns(Parse("{enrich: {}}")));
  EXPECT_FALSE(registry_.MayAddColumns(Parse("{select: a}")));
  EXPECT_TRUE(registry_.MayAddColumns(Parse("{unknown: a}")));
}

TEST_F(RegistryTest, RefusesTheSameNameOfAKindTwice) {
  const auto codec = [](testing::FakeEmptyConfig) -> arrow::Result<std::unique_ptr<Codec>> {
    return ConfigError("never made");
  };
  const auto again = registry_.AddCodec<testing::FakeEmptyConfig>({.name = "csv"}, codec);
  EXPECT_EQ(KindOf(again), ErrorKind::kAlreadyExists);
  // A source of that name is another matter.
  EXPECT_TRUE(registry_.AddCodec<testing::FakeEmptyConfig>({.name = "file"}, codec).ok());
}

TEST_F(RegistryTest, MakesACodecByName) {
  EXPECT_TRUE(registry_.MakeCodec("csv").ok());
  EXPECT_EQ(KindOf(registry_.MakeCodec("xml").status()), ErrorKind::kNotFound);
  const auto failed = registry_.MakeCodec(Parse("{csv: {delimiter: ab}}"));
  EXPECT_EQ(KindOf(failed.status()), ErrorKind::kConfig);
}

TEST_F(RegistryTest, ListsByKindAndName) {
  std::vector<std::string> names;
  for (const Registry::Listing& listing : registry_.List()) {
    names.push_back(std::string(ComponentKindName(listing.kind)) + " " + listing.info.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"source file", "source simulate", "codec csv",
                                             "codec json", "step enrich", "step select",
                                             "step validate", "sink console", "sink postgres"}));
  EXPECT_EQ(registry_.Names(ComponentKind::kSink),
            (std::vector<std::string>{"console", "postgres"}));
}

TEST_F(RegistryTest, AnEmptyRegistrySaysSo) {
  const Registry empty;
  EXPECT_FALSE(empty.ChooseCodec(Parse("csv"), diagnostics_));
  EXPECT_NE(Said().find("this program has no codec"), std::string::npos) << Said();
}

}  // namespace
}  // namespace catchwater
