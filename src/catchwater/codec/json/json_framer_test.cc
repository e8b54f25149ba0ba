#include "catchwater/codec/json/json_framer.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/testing/decode_text.h"

namespace catchwater {
namespace {

constexpr int64_t kFrameBytesMax = 256;

JsonFramer MakeFramer(JsonFormat format, std::string_view path, const std::string& from = "") {
  JsonOptions options{.format = format};
  options.path = ParseJsonPath(path).ValueOrDie();
  JsonPlans plans =
      JsonPlans::Make(options, {MakeColumn("n", ColumnType::kInt64, from)}).ValueOrDie();
  return JsonFramer(options, std::move(plans), kFrameBytesMax);
}

/// What ReadHead decides: "lines 0", "values 3", "elements 10", "more", or the error.
std::string Decide(JsonFramer framer, std::string_view text, bool is_end = true) {
  const auto head = framer.ReadHead(text, is_end);
  if (!head.ok()) return std::string(ErrorKindName(KindOf(head.status())));
  if (head->needs_more) return "more";
  const auto& preamble = static_cast<const JsonPreamble&>(*head->preamble);
  const char* name = preamble.framing == JsonFraming::kLines    ? "lines "
                     : preamble.framing == JsonFraming::kValues ? "values "
                                                                : "elements ";
  return name + std::to_string(head->byte_count);
}

struct HeadCase {
  std::string name;
  JsonFormat format;
  std::string path;
  std::string from;
  std::string text;
  std::string want;
};

const std::string kLongText(400, 'x');

const std::vector<HeadCase> kHeadCases = {
    {"Empty", JsonFormat::kAuto, "", "", "", "lines 0"},
    {"Lines", JsonFormat::kAuto, "", "", "{\"n\":1}\n{\"n\":2}\n", "lines 0"},
    {"Mark", JsonFormat::kAuto, "", "", "\xEF\xBB\xBF{\"n\":1}\n", "lines 3"},
    {"BlanksFirst", JsonFormat::kAuto, "", "", " \n\n{\"n\":1}\n", "lines 0"},
    {"OneValue", JsonFormat::kAuto, "", "", "{\"n\":1}", "lines 0"},
    {"Scalars", JsonFormat::kAuto, "", "", "1\n2\n", "lines 0"},
    {"TwoValuesOnALine", JsonFormat::kAuto, "", "", "{\"n\":1}{\"n\":2}", "lines 0"},
    {"ManyLinesAValue", JsonFormat::kAuto, "", "", "{\n\"n\":1\n}\n", "values 0"},
    {"OpenBraceBehindColon", JsonFormat::kAuto, "", "", "{\"a\":\n{\"n\":1}}", "values 0"},
    {"FirstLineIsBroken", JsonFormat::kAuto, "", "", "{\"n\":1,\n{\"n\":2}\n", "lines 0"},
    {"FirstStringIsBroken", JsonFormat::kAuto, "", "", "{\"n\":\"1\n{\"n\":2}\n", "lines 0"},
    {"ArrayOnOneLine", JsonFormat::kAuto, "", "", "[{\"n\":1},{\"n\":2}]", "lines 0"},
    {"ArrayOverManyLines", JsonFormat::kAuto, "", "", "[\n{\"n\":1},\n{\"n\":2}]", "elements 1"},
    {"ArrayOfArraysOverLines", JsonFormat::kAuto, "", "", "[[1],\n[2]]", "elements 1"},
    {"LongArrayOnOneLine", JsonFormat::kAuto, "", "", "[{\"n\":\"" + kLongText + "\"}]",
     "elements 1"},
    {"LongObjectOnOneLine", JsonFormat::kAuto, "", "", "{\"n\":\"" + kLongText + "\"}", "lines 0"},
    {"LinesOfDocuments", JsonFormat::kAuto, "d[*]", "", "{\"d\":[1]}\n{\"d\":[2]}\n", "lines 0"},
    {"Document", JsonFormat::kAuto, "d[*]", "", "{\n \"d\": [\n1\n]}", "elements 9"},
    {"DocumentAsTold", JsonFormat::kDocument, "d[*]", "", "{\"d\":[1]}", "elements 6"},
    {"DocumentWithoutPath", JsonFormat::kDocument, "", "", "{\"d\":[1]}", "values 0"},
    {"ArrayAsTold", JsonFormat::kArray, "", "", "[1]", "elements 1"},
    {"ArrayInsideAsTold", JsonFormat::kArray, "d", "", "{\"d\":[1]}", "elements 6"},
    {"LinesAsTold", JsonFormat::kNdjson, "", "", "{\n\"n\":1\n}\n", "lines 0"},
    {"EnvelopeBefore", JsonFormat::kDocument, "d[*]", "$.h", "{\"h\":1,\"d\":[1]}", "elements 12"},
    {"EnvelopeBehind", JsonFormat::kDocument, "d[*]", "$.h", "{\"d\":[1],\"h\":1}", "values 0"},
    {"EnvelopeNowhere", JsonFormat::kDocument, "d[*]", "$.h", "{\"d\":[1]}", "values 0"},
    {"EnvelopeTooFarBehind", JsonFormat::kDocument, "d[*]", "$.h",
     "{\"d\":[\"" + kLongText + "\"],\"h\":1}", "bad_data"},
    {"ArrayTooFarBehind", JsonFormat::kDocument, "d[*]", "",
     "{\"h\":\"" + kLongText + "\",\"d\":[1]}", "bad_data"},
    {"ArrayIsNotThere", JsonFormat::kDocument, "d[*]", "", "{\"error\":1}", "values 0"},
    {"NoArrayAtThePath", JsonFormat::kDocument, "d[*]", "", "{\"d\":1}", "values 0"},
    {"BrokenBeforeTheArray", JsonFormat::kDocument, "d[*]", "", "{\"h\":x,\"d\":[1]}", "values 0"},
    {"CutOffBehindTheBracket", JsonFormat::kDocument, "d[*]", "", "{\"d\":[ ", "values 0"},
};

class JsonHeadTest : public ::testing::TestWithParam<HeadCase> {};

TEST_P(JsonHeadTest, Decides) {
  const auto& [name, format, path, from, text, want] = GetParam();
  EXPECT_EQ(Decide(MakeFramer(format, path, from), text), want);
}

// Whatever was read at once: either more is asked for, or the answer is that of the whole.
TEST_P(JsonHeadTest, DecidesTheSameFromAnyBeginning) {
  const auto& [name, format, path, from, text, want] = GetParam();
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string got =
        Decide(MakeFramer(format, path, from), text.substr(0, i), /*is_end=*/false);
    EXPECT_TRUE(got == "more" || got == want) << got << " from " << i << " bytes";
    EXPECT_FALSE(got == "more" && static_cast<int64_t>(i) >= kFrameBytesMax) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Table, JsonHeadTest, ::testing::ValuesIn(kHeadCases),
                         [](const auto& test) { return test.param.name; });

TEST(FindJsonEnd, FindsTheEndOfAValue) {
  const auto find = [](std::string_view text, bool is_end) -> int64_t {
    const char* const end = FindJsonEnd(text.data(), text.data() + text.size(), is_end);
    return end == nullptr ? -1 : end - text.data();
  };
  EXPECT_EQ(find("{\"a\":[1,{}]} x", false), 12);
  EXPECT_EQ(find("{\"}\":\"\\\"}\"}x", false), 11);
  EXPECT_EQ(find("[[[", true), -1);
  EXPECT_EQ(find("\"a\\\\\",", false), 5);
  EXPECT_EQ(find("\"a\\", true), -1);
  EXPECT_EQ(find("12,3", false), 2);
  EXPECT_EQ(find("12", false), -1);
  EXPECT_EQ(find("12", true), 2);
  EXPECT_EQ(find("}x", false), -1);
  EXPECT_EQ(find("{\"lost quote\n}", false), 14);
  EXPECT_EQ(find("{\"0123456789abcdef\\\"0123456789abcdef\": 1}", false), 41);
}

}  // namespace
}  // namespace catchwater
