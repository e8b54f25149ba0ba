#include "catchwater/config/describe_writers.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "catchwater/config/config_reader.h"
#include "catchwater/config/error_codes.h"
#include "catchwater/config/pipeline_config.h"
#include "catchwater/config/project_config.h"

namespace catchwater {
namespace {

using Json = nlohmann::ordered_json;

struct Inner {
  static constexpr std::string_view kShortFor = "name";
  std::string name;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("name", name, "Its name.");
  }
};

struct Sample {
  std::string path;
  int32_t count = 3;
  Duration wait = Duration::Seconds(10);
  std::optional<ByteSize> size;
  Inner inner;
  std::vector<double> range = {0.5, 1};
  Secret password;
  std::vector<std::pair<std::string, Inner>> rest;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("path", path, "Where it is | was.", Example{"data/*.csv"});
    field.Optional("count", count, "How many.", Bounds{1, 9});
    field.Optional("wait", wait, "How long.", Bounds{Duration::Seconds(1), Duration::Hours(1)});
    field.Optional("size", size, "How large.");
    field.Optional("inner", inner, "What is inside.");
    field.Optional("range", range, "From and to.", Count{2, 2});
    field.Optional("password", password, "To get in.");
    field.Rest("column", rest, "More.");
  }
};

TEST(DescribeStruct, KeepsEveryFieldOnce) {
  const StructDescription description = DescribeStruct<Sample>();
  ASSERT_EQ(description.fields.size(), 8U);
  EXPECT_TRUE(description.fields[0].is_required);
  EXPECT_EQ(description.Find("count")->default_json, "3");
  EXPECT_EQ(description.Find("wait")->default_json, "\"10s\"");
  EXPECT_EQ(description.Find("size")->default_json, "");
  EXPECT_EQ(description.Find("range")->default_json, "[0.5, 1]");
  EXPECT_EQ(description.Find("password")->default_json, "");
  EXPECT_TRUE(description.Find("column")->is_rest);
  EXPECT_EQ(description.Find("inner")->type.fields->short_for, "name");
  EXPECT_EQ(description.Find("nothing"), nullptr);
}

TEST(OptionsTable, HasARowForEveryOption) {
  EXPECT_EQ(OptionsTable(DescribeStruct<Sample>()),
            "| option | type | default | bounds | meaning |\n"
            "| --- | --- | --- | --- | --- |\n"
            "| `path` | text | required |  | Where it is \\| was. |\n"
            "| `count` | whole number | `3` | 1 to 9 | How many. |\n"
            "| `wait` | duration | `\"10s\"` | 1s to 1h | How long. |\n"
            "| `size` | byte size | none |  | How large. |\n"
            "| `inner` | map of options, or text |  |  | What is inside. |\n"
            "| `inner.name` | text | required |  | Its name. |\n"
            "| `range` | list of numbers | `[0.5, 1]` | 2 items | From and to. |\n"
            "| `password` | secret | none |  | To get in. |\n"
            "| `<column>` | map of options, or text |  |  | More. |\n"
            "| `<column>.name` | text | required |  | Its name. |\n");
}

TEST(StructSchema, IsStrictAndHasBounds) {
  const Json schema = StructSchema(DescribeStruct<Sample>(), nullptr);
  EXPECT_EQ(schema["required"], Json::array({"path"}));
  const Json& count = schema["properties"]["count"];
  EXPECT_EQ(count["anyOf"][0], (Json{{"type", "integer"}, {"minimum", 1}, {"maximum", 9}}));
  EXPECT_EQ(count["default"], 3);
  EXPECT_EQ(count["description"], "How many.");
  EXPECT_EQ(schema["properties"]["range"]["minItems"], 2);
  // A struct with a short form is a map or that form.
  EXPECT_EQ(schema["properties"]["inner"]["anyOf"][1]["type"][0], "string");
  // The rest: any other key, but of the described form.
  EXPECT_TRUE(schema["additionalProperties"].is_object());
  EXPECT_EQ(StructSchema(DescribeStruct<Inner>(), nullptr)["anyOf"][0]["additionalProperties"],
            false);
}

