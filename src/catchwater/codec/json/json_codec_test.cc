#include "catchwater/codec/json/json_codec.h"

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/component/registry.h"
#include "catchwater/config/environment.h"
#include "catchwater/config/pipeline_config.h"
#include "catchwater/config/yaml_tree.h"
#include "catchwater/testing/codec_conformance.h"
#include "catchwater/testing/decode_text.h"

namespace catchwater {
namespace {

Registry MakeRegistry() {
  Registry registry;
  EXPECT_TRUE(RegisterJsonCodec(registry).ok());
  return registry;
}

TEST(JsonCodec, ExampleRuns) {
  std::ifstream file("src/catchwater/codec/json/json_codec.example.yaml");
  const std::string yaml{std::istreambuf_iterator<char>(file), {}};
  Diagnostics diagnostics;
  const ConfigNode tree =
      ParseYamlText("example.yaml", yaml, Environment::FromMap({}), diagnostics);
  const PipelineConfig pipeline = ReadPipeline(tree, diagnostics);
  ASSERT_FALSE(diagnostics.has_errors()) << Render(diagnostics, RenderOptions{});
  const auto codec = MakeRegistry().MakeCodec(pipeline.codec).ValueOrDie();
  const std::string document = R"({"header": {"station_name": "S1"}, "data": [)"
                               R"({"timestamp": "2026-01-02 04:04:05", "PM2.5": 3.5, "NO2": 20},)"
                               R"({"timestamp": "2026-07-02 05:04:05", "PM2.5": null}]})";
  const auto decoded =
      DecodePartition(*codec, MakeOptions(pipeline.columns), document).ValueOrDie();
  EXPECT_EQ(RowsAsText(*decoded.rows),
            "S1|2026-01-02 03:04:05.000000Z|3.5|20; S1|2026-07-02 03:04:05.000000Z|null|null");
  EXPECT_EQ(decoded.dead.size(), 0u);
}

TEST(JsonCodec, PathMayStandAloneInTheConfiguration) {
  Diagnostics diagnostics;
  const ConfigNode tree =
      ParseYamlText("t.yaml", "codec: {json: \"d[*]\"}", Environment::FromMap({}), diagnostics);
  const auto codec = MakeRegistry().MakeCodec(tree.At("codec")).ValueOrDie();
  const auto decoded = DecodePartition(*codec, MakeOptions({MakeColumn("n", ColumnType::kInt64)}),
                                       "{\"d\":[{\"n\":1}]}\n{\"d\":[{\"n\":2}]}\n")
                           .ValueOrDie();
  EXPECT_EQ(RowsAsText(*decoded.rows), "1; 2");
}

TEST(JsonCodec, NullTokensMeanNull) {
  JsonConfig config;
  config.null_tokens = {"-", "-999"};
  const auto codec = JsonCodec::Make(config).ValueOrDie();
  Column own = MakeColumn("b", ColumnType::kString);
  own.null_tokens = {"none"};
  const auto decoded =
      DecodePartition(*codec, MakeOptions({MakeColumn("a", ColumnType::kFloat64), own}),
                      "{\"a\":-999,\"b\":\"none\"}\n{\"a\":\"-\",\"b\":\"-\"}\n"
                      "{\"a\":\"\\u002d\",\"b\":\"no\\u006ee\"}\n{\"a\":-999,\"b\":[]}\n")
          .ValueOrDie();
  EXPECT_EQ(RowsAsText(*decoded.rows), "null|null; null|-; null|null; null|[]");
}

struct RefusedCase {
  std::string name;
  std::string path;
  std::string from;
  std::string want;
};

const std::vector<RefusedCase> kRefusedCases = {
    {"EmptyStep", "a..b", "", "a name is expected, at character and path: 3 a..b"},
    {"DotAtTheEnd", "a.", "", "a name is expected"},
    {"OpenBracket", "a[", "", "a quoted name, an index or `*`"},
    {"OpenQuote", "a['b", "", "closing quote"},
    {"NoClosingBracket", "a['b'", "", "a `]` is expected"},
    {"NegativeIndex", "a[-1]", "", "an index"},
    {"TextBehindBracket", "a[0]b", "", "a `.` or `[` is expected"},
    {"AllInAColumn", "", "a[*]", "`[*]` belongs into `path`"},
    {"AbsoluteBesideThePath", "a[*]", "$.b[*].c", "must go along `path`"},
    {"AbsoluteBelowTheRecords", "a[*]", "$.a[*].b[*]", "must go along `path`"},
};

class JsonRefusedTest : public ::testing::TestWithParam<RefusedCase> {};

TEST_P(JsonRefusedTest, SaysWhy) {
  const auto& [name, path, from, want] = GetParam();
  JsonConfig config;
  config.path = path;
  arrow::Status status = config.Check();
  if (status.ok()) {
    const auto codec = JsonCodec::Make(config).ValueOrDie();
    const DecodeOptions options = MakeOptions({MakeColumn("v", ColumnType::kString, from)});
    status = codec->MakeDecoder(options).status();
    EXPECT_EQ(codec->MakeFramer(options).status(), status);
  }
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(KindOf(status), ErrorKind::kConfig);
  EXPECT_NE(status.message().find(want), std::string::npos) << status;
}

INSTANTIATE_TEST_SUITE_P(Table, JsonRefusedTest, ::testing::ValuesIn(kRefusedCases),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace catchwater
