#include "catchwater/codec/avro/avro_codec.h"

#include <memory>
#include <string>
#include <vector>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/testing/codec_conformance.h"
#include "catchwater/testing/decode_text.h"
#include "catchwater/testing/http_stub.h"

namespace catchwater {
namespace {

constexpr std::string_view kSchema = R"({"type": "record", "name": "Reading", "fields": [
  {"name": "id", "type": "long"},
  {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
  {"name": "value", "type": ["null", "double"]},
  {"name": "device", "type": {"type": "record", "name": "Device", "fields": [
    {"name": "name", "type": "string"},
    {"name": "tags", "type": {"type": "array", "items": "string"}}]}}]})";
const std::string kSync = "0123456789abcdef";

void Write(AvroEncoder& out, int64_t id, const std::string& name) {
  out.Long(id);
  out.Long(1767225600000 + id);
  out.Branch(id % 2 == 0);
  if (id % 2 == 0) out.Double(0.5 * static_cast<double>(id));
  out.Bytes(name);
  out.Long(1);
  out.Bytes("t");
  out.Long(0);
}

/// A file of blocks with as many records each.
std::string File(const std::vector<int>& record_counts, const std::string& codec = "null") {
  AvroEncoder file;
  file.Fixed(AvroHeader::kMagic);
  file.Long(2);
  file.Bytes("avro.codec");
  file.Bytes(codec);
  file.Bytes("avro.schema");
  file.Bytes(kSchema);
  file.Long(0);
  file.Fixed(kSync);
  int64_t id = 0;
  for (const int count : record_counts) {
    AvroEncoder block;
    for (int i = 0; i < count; ++i, ++id) Write(block, id, "n" + std::to_string(id));
    file.Long(count);
    file.Bytes(block.bytes());
    file.Fixed(kSync);
  }
  return file.bytes();
}

std::vector<Column> Columns() {
  return {MakeColumn("id", ColumnType::kInt64),
          MakeColumn("at", ColumnType::kTimestamp),
          MakeColumn("value", ColumnType::kFloat64),
          MakeColumn("name", ColumnType::kString, "device.name"),
          MakeColumn("tags", ColumnType::kString, "device.tags"),
          MakeColumn("missing", ColumnType::kString)};
}

std::unique_ptr<Codec> MakeCodec(const AvroConfig& config = {}) {
  return AvroCodec::Make(config).ValueOrDie();
}

std::string Told(const DecodedPartition& decoded) {
  std::string result = RowsAsText(*decoded.rows);
  for (const DeadLetter& letter : decoded.dead) {
    result += " !" + std::to_string(letter.frame_ordinal) + ":" +
              std::to_string(letter.row_in_frame) + " " + letter.rule + " " + letter.field;
  }
  return result;
}

Block Messages(const std::vector<std::string>& texts) {
  Block block;
  std::string bytes;
  for (const std::string& text : texts) {
    bytes += text;
    block.frame_ends.push_back(static_cast<int64_t>(bytes.size()));
    block.frame_ordinals.push_back(block.frame_ends.size());
  }
  block.bytes = arrow::Buffer::FromString(bytes);
  return block;
}

TEST(AvroCodec, Conforms) {
  std::string text = File({2, 1, 3, 2});
  // The sync marker behind the second block is damaged: it takes the third with it.
  size_t at = text.find(kSync);
  for (int i = 0; i < 2; ++i) at = text.find(kSync, at + 1);
  text[at] = 'x';
  const auto codec = MakeCodec();
  const CodecConformance conformance{
      .codec = *codec, .options = MakeOptions(Columns()), .text = text};
  ExpectSplitIndependence(conformance);
  ExpectFramesAccounted(conformance);
  ExpectDeadLettersHavePlaces(conformance);
}

