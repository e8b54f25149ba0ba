#include "catchwater/batch/column_builder.h"

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/base/random.h"

namespace catchwater {
namespace {

Column Of(ColumnType type) {
  Column column;
  column.name = "c";
  column.type = type;
  return column;
}

std::unique_ptr<ColumnBuilder> Make(const Column& column) {
  return ColumnBuilder::Make(column).ValueOrDie();
}

// The value as Arrow prints it, or "!" and the reason.
std::string One(const Column& column, std::string_view text) {
  const auto builder = Make(column);
  const bool is_read = builder->AppendText(text);
  const std::string reason = builder->reason();
  const auto array = builder->Finish().ValueOrDie();
  EXPECT_TRUE(array->ValidateFull().ok());
  EXPECT_EQ(array->length(), 1);
  EXPECT_TRUE(array->type()->Equals(*ArrowType(column)));
  EXPECT_EQ(array->IsNull(0), !is_read);
  return is_read ? array->GetScalar(0).ValueOrDie()->ToString() : "!" + reason;
}

struct Row {
  std::string_view text;
  std::string_view wanted;
};

void Check(const Column& column, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    EXPECT_EQ(One(column, row.text), row.wanted) << ColumnTypeName(column.type) << " " << row.text;
  }
}

TEST(ColumnBuilder, ReadsIntegersStrictly) {
  Check(Of(ColumnType::kInt32), {{"0", "0"},
                                 {"-2147483648", "-2147483648"},
                                 {"+2147483647", "2147483647"},
                                 {"2147483648", "!out of the range of int32: 2147483648"},
                                 {"", "!not an int32: "},
                                 {"12x", "!not an int32: 12x"}});
  Check(Of(ColumnType::kInt64),
        {{"9223372036854775807", "9223372036854775807"},
         {"9223372036854775808", "!out of the range of int64: 9223372036854775808"},
         {"12.0", "!not an int64: 12.0"},
         {" 12", "!not an int64:  12"},
         {"--1", "!not an int64: --1"},
         {"\xFF", "!not an int64: \\xFF"}});
}

TEST(ColumnBuilder, ReadsFloats) {
  Check(Of(ColumnType::kFloat64), {{"1.5", "1.5"},
                                   {"-1e3", "-1000"},
                                   {"NaN", "nan"},
                                   {"-INF", "-inf"},
                                   {"1e400", "!not a float64: 1e400"},
                                   {"1,5", "!not a float64: 1,5"},
                                   {"", "!not a float64: "}});
  Check(Of(ColumnType::kFloat32),
        {{"0.5", "0.5"}, {"16777217", "16777216"}, {"1e39", "!not a float32: 1e39"}});
}

TEST(ColumnBuilder, ReadsDecimalsExactly) {
  Column column = Of(ColumnType::kDecimal);
  column.precision = 6;
  column.scale = 2;
  Check(column,
        {{"12.3", "12.30"},
         {"-0.01", "-0.01"},
         {"9999.99", "9999.99"},
         {"1.2300000000000000000000000000000", "1.23"},
         {"1e3", "1000.00"},
         {"10000", "!not a decimal(6, 2): 10000 has more digits than the precision"},
         {"1.234", "!not a decimal(6, 2): 1.234 has more digits behind the point than the scale"},
         {"", "!not a decimal(6, 2):  is not a decimal number"}});
  column.precision = 38;
  column.scale = 20;
  Check(column, {{"123456789.123456789", "123456789.12345678900000000000"}});
}

TEST(ColumnBuilder, ReadsBools) {
  Check(Of(ColumnType::kBool), {{"true", "true"},
                                {"TRUE", "true"},
                                {"t", "true"},
                                {"1", "true"},
                                {"Yes", "true"},
                                {"false", "false"},
                                {"F", "false"},
                                {"0", "false"},
                                {"no", "false"},
                                {"2", "!not a bool: 2"},
                                {"", "!not a bool: "},
                                {"truely", "!not a bool: truely"},
                                {"tr", "!not a bool: tr"}});
}

TEST(ColumnBuilder, ReadsDates) {
  Check(Of(ColumnType::kDate),
        {{"2026-01-02", "2026-01-02"},
         {"20260102", "2026-01-02"},
         {"2026-01-02T00:00:00Z", "2026-01-02"},
         {"1969-12-31", "1969-12-31"},
         {"2026-02-30", "!not a date, the month or year has no such day: 2026-02-30"},
         {"2026-01-02 01:00", "!not a date, there is a time of day in a date: 2026-01-02 01:00"},
         {"", "!not a date, the form is not that of a date and time: "}});
  Column german = Of(ColumnType::kDate);
  german.format = "%d.%m.%Y";
  Check(german, {{"2.1.2026", "2026-01-02"}});
}

TEST(ColumnBuilder, ReadsTimestamps) {
  Check(Of(ColumnType::kTimestamp),
        {{"2026-01-02 03:04:05", "2026-01-02 03:04:05.000000Z"},
         {"2026-01-02T03:04:05.123456+01:00", "2026-01-02 02:04:05.123456Z"},
         {"2026-01-02", "2026-01-02 00:00:00.000000Z"},
         {"2026-01-02 03:04:60",
          "!not a timestamp, a leap second (:60) cannot be represented: 2026-01-02 03:04:60"},
         {"soon", "!not a timestamp, the form is not that of a date and time: soon"}});
  Column paris = Of(ColumnType::kTimestamp);
  paris.zone = "Europe/Paris";
  Check(paris, {{"2026-07-02 03:04:05", "2026-07-02 01:04:05.000000Z"},
                {"2026-10-25 02:30:00", "2026-10-25 00:30:00.000000Z"},
                {"2026-03-29 02:30:00",
                 "!not a timestamp, the local time does not exist: clocks were put forward over "
                 "it: 2026-03-29 02:30:00"}});
  Column epoch = Of(ColumnType::kTimestamp);
  epoch.format = "epoch_ms";
  Check(epoch, {{"1767323045123", "2026-01-02 03:04:05.123000Z"},
                {"x", "!not a timestamp, not a number: x"}});
}

TEST(ColumnBuilder, ReadsStringsThatAreUtf8) {
  Check(Of(ColumnType::kString), {{"", ""},
                                  {"21 °C", "21 °C"},
                                  {"\xC3(", "!not valid UTF-8: \\xC3("},
                                  {"a text that is longer than sixteen bytes, and more",
                                   "a text that is longer than sixteen bytes, and more"}});
}

TEST(ColumnBuilder, ReadsTheWordsOfAnEnum) {
  Column column = Of(ColumnType::kEnum);
  column.values = {"on", "off", "broken"};
  Check(column, {{"on", "on"},
                 {"broken", "broken"},
                 {"On", "!not one of the allowed words on, off, broken: On"},
                 {"", "!not one of the allowed words on, off, broken: "},
                 {"zzz", "!not one of the allowed words on, off, broken: zzz"}});
}

TEST(ColumnBuilder, RefusesColumnsThatMakeNoSense) {
  std::vector<Column> columns(6);
  columns[0] = Of(ColumnType::kEnum);
  columns[1] = Of(ColumnType::kDecimal);
  columns[1].precision = 39;
  columns[2] = Of(ColumnType::kDecimal);
  columns[2].scale = 20;
  columns[3] = Of(ColumnType::kTimestamp);
  columns[3].zone = "Mars/Base";
  columns[4] = Of(ColumnType::kDate);
  columns[4].format = "%H";
  columns[5] = Of(ColumnType::kEnum);
  columns[5].values = {"\xFF"};
  for (const Column& column : columns) {
    const auto builder = ColumnBuilder::Make(column);
    ASSERT_FALSE(builder.ok());
    EXPECT_EQ(KindOf(builder.status()), ErrorKind::kConfig);
    EXPECT_NE(builder.status().message().find("c"), std::string::npos);
  }
}

// Appends one native value of each kind. \return per value: what stands there, or "!" and why not
std::vector<std::string> Natives(const Column& column) {
  const auto builder = Make(column);
  std::vector<std::string> reasons;
  const auto note = [&](bool is_read) {
    reasons.push_back(is_read ? "" : "!" + builder->reason());
  };
  note(builder->AppendBool(true));
  note(builder->AppendInt64(1));
  note(builder->AppendDouble(1.5));
  const auto array = builder->Finish().ValueOrDie();
  EXPECT_TRUE(array->ValidateFull().ok());
  for (size_t i = 0; i < reasons.size(); ++i) {
    if (reasons[i].empty()) {
      reasons[i] = array->GetScalar(static_cast<int64_t>(i)).ValueOrDie()->ToString();
    }
  }
  return reasons;
}

TEST(ColumnBuilder, TakesNativeValuesOfFormatsWithTypes) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(Natives(Of(ColumnType::kBool)), (Texts{"true", "true", "!not a bool: 1.5"}));
  EXPECT_EQ(Natives(Of(ColumnType::kInt32)),
            (Texts{"!not an int32: true", "1", "!not an int32: 1.5"}));
  EXPECT_EQ(Natives(Of(ColumnType::kFloat64)), (Texts{"!not a float64: true", "1", "1.5"}));
  EXPECT_EQ(Natives(Of(ColumnType::kString)), (Texts{"true", "1", "1.5"}));
  Column decimal = Of(ColumnType::kDecimal);
  EXPECT_EQ(Natives(decimal), (Texts{"!not a decimal(18, 4): true", "1.0000", "1.5000"}));
  EXPECT_EQ(Natives(Of(ColumnType::kTimestamp)),
            (Texts{"!not a timestamp, a number needs an epoch format: true",
                   "!not a timestamp, a number needs an epoch format: 1",
                   "!not a timestamp, a number needs an epoch format: 1.5"}));
  Column epoch = Of(ColumnType::kTimestamp);
  epoch.format = "epoch_s";
  EXPECT_EQ(Natives(epoch), (Texts{"!not a timestamp of the years 1 to 9999: true",
                                   "1970-01-01 00:00:01.000000Z", "1970-01-01 00:00:01.500000Z"}));
}

