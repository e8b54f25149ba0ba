#include "catchwater/avro/avro.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>

#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

using Kind = AvroNode::Kind;

constexpr size_t kSyncBytes = 16;
constexpr size_t kBlockBytes = 64 << 10;
constexpr size_t kBlockBytesMax = 256 << 20;  // Uncompressed, when reading.
constexpr int64_t kRecordsPerBlockMax = 1 << 24;
constexpr int kHeaderKeysMax = 1'000;
constexpr int kDeflateLevel = 2;  // Manifests are written once a commit: time counts.
constexpr int kRawWindow = -15;   // RFC 1951 without the zlib header.

static_assert(std::endian::native == std::endian::little);

std::string Deflate(std::string_view bytes) {
  z_stream stream{};
  CATCHWATER_CHECK(
      deflateInit2(&stream, kDeflateLevel, Z_DEFLATED, kRawWindow, 8, Z_DEFAULT_STRATEGY) == Z_OK,
      "zlib starts with these constants");
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  // zlib does not write to its input; its interface only lacks the const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  CATCHWATER_CHECK(result == Z_STREAM_END, "deflateBound gives enough room");
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

arrow::Status Inflate(std::string_view bytes, size_t byte_count_max, std::string& out) {
  z_stream stream{};
  CATCHWATER_CHECK(inflateInit2(&stream, kRawWindow) == Z_OK, "zlib starts with these constants");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  out.clear();
  int result = Z_OK;
  while (result == Z_OK && out.size() <= byte_count_max) {
    const size_t before = out.size();
    out.resize(before + std::max<size_t>(kBlockBytes, before));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = static_cast<uInt>(out.size() - before);
    result = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (out.size() > byte_count_max) return BadData("Avro block is too large when uncompressed");
  if (result == Z_STREAM_END) return arrow::Status::OK();
  return BadData("Avro block cannot be inflated, zlib code: ", result);
}

arrow::Status Unsnap(std::string_view bytes, size_t byte_count_max, std::string& out) {
  constexpr size_t kCrcBytes = 4;
  if (bytes.size() < kCrcBytes) return BadData("Avro snappy block is too short");
  const size_t byte_count = bytes.size() - kCrcBytes;
  size_t plain_bytes = 0;
  if (!snappy::GetUncompressedLength(bytes.data(), byte_count, &plain_bytes) ||
      plain_bytes > byte_count_max || !snappy::Uncompress(bytes.data(), byte_count, &out)) {
    return BadData("Avro snappy block is damaged");
  }
  uint32_t crc = 0;
  for (size_t i = 0; i < kCrcBytes; ++i) {
    crc = crc << 8 | static_cast<uint8_t>(bytes[byte_count + i]);
  }
  const auto actual =
      crc32(0, reinterpret_cast<const Bytef*>(out.data()), static_cast<uInt>(out.size()));
  if (actual != crc) return BadData("Avro snappy block has the wrong checksum");
  return arrow::Status::OK();
}

struct ZstdDelete {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// Writers may leave the size out of the frame, so it is found by uncompressing.
arrow::Status Unzstd(std::string_view bytes, size_t byte_count_max, std::string& out) {
  const std::unique_ptr<ZSTD_DCtx, ZstdDelete> context(ZSTD_createDCtx());
  ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
  out.clear();
  size_t result = 1;
  while (result != 0 || input.pos < input.size) {
    const size_t before = out.size();
    if (before > byte_count_max) return BadData("Avro block is too large when uncompressed");
    out.resize(before + std::max<size_t>(kBlockBytes, before));
    ZSTD_outBuffer output{out.data() + before, out.size() - before, 0};
    result = ZSTD_decompressStream(context.get(), &output, &input);
    out.resize(before + output.pos);
    if (ZSTD_isError(result) != 0) return BadData("Avro zstandard block is damaged");
    const bool is_cut = result != 0 && input.pos == input.size && output.pos < output.size;
    if (is_cut) return BadData("Avro zstandard block is cut");
  }
  if (out.size() > byte_count_max) return BadData("Avro block is too large when uncompressed");
  return arrow::Status::OK();
}

}  // namespace

// --- Encoding -----------------------------------------------------------------------------------

void AvroEncoder::Long(int64_t value) {
  uint64_t rest = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  while (rest > 127) {
    bytes_.push_back(static_cast<char>(rest | 128));
    rest >>= 7;
  }
  bytes_.push_back(static_cast<char>(rest));
}

void AvroEncoder::Bytes(std::string_view value) {
  Long(static_cast<int64_t>(value.size()));
  bytes_.append(value);
}

void AvroEncoder::Float(float value) {
  char raw[sizeof(value)];
  std::memcpy(raw, &value, sizeof(value));
  bytes_.append(raw, sizeof(value));
}

void AvroEncoder::Double(double value) {
  char raw[sizeof(value)];
  std::memcpy(raw, &value, sizeof(value));
  bytes_.append(raw, sizeof(value));
}

// --- Decoding -----------------------------------------------------------------------------------

int64_t AvroDecoder::Long() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (at_ >= bytes_.size()) break;
    const auto byte = static_cast<uint8_t>(bytes_[at_++]);
    value |= static_cast<uint64_t>(byte & 127) << shift;
    if (byte < 128) return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
  }
  Fail();
  return 0;
}