TEST(AvroCodec, ReadsColumnsByTheWritersSchema) {
  EXPECT_EQ(Told(DecodePartition(*MakeCodec(), MakeOptions(Columns()), File({1, 2})).ValueOrDie()),
            "0|2026-01-01 00:00:00.000000Z|0|n0|[\"t\"]|null; "
            "1|2026-01-01 00:00:00.001000Z|null|n1|[\"t\"]|null; "
            "2|2026-01-01 00:00:00.002000Z|1|n2|[\"t\"]|null");
  EXPECT_EQ(Told(DecodePartition(*MakeCodec(),
                                 MakeOptions({MakeColumn("device", ColumnType::kString),
                                              MakeColumn("n", ColumnType::kString, "device.name"),
                                              MakeColumn("day", ColumnType::kDate, "at"),
                                              MakeColumn("text", ColumnType::kString, "at")}),
                                 File({1}))
                     .ValueOrDie()),
            R"({"name":"n0","tags":["t"]}|n0|2026-01-01|2026-01-01T00:00:00Z)");
}

TEST(AvroCodec, RefusesRecordsThatDoNotFitAndDamage) {
  const auto decoded =
      DecodePartition(*MakeCodec(),
                      MakeOptions({MakeColumn("n", ColumnType::kInt64, "device.name"),
                                   MakeColumn("d", ColumnType::kInt64, "device")}),
                      File({1}));
  EXPECT_TRUE(Told(*decoded).ends_with(":0 column.type n")) << Told(*decoded);
  std::string cut = File({2, 1});
  cut.resize(cut.size() - 20);
  const DecodedPartition partly =
      DecodePartition(*MakeCodec(), MakeOptions({MakeColumn("id", ColumnType::kInt64)}), cut)
          .ValueOrDie();
  EXPECT_EQ(RowsAsText(*partly.rows), "0; 1");
  ASSERT_EQ(partly.dead.size(), 1u);
  EXPECT_EQ(partly.dead[0].rule, "avro.damaged");
  EXPECT_TRUE(partly.dead[0].is_frame);
  EXPECT_FALSE(DecodePartition(*MakeCodec(), MakeOptions(Columns()), "id,at\n1,2\n").ok());
}

// Law: a letter of a file is a file of one record.
TEST(AvroCodec, KeepsRefusedRecordsSoThatTheyReadAlone) {
  const std::vector<Column> columns = {MakeColumn("id", ColumnType::kInt64),
                                       MakeColumn("v", ColumnType::kInt64, "value")};
  std::vector<Column> mended = columns;
  mended[1].type = ColumnType::kString;
  for (Column required : {columns[1]}) {
    required.is_required = true;
    const auto decoded =
        DecodePartition(*MakeCodec(), MakeOptions({columns[0], required}), File({3})).ValueOrDie();
    ASSERT_EQ(decoded.dead.size(), 1u);
    ASSERT_EQ(decoded.raws.size(), 2u);
    const auto decoder = MakeCodec()->MakeDecoder(MakeOptions(mended)).ValueOrDie();
    Block block;
    block.bytes = arrow::Buffer::FromString(decoded.dead[0].raw + "\n");
    const Split split = decoder->Decode(block).ValueOrDie();
    EXPECT_EQ(split.dead.size(), 0u);
    ASSERT_EQ(split.good.rows->num_rows(), 1);
    EXPECT_EQ(split.good.rows->column(0)->GetScalar(0).ValueOrDie()->ToString(), "1");
  }
}