// What we print as a sample must be read by us: Telegraf shipped samples that did not parse.
template <class Config>
void ExpectSampleIsRead() {
  const std::string yaml = SampleYaml(DescribeStruct<Config>(), 0);
  Diagnostics diagnostics;
  const ConfigNode tree =
      ParseYamlText("sample.yaml", yaml, Environment::FromMap({{"SECRET", "x"}}), diagnostics);
  Config config;
  EXPECT_TRUE(ReadConfig(tree, "sample", diagnostics, config)) << yaml << Render(diagnostics, {});
}

// The same with every commented option switched on.
template <class Config>
void ExpectWholeSampleIsRead() {
  const StructDescription description = DescribeStruct<Config>();
  std::string yaml = SampleYaml(description, 0);
  for (const FieldDescription& field : description.fields) {
    const std::string commented = "\n# " + field.name + ": ";
    if (const size_t at = yaml.find(commented); at != std::string::npos) yaml.erase(at + 1, 2);
  }
  Diagnostics diagnostics;
  const ConfigNode tree =
      ParseYamlText("sample.yaml", yaml, Environment::FromMap({{"SECRET", "x"}}), diagnostics);
  EXPECT_TRUE(tree.is_map()) << yaml << Render(diagnostics, {});
  for (const FieldDescription& field : description.fields) {
    if (field.is_rest) continue;
    EXPECT_NE(tree.Find(field.name), nullptr) << field.name << "\n" << yaml;
  }
}

TEST(SampleYaml, IsReadByTheReader) {
  ExpectSampleIsRead<Sample>();
  ExpectSampleIsRead<ProjectSettings>();
  ExpectSampleIsRead<LakeConfig>();
  ExpectSampleIsRead<StreamConfig>();
  ExpectSampleIsRead<PipelineConfig>();
  ExpectSampleIsRead<ColumnConfig>();
}

TEST(SampleYaml, IsYamlWithEveryOptionSwitchedOn) {
  ExpectWholeSampleIsRead<Sample>();
  ExpectWholeSampleIsRead<ProjectSettings>();
  ExpectWholeSampleIsRead<LakeConfig>();
  ExpectWholeSampleIsRead<StreamConfig>();
  ExpectWholeSampleIsRead<PipelineConfig>();
  ExpectWholeSampleIsRead<ColumnConfig>();
}

TEST(ErrorCodeTable, FindsACodeHoweverItIsWritten) {
  const ErrorCodeTable table = ErrorCodeTable::WithConfigCodes();
  ASSERT_NE(table.Find("E1203"), nullptr);
  EXPECT_EQ(table.Find("E1203")->title, "Unknown option");
  EXPECT_EQ(table.Find("e1203"), table.Find("E1203"));
  EXPECT_EQ(table.Find("1203"), table.Find("E1203"));
  EXPECT_EQ(table.Find("E9999"), nullptr);
  EXPECT_EQ(table.Find(""), nullptr);
}

TEST(ErrorCodeTable, TakesFurtherCodesOnceAndInOrder) {
  ErrorCodeTable table = ErrorCodeTable::WithConfigCodes();
  const size_t count_before = table.all().size();
  EXPECT_TRUE(table.Add({"E2001", "t", "e", "", "r"}).ok());
  EXPECT_TRUE(table.Add({"E0001", "t", "e", "", "r"}).ok());
  EXPECT_FALSE(table.Add({"E2001", "t", "e", "", "r"}).ok());
  EXPECT_FALSE(table.Add({"E20", "t", "e", "", "r"}).ok());
  EXPECT_FALSE(table.Add({"X2002", "t", "e", "", "r"}).ok());
  EXPECT_FALSE(table.Add({"E2003", "", "e", "", "r"}).ok());
  EXPECT_FALSE(table.Add({"E2003", "t", "e", "", ""}).ok());
  EXPECT_EQ(table.all().size(), count_before + 2);
  EXPECT_EQ(table.all().front().code, "E0001");
  EXPECT_EQ(table.all().back().code, "E2001");
}

TEST(ErrorCodesPage, HasEveryCode) {
  const ErrorCodeTable table = ErrorCodeTable::WithConfigCodes();
  const std::string page = ErrorCodesPage(table);
  for (const ErrorCode& code : table.all()) {
    EXPECT_NE(page.find("## " + code.code + ": " + code.title), std::string::npos) << code.code;
  }
}

}  // namespace
}  // namespace catchwater