bool AvroDecoder::Bool() {
  const std::string_view raw = Fixed(1);
  return !raw.empty() && raw[0] != 0;
}

float AvroDecoder::Float() {
  float value = 0;
  const std::string_view raw = Fixed(sizeof(value));
  if (ok()) std::memcpy(&value, raw.data(), sizeof(value));
  return value;
}

double AvroDecoder::Double() {
  double value = 0;
  const std::string_view raw = Fixed(sizeof(value));
  if (ok()) std::memcpy(&value, raw.data(), sizeof(value));
  return value;
}

std::string_view AvroDecoder::Bytes() { return Fixed(Long()); }

std::string_view AvroDecoder::Fixed(int64_t byte_count) {
  if (is_failed_ || byte_count < 0 || static_cast<uint64_t>(byte_count) > bytes_.size() - at_) {
    Fail();
    return {};
  }
  const std::string_view raw = bytes_.substr(at_, static_cast<size_t>(byte_count));
  at_ += static_cast<size_t>(byte_count);
  return raw;
}

const AvroNode& AvroDecoder::Resolve(const AvroNode& node) {
  static const AvroNode kNothing;
  if (node.kind != Kind::kUnion) return node;
  const int64_t branch = Long();
  if (!ok() || branch < 0 || static_cast<size_t>(branch) >= node.children.size()) {
    Fail();
    return kNothing;
  }
  return node.children[static_cast<size_t>(branch)];
}

int64_t AvroDecoder::BlockCount() {
  int64_t count = Long();
  if (count < 0) {
    Long();  // The byte size of the block, for readers that skip it.
    count = count == INT64_MIN ? INT64_MAX : -count;
  }
  // Every item of what Iceberg stores takes at least a byte, so a larger count is damage.
  if (!ok() || static_cast<uint64_t>(count) > bytes_.size() - at_) {
    if (count != 0) Fail();
    return 0;
  }
  return count;
}

void AvroDecoder::Skip(const AvroNode& unresolved, int depth) {
  const AvroNode& node = Resolve(unresolved);
  if (!ok() || depth > 64) return Fail();
  switch (node.kind) {
    case Kind::kNull:
    case Kind::kUnion:
      return;
    case Kind::kBool:
      Fixed(1);
      return;
    case Kind::kInt:
    case Kind::kLong:
      Long();
      return;
    case Kind::kFloat:
      Fixed(4);
      return;
    case Kind::kDouble:
      Fixed(8);
      return;
    case Kind::kBytes:
    case Kind::kString:
      Bytes();
      return;
    case Kind::kFixed:
      Fixed(node.fixed_byte_count);
      return;
    case Kind::kRecord:
      for (const AvroField& field : node.fields) Skip(field.type, depth + 1);
      return;
    case Kind::kArray:
    case Kind::kMap:
      for (int64_t count = BlockCount(); count > 0; count = BlockCount()) {
        for (int64_t i = 0; i < count && ok(); ++i) {
          if (node.kind == Kind::kMap) Bytes();
          Skip(node.children[0], depth + 1);
        }
      }
      return;
  }
}

// --- Container files ----------------------------------------------------------------------------

AvroFileWriter::AvroFileWriter(std::string_view schema_json,
                               const std::map<std::string, std::string>& metadata,
                               std::string_view sync)
    : sync_(sync) {
  CATCHWATER_CHECK(sync.size() == kSyncBytes, "the sync marker has 16 bytes");
  AvroEncoder header;
  header.Fixed(AvroHeader::kMagic);
  header.Long(static_cast<int64_t>(metadata.size()) + 2);
  header.Bytes("avro.codec");
  header.Bytes("deflate");
  header.Bytes("avro.schema");
  header.Bytes(schema_json);
  for (const auto& [key, value] : metadata) {
    header.Bytes(key);
    header.Bytes(value);
  }
  header.Long(0);
  header.Fixed(sync_);
  file_ = header.bytes();
}

