#include "catchwater/codec/csv/csv_codec.h"

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/random.h"
#include "catchwater/testing/codec_conformance.h"
#include "catchwater/testing/csv_text.h"

namespace catchwater {
namespace {

std::vector<Column> SensorColumns() {
  std::vector<Column> columns{MakeColumn("ts", ColumnType::kTimestamp),
                              MakeColumn("sensor", ColumnType::kString),
                              MakeColumn("value", ColumnType::kFloat64)};
  columns[1].is_required = true;
  return columns;
}

constexpr std::string_view kGoodAndBad =
    "ts,sensor,value\n"
    "2026-01-02 03:04:05,S1,1.5\n"
    "\n"
    "2026-01-02 03:04:05,\"S,2\",2.5\n"
    "2026-01-02 03:04:05,\"two\nlines\",NA\r\n"
    "2026-01-02 03:04:05,\"a \"\"quote\"\"\",3\n"
    "soon,S3,3.5\n"
    "2026-01-02 03:04:05,S4\n"
    "2026-01-02 03:04:05,S4,1,2\n"
    "2026-01-02 03:04:05,,9\n"
    "2026-01-02 03:04:05,S\"5,4.5\n"
    "2026-01-02 03:04:05,\"S5\"x,4.5\n"
    "\r\n"
    "2026-01-02 03:04:05,21 °C,5.5\n"
    "2026-01-02 03:04:05,\xFF,x\n"
    "2026-01-02 03:04:05,S6,6.5\n";

TEST(CsvCodec, Conforms) {
  const auto codec = MakeCsv().ValueOrDie();
  ExpectCodecConforms(
      {.codec = *codec, .options = MakeOptions(SensorColumns()), .text = std::string(kGoodAndBad)});
}

TEST(CsvCodec, ConformsWithOtherSettings) {
  struct Setting {
    std::string yaml;
    std::string text;
  };
  const std::string header = "ts;sensor;value\n";
  const std::string rows =
      "2026-01-02 03:04:05;'S;1';1\n# '\n 2026-01-02 03:04:05 ; S2 ;2\n#\nx;y;z;w\n"
      "2026-01-02 03:04:05;'two\nlines';3\n2026-01-02 03:04:05;S'4;4\n2026-01-02;S5;5\n";
  for (const Setting& setting : {
           Setting{"csv: {delimiter: ';', quote: \"'\", comment: '#', trim: true}", header + rows},
           Setting{"csv: {delimiter: ';', quote: none, skip_rows: 1}", "junk\n" + header + rows},
           Setting{"csv: {delimiter: ';', quote: \"'\", header: false}", rows},
           Setting{"csv: {delimiter: ';', quote: \"'\", missing: fill_null, extra: ignore}",
                   header + rows},
       }) {
    SCOPED_TRACE(setting.yaml);
    const auto codec = MakeCsv(setting.yaml).ValueOrDie();
    ExpectCodecConforms(
        {.codec = *codec, .options = MakeOptions(SensorColumns()), .text = setting.text});
  }
}

// The recovery from a quote that is never closed happens at the end only, wherever reads end.
TEST(CsvCodec, ConformsWhenAQuoteIsNeverClosed) {
  const auto codec = MakeCsv().ValueOrDie();
  for (const std::string_view end : {"x,\"never closed,1\n2026-01-02,S7,7\n2026-01-03,\"S8\",8\n",
                                     "x,\"never\ny,\"\",z\n2026-01-03,\"S8\n2026-01-03,S9,9\n"}) {
    ExpectCodecConforms({.codec = *codec,
                         .options = MakeOptions(SensorColumns()),
                         .text = std::string(kGoodAndBad) + std::string(end)});
  }
}

// Law: whatever the text, any cut into reads gives the same rows and dead letters.
TEST(CsvCodec, IsSplitIndependentOnRandomText) {
  Random random(51);
  const auto codec = MakeCsv("csv: {header: false}").ValueOrDie();
  const DecodeOptions options =
      MakeOptions({MakeColumn("a", ColumnType::kString), MakeColumn("b", ColumnType::kString)});
  constexpr std::string_view kBytes = "aa,\"\"\n\n\r";
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (uint64_t i = random.Below(120); i > 0; --i) text += kBytes[random.Below(kBytes.size())];
    const std::string whole = Describe(DecodePartition(*codec, options, text).ValueOrDie());
    for (const int64_t read_bytes : {1, 3, 17}) {
      ReadSchedule schedule;
      for (int64_t end = read_bytes; end < static_cast<int64_t>(text.size()); end += read_bytes) {
        schedule.read_ends.push_back(end);
      }
      const auto parts = DecodePartition(*codec, options, text, schedule).ValueOrDie();
      ASSERT_EQ(Describe(parts), whole) << "seed 51, round " << round << "\n" << text;
    }
  }
}

TEST(CsvCodec, BoundsRecords) {
  const auto codec = MakeCsv().ValueOrDie();
  DecodeOptions options = MakeOptions({MakeColumn("a", ColumnType::kString)});
  options.frame_bytes_max = 100;
  ExpectBoundedRecords(*codec, options, "a\nx\n" + std::string(500, 'y') + "\nz\n");
}

TEST(CsvCodec, RunsItsExample) {
  std::ifstream file("src/catchwater/codec/csv/csv_codec.example.yaml");
  const std::string yaml{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_EQ(DecodeCsv(yaml,
                      {MakeColumn("sensor", ColumnType::kString, "Sensor"),
                       MakeColumn("value", ColumnType::kFloat64, "#2")},
                      "# a remark\nSensor;Wert\nS1; 1.5\nS2;-\n"),
            "S1|1.5; S2|null");
}

TEST(CsvCodec, RefusesSettingsThatMakeNoSense) {
  for (const std::string_view yaml : {
           "csv: {delimiter: ''}",
           "csv: {delimiter: '::'}",
           "csv: {delimiter: 'é'}",
           "csv: {delimiter: a}",
           "csv: {delimiter: '1'}",
           "csv: {delimiter: '.'}",
           "csv: {delimiter: '\"'}",
           "csv: {quote: ','}",
           "csv: {quote: ''}",
           "csv: {comment: ','}",
           "csv: {comment: '\"'}",
           "csv: {delimiter: ' ', trim: true}",
           "csv: {skip_rows: -1}",
           "csv: {missing: perhaps}",
           "csv: {delimeter: ','}",
       }) {
    const auto codec = MakeCsv(yaml);
    ASSERT_FALSE(codec.ok()) << yaml;
    EXPECT_EQ(KindOf(codec.status()), ErrorKind::kConfig) << yaml;
  }
  EXPECT_TRUE(MakeCsv("csv: {delimiter: tab, quote: none}").ok());
}

TEST(CsvCodec, RefusesColumnsThatMakeNoSense) {
  const auto codec = MakeCsv("csv: {header: false}").ValueOrDie();
  Column timestamp = MakeColumn("ts", ColumnType::kTimestamp);
  timestamp.zone = "Mars/Base";
  EXPECT_EQ(KindOf(codec->MakeDecoder(MakeOptions({timestamp})).status()), ErrorKind::kConfig);
  EXPECT_EQ(KindOf(codec
                       ->MakeDecoder(MakeOptions({MakeColumn("a", ColumnType::kString, "#1"),
                                                  MakeColumn("b", ColumnType::kString)}))
                       .status()),
            ErrorKind::kConfig);
  for (const std::string place : {"#0", "#", "#x", "#1000001", "name"}) {
    EXPECT_FALSE(
        codec->MakeDecoder(MakeOptions({MakeColumn("a", ColumnType::kString, place)})).ok())
        << place;
  }
}

}  // namespace
}  // namespace catchwater
