// The reader against a peer (simdjson's DOM), and its two routes against each other, on records
// made up from seeds.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "catchwater/base/random.h"
#include "catchwater/codec/json/json_decoder.h"
#include "catchwater/codec/json/json_reader.h"
#include "catchwater/testing/decode_text.h"

namespace catchwater {
namespace {

constexpr std::string_view kKeys[] = {"a", "b", "ts", "long key with blanks", "é", "a\\u0062", ""};

/// Makes JSON texts of any shape, and broken ones.
class JsonMaker {
 public:
  explicit JsonMaker(uint64_t seed) : random_(seed) {}

  std::string Value(int depth) {
    switch (random_.Below(depth > 0 ? 8 : 6)) {
      case 0:
        return "null";
      case 1:
        return random_.Below(2) == 0 ? "true" : "false";
      case 2:
        return std::to_string(static_cast<int64_t>(random_.Next()) >> random_.Below(64));
      case 3:
        return std::to_string(random_.Below(1000)) + "." + std::to_string(random_.Below(100000)) +
               (random_.Below(4) == 0 ? "e-" + std::to_string(random_.Below(5)) : "");
      case 4:
      case 5:
        return "\"" + Text() + "\"";
      case 6:
        return Members('[', ']', depth);
      default:
        return Members('{', '}', depth);
    }
  }

  /// Changes, drops or doubles one character.
  std::string Broken(std::string text) {
    constexpr std::string_view kOdd = "{}[]\",:\\0e-.tn \n\x01\xC3";
    const size_t at = random_.Below(text.size());
    switch (random_.Below(3)) {
      case 0:
        text[at] = kOdd[random_.Below(kOdd.size())];
        break;
      case 1:
        text.erase(at, 1);
        break;
      default:
        text.insert(at, 1, kOdd[random_.Below(kOdd.size())]);
    }
    return text;
  }

  uint64_t Below(uint64_t bound) { return random_.Below(bound); }

 private:
  std::string Text() {
    constexpr std::string_view kParts[] = {
        "x", "21", "\\n", "\\u00e9", "\\ud83d\\ude00",      "\\\"",
        "°", " ",  "{",   "]",       "0123456789abcdefghij"};
    std::string text;
    for (uint64_t i = random_.Below(5); i > 0; --i)
      text += kParts[random_.Below(std::size(kParts))];
    return text;
  }

  std::string Blank() { return random_.Below(4) == 0 ? " " : ""; }

  std::string Members(char open, char close, int depth) {
    std::string text(1, open);
    for (uint64_t i = random_.Below(6); i > 0; --i) {
      if (text.size() > 1) text += ',';
      text += Blank();
      if (open == '{') text += "\"" + std::string(kKeys[random_.Below(std::size(kKeys))]) + "\":";
      text += Blank() + Value(depth - 1) + Blank();
    }
    return text + close;
  }

