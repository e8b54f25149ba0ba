#include "catchwater/avro/avro.h"

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

const std::string kSync = "0123456789abcdef";

std::string Bytes(std::initializer_list<int> values) {
  std::string bytes;
  for (const int value : values) bytes.push_back(static_cast<char>(value));
  return bytes;
}

// Vectors: Avro 1.11 specification, binary encoding of int and long.
TEST(Avro, EncodesLongsAsTheSpecSays) {
  const std::vector<std::pair<int64_t, std::string>> cases = {
      {0, Bytes({0x00})},   {-1, Bytes({0x01})},       {1, Bytes({0x02})},
      {-64, Bytes({0x7F})}, {64, Bytes({0x80, 0x01})}, {-2, Bytes({0x03})},
  };
  for (const auto& [value, bytes] : cases) {
    AvroEncoder out;
    out.Long(value);
    EXPECT_EQ(out.bytes(), bytes) << value;
  }
}

TEST(Avro, EncodesTextsAsTheSpecSays) {
  AvroEncoder out;
  out.Bytes("foo");
  EXPECT_EQ(out.bytes(), Bytes({0x06, 0x66, 0x6F, 0x6F}));
}

TEST(Avro, LongsOfAnySizeReadBack) {
  std::mt19937_64 random(7);
  std::vector<int64_t> values = {0, -1, std::numeric_limits<int64_t>::min(),
                                 std::numeric_limits<int64_t>::max()};
  for (int i = 0; i < 1000; ++i)
    values.push_back(static_cast<int64_t>(random() >> (random() % 64)));
  AvroEncoder out;
  for (const int64_t value : values) out.Long(value);
  AvroDecoder in(out.bytes());
  for (const int64_t value : values) EXPECT_EQ(in.Long(), value);
  EXPECT_TRUE(in.ok());
  EXPECT_TRUE(in.at_end());
}

TEST(Avro, ErrorsStickAndGiveZeros) {
  const auto text = Bytes({0x06, 'a'});  // Of three bytes, of which one is there.
  AvroDecoder in(text);
  EXPECT_EQ(in.Bytes(), "");
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.Fixed(1), "");
  EXPECT_FALSE(in.Bool());
}

TEST(Avro, RefusesLongsOfTooManyBytes) {
  AvroDecoder in(std::string_view("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 12));
  in.Long();
  EXPECT_FALSE(in.ok());
}

TEST(Avro, RefusesNegativeAndHugeLengths) {
  for (const int64_t length : {int64_t{-1}, int64_t{1} << 40, INT64_MIN, INT64_MAX}) {
    AvroEncoder out;
    out.Long(length);
    AvroDecoder in(out.bytes());
    EXPECT_EQ(in.Bytes(), "") << length;
    EXPECT_FALSE(in.ok()) << length;
  }
}

TEST(Avro, BlocksMayHaveANegativeCountAndASize) {
  AvroEncoder out;
  out.Long(-2);
  out.Long(2);
  out.Long(10);
  out.Long(11);
  out.Long(0);
  AvroDecoder in(out.bytes());
  ASSERT_EQ(in.BlockCount(), 2);
  EXPECT_EQ(in.Long(), 10);
  EXPECT_EQ(in.Long(), 11);
  EXPECT_EQ(in.BlockCount(), 0);
  EXPECT_TRUE(in.ok());
}

TEST(Avro, CountsBeyondTheDataAreRefused) {
  for (const int64_t count : {int64_t{1} << 50, INT64_MIN, INT64_MAX}) {
    AvroEncoder out;
    out.Long(count);
    out.Long(1);
    AvroDecoder in(out.bytes());
    EXPECT_EQ(in.BlockCount(), 0) << count;
    EXPECT_FALSE(in.ok()) << count;
  }
}

TEST(Avro, SchemaResolvesNamesAndFieldIds) {
  const auto schema = ParseAvroSchema(R"({"type":"record","name":"r","fields":[
      {"name":"a","type":{"type":"record","name":"inner","fields":[{"name":"x","type":"long"}]},
       "field-id":7},
      {"name":"b","type":["null","inner"],"default":null,"field-id":8},
      {"name":"c","type":{"type":"array","items":"inner"}}]})");
  ASSERT_TRUE(schema.ok()) << schema.status();
  ASSERT_EQ(schema->fields.size(), 3U);
  EXPECT_EQ(schema->fields[0].field_id, 7);
  EXPECT_EQ(schema->fields[1].type.children[1].fields[0].name, "x");
  EXPECT_EQ(schema->fields[2].field_id, -1);
  EXPECT_EQ(schema->fields[2].type.children[0].kind, AvroNode::Kind::kRecord);
}

