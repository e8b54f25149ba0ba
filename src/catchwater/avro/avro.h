/// \file
/// Avro schemas, values and container files. Encoding is written out by hand by the callers;
/// decoding goes by the writer's schema, so that field orders of other programs do not matter.
/// Source: Avro 1.11 specification; docs/formats/lake.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

namespace catchwater {

struct AvroField;

/// What a value of a primitive type means.
enum class AvroLogical {
  kNone,
  kDate,
  kTimestampMillis,
  kTimestampMicros,
  kTimestampNanos,
  kLocalTimestampMillis,
  kLocalTimestampMicros,
  kLocalTimestampNanos,
  kDecimal,
};

/// A type of the writer's schema. Named references are resolved.
struct AvroNode {
  enum class Kind {
    kNull,
    kBool,
    kInt,
    kLong,
    kFloat,
    kDouble,
    kBytes,
    kString,
    kFixed,
    kRecord,
    kArray,
    kMap,
    kUnion,
  };
  Kind kind = Kind::kNull;
  AvroLogical logical = AvroLogical::kNone;  ///< Unknown ones are none.
  int32_t scale = 0;                         ///< kDecimal: digits behind the point.
  int64_t fixed_byte_count = 0;
  std::vector<std::string> symbols;  ///< kInt of an enum: its words.
  std::vector<AvroField> fields;     ///< kRecord.
  std::vector<AvroNode> children;    ///< kUnion: branches; kArray: items; kMap: values.
};

struct AvroField {
  std::string name;
  int32_t field_id = -1;  ///< Iceberg's, or -1.
  AvroNode type;
};

/// At most 32 levels and 10,000 nodes. \retval kBadData
arrow::Result<AvroNode> ParseAvroSchema(std::string_view json);

/// Appends encoded values to a text. One thread at a time.
class AvroEncoder {
 public:
  void Long(int64_t value);
  void Bool(bool value) { bytes_.push_back(value ? '\1' : '\0'); }
  void Bytes(std::string_view value);
  void Fixed(std::string_view value) { bytes_.append(value); }
  void Float(float value);
  void Double(double value);
  /// The branch of a union ["null", T].
  void Branch(bool is_present) { bytes_.push_back(is_present ? '\2' : '\0'); }

  const std::string& bytes() const { return bytes_; }
  void Clear() { bytes_.clear(); }

 private:
  std::string bytes_;
};

/// Reads encoded values. Errors stick: after one, reads return zeros and ok() is false. Lengths and
/// counts are checked against what is left before anything is allocated.
class AvroDecoder {
 public:
  explicit AvroDecoder(std::string_view bytes) : bytes_(bytes) {}

  int64_t Long();
  bool Bool();
  float Float();
  double Double();
  std::string_view Bytes();
  std::string_view Fixed(int64_t byte_count);

  /// Follows a union to the branch that was written; other nodes are returned as they are.
  const AvroNode& Resolve(const AvroNode& node);
  /// Number of items of the next block of an array or map; 0: the end.
  int64_t BlockCount();
  void Skip(const AvroNode& node, int depth = 0);

  bool ok() const { return !is_failed_; }
  void Fail() { is_failed_ = true; }
  bool at_end() const { return at_ == bytes_.size(); }
  size_t offset() const { return at_; }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
  bool is_failed_ = false;
};

/// Writes a container file: codec deflate, blocks of about 64 KiB. One thread at a time.
class AvroFileWriter {
 public:
  /// `sync` must be 16 bytes; a hash of the content's identity does.
  AvroFileWriter(std::string_view schema_json, const std::map<std::string, std::string>& metadata,
                 std::string_view sync);

  /// Where the next record is encoded; call EndRecord() after each.
  AvroEncoder& record() { return block_; }
  void EndRecord();
  std::string Finish();

 private:
  void FlushBlock();

  std::string sync_;
  std::string file_;
  AvroEncoder block_;
  int64_t block_record_count_ = 0;
};

/// What stands before the blocks of a container file.
struct AvroHeader {
  std::map<std::string, std::string> metadata;
  AvroNode schema;
  std::string codec;  ///< null, deflate, snappy or zstandard.
  std::string sync;   ///< 16 bytes, behind each block.
  size_t byte_count = 0;

  static constexpr std::string_view kMagic{"Obj\1", 4};

  /// \retval kBadData if the header is damaged or incomplete, or the codec is another
  static arrow::Result<AvroHeader> Parse(std::string_view bytes);
};

/// A block of a container file, as it stands there.
struct AvroBlock {
  int64_t record_count = 0;
  std::string_view bytes;  ///< Compressed.
};
/// Reads count, size, bytes and sync marker. \return nothing if they are damaged or cut
std::optional<AvroBlock> ReadAvroBlock(AvroDecoder& in, std::string_view sync);

/// Uncompresses a block into `room`, or returns its own bytes if they are not compressed.
/// \retval kBadData if it is damaged or larger than byte_count_max
arrow::Result<std::string_view> UncompressAvro(const std::string& codec, std::string_view bytes,
                                               size_t byte_count_max, std::string& room);

/// Reads a container file. The bytes must outlive it.
class AvroFileReader {
 public:
  /// \retval kBadData if the header is damaged or the codec is unknown
  static arrow::Result<AvroFileReader> Open(std::string_view bytes);

  const AvroNode& schema() const { return header_.schema; }
  const std::map<std::string, std::string>& metadata() const { return header_.metadata; }

  /// The next block, uncompressed, valid until the next call. \return its number of records, 0 at
  /// the end of the file. \retval kBadData
  arrow::Result<int64_t> NextBlock(std::string_view& block);

 private:
  AvroFileReader(AvroHeader header, std::string_view blocks)
      : header_(std::move(header)), in_(blocks) {}

  AvroHeader header_;
  AvroDecoder in_;
  std::string block_;
};

}  // namespace catchwater