  Random random_;
};

/// The field `name` of the document as text, the way the reader shows it.
std::string PeerField(simdjson::dom::element document, std::string_view name) {
  simdjson::dom::element field;
  if (document[name].get(field) != simdjson::SUCCESS) return "missing";
  std::string_view text;
  if (field.get_string().get(text) == simdjson::SUCCESS) return "text " + std::string(text);
  double number = 0;
  if (field.get_double().get(number) == simdjson::SUCCESS)
    return "number " + std::to_string(number);
  bool flag = false;
  if (field.get_bool().get(flag) == simdjson::SUCCESS) return flag ? "true" : "false";
  return field.is_null() ? "null" : simdjson::minify(field);
}

std::string ReadField(const JsonValue& value, const char* base) {
  switch (value.kind) {
    case JsonKind::kMissing:
      return "missing";
    case JsonKind::kInteger:
    case JsonKind::kNumber:
      return "number " + std::to_string(std::stod(std::string(value.view(base))));
    case JsonKind::kString:
      return "text " + std::string(value.view(base));
    case JsonKind::kEscapedString: {
      std::string text;
      UnescapeJson(value.view(base), text);
      return "text " + text;
    }
    case JsonKind::kObject:
    case JsonKind::kArray: {
      simdjson::dom::parser parser;
      return simdjson::minify(parser.parse(std::string(value.view(base))).value());
    }
    default:
      return std::string(value.view(base));
  }
}

TEST(JsonReader, AgreesWithAPeerOnWhatIsJsonAndOnFields) {
  FieldTree tree;
  for (const char* name : {"a", "ts", "é", "ab", ""}) {
    tree.Add({{.kind = JsonStep::Kind::kKey, .key = name}});
  }
  const std::vector<std::string> names = {"a", "ts", "é", "ab", ""};
  JsonReader reader(tree, 64, JsonReader::Learning::kOn);
  simdjson::dom::parser parser;
  int64_t good_count = 0;
  int64_t bad_count = 0;
  for (uint64_t seed = 0; seed < 20'000; ++seed) {
    JsonMaker maker(seed);
    std::string text = maker.Value(4);
    if (maker.Below(2) == 0) text = maker.Broken(text);
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + text);
    simdjson::dom::element document;
    const simdjson::error_code error = parser.parse(text).get(document);
    // The peer does not read what its numbers cannot hold.
    if (error == simdjson::NUMBER_ERROR && text.find_first_of("eE") != text.npos) continue;
    std::vector<JsonValue> values(static_cast<size_t>(tree.target_count()));
    const char* const end = text.data() + text.size();
    const char* const begin = SkipJsonBlanks(text.data(), end);
    const char* behind = reader.Read(text.data(), begin, end, values.data());
    const bool is_good = behind != nullptr && SkipJsonBlanks(behind, end) == end &&
                         ValidUtf8Prefix(text) == static_cast<int64_t>(text.size());
    ASSERT_EQ(is_good, error == simdjson::SUCCESS) << simdjson::error_message(error);
    (is_good ? good_count : bad_count) += 1;
    if (!is_good || !document.is_object()) continue;
    for (size_t i = 0; i < names.size(); ++i) {
      // The peer compares keys as they are written.
      if (names[i] == "ab" || text.find("a\\u0062") != text.npos) continue;
      ASSERT_EQ(ReadField(values[i], text.data()), PeerField(document, names[i])) << names[i];
    }
  }
  EXPECT_GT(good_count, 5'000);
  EXPECT_GT(bad_count, 3'000);
}

std::string DecodeWith(JsonReader::Learning learning, const std::string& text) {
  std::vector<Column> columns = {
      MakeColumn("a", ColumnType::kString), MakeColumn("b", ColumnType::kFloat64),
      MakeColumn("ts", ColumnType::kInt64), MakeColumn("c", ColumnType::kString, "é.a"),
      MakeColumn("d", ColumnType::kString, "b[1]")};
  const auto decoder = JsonDecoder::Make({}, MakeOptions(columns), learning).ValueOrDie();
  Block block;
  block.bytes = arrow::Buffer::FromString(text);
  block.line_first = 1;
  const Split split = decoder->Decode(block).ValueOrDie();
  std::string result = split.good.rows->ToString() + split.good.frame_ordinals->ToString() +
                       split.good.raw_begin->ToString() + split.good.raw_length->ToString() +
                       std::to_string(split.frame_count) + "/" +
                       std::to_string(split.dead_frame_count);
  for (const DeadLetter& letter : split.dead) {
    result += "\n" + std::to_string(letter.frame_ordinal) + ":" +
              std::to_string(letter.row_in_frame) + " " + letter.rule + letter.field +
              letter.reason + letter.raw;
  }
  return result;
}

// Few shapes that come again and again, with other values and now and then with a fault.
TEST(JsonReader, LayoutsChangeNothing) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    JsonMaker maker(seed);
    std::vector<std::string> shapes;
    for (uint64_t i = 0; i <= maker.Below(6); ++i) {
      std::string shape = maker.Value(3);
      for (int tries = 0; tries < 20 && shape.front() != '{'; ++tries) shape = maker.Value(3);
      shapes.push_back(shape);
    }
    std::string text;
    for (int i = 0; i < 120; ++i) {
      std::string line = shapes[maker.Below(shapes.size())];
      for (char& c : line) {
        if (c >= '0' && c <= '9' && maker.Below(3) == 0)
          c = static_cast<char>('0' + maker.Below(10));
      }
      if (maker.Below(10) == 0) line = maker.Broken(line);
      text += line + (maker.Below(5) == 0 ? "\r\n" : "\n");
    }
    ASSERT_EQ(DecodeWith(JsonReader::Learning::kOn, text),
              DecodeWith(JsonReader::Learning::kOff, text))
        << "seed " << seed;
  }
}

TEST(JsonReader, ReadsRecordsOfAKnownLayoutWithoutTheGeneralRoute) {
  FieldTree tree;
  const int32_t target = tree.Add({{.kind = JsonStep::Kind::kKey, .key = "v"}});
  JsonReader reader(tree, 64, JsonReader::Learning::kOn);
  const std::string padding(64, ' ');
  const std::string first = R"({"u": {"w":[1,"x"]}, "v": 1})" + padding;
  const std::string second = R"({"u": {"w":[-2e5,"\n"]}, "v": "text"})" + padding;
  const std::string other = R"({"u": {"w":[1]}, "v": 1})" + padding;
  JsonValue values[1];
  EXPECT_EQ(reader.ReadUsual(first.data(), first.data(), first.data() + first.size(), values),
            nullptr);
  ASSERT_NE(reader.Read(first.data(), first.data(), first.data() + first.size(), values), nullptr);
  const char* const behind =
      reader.ReadUsual(second.data(), second.data(), second.data() + second.size(), values);
  ASSERT_EQ(behind, second.data() + second.size() - padding.size());
  EXPECT_EQ(values[target].kind, JsonKind::kString);
  EXPECT_EQ(values[target].view(second.data()), "text");
  EXPECT_EQ(reader.ReadUsual(other.data(), other.data(), other.data() + other.size(), values),
            nullptr);
  // Too near to the end to be compared in whole words.
  EXPECT_EQ(reader.ReadUsual(second.data(), second.data(), behind, values), nullptr);
}

}  // namespace
}  // namespace catchwater