TEST(Avro, RefusesSchemasThatAreWrongOrTooLarge) {
  std::string deep = "\"int\"";
  for (int i = 0; i < 100; ++i) deep = R"({"type":"array","items":)" + deep + "}";
  // Each record holds the one before twice: 2^40 types when written out.
  std::string doubling = R"({"type":"record","name":"r0","fields":[{"name":"x","type":"int"}]})";
  for (int i = 1; i < 40; ++i) {
    doubling = R"({"type":"record","name":"r)" + std::to_string(i) +
               R"(","fields":[{"name":"a","type":)" + (i < 25 ? doubling : "\"int\"") +
               R"(},{"name":"b","type":"r)" + std::to_string(i - 1) + "\"}]}";
  }
  const std::vector<std::string> schemas = {
      "",
      "{",
      "7",
      "null",
      R"("nonsense")",
      R"({"type":"record","name":"r"})",
      R"([])",
      R"({"type":"fixed","name":"f","size":-1})",
      R"({"type":"fixed","name":"f"})",
      R"({"type":"array"})",
      R"({"type":"record","name":"r","fields":[{"name":"x"}]})",
      R"([["null","int"],"long"])",
      R"({"type":"record","name":"r","fields":[{"name":"x","type":"r"}]})",
      deep,
      doubling,
  };
  for (const std::string& schema : schemas) {
    const auto parsed = ParseAvroSchema(schema);
    ASSERT_FALSE(parsed.ok()) << schema.substr(0, 80);
    EXPECT_EQ(KindOf(parsed.status()), ErrorKind::kBadData) << parsed.status();
  }
}

std::string WriteLongs(int64_t count) {
  AvroFileWriter writer(R"({"type":"record","name":"r","fields":[{"name":"x","type":"long"}]})",
                        {{"key", "value"}}, kSync);
  for (int64_t i = 0; i < count; ++i) {
    writer.record().Long(i * 1'000'003);
    writer.EndRecord();
  }
  return writer.Finish();
}

arrow::Result<std::vector<int64_t>> ReadLongs(std::string_view bytes) {
  ARROW_ASSIGN_OR_RAISE(AvroFileReader reader, AvroFileReader::Open(bytes));
  std::vector<int64_t> values;
  for (;;) {
    std::string_view block;
    ARROW_ASSIGN_OR_RAISE(const int64_t count, reader.NextBlock(block));
    if (count == 0) return values;
    AvroDecoder in(block);
    for (int64_t i = 0; i < count; ++i) values.push_back(in.Long());
    if (!in.ok()) return BadData("block");
  }
}

