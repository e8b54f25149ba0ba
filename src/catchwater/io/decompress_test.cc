#include "catchwater/io/decompress.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include "catchwater/base/error.h"
#include "catchwater/testing/memory_files.h"

namespace catchwater {
namespace {

std::string Gzip(std::string_view text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, text.size()) + 64, '\0');
  std::string copy(text);
  stream.next_in = reinterpret_cast<Bytef*>(copy.data());
  stream.avail_in = static_cast<uInt>(copy.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string Zstd(std::string_view text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);  // As the program `zstd` does.
  packed.resize(ZSTD_compress2(context, packed.data(), packed.size(), text.data(), text.size()));
  ZSTD_freeCCtx(context);
  return packed;
}

std::string Text(int64_t byte_count) {
  std::string text;
  for (int64_t i = 0; static_cast<int64_t>(text.size()) < byte_count; ++i) {
    text += "line " + std::to_string(i * 7919 % 104'729) + "\n";
  }
  text.resize(static_cast<size_t>(byte_count));
  return text;
}

arrow::Result<std::unique_ptr<ByteReader>> OpenBytes(std::string_view bytes,
                                                     const DecompressOptions& options = {}) {
  MemoryFiles files;
  files.Put("f", bytes);
  ARROW_ASSIGN_OR_RAISE(auto file, files.OpenInput("f"));
  return ByteReader::Open(std::move(file), options);
}

// Reads to the end in portions.
arrow::Result<std::string> Unpack(std::string_view bytes, int64_t portion,
                                  const DecompressOptions& options = {}) {
  ARROW_ASSIGN_OR_RAISE(auto reader, OpenBytes(bytes, options));
  std::string all;
  for (;;) {
    std::string out(static_cast<size_t>(portion), '\0');
    ARROW_ASSIGN_OR_RAISE(const int64_t got, reader->Read(portion, out.data()));
    all.append(out, 0, static_cast<size_t>(got));
    if (got < portion) break;
  }
  EXPECT_EQ(reader->offset(), static_cast<int64_t>(all.size()));
  return all;
}

struct Case {
  std::string name;
  std::string packed;
  std::string text;
  Compression compression;
};

std::vector<Case> GoodCases() {
  const std::string text = Text(700'000);
  const std::string skippable(
      "\x51\x2a\x4d\x18\x03\x00\x00\x00"
      "abc",
      11);
  return {
      {"Plain", text, text, Compression::kNone},
      {"Empty", "", "", Compression::kNone},
      {"OneByte", "x", "x", Compression::kNone},
      {"LooksLikeGzipForTwoBytes", "\x1f\x8b", "\x1f\x8b", Compression::kNone},
      {"Gzip", Gzip(text), text, Compression::kGzip},
      {"GzipOfNothing", Gzip(""), "", Compression::kGzip},
      {"GzipMembers", Gzip("ab") + Gzip("") + Gzip(text), "ab" + text, Compression::kGzip},
      {"GzipThenZeros", Gzip("ab") + std::string(1'000, '\0'), "ab", Compression::kGzip},
      {"Zstd", Zstd(text), text, Compression::kZstd},
      {"ZstdOfNothing", Zstd(""), "", Compression::kZstd},
      {"ZstdFrames", Zstd("ab") + Zstd(text) + Zstd("c"), "ab" + text + "c", Compression::kZstd},
      {"ZstdSkippable", skippable + Zstd("ab"), "ab", Compression::kZstd},
  };
}

class ByteReaderTest : public ::testing::TestWithParam<Case> {};

TEST_P(ByteReaderTest, GivesTheTextInAnyPortions) {
  const Case& test = GetParam();
  EXPECT_EQ(OpenBytes(test.packed).ValueOrDie()->compression(), test.compression);
  for (const int64_t portion : {1'000'000, 65'536, 997}) {
    const auto got = Unpack(test.packed, portion);
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(*got, test.text) << portion;
  }
}

TEST_P(ByteReaderTest, SkipsToAnyOffset) {
  const Case& test = GetParam();
  for (const size_t offset : {size_t{0}, test.text.size() / 3, test.text.size()}) {
    auto reader = OpenBytes(test.packed).ValueOrDie();
    ASSERT_TRUE(reader->SkipTo(static_cast<int64_t>(offset)).ok());
    std::string rest(test.text.size() + 10, '\0');
    const auto got = reader->Read(static_cast<int64_t>(rest.size()), rest.data());
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(rest.substr(0, static_cast<size_t>(*got)), test.text.substr(offset));
  }
}

INSTANTIATE_TEST_SUITE_P(Table, ByteReaderTest, ::testing::ValuesIn(GoodCases()),
                         [](const auto& test) { return test.param.name; });

TEST(ByteReader, EveryTruncationIsAnErrorWithItsPlace) {
  for (const std::string& packed : {Gzip(Text(3'000)), Zstd(Text(3'000)), Gzip("a") + Gzip("bc")}) {
    const size_t first_end = packed == Gzip("a") + Gzip("bc") ? Gzip("a").size() : 0;
    for (size_t count = 5; count < packed.size(); ++count) {
      if (count == first_end) continue;  // Whole members: a good file.
      const auto got = Unpack(packed.substr(0, count), 4'096);
      ASSERT_FALSE(got.ok()) << "accepted " << count << " of " << packed.size();
      EXPECT_EQ(KindOf(got.status()), ErrorKind::kBadData);
      EXPECT_NE(got.status().message().find("truncated"), std::string::npos) << got.status();
      EXPECT_NE(got.status().message().find(std::to_string(count)), std::string::npos)
          << got.status();
    }
  }
}

TEST(ByteReader, GivesWhatStandsBeforeTheDamage) {
  const std::string text = Text(2'000'000);
  const std::string packed = Gzip(text);
  auto reader = OpenBytes(packed.substr(0, packed.size() / 2)).ValueOrDie();
  std::string out(100'000, '\0');
  ASSERT_EQ(reader->Read(100'000, out.data()).ValueOrDie(), 100'000);
  EXPECT_EQ(out, text.substr(0, 100'000));
}

TEST(ByteReader, NamesDamageAndGarbage) {
  std::string gzip = Gzip(Text(100'000));
  gzip[gzip.size() - 5] ^= 1;  // The checksum.
  std::string zstd = Zstd(Text(100'000));
  zstd[zstd.size() / 2] ^= 0x55;
  for (const std::string& packed : {gzip, zstd, Gzip("a") + "garbage", Zstd("a") + "garbage"}) {
    const auto got = Unpack(packed, 65'536);
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(KindOf(got.status()), ErrorKind::kBadData) << got.status();
    EXPECT_NE(got.status().message().find("damaged"), std::string::npos) << got.status();
  }
}

TEST(ByteReader, RefusesABomb) {
  const std::string zeros(4 << 20, '\0');
  const DecompressOptions strict{.ratio_max = 100, .ratio_free_bytes = 1 << 20};
  for (const std::string& packed : {Gzip(zeros), Zstd(zeros)}) {
    EXPECT_TRUE(Unpack(packed, 1 << 20).ok()) << "small bombs are harmless";
    const auto got = Unpack(packed, 1 << 20, strict);
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(KindOf(got.status()), ErrorKind::kBadData);
    EXPECT_NE(got.status().message().find("ratio_max"), std::string::npos) << got.status();
  }
}

TEST(ByteReader, SkippingBeyondTheEndOfACompressedFileIsAnError) {
  auto reader = OpenBytes(Gzip("abc")).ValueOrDie();
  EXPECT_EQ(KindOf(reader->SkipTo(4)), ErrorKind::kBadData);
}

TEST(ByteReader, APlainFileMayGrow) {
  MemoryFiles files;
  files.Put("f", "ab");
  auto reader = ByteReader::Open(files.OpenInput("f").ValueOrDie()).ValueOrDie();
  char out[8];
  EXPECT_EQ(reader->Read(8, out).ValueOrDie(), 2);
  files.Append("f", "cd");
  EXPECT_EQ(reader->Read(8, out).ValueOrDie(), 2);
  EXPECT_EQ(std::string(out, 2), "cd");
}

}  // namespace
}  // namespace catchwater
