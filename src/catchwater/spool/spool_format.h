/// \file
/// The bytes of a spool's segment files. Source: docs/formats/spool.md. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <arrow/result.h>

namespace catchwater {

inline constexpr int64_t kSegmentHeaderBytes = 64;
inline constexpr int64_t kSpoolRecordHeaderBytes = 32;
/// A longer payload is refused; in a file such a length is damage.
inline constexpr int64_t kSpoolPayloadBytesMax = 256LL << 20;

struct SegmentHeader {
  std::string uuid;           ///< Of the spool, 36 characters.
  uint64_t base_ordinal = 0;  ///< Of the first record.
};

std::string EncodeSegmentHeader(const SegmentHeader& header);
/// \retval kBadData
arrow::Result<SegmentHeader> DecodeSegmentHeader(std::string_view bytes);

/// `00000012-00000000000000004096.seg`: number and base ordinal.
struct SegmentName {
  uint64_t number = 0;
  uint64_t base_ordinal = 0;
};
std::string FormatSegmentName(const SegmentName& name);
/// Nothing for a name of something else.
std::optional<SegmentName> ParseSegmentName(std::string_view file_name);

enum class SpoolRecordKind : uint32_t {
  kData = 1,
  kSeal = 2,  ///< No payload and no ordinals: the segment was closed and is durable to its end.
};

struct SpoolRecord {
  SpoolRecordKind kind = SpoolRecordKind::kData;
  uint64_t ordinal = 0;
  /// What was known to be durable when the record was written: never more than `ordinal`.
  uint64_t durable_ordinal = 0;
  std::string_view payload;

  uint64_t end_ordinal() const {
    return kind == SpoolRecordKind::kSeal
               ? ordinal
               : ordinal + static_cast<uint64_t>(kSpoolRecordHeaderBytes) + payload.size();
  }
};

/// Appends the record's bytes. The ordinal of what follows is record.end_ordinal().
void AppendSpoolRecord(const SpoolRecord& record, std::string* bytes);

/// Reads the record at the beginning of the bytes. Nothing if it is not whole, damaged, or not of
/// the ordinal.
std::optional<SpoolRecord> ReadSpoolRecord(std::string_view bytes, uint64_t ordinal);

/// What the bytes behind a segment's header hold.
struct SegmentScan {
  uint64_t end_ordinal = 0;  ///< Behind the last whole record before anything that is none.
  uint64_t durable_ordinal =
      0;                   ///< Proven durable by a record: the most of all, the base at least.
  bool is_sealed = false;  ///< Ends with a seal and nothing behind it.
  bool has_rest = false;   ///< Bytes follow that are no whole record.
  /// A later record says that more than end_ordinal was durable: bytes in the middle were damaged
  /// after they were written, it is no torn tail.
  bool is_damaged = false;
};
SegmentScan ScanSegment(std::string_view bytes, uint64_t base_ordinal);

}  // namespace catchwater