void AvroFileWriter::EndRecord() {
  ++block_record_count_;
  if (block_.bytes().size() >= kBlockBytes) FlushBlock();
}

void AvroFileWriter::FlushBlock() {
  if (block_record_count_ == 0) return;
  AvroEncoder frame;
  frame.Long(block_record_count_);
  frame.Bytes(Deflate(block_.bytes()));
  frame.Fixed(sync_);
  file_ += frame.bytes();
  block_.Clear();
  block_record_count_ = 0;
}

std::string AvroFileWriter::Finish() {
  FlushBlock();
  return std::move(file_);
}

arrow::Result<AvroHeader> AvroHeader::Parse(std::string_view bytes) {
  AvroHeader header;
  AvroDecoder in(bytes);
  if (in.Fixed(static_cast<int64_t>(kMagic.size())) != kMagic) {
    return BadData("Not an Avro file, bytes: ", bytes.size());
  }
  for (int64_t count = in.BlockCount(); count > 0; count = in.BlockCount()) {
    for (int64_t i = 0; i < count && in.ok(); ++i) {
      const std::string_view key = in.Bytes();
      header.metadata[std::string(key)] = std::string(in.Bytes());
      if (header.metadata.size() > kHeaderKeysMax) return BadData("Avro header has too many keys");
    }
  }
  header.sync = std::string(in.Fixed(kSyncBytes));
  if (!in.ok()) return BadData("Avro header is damaged, bytes: ", bytes.size());
  header.byte_count = in.offset();
  const auto schema = header.metadata.find("avro.schema");
  if (schema == header.metadata.end()) return BadData("Avro header lacks: avro.schema");
  ARROW_ASSIGN_OR_RAISE(header.schema, ParseAvroSchema(schema->second));
  const auto codec = header.metadata.find("avro.codec");
  header.codec = codec == header.metadata.end() ? "null" : codec->second;
  for (const std::string_view known : {"null", "deflate", "snappy", "zstandard"}) {
    if (header.codec == known) return header;
  }
  return BadData("Avro codec is none of null, deflate, snappy, zstandard: ", header.codec);
}

std::optional<AvroBlock> ReadAvroBlock(AvroDecoder& in, std::string_view sync) {
  AvroBlock block{.record_count = in.Long(), .bytes = in.Bytes()};
  const bool is_good = in.Fixed(kSyncBytes) == sync && in.ok() && block.record_count >= 0 &&
                       block.record_count <= kRecordsPerBlockMax;
  if (!is_good) return std::nullopt;
  return block;
}

arrow::Result<std::string_view> UncompressAvro(const std::string& codec, std::string_view bytes,
                                               size_t byte_count_max, std::string& room) {
  if (codec == "null") return bytes;
  if (codec == "deflate") {
    ARROW_RETURN_NOT_OK(Inflate(bytes, byte_count_max, room));
  } else if (codec == "snappy") {
    ARROW_RETURN_NOT_OK(Unsnap(bytes, byte_count_max, room));
  } else {
    ARROW_RETURN_NOT_OK(Unzstd(bytes, byte_count_max, room));
  }
  return room;
}

arrow::Result<AvroFileReader> AvroFileReader::Open(std::string_view bytes) {
  ARROW_ASSIGN_OR_RAISE(AvroHeader header, AvroHeader::Parse(bytes));
  const std::string_view blocks = bytes.substr(header.byte_count);
  return AvroFileReader(std::move(header), blocks);
}

arrow::Result<int64_t> AvroFileReader::NextBlock(std::string_view& block) {
  while (!in_.at_end()) {
    const auto found = ReadAvroBlock(in_, header_.sync);
    if (!found) return BadData("Avro block is damaged");
    ARROW_ASSIGN_OR_RAISE(block,
                          UncompressAvro(header_.codec, found->bytes, kBlockBytesMax, block_));
    if (found->record_count > static_cast<int64_t>(block.size())) {
      return BadData("Avro block has more records than bytes: ", found->record_count);
    }
    if (found->record_count > 0) return found->record_count;  // One without records is legal.
  }
  return 0;
}

}  // namespace catchwater
