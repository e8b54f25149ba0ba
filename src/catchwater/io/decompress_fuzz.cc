// Fuzz target: any bytes as a file that may be compressed. However it is read, the same bytes and
// the same end come; what was compressed comes back; and where our gzip reader takes a file, zlib
// alone takes it and gives the same.
#include "catchwater/io/decompress.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <zlib.h>
#include <zstd.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr DecompressOptions kOptions{.ratio_max = 100, .ratio_free_bytes = 1 << 20};

struct Outcome {
  std::string bytes;
  bool is_whole = false;  // The end was reached without an error.
};

std::shared_ptr<arrow::io::BufferReader> FileOf(std::string_view bytes) {
  return std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(std::string(bytes)));
}

Outcome Read(std::string_view file, int64_t portion) {
  Outcome outcome;
  auto reader = ByteReader::Open(FileOf(file), kOptions);
  if (!reader.ok()) return outcome;
  std::string buffer(static_cast<size_t>(portion), '\0');
  while (true) {
    const auto got = (*reader)->Read(portion, buffer.data());
    if (!got.ok()) return outcome;
    outcome.bytes.append(buffer.data(), static_cast<size_t>(*got));
    CATCHWATER_CHECK((*reader)->offset() == static_cast<int64_t>(outcome.bytes.size()),
                     "the offset counts what was given");
    if (*got < portion) break;
  }
  outcome.is_whole = true;
  return outcome;
}

void CheckSkip(std::string_view file, const Outcome& whole, size_t offset) {
  auto reader = ByteReader::Open(FileOf(file), kOptions).ValueOrDie();
  const auto skipped = reader->SkipTo(static_cast<int64_t>(offset));
  CATCHWATER_CHECK(skipped.ok(), "what can be read can be skipped");
  std::string rest(whole.bytes.size() - offset + 1, '\0');
  const auto got = reader->Read(static_cast<int64_t>(rest.size()), rest.data());
  CATCHWATER_CHECK(got.ok(), "what could be read once can be read again");
  rest.resize(static_cast<size_t>(*got));
  CATCHWATER_CHECK(rest == whole.bytes.substr(offset), "skipping changes nothing");
}

std::string Gzip(std::string_view bytes) {
  z_stream stream{};
  CATCHWATER_CHECK(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK,
                   "there is memory");
  std::string out(deflateBound(&stream, bytes.size()) + 64, '\0');
  std::string copy(bytes);
  stream.next_in = reinterpret_cast<Bytef*>(copy.data());
  stream.avail_in = static_cast<uInt>(copy.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CATCHWATER_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END, "it fits");
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// Inflates all members by zlib alone; zeros may stand behind the last. \return false if it refuses
bool GunzipAll(std::string_view file, size_t byte_count_max, std::string* out) {
  std::string input(file);
  size_t at = 0;
  do {
    z_stream stream{};
    CATCHWATER_CHECK(inflateInit2(&stream, 15 + 16) == Z_OK, "there is memory");
    stream.next_in = reinterpret_cast<Bytef*>(input.data() + at);
    stream.avail_in = static_cast<uInt>(input.size() - at);
    std::string part(byte_count_max + 1, '\0');
    stream.next_out = reinterpret_cast<Bytef*>(part.data());
    stream.avail_out = static_cast<uInt>(part.size());
    const int code = inflate(&stream, Z_FINISH);
    part.resize(stream.total_out);
    at += stream.total_in;
    inflateEnd(&stream);
    if (code != Z_STREAM_END) return false;
    *out += part;
  } while (file.find_first_not_of('\0', at) != file.npos);
  return true;
}

void Run(std::string_view file, size_t choice) {
  const Outcome whole = Read(file, 1 << 16);
  const Outcome parts = Read(file, static_cast<int64_t>(1 + choice * 7));
  CATCHWATER_CHECK(whole.is_whole == parts.is_whole, "portions do not change the end");
  // Before an error a reader may give more or less of what is good.
  const size_t common = std::min(whole.bytes.size(), parts.bytes.size());
  CATCHWATER_CHECK(whole.bytes.substr(0, common) == parts.bytes.substr(0, common),
                   "portions do not change the bytes");
  if (!whole.is_whole) return;
  CATCHWATER_CHECK(whole.bytes == parts.bytes, "portions do not change the bytes");
  CheckSkip(file, whole, choice % (whole.bytes.size() + 1));
  if (DetectCompression(file) == Compression::kGzip) {
    std::string theirs;
    CATCHWATER_CHECK(GunzipAll(file, whole.bytes.size(), &theirs), "zlib takes what we take");
    CATCHWATER_CHECK(theirs == whole.bytes, "zlib reads the same");
  }
}

void RoundTrip(std::string_view bytes, size_t choice) {
  const Outcome gzip = Read(Gzip(bytes) + Gzip(bytes), static_cast<int64_t>(1 + choice));
  CATCHWATER_CHECK(gzip.is_whole && gzip.bytes == std::string(bytes) + std::string(bytes),
                   "gzip members come back");
  std::string packed(ZSTD_compressBound(bytes.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), 1));
  const Outcome zstd = Read(packed + packed, static_cast<int64_t>(1 + choice));
  CATCHWATER_CHECK(zstd.is_whole && zstd.bytes == std::string(bytes) + std::string(bytes),
                   "zstd frames come back");
}

}  // namespace
}  // namespace catchwater

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t byte_count) {
  if (byte_count < 1 || byte_count > 1 << 14) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes), byte_count);
  const size_t choice = bytes[0];
  catchwater::Run(text.substr(1), choice);
  catchwater::RoundTrip(text.substr(1), choice);
  return 0;
}