TEST(ColumnBuilder, RefusesNativeNumbersOutOfRange) {
  const auto narrow = Make(Of(ColumnType::kInt32));
  EXPECT_FALSE(narrow->AppendInt64(int64_t{1} << 31));
  EXPECT_FALSE(narrow->AppendDouble(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_TRUE(narrow->AppendDouble(-3.0));
  const auto wide = Make(Of(ColumnType::kInt64));
  EXPECT_FALSE(wide->AppendDouble(0x1p63));
  EXPECT_TRUE(wide->AppendDouble(-0x1p63));
  EXPECT_FALSE(Make(Of(ColumnType::kFloat32))->AppendDouble(1e300));
  EXPECT_FALSE(Make(Of(ColumnType::kBool))->AppendInt64(2));
}

TEST(ColumnBuilder, KeepsNullsInTheirRowsAndStartsAnewAfterFinish) {
  for (const ColumnType type : {ColumnType::kBool, ColumnType::kInt64, ColumnType::kDecimal,
                                ColumnType::kString, ColumnType::kTimestamp}) {
    const auto builder = Make(Of(type));
    const std::string_view text = type == ColumnType::kTimestamp ? "2026-01-02" : "1";
    for (int round = 0; round < 2; ++round) {
      for (int64_t row = 0; row < 1000; ++row) {
        if (row % 3 == 0) {
          builder->AppendNull();
        } else {
          ASSERT_TRUE(builder->AppendText(text));
        }
      }
      ASSERT_EQ(builder->row_count(), 1000);
      const auto array = builder->Finish().ValueOrDie();
      ASSERT_TRUE(array->ValidateFull().ok());
      ASSERT_EQ(array->null_count(), 334);
      for (int64_t row = 0; row < 1000; ++row) ASSERT_EQ(array->IsNull(row), row % 3 == 0);
    }
    EXPECT_EQ(builder->Finish().ValueOrDie()->length(), 0);
  }
}

// A buffer of texts, each followed by one byte, and the run over them.
class Texts {
 public:
  Texts(const std::vector<std::string>& texts, std::vector<std::string> null_tokens)
      : nulls_(std::move(null_tokens)) {
    bytes_ = "\"";  // A place before the first begin.
    for (const std::string& text : texts) {
      begins_.push_back(static_cast<uint32_t>(bytes_.size()));
      bytes_ += text;
      ends_.push_back(static_cast<uint32_t>(bytes_.size()));
      bytes_ += ',';
    }
    bytes_.shrink_to_fit();
  }
  TextRun Run() const {
    return {.base = bytes_.data(),
            .readable_end = bytes_.data() + bytes_.size(),
            .begins = begins_.data(),
            .ends = ends_.data(),
            .row_count = static_cast<int64_t>(begins_.size()),
            .byte_count_max = static_cast<int64_t>(bytes_.size()),
            .null_tokens = &nulls_};
  }

 private:
  NullTokens nulls_;
  std::string bytes_;
  std::vector<uint32_t> begins_;
  std::vector<uint32_t> ends_;
};

// Law: a run gives what one call a row gives.
TEST(ColumnBuilder, ReadsARunAsItReadsSingleTexts) {
  const std::vector<std::string> pool{"",
                                      "NA",
                                      "\\N",
                                      "1",
                                      "0",
                                      "42",
                                      "-7",
                                      "12x",
                                      "1.5",
                                      "1e400",
                                      "true",
                                      "on",
                                      "no",
                                      "2026-01-02",
                                      "\xFF",
                                      "S017",
                                      "2026-01-02 03:04:05",
                                      "NB",
                                      "N",
                                      "9223372036854775808",
                                      "a text that is longer than sixteen bytes"};
  std::vector<Column> columns;
  for (const ColumnType type :
       {ColumnType::kBool, ColumnType::kInt32, ColumnType::kInt64, ColumnType::kFloat32,
        ColumnType::kFloat64, ColumnType::kDecimal, ColumnType::kString, ColumnType::kDate,
        ColumnType::kTimestamp, ColumnType::kEnum}) {
    columns.push_back(Of(type));
    columns.back().values = {"on", "42"};
  }
  Random random(41);
  for (const Column& column : columns) {
    const auto by_run = Make(column);
    const auto by_row = Make(column);
    for (int round = 0; round < 50; ++round) {
      std::vector<std::string> texts;
      for (uint64_t i = random.Below(40); i > 0; --i)
        texts.push_back(pool[random.Below(pool.size())]);
      const Texts run(texts, {"", "\\N", "NA"});
      std::vector<TextFailure> failures = by_run->AppendTexts(run.Run());
      size_t failure = 0;
      for (size_t row = 0; row < texts.size(); ++row) {
        const std::string& text = texts[row];
        if (text.empty() || text == "NA" || text == "\\N") {
          by_row->AppendNull();
        } else if (!by_row->AppendText(text)) {
          ASSERT_LT(failure, failures.size());
          EXPECT_EQ(failures[failure].row, static_cast<int64_t>(row));
          EXPECT_EQ(failures[failure].reason, by_row->reason());
          EXPECT_FALSE(failures[failure].is_missing);
          ++failure;
        }
      }
      EXPECT_EQ(failure, failures.size());
    }
    const auto a = by_run->Finish().ValueOrDie();
    const auto b = by_row->Finish().ValueOrDie();
    ASSERT_TRUE(a->ValidateFull().ok());
    EXPECT_TRUE(a->Equals(*b)) << ColumnTypeName(column.type);
  }
}

TEST(ColumnBuilder, TellsNullsOfRequiredColumns) {
  for (const ColumnType type : {ColumnType::kInt64, ColumnType::kString}) {
    Column column = Of(type);
    column.is_required = true;
    const auto builder = Make(column);
    const Texts run({"1", "NA", "2"}, {"NA"});
    const std::vector<TextFailure> failures = builder->AppendTexts(run.Run());
    ASSERT_EQ(failures.size(), 1u);
    EXPECT_EQ(failures[0].row, 1);
    EXPECT_TRUE(failures[0].is_missing);
  }
}

TEST(ColumnBuilder, TakesAbsentTextsAsNull) {
  for (const ColumnType type : {ColumnType::kInt64, ColumnType::kString, ColumnType::kEnum}) {
    Column column = Of(type);
    column.values = {"on"};
    const auto builder = Make(column);
    const NullTokens none;
    const std::string bytes(64, 'x');
    const uint32_t begin = 8;
    const uint32_t end = begin + TextRun::kAbsent;
    const TextRun run{.base = bytes.data(),
                      .readable_end = bytes.data() + bytes.size(),
                      .begins = &begin,
                      .ends = &end,
                      .row_count = 1,
                      .byte_count_max = 64,
                      .null_tokens = &none};
    EXPECT_TRUE(builder->AppendTexts(run).empty());
    EXPECT_TRUE(builder->Finish().ValueOrDie()->IsNull(0));
  }
}

TEST(ColumnBuilder, TakesAQuotedTokenOfAStringColumnAsText) {
  const auto builder = Make(Of(ColumnType::kString));
  const Texts texts({"NA"}, {"NA"});
  TextRun run = texts.Run();
  run.quote = '"';
  EXPECT_TRUE(builder->AppendTexts(run).empty());
  EXPECT_EQ(builder->Finish().ValueOrDie()->GetScalar(0).ValueOrDie()->ToString(), "NA");
}

TEST(NullTokens, MatchWholeTextsOnly) {
  const NullTokens tokens({"", "NA", std::string(70, 'x')});
  const auto may_match = [&](std::string_view text) {
    return tokens.MayMatch(text.data(), static_cast<uint32_t>(text.size()));
  };
  EXPECT_TRUE(tokens.Matches("") && tokens.Matches("NA") && tokens.Matches(std::string(70, 'x')));
  EXPECT_FALSE(tokens.Matches("na") || tokens.Matches("N") || tokens.Matches("NAN"));
  EXPECT_TRUE(may_match("") && may_match("NA") && may_match(std::string(70, 'x')));
  EXPECT_FALSE(may_match("42") || may_match("N") || may_match("NAN"));
}

}  // namespace
}  // namespace catchwater