TEST(AvroFile, ReadsBackFilesOfNoOneAndManyBlocks) {
  for (const int64_t count : {0, 1, 1000, 200'000}) {
    const auto values = ReadLongs(WriteLongs(count));
    ASSERT_TRUE(values.ok()) << values.status();
    ASSERT_EQ(static_cast<int64_t>(values->size()), count);
    for (int64_t i = 0; i < count; ++i) ASSERT_EQ((*values)[static_cast<size_t>(i)], i * 1'000'003);
  }
}

TEST(AvroFile, KeepsHeaderMetadata) {
  const std::string bytes = WriteLongs(3);
  const auto reader = AvroFileReader::Open(bytes);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(reader->metadata().at("key"), "value");
  EXPECT_EQ(reader->metadata().at("avro.codec"), "deflate");
}

TEST(AvroFile, EveryCutIsAnErrorOrAShorterFile) {
  const std::string bytes = WriteLongs(100);
  for (size_t length = 0; length < bytes.size(); ++length) {
    const auto values = ReadLongs(std::string_view(bytes).substr(0, length));
    if (values.ok()) {
      EXPECT_TRUE(values->empty()) << length;  // Cut right after the header.
    }
  }
}

TEST(AvroFile, RefusesAnotherSyncMarkerCodecAndMagic) {
  std::string bytes = WriteLongs(10);
  std::string wrong_sync = bytes;
  wrong_sync.back() = static_cast<char>(wrong_sync.back() ^ 1);
  EXPECT_FALSE(ReadLongs(wrong_sync).ok());
  std::string wrong_codec = bytes;
  wrong_codec.replace(wrong_codec.find("deflate"), 7, "deflata");
  EXPECT_NE(ReadLongs(wrong_codec).status().message().find("codec"), std::string::npos);
  bytes[0] = 'o';
  EXPECT_FALSE(ReadLongs(bytes).ok());
}

TEST(AvroFile, FlippedBitsNeverCrash) {
  const std::string bytes = WriteLongs(50);
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (const int bit : {0, 3, 7}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      const auto values = ReadLongs(damaged);
      if (values.ok()) {
        EXPECT_LE(values->size(), 20'000U);
      }
    }
  }
}

TEST(Avro, BlocksOfEveryCodecReadBack) {
  std::string plain;
  for (int i = 0; i < 1000; ++i) plain += "record " + std::to_string(i % 7);
  std::string snapped;
  snappy::Compress(plain.data(), plain.size(), &snapped);
  const auto crc = static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(plain.data()), static_cast<uInt>(plain.size())));
  for (const int shift : {24, 16, 8, 0}) snapped.push_back(static_cast<char>(crc >> shift));
  std::string zstd(ZSTD_compressBound(plain.size()), '\0');
  zstd.resize(ZSTD_compress(zstd.data(), zstd.size(), plain.data(), plain.size(), 3));
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"null", plain}, {"snappy", snapped}, {"zstandard", zstd}};
  for (const auto& [codec, bytes] : cases) {
    SCOPED_TRACE(codec);
    std::string room;
    EXPECT_EQ(UncompressAvro(codec, bytes, plain.size(), room).ValueOr(""), plain);
    if (codec == "null") continue;
    EXPECT_FALSE(UncompressAvro(codec, bytes, plain.size() - 1, room).ok());
    EXPECT_FALSE(UncompressAvro(codec, bytes.substr(0, bytes.size() / 2), 1 << 20, room).ok());
    EXPECT_FALSE(UncompressAvro(codec, "", 1 << 20, room).ok());
  }
}

TEST(Avro, SchemasSayWhatValuesMean) {
  const auto schema = ParseAvroSchema(R"({"type": "record", "name": "a.b.R", "fields": [
    {"name": "t", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    {"name": "d", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
    {"name": "f", "type": {"type": "fixed", "name": "F", "size": 4, "logicalType": "decimal"}},
    {"name": "x", "type": {"type": "string", "logicalType": "date"}},
    {"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"]}},
    {"name": "e2", "type": "a.b.E"}, {"name": "f2", "type": "F"}]})")
                          .ValueOrDie();
  EXPECT_EQ(schema.fields[0].type.logical, AvroLogical::kTimestampMicros);
  EXPECT_EQ(schema.fields[1].type.logical, AvroLogical::kDecimal);
  EXPECT_EQ(schema.fields[1].type.scale, 2);
  EXPECT_EQ(schema.fields[2].type.logical, AvroLogical::kDecimal);
  EXPECT_EQ(schema.fields[3].type.logical, AvroLogical::kNone);
  EXPECT_EQ(schema.fields[5].type.symbols, (std::vector<std::string>{"A", "B"}));
  EXPECT_EQ(schema.fields[6].type.fixed_byte_count, 4);
  EXPECT_FALSE(ParseAvroSchema(R"({"type": "enum", "name": "E"})").ok());
}

}  // namespace
}  // namespace catchwater
