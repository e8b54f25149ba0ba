#include "catchwater/component/reference.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "catchwater/config/config_reader.h"
#include "catchwater/testing/fake_components.h"

namespace catchwater {
namespace {

using Json = nlohmann::ordered_json;

class ReferenceTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(testing::RegisterFakes(registry_).ok()); }
  Registry registry_;
};

// Every "$ref" below the node.
void CollectReferences(const Json& node, std::set<std::string>& references) {
  if (node.is_object() && node.contains("$ref")) references.insert(node["$ref"]);
  if (!node.is_structured()) return;
  for (const auto& child : node) CollectReferences(child, references);
}

TEST_F(ReferenceTest, TheSchemaRefersOnlyToWhatItDefines) {
  for (const Json& schema : {PipelineJsonSchema(registry_), ProjectJsonSchema()}) {
    std::set<std::string> references;
    CollectReferences(schema, references);
    EXPECT_FALSE(references.empty());
    for (const std::string& reference : references) {
      ASSERT_TRUE(reference.starts_with("#/$defs/")) << reference;
      EXPECT_TRUE(schema["$defs"].contains(reference.substr(8))) << reference;
    }
  }
}

TEST_F(ReferenceTest, TheSchemaHasEveryComponent) {
  const Json schema = PipelineJsonSchema(registry_);
  EXPECT_EQ(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(schema["additionalProperties"], false);
  const Json& sources = schema["$defs"]["source"]["oneOf"];
  ASSERT_EQ(sources.size(), 3U);
  EXPECT_EQ(sources[0]["required"][0], "file");
  EXPECT_TRUE(sources[0]["properties"].contains("keep_raw"));
  // A component that needs no option is also a bare name.
  EXPECT_EQ(sources[2]["enum"], Json::array({"simulate"}));
  EXPECT_EQ(schema["$defs"]["step"]["oneOf"].size(), 4U);
  EXPECT_EQ(schema["$defs"]["step"]["oneOf"][3]["enum"], Json::array({"validate"}));
}

TEST_F(ReferenceTest, AKindWithoutComponentsAllowsNothing) {
  const Json schema = PipelineJsonSchema(Registry());
  EXPECT_EQ(schema["$defs"]["codec"], false);
}

TEST_F(ReferenceTest, APageHasOptionsShortFormAndSample) {
  const auto page = ReferencePage(registry_, "source", "file");
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_TRUE(page->starts_with("# source `file`\n\nReads files.\n"));
  EXPECT_NE(page->find("| `take.min_files` | whole number | `1` | 1 to 1000 |"), std::string::npos)
      << *page;
  EXPECT_NE(page->find("`file: value` is short for `file: {path: value}`"), std::string::npos);
  EXPECT_NE(page->find("  path: data/*.csv\n"), std::string::npos) << *page;
}

TEST_F(ReferenceTest, AnUnknownPageSaysWhatThereIs) {
  const auto name = ReferencePage(registry_, "codec", "xml");
  EXPECT_EQ(KindOf(name.status()), ErrorKind::kNotFound);
  EXPECT_NE(name.status().message().find("csv, json"), std::string::npos);
  EXPECT_EQ(KindOf(ReferencePage(registry_, "thing", "csv").status()), ErrorKind::kNotFound);
}

TEST_F(ReferenceTest, EverySampleIsReadByItsComponent) {
  for (const Registry::Listing& listing : registry_.List()) {
    const std::string kind(ComponentKindName(listing.kind));
    const auto sample = ComponentSample(registry_, kind, listing.info.name);
    ASSERT_TRUE(sample.ok()) << sample.status();
    Diagnostics diagnostics;
    const ConfigNode node =
        ParseYamlText("sample.yaml", *sample, Environment::FromMap({{"SECRET", "x"}}), diagnostics);
    bool is_read = false;
    if (kind == "source") is_read = registry_.ChooseSource(node, diagnostics).has_value();
    if (kind == "codec") is_read = registry_.ChooseCodec(node, diagnostics).has_value();
    if (kind == "step") is_read = registry_.ChooseStep(node, diagnostics).has_value();
    if (kind == "sink") is_read = registry_.ChooseSink(node, diagnostics).has_value();
    EXPECT_TRUE(is_read) << *sample << Render(diagnostics, {});
  }
}

TEST_F(ReferenceTest, ThereIsAPageForEverything) {
  std::vector<std::string> names;
  for (const auto& [name, text] : ReferencePages(registry_)) {
    names.push_back(name);
    EXPECT_TRUE(text.starts_with("# ")) << name;
    EXPECT_TRUE(text.ends_with("\n")) << name;
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"codec-csv.md", "codec-json.md", "components.md", "errors.md",
                                      "pipeline.md", "project.md", "sink-console.md",
                                      "sink-postgres.md", "source-file.md", "source-simulate.md",
                                      "step-enrich.md", "step-select.md", "step-validate.md"}));
}

}  // namespace
}  // namespace catchwater
