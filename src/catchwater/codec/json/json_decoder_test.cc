#include "catchwater/codec/json/json_decoder.h"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <arrow/array.h>
#include <gtest/gtest.h>

#include "catchwater/codec/json/json_codec.h"
#include "catchwater/testing/codec_conformance.h"
#include "catchwater/testing/decode_text.h"

namespace catchwater {
namespace {

std::unique_ptr<JsonCodec> MakeCodec(JsonConfig config) {
  return JsonCodec::Make(config).ValueOrDie();
}

/// Rows as text; dead letters as `!rule field: reason`.
std::string Decode(const JsonConfig& config, const std::vector<Column>& columns,
                   const std::string& text) {
  const auto codec = MakeCodec(config);
  const auto decoded = DecodePartition(*codec, MakeOptions(columns), text);
  if (!decoded.ok()) return decoded.status().ToString();
  std::string result = RowsAsText(*decoded->rows);
  for (const DeadLetter& letter : decoded->dead) {
    if (!result.empty()) result += "; ";
    result += "!" + letter.rule + " " + letter.field + ": " + letter.reason;
  }
  return result;
}

struct ValueCase {
  std::string name;
  Column column;
  std::string json;  // What stands behind `"v":`.
  std::string want;  // The row, or `!rule`: the dead letter's rule, and what its reason holds.
};

Column Of(ColumnType type) { return MakeColumn("v", type); }

Column Epoch(ColumnType type) {
  Column column = Of(type);
  column.format = "epoch_s";
  return column;
}

Column Required(ColumnType type) {
  Column column = Of(type);
  column.is_required = true;
  return column;
}

Column DecimalColumn() {
  Column column = Of(ColumnType::kDecimal);
  column.precision = 10;
  column.scale = 2;
  return column;
}

Column EnumColumn() {
  Column column = Of(ColumnType::kEnum);
  column.values = {"ok", "7"};
  return column;
}

const std::vector<ValueCase> kValueCases = {
    {"Int64Min", Of(ColumnType::kInt64), "-9223372036854775808", "-9223372036854775808"},
    {"Int64Max", Of(ColumnType::kInt64), "9223372036854775807", "9223372036854775807"},
    {"Int64TooLarge", Of(ColumnType::kInt64), "9223372036854775808", "!column.type range"},
    {"Int64MinusZero", Of(ColumnType::kInt64), "-0", "0"},
    {"Int64WithPoint", Of(ColumnType::kInt64), "21.0", "21"},
    {"Int64WithExponent", Of(ColumnType::kInt64), "2.1e1", "21"},
    {"Int64BeyondDouble", Of(ColumnType::kInt64), "9007199254740993.0", "9007199254740993"},
    {"Int64Fraction", Of(ColumnType::kInt64), "21.5", "!column.type 21.5"},
    {"Int64HugeExponent", Of(ColumnType::kInt64), "1e400", "!column.type 1e400"},
    {"Int64Text", Of(ColumnType::kInt64), R"("42")", "42"},
    {"Int64BadText", Of(ColumnType::kInt64), R"("12x")", "!column.type not an int64: 12x"},
    {"Int64EmptyText", Of(ColumnType::kInt64), R"("")", "!column.type"},
    {"Int64True", Of(ColumnType::kInt64), "true", "!column.type true"},
    {"Int32TooLarge", Of(ColumnType::kInt32), "2147483648", "!column.type range"},
    {"Int32Min", Of(ColumnType::kInt32), "-2147483648", "-2147483648"},
    {"Float64", Of(ColumnType::kFloat64), "0.1", "0.1"},
    {"Float64MinusZero", Of(ColumnType::kFloat64), "-0.0", "-0"},
    {"Float64Integer", Of(ColumnType::kFloat64), "7", "7"},
    {"Float64Exponent", Of(ColumnType::kFloat64), "1E+2", "100"},
    {"Float64Smallest", Of(ColumnType::kFloat64), "5e-324", "5e-324"},
    {"Float64TooLarge", Of(ColumnType::kFloat64), "1e400", "!column.type 1e400"},
    {"Float64SeventeenDigits", Of(ColumnType::kFloat64), "3.1415926535897931", "3.141592653589793"},
    {"Float64Text", Of(ColumnType::kFloat64), R"("-2.5")", "-2.5"},
    {"Float64EscapedText", Of(ColumnType::kFloat64), R"("2\u002e5")", "2.5"},
    {"Float64Array", Of(ColumnType::kFloat64), "[1]", "!json.type array"},
    {"Float32", Of(ColumnType::kFloat32), "0.1", "0.1"},
    {"Decimal", DecimalColumn(), "1.10", "1.10"},
    {"DecimalExponent", DecimalColumn(), "11e-1", "1.10"},
    {"DecimalTooFine", DecimalColumn(), "1.101", "!column.type 1.101"},
    {"StringPlain", Of(ColumnType::kString), R"("a b")", "a b"},
    {"StringEmpty", Of(ColumnType::kString), R"("")", ""},
    {"StringUnicode", Of(ColumnType::kString), R"("°C 温度")", "°C 温度"},
    {"StringNumberKeepsItsText", Of(ColumnType::kString), "1.50", "1.50"},
    {"StringBigInteger", Of(ColumnType::kString), "123456789012345678901234567890",
     "123456789012345678901234567890"},
    {"StringTrue", Of(ColumnType::kString), "true", "true"},
    {"StringObject", Of(ColumnType::kString), R"({"x": [1, {"y":2}]})", R"({"x": [1, {"y":2}]})"},
    {"StringArray", Of(ColumnType::kString), "[1, 2]", "[1, 2]"},
    {"StringNull", Of(ColumnType::kString), "null", "null"},
    {"Enum", EnumColumn(), R"("ok")", "ok"},
    {"EnumNumber", EnumColumn(), "7", "7"},
    {"EnumUnknown", EnumColumn(), R"("no")", "!column.type no"},
    {"EnumArray", EnumColumn(), "[]", "!json.type array"},
    {"BoolTrue", Of(ColumnType::kBool), "true", "true"},
    {"BoolFalse", Of(ColumnType::kBool), "false", "false"},
    {"BoolText", Of(ColumnType::kBool), R"("true")", "true"},
    {"BoolOne", Of(ColumnType::kBool), "1", "true"},
    {"BoolTwo", Of(ColumnType::kBool), "2", "!column.type 2"},
    {"BoolFraction", Of(ColumnType::kBool), "0.5", "!column.type 0.5"},
    {"Timestamp", Of(ColumnType::kTimestamp), R"("2026-01-02T03:04:05Z")",
     "2026-01-02 03:04:05.000000Z"},
    {"TimestampNumberNeedsEpoch", Of(ColumnType::kTimestamp), "20260102", "!column.type epoch"},
    {"TimestampFractionNeedsEpoch", Of(ColumnType::kTimestamp), "1.5", "!column.type epoch"},
    {"TimestampEpoch", Epoch(ColumnType::kTimestamp), "1767323045", "2026-01-02 03:04:05.000000Z"},
    {"TimestampEpochFraction", Epoch(ColumnType::kTimestamp), "1767323045.25",
     "2026-01-02 03:04:05.250000Z"},
    {"Date", Of(ColumnType::kDate), R"("2026-01-02")", "2026-01-02"},
    {"RequiredThere", Required(ColumnType::kInt64), "1", "1"},
    {"RequiredNull", Required(ColumnType::kInt64), "null", "!column.required missing"},
    {"RequiredNullBesideOdd", Required(ColumnType::kInt64), "null,\"w\":1.0",
     "!column.required missing"},
};

class JsonValueTest : public ::testing::TestWithParam<ValueCase> {};

// Each value once alone, and once in the middle of many of the usual layout.
TEST_P(JsonValueTest, Decodes) {
  const auto& [name, column, json, want] = GetParam();
  const std::string record = "{\"k\":1,\"v\":" + json + ",\"z\":\"end\"}\n";
  for (const int repeat_count : {1, 40}) {
    std::string text;
    for (int i = 0; i < repeat_count; ++i) text += record;
    const auto codec = MakeCodec({});
    const auto decoded = DecodePartition(*codec, MakeOptions({column}), text);
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    if (!want.starts_with('!')) {
      ASSERT_EQ(decoded->dead.size(), 0u) << decoded->dead.front().reason;
      ASSERT_EQ(decoded->rows->num_rows(), repeat_count);
      const auto scalar = decoded->rows->column(0)->GetScalar(repeat_count - 1).ValueOrDie();
      EXPECT_EQ(scalar->ToString(), want);
      continue;
    }
    ASSERT_EQ(decoded->dead.size(), static_cast<size_t>(repeat_count)) << Describe(*decoded);
    const DeadLetter& letter = decoded->dead.back();
    const size_t blank = want.find(' ');
    EXPECT_EQ(letter.rule, want.substr(1, blank - 1));
    if (blank != want.npos) {
      EXPECT_NE(letter.reason.find(want.substr(blank + 1)), std::string::npos) << letter.reason;
    }
    EXPECT_EQ(letter.field, "v");
    EXPECT_FALSE(letter.is_frame);
    EXPECT_EQ(letter.raw + "\n", record);
    EXPECT_EQ(decoded->dead_frame_count, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Table, JsonValueTest, ::testing::ValuesIn(kValueCases),
                         [](const auto& test) { return test.param.name; });

struct PathCase {
  std::string name;
  std::string path;
  std::string from;
  std::string text;
  std::string want;
};

const std::vector<PathCase> kPathCases = {
    {"OwnNameIsOneKey", "", "", R"({"PM2.5":1,"PM2":{"5":2}})", "1"},
    {"Dots", "", "a.b", R"({"a":{"b":"x"}})", "x"},
    {"QuotedName", "", "['PM2.5']", R"({"PM2.5":1})", "1"},
    {"DoubleQuotedName", "", "[\"it's\"]", R"({"it's":1})", "1"},
    {"EscapedQuote", "", R"(['it\'s'])", R"({"it's":1})", "1"},
    {"Index", "", "tags[1]", R"({"tags":["a","b"]})", "b"},
    {"IndexBeyond", "", "tags[2]", R"({"tags":["a","b"]})", "null"},
    {"IndexThenKey", "", "a[0].b", R"({"a":[{"b":5}]})", "5"},
    {"UnicodeName", "", "température", R"({"température":3})", "3"},
    {"KeyWithEscapes", "", "température", R"({"temp\u00e9rature":3})", "3"},
    {"ThroughAScalar", "", "a.b", R"({"a":1})", "null"},
    {"Missing", "", "a", R"({"b":1})", "null"},
    {"FirstOfEqualKeys", "", "a", R"({"a":1,"a":2})", "1"},
    {"FirstOfEqualParents", "", "a.b", R"({"a":{},"a":{"b":2}})", "null"},
    {"EmptyKey", "", "['']", R"({"":1})", "1"},
    {"WholeRecord", "", "$", R"({"x":1})", R"({"x":1})"},
    {"EachElement", "data[*]", "v", R"({"data":[{"v":1},{"v":2}]})", "1; 2"},
    {"PathWithoutStar", "a.b", "v", R"({"a":{"b":{"v":1}}})", "1"},
    {"BehindTheStar", "data[*].x", "v", R"({"data":[{"x":{"v":1}},{"x":{"v":2}}]})", "1; 2"},
    {"TwoStars", "r[*].d[*]", "v", R"({"r":[{"d":[{"v":1},{"v":2}]},{"d":[]},{"d":[{"v":3}]}]})",
     "1; 2; 3"},
    {"Envelope", "d[*]", "$.h.n", R"({"h":{"n":"S"},"d":[{},{}]})", "S; S"},
    {"EnvelopeBehind", "d[*]", "$.h.n", R"({"d":[{},{}],"h":{"n":"S"}})", "S; S"},
    {"EnvelopeOfTheMiddle", "r[*].d[*]", "$.r[*].n",
     R"({"r":[{"n":"A","d":[{},{}]},{"d":[{}],"n":"B"}]})", "A; A; B"},
    {"ScalarRecords", "[*]", "$[*]", "[1,2,3]", "1; 2; 3"},
    {"AutoArray", "", "v", R"([{"v":1},{"v":2}])", "1; 2"},
    {"AutoArrayManyLines", "", "v", "[\n {\"v\":1},\n {\"v\":2}\n]\n", "1; 2"},
    {"NullInsteadOfAnArray", "d[*]", "v", R"({"d":null})", ""},
    {"EmptyArray", "d[*]", "v", R"({"d":[]})", ""},
    {"NothingAtThePath", "d[*]", "v", R"({"error":"x"})",
     "!json.path : Document has nothing at `path`"},
    {"NoArrayAtThePath", "d[*]", "v", R"({"d":{"v":1}})",
     "!json.path : Value at `path` is no array"},
    {"NothingAtAPlainPath", "a.b", "v", R"({"a":1})",
     "!json.path : Document has nothing at `path`"},
    {"RecordIsNoObject", "d[*]", "v", R"({"d":[{"v":1},null,2]})",
     "1; !json.type : Record is no object (`path` leads to the records); "
     "!json.type : Record is no object (`path` leads to the records)"},
};

class JsonPathTest : public ::testing::TestWithParam<PathCase> {};

TEST_P(JsonPathTest, Finds) {
  const auto& [name, path, from, text, want] = GetParam();
  const Column column = MakeColumn("PM2.5", ColumnType::kString, from);
  EXPECT_EQ(Decode({.path = path}, {column}, text), want);
  EXPECT_EQ(Decode({.path = path, .format = JsonFormat::kNdjson}, {column}, text),
            name.starts_with("AutoArray") ? Decode({.format = JsonFormat::kNdjson}, {column}, text)
                                          : want);
}

INSTANTIATE_TEST_SUITE_P(Table, JsonPathTest, ::testing::ValuesIn(kPathCases),
                         [](const auto& test) { return test.param.name; });

struct FaultCase {
  std::string name;
  std::string line;
  std::string want_rule;
  std::string want_reason;  // Part of it.
};

const std::vector<FaultCase> kFaultCases = {
    {"Truncated", R"({"v":1)", "json.syntax", "ends inside a value, byte of the record: 6"},
    {"TruncatedString", R"({"v":"abc)", "json.syntax",
     "ends inside a value, byte of the record: 9"},
    {"TruncatedWord", R"({"v":tru)", "json.syntax", "ends inside a value"},
    {"UnknownWord", R"({"v":nul1})", "json.syntax", "only the words true, false and null"},
    {"NaN", R"({"v":NaN})", "json.syntax", "a value is expected, byte of the record: 5"},
    {"SingleQuotes", R"({'v':1})", "json.syntax", "a key in quotes is expected"},
    {"NoColon", R"({"v" 1})", "json.syntax", "`:` is expected"},
    {"NoComma", R"({"v":1 "w":2})", "json.syntax", "`,` or `}` is expected"},
    {"NoCommaInArray", R"({"v":[1 2]})", "json.syntax", "`,` or `]` is expected"},
    {"TrailingComma", R"({"v":1,})", "json.syntax", "a key in quotes is expected"},
    {"TrailingCommaInArray", R"({"w":[1,]})", "json.syntax", "a value is expected"},
    {"WrongBracket", R"({"w":[1}})", "json.syntax", "`,` or `]` is expected"},
    {"LeadingZero", R"({"v":01})", "json.syntax", "no JSON number"},
    {"LeadingPlus", R"({"v":+1})", "json.syntax", "a value is expected"},
    {"PointWithoutDigits", R"({"v":1.})", "json.syntax", "no JSON number"},
    {"NoDigitBeforePoint", R"({"v":.5})", "json.syntax", "a value is expected"},
    {"ExponentWithoutDigits", R"({"v":1e})", "json.syntax", "no JSON number"},
    {"MinusOnly", R"({"v":-})", "json.syntax", "no JSON number"},
    {"NumberWithLetters", R"({"v":12x})", "json.syntax", "`,` or `}` is expected"},
    {"TabInString", "{\"v\":\"a\tb\"}", "json.syntax", "control character"},
    {"UnknownEscape", R"({"v":"\x41"})", "json.syntax", "escape sequence"},
    {"BadHex", R"({"v":"\u12g4"})", "json.syntax", "escape sequence"},
    {"LoneHighSurrogate", R"({"v":"\ud83d"})", "json.syntax", "surrogate"},
    {"LoneLowSurrogate", R"({"v":"\ude00"})", "json.syntax", "surrogate"},
    {"HighThenPlain", R"({"v":"\ud83d\u0041"})", "json.syntax", "surrogate"},
    {"SurrogateInAnUnwantedKey", R"({"\ud800":1})", "json.syntax", "surrogate"},
    {"TwoValuesOneBroken", R"({"v":1} {"v":)", "json.syntax", "ends inside a value"},
    {"Garbage", "hello", "json.syntax", "a value is expected, byte of the record: 0"},
    {"NotUtf8", "{\"v\":\"\xFF\"}", "json.utf8", "byte of the record: 6"},
    {"OverlongUtf8", "{\"v\":\"\xC0\xAF\"}", "json.utf8", "byte of the record: 6"},
    {"SurrogateInUtf8", "{\"v\":\"\xED\xA0\x80\"}", "json.utf8", "byte of the record: 6"},
    {"TooDeep", std::string(65, '['), "json.depth", "byte of the record: 64"},
    {"MillionBrackets", std::string(1'000'000, '['), "json.depth", "deeper than depth_max"},
};

class JsonFaultTest : public ::testing::TestWithParam<FaultCase> {};

TEST_P(JsonFaultTest, MakesOneDeadFrameAndLosesNothingElse) {
  const auto& [name, line, want_rule, want_reason] = GetParam();
  const std::string good = "{\"v\":1}\n";
  const auto codec = MakeCodec({.format = JsonFormat::kNdjson});
  const auto decoded = DecodePartition(*codec, MakeOptions({Of(ColumnType::kInt64)}),
                                       good + good + line + "\n" + good);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(RowsAsText(*decoded->rows), "1; 1; 1");
  ASSERT_EQ(decoded->dead.size(), 1u);
  const DeadLetter& letter = decoded->dead.front();
  EXPECT_EQ(letter.rule, want_rule);
  EXPECT_NE(letter.reason.find(want_reason), std::string::npos) << letter.reason;
  EXPECT_TRUE(letter.is_frame);
  EXPECT_EQ(letter.frame_ordinal, 16u);
  EXPECT_EQ(letter.line, 3);
  EXPECT_EQ(letter.raw, line.substr(0, static_cast<size_t>(kDeadLetterRawBytesMax)));
  EXPECT_EQ(letter.raw_bytes, static_cast<int64_t>(line.size()));
  EXPECT_EQ(decoded->frame_count, 4);
  EXPECT_EQ(decoded->dead_frame_count, 1);
}

INSTANTIATE_TEST_SUITE_P(Table, JsonFaultTest, ::testing::ValuesIn(kFaultCases),
                         [](const auto& test) { return test.param.name; });

const std::vector<Column> kReading = {
    MakeColumn("ts", ColumnType::kTimestamp),
    MakeColumn("id", ColumnType::kString),
    MakeColumn("t", ColumnType::kFloat64),
    MakeColumn("n", ColumnType::kInt64),
};

TEST(JsonDecoder, ConformsOnLines) {
  const std::string text =
      "{\"ts\":\"2026-01-02T03:04:05Z\",\"id\":\"S\xC3\xA9\",\"t\":1.5,\"n\":1}\n"
      "\r\n"
      "{\"ts\":\"2026-01-02T03:04:06Z\",\"id\":\"S1\",\"t\":2.5,\"n\":2}\r\n"
      "{\"ts\":\"2026-01-02T03:04:07Z\",\"id\":\"S\\n1\",\"t\":-2.5e1,\"n\":3}\n"
      "{\"n\":4}{\"n\":\"x\"} {\"id\":\"}{\"}\n"
      "   \n"
      "broken\n"
      "{\"ts\":\"2026-13-02\",\"id\":\"S1\",\"t\":2.5,\"n\":5}\n"
      "{\"n\":6,\"id\":\"\xFF\"}\n"
      "[{\"n\":7},{\"n\":8}]\n"
      "{\"ts\":\"2026-01-02T03:04:08Z\",\"id\":\"S1\",\"t\":2.5,\"n\":9}\n";
  const auto codec = MakeCodec({});
  ExpectCodecConforms({.codec = *codec, .options = MakeOptions(kReading), .text = text});
}

TEST(JsonDecoder, ConformsOnDocumentsOverManyLines) {
  const std::string text =
      "{\n  \"n\": 1,\n  \"id\": \"a}\"\n}\n"
      "{\n  \"n\": \"x\",\n  \"t\": [\n]\n}{\"n\":2}\n"
      "{\n  \"n\": 3,,\n}\n"
      "{\n  \"n\": 4,\n  \"id\": \"\\\\\"\n}\n";
  const auto codec = MakeCodec({});
  ExpectCodecConforms({.codec = *codec, .options = MakeOptions(kReading), .text = text});
}

TEST(JsonDecoder, ConformsOnAnArrayInADocument) {
  std::vector<Column> columns = kReading;
  columns.push_back(MakeColumn("station", ColumnType::kString, "$.header.name"));
  columns.push_back(MakeColumn("lat", ColumnType::kFloat64, "$.header.lat"));
  const std::string text =
      "{\"header\": {\"name\": \"A\\u00e9\",\n \"lat\": 4.5},\n \"data\": [\n"
      "  {\"ts\":\"2026-01-02T03:04:05Z\",\"id\":\"S[1\",\"t\":1.5,\"n\":1},\n"
      "  {\"ts\":\"2026-01-02T03:04:06Z\",\"id\":\"S]1\",\"t\":1.5,\"n\":2} ,\n"
      "  {\"ts\":\"2026-01-02T03:04:06Z\",\"id\":\"S1\",\"t\":\"x\",\"n\":3},\n"
      "  7, {\"n\": 4], \"lost\n,\n"
      "  {\"ts\":\"2026-01-02T03:04:07Z\",\"id\":\"S1\",\"t\":1.5,\"n\":5}\n"
      "  ],\n \"count\": 3}\n";
  const auto codec = MakeCodec({.path = "data[*]"});
  const DecodeOptions options = MakeOptions(columns);
  ExpectCodecConforms({.codec = *codec, .options = options, .text = text});
  const auto decoded = DecodePartition(*codec, options, text);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->rows->num_rows(), 3) << Describe(*decoded);
  EXPECT_EQ(decoded->dead.size(), 4u) << Describe(*decoded);
}

TEST(JsonDecoder, BoundsRecords) {
  const std::string good = "{\"n\":1}\n";
  const std::string lines =
      good + "{\"n\":2,\"id\":\"" + std::string(200'000, 'x') + "\"}\n" + good + good;
  DecodeOptions options = MakeOptions(kReading);
  options.frame_bytes_max = 4096;
  ExpectBoundedRecords(*MakeCodec({}), options, lines);
  const std::string array =
      "[\n{\"n\":1},\n{\"n\":2,\"id\":\"" + std::string(9'000, 'x') + "\"},\n{\"n\":3}]\n";
  ExpectBoundedRecords(*MakeCodec({}), options, array, /*is_rest_lost=*/true);
}

TEST(JsonDecoder, KeepsHundredMegabytesOfOneLineOutOfMemory) {
  const std::string line = "{\"n\":1,\"id\":\"" + std::string(100 << 20, 'x') + "\"}";
  const auto codec = MakeCodec({});
  ReadSchedule megabytes;
  for (int64_t end = 1 << 20; end < static_cast<int64_t>(line.size()); end += 1 << 20) {
    megabytes.read_ends.push_back(end);
  }
  const auto decoded =
      DecodePartition(*codec, MakeOptions(kReading), line + "\n{\"n\":2}\n", megabytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->rows->num_rows(), 1);
  ASSERT_EQ(decoded->dead.size(), 1u);
  EXPECT_EQ(decoded->dead.front().raw_bytes, static_cast<int64_t>(line.size()) + 1);
  EXPECT_EQ(static_cast<int64_t>(decoded->dead.front().raw.size()), kDeadLetterRawBytesMax);
}

TEST(JsonDecoder, TellsADocumentThatIsCutOff) {
  const std::vector<Column> columns = {MakeColumn("n", ColumnType::kInt64)};
  EXPECT_EQ(Decode({}, columns, "[\n{\"n\":1},\n{\"n\":2}\n"),
            "1; 2; !json.syntax : Text is no JSON, what follows the array does not close the "
            "document, byte of the record: 0");
  EXPECT_EQ(Decode({}, columns, "[\n{\"n\":1},\n{\"n\":2"),
            "1; !json.syntax : Text is no JSON, it ends inside a value, byte of the record: 6; "
            "!json.syntax : Text is no JSON, what follows the array does not close the document, "
            "byte of the record: 0");
  EXPECT_EQ(
      Decode({.path = "d[*]", .format = JsonFormat::kDocument}, columns, "{\"d\":[{\"n\":1}]"),
      "1; !json.syntax : Text is no JSON, what follows the array does not close the "
      "document, byte of the record: 0");
}

TEST(JsonDecoder, RefusesASecondDocumentBehindAStreamedArray) {
  EXPECT_EQ(Decode({}, {MakeColumn("n", ColumnType::kInt64)}, "[\n{\"n\":1}]\n[{\"n\":2}]"),
            "1; !json.syntax : Text is no JSON, what follows the array does not close the "
            "document, byte of the record: 0");
}

TEST(JsonDecoder, TakesFramesOfABrokerAsTheyAre) {
  const auto codec = MakeCodec({});
  const auto decoder =
      codec->MakeDecoder(MakeOptions({MakeColumn("n", ColumnType::kInt64)})).ValueOrDie();
  Block block;
  const std::string text = "{\"n\":\n1}[{\"n\":2},{\"n\":3}]x{\"n\":4}\n{\"n\":5}";
  block.bytes = arrow::Buffer::FromString(text);
  block.frame_ends = {8, 25, 26, 26, static_cast<int64_t>(text.size())};
  block.frame_ordinals = {100, 101, 102, 103, 104};
  const Split split = decoder->Decode(block).ValueOrDie();
  const auto& numbers = static_cast<const arrow::Int64Array&>(*split.good.rows->column(0));
  const auto& ordinals = static_cast<const arrow::UInt64Array&>(*split.good.frame_ordinals);
  const auto& rows = static_cast<const arrow::UInt32Array&>(*split.good.row_in_frame);
  std::string places;
  for (int64_t i = 0; i < numbers.length(); ++i) {
    places += std::to_string(numbers.Value(i)) + "@" + std::to_string(ordinals.Value(i)) + ":" +
              std::to_string(rows.Value(i)) + " ";
  }
  EXPECT_EQ(places, "1@100:0 2@101:0 3@101:1 4@104:0 5@104:1 ");
  ASSERT_EQ(split.dead.size(), 2u);  // `x` and the empty frame.
  EXPECT_EQ(split.dead[0].frame_ordinal, 102u);
  EXPECT_EQ(split.dead[1].frame_ordinal, 103u);
  EXPECT_EQ(split.frame_count, 5);
  EXPECT_EQ(split.dead_frame_count, 2);
}

// The two halves look like one record of the layout that was learned.
TEST(JsonDecoder, TakesNoRecordThatGoesOnInTheNextFrame) {
  const auto codec = MakeCodec({});
  const auto decoder =
      codec->MakeDecoder(MakeOptions({MakeColumn("s", ColumnType::kString)})).ValueOrDie();
  Block block;
  std::string text;
  for (const char* frame :
       {"{\"s\":\"a\"}", "{\"s\":\"b\"}", "{\"s\":\"c", "d\"}", "{\"s\":\"e\"} ", "{\"s\":\"f\"}",
        "{\"s\":\"gggggggggggggggggggggggggggggggggggggg\"}"}) {
    text += frame;
    block.frame_ends.push_back(static_cast<int64_t>(text.size()));
    block.frame_ordinals.push_back(block.frame_ends.size());
  }
  block.bytes = arrow::Buffer::FromString(text);
  const Split split = decoder->Decode(block).ValueOrDie();
  std::string taken;
  for (int64_t row = 0; row < split.good.rows->num_rows(); ++row) {
    taken += split.good.rows->column(0)->GetScalar(row).ValueOrDie()->ToString().substr(0, 1);
  }
  EXPECT_EQ(taken, "abefg");
  ASSERT_EQ(split.dead.size(), 2u);
  EXPECT_EQ(split.dead[0].frame_ordinal, 3u);
  EXPECT_EQ(split.dead[1].frame_ordinal, 4u);
}

TEST(JsonDecoder, CarriesTheEnvelopeOfRealReadings) {
  const char* folder = std::getenv("CATCHWATER_SHARED_DATA");
  const std::filesystem::path file =
      std::filesystem::path(folder != nullptr ? folder : "../shared/data") / "airqino" /
      "283164601.json";
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    ASSERT_TRUE(std::getenv("CI") == nullptr) << "CI must have the recorded data: " << file;
    GTEST_SKIP() << "No such file (set CATCHWATER_SHARED_DATA): " << file;
  }
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const auto codec = MakeCodec({.path = "data[*]"});
  const DecodeOptions options = MakeOptions({
      MakeColumn("timestamp", ColumnType::kTimestamp),
      MakeColumn("CO", ColumnType::kFloat64),
      MakeColumn("PM2.5", ColumnType::kFloat64),
      MakeColumn("T. int.", ColumnType::kFloat64),
      MakeColumn("station_name", ColumnType::kString, "$.header.station_name"),
      MakeColumn("station_lat", ColumnType::kFloat64, "$.header.station_lat"),
  });
  ReadSchedule schedule;
  for (int64_t end = 60'000; end < static_cast<int64_t>(text.size()); end += 60'000) {
    schedule.read_ends.push_back(end);
  }
  const auto decoded = DecodePartition(*codec, options, text, schedule);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->rows->num_rows(), 8'535);
  EXPECT_EQ(decoded->dead.size(), 0u);
  EXPECT_EQ(RowsAsText(*decoded->rows->Slice(0, 1)),
            "2023-09-10 11:00:00.000000Z|0|2.9333334|407.9|SMART188|5.369345664978027");
  EXPECT_GT(decoded->block_ends.size(), 10u);
}

}  // namespace
}  // namespace catchwater
