#include "catchwater/codec/json/json_field_finder.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/codec/json/json_codec.h"
#include "catchwater/testing/decode_text.h"

namespace catchwater {
namespace {

std::string Kind(FoundKind kind) {
  switch (kind) {
    case FoundKind::kText:
      return "text";
    case FoundKind::kString:
      return "string";
    case FoundKind::kBool:
      return "bool";
    case FoundKind::kInteger:
      return "integer";
    case FoundKind::kNumber:
      return "number";
    case FoundKind::kNested:
      return "nested";
  }
  return "";
}

/// What is found, as `row name kind text; ...`.
std::string Found(const JsonConfig& config, std::vector<Column> columns, const std::string& text) {
  const auto codec = JsonCodec::Make(config).ValueOrDie();
  const DecodeOptions options = MakeOptions(std::move(columns));
  Block block;
  block.bytes = arrow::Buffer::FromString(text);
  const auto head =
      codec->MakeFramer(options).ValueOrDie()->ReadHead(text, /*is_end=*/true).ValueOrDie();
  block.bytes = arrow::SliceBuffer(block.bytes, head.byte_count);
  block.preamble = head.preamble;
  const Split split = codec->MakeDecoder(options).ValueOrDie()->Decode(block).ValueOrDie();
  const auto finder = codec->MakeFieldFinder(options).ValueOrDie();
  std::string found;
  for (const FoundField& field : finder->Find(block, split.good).ValueOrDie()) {
    if (!found.empty()) found += "; ";
    found += std::to_string(field.row) + " " + std::string(field.name) + " " + Kind(field.kind) +
             " " + std::string(field.text);
  }
  return found;
}

struct Case {
  std::string name;
  std::string path;
  std::string from;
  std::string text;
  std::string wanted;
};
class JsonFieldFinderTest : public ::testing::TestWithParam<Case> {};

TEST_P(JsonFieldFinderTest, Finds) {
  const auto& [name, path, from, text, wanted] = GetParam();
  JsonConfig config;
  config.path = path;
  EXPECT_EQ(Found(config, {MakeColumn("a", ColumnType::kInt64, from)}, text), wanted);
}

INSTANTIATE_TEST_SUITE_P(
    Corpus, JsonFieldFinderTest,
    ::testing::Values(
        Case{"Nothing", "", "", "{\"a\":1}\n{}\n", ""},
        Case{"EachKind", "", "",
             R"({"a":1,"s":"x","i":-2,"n":1.5,"e":1e3,"t":true,"f":false,"o":{"k":1},"l":[1]})",
             "0 s string x; 0 i integer -2; 0 n number 1.5; 0 e number 1e3; 0 t bool true; "
             "0 f bool false; 0 o nested {\"k\":1}; 0 l nested [1]"},
        Case{"NullIsNothing", "", "", "{\"a\":1,\"b\":null}", ""},
        Case{"ByRow", "", "", "{\"a\":1}\n{\"b\":2,\"a\":3}\n{\"b\":4}",
             "1 b integer 2; 2 b integer 4"},
        Case{"DeadRowsHaveNone", "", "", "{\"a\":\"x\",\"b\":1}\n{\"b\":2}", "0 b integer 2"},
        Case{"Escapes", "", "", R"({"\u0062":"x\ny"})", "0 b string x\ny"},
        Case{"Blanks", "", "", "{ \"b\" : 1 , \"c\" : [ 2 ] }", "0 b integer 1; 0 c nested [ 2 ]"},
        Case{"PartOfAMemberIsRead", "", "m.k", "{\"m\":{\"k\":1,\"z\":2},\"b\":3}",
             "0 b integer 3"},
        Case{"FromTheDocument", "", "$.m", "{\"m\":1,\"b\":3}", "0 b integer 3"},
        Case{"Elements", "", "", "[{\"a\":1,\"b\":2},{\"b\":3}]", "0 b integer 2; 1 b integer 3"},
        Case{"BehindAPath", "d[*].r", "", R"({"x":0,"d":[{"y":0,"r":{"a":1,"b":2}}]})",
             "0 b integer 2"},
        Case{"EnvelopeIsNotTheRecord", "d[*]", "$.x", R"({"x":0,"d":[{"b":2}]})", "0 b integer 2"}),
    [](const auto& test) { return test.param.name; });

TEST(JsonFieldFinder, NullTokensAreNothing) {
  JsonConfig config;
  config.null_tokens = {"-", "-999"};
  EXPECT_EQ(Found(config, {MakeColumn("a", ColumnType::kInt64)}, R"({"b":"-","c":-999,"d":1})"),
            "0 d integer 1");
}

}  // namespace
}  // namespace catchwater