TEST(AvroCodec, ReadsTimesDecimalsEnumsAndFixed) {
  const AvroConfig config{.schema = R"({"type": "record", "name": "R", "fields": [
    {"name": "day", "type": {"type": "int", "logicalType": "date"}},
    {"name": "us", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    {"name": "local", "type": {"type": "long", "logicalType": "local-timestamp-millis"}},
    {"name": "plain", "type": "long"},
    {"name": "text", "type": "string"},
    {"name": "money", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9,
                               "scale": 2}},
    {"name": "color", "type": {"type": "enum", "name": "C", "symbols": ["RED", "BLUE"]}},
    {"name": "f", "type": "float"}]})"};
  AvroEncoder out;
  out.Long(-1);
  out.Long(-1);
  out.Long(1767225600000);
  out.Long(1767225600);
  out.Bytes("2026-01-02 03:04:05+01:00");
  out.Bytes(std::string("\xFB\x1E", 2));  // -1250
  out.Long(1);
  out.Float(0.1f);
  std::vector<Column> columns = {
      MakeColumn("day", ColumnType::kDate),        MakeColumn("us", ColumnType::kTimestamp),
      MakeColumn("local", ColumnType::kTimestamp), MakeColumn("plain", ColumnType::kTimestamp),
      MakeColumn("text", ColumnType::kTimestamp),  MakeColumn("money", ColumnType::kDecimal),
      MakeColumn("color", ColumnType::kString),    MakeColumn("f", ColumnType::kString)};
  columns[2].zone = "Europe/Paris";
  columns[3].format = "epoch_s";
  columns[5].scale = 2;
  const auto decoder = MakeCodec(config)->MakeDecoder(MakeOptions(columns)).ValueOrDie();
  const Split split = decoder->Decode(Messages({out.bytes(), "x"})).ValueOrDie();
  ASSERT_EQ(split.good.rows->num_rows(), 1);
  std::string row;
  for (const auto& column : split.good.rows->columns()) {
    row += column->GetScalar(0).ValueOrDie()->ToString() + "|";
  }
  EXPECT_EQ(row,
            "1969-12-31|1969-12-31 23:59:59.999999Z|2025-12-31 23:00:00.000000Z|"
            "2026-01-01 00:00:00.000000Z|2026-01-02 02:04:05.000000Z|-12.50|BLUE|0.1|");
  ASSERT_EQ(split.dead.size(), 1u);
  EXPECT_EQ(split.dead[0].rule, "avro.damaged");
}

TEST(AvroCodec, AsksTheRegistryOnceForASchema) {
  HttpStub stub([](const StubRequest& request) -> StubReply {
    if (request.target != "/schemas/ids/7") return {.status = 404};
    return {.status = 200,
            .body = R"({"schema": "{\"type\": \"record\", \"name\": \"R\", )"
                    R"(\"fields\": [{\"name\": \"id\", \"type\": \"long\"}]}"})"};
  });
  const auto codec = MakeCodec({.registry = stub.url()});
  const auto decoder =
      codec->MakeDecoder(MakeOptions({MakeColumn("id", ColumnType::kInt64)})).ValueOrDie();
  const std::string head("\0\0\0\0\x07", 5);
  const Split split =
      decoder
          ->Decode(Messages({head + "\x06", head + "\x08", std::string("\0\0\0\0\x08\x02", 6),
                             "\x02", head.substr(0, 3), head + "\x06\x06"}))
          .ValueOrDie();
  EXPECT_EQ(split.good.rows->num_rows(), 2);
  std::string rules;
  for (const DeadLetter& letter : split.dead) rules += letter.rule + " ";
  EXPECT_EQ(rules, "avro.schema avro.magic avro.magic avro.damaged ");
  EXPECT_EQ(stub.requests().size(), 2u);
}

TEST(AvroCodec, RefusesSettingsThatMakeNoSense) {
  for (const AvroConfig& config :
       {AvroConfig{.registry = "localhost:8081"}, AvroConfig{.registry = "http://h/"},
        AvroConfig{.registry = "http://h", .schema = "\"long\""}, AvroConfig{.schema = "long"},
        AvroConfig{.registry_user = "me"}}) {
    EXPECT_EQ(KindOf(config.Check()), ErrorKind::kConfig);
  }
  EXPECT_EQ(KindOf(MakeCodec()->MakeEncoder(arrow::schema({})).status()), ErrorKind::kConfig);
}

}  // namespace
}  // namespace catchwater
