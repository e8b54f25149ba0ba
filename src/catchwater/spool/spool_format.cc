#include "catchwater/spool/spool_format.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <xxhash.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr std::string_view kMagic = "CWSPOOL1";
constexpr size_t kUuidBytes = 36;
constexpr size_t kNumberDigits = 8;
constexpr size_t kOrdinalDigits = 20;
constexpr std::string_view kSuffix = ".seg";

void AppendLittleEndian(uint64_t value, int byte_count, std::string* bytes) {
  for (int i = 0; i < byte_count; ++i) {
    bytes->push_back(static_cast<char>(static_cast<uint8_t>(value >> (8 * i))));
  }
}

uint64_t LittleEndian(std::string_view bytes, size_t at, int byte_count) {
  uint64_t value = 0;
  for (int i = byte_count; i-- > 0;) {
    value = value << 8 | static_cast<uint8_t>(bytes[at + static_cast<size_t>(i)]);
  }
  return value;
}

std::string Digits(uint64_t value, size_t width) {
  std::string text = std::to_string(value);
  return text.size() < width ? std::string(width - text.size(), '0') + text : text;
}

std::optional<uint64_t> ParseDigits(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Reads a record whatever its ordinal is.
std::optional<SpoolRecord> ReadAny(std::string_view bytes) {
  if (bytes.size() < static_cast<size_t>(kSpoolRecordHeaderBytes)) return std::nullopt;
  const uint64_t payload_bytes = LittleEndian(bytes, 8, 4);
  const uint64_t kind = LittleEndian(bytes, 12, 4);
  SpoolRecord record{.ordinal = LittleEndian(bytes, 16, 8),
                     .durable_ordinal = LittleEndian(bytes, 24, 8)};
  const bool is_data = kind == static_cast<uint64_t>(SpoolRecordKind::kData);
  const bool is_seal = kind == static_cast<uint64_t>(SpoolRecordKind::kSeal) && payload_bytes == 0;
  if (!is_data && !is_seal) return std::nullopt;
  if (is_seal) record.kind = SpoolRecordKind::kSeal;
  if (payload_bytes > static_cast<uint64_t>(kSpoolPayloadBytesMax) ||
      payload_bytes > bytes.size() - static_cast<size_t>(kSpoolRecordHeaderBytes) ||
      record.durable_ordinal > record.ordinal) {
    return std::nullopt;
  }
  const size_t byte_count = static_cast<size_t>(kSpoolRecordHeaderBytes) + payload_bytes;
  if (XXH3_64bits(bytes.data() + 8, byte_count - 8) != LittleEndian(bytes, 0, 8)) {
    return std::nullopt;
  }
  record.payload = bytes.substr(static_cast<size_t>(kSpoolRecordHeaderBytes), payload_bytes);
  return record;
}

/// Whether a whole record further on proves that more than `end_ordinal` was durable.
bool IsMoreProven(std::string_view rest, uint64_t end_ordinal) {
  for (size_t at = 0; at + static_cast<size_t>(kSpoolRecordHeaderBytes) <= rest.size(); ++at) {
    // The cheap question first: hashing at every byte would take a minute.
    const uint64_t durable_ordinal = LittleEndian(rest, at + 24, 8);
    if (durable_ordinal <= end_ordinal || durable_ordinal > LittleEndian(rest, at + 16, 8))
      continue;
    if (const auto record = ReadAny(rest.substr(at))) return true;
  }
  return false;
}

}  // namespace

std::string EncodeSegmentHeader(const SegmentHeader& header) {
  CATCHWATER_CHECK(header.uuid.size() == kUuidBytes, "a spool's uuid is 36 characters");
  std::string bytes(kMagic);
  bytes += header.uuid;
  AppendLittleEndian(0, 4, &bytes);
  AppendLittleEndian(header.base_ordinal, 8, &bytes);
  AppendLittleEndian(XXH3_64bits(bytes.data(), bytes.size()), 8, &bytes);
  return bytes;
}

arrow::Result<SegmentHeader> DecodeSegmentHeader(std::string_view bytes) {
  const auto size = static_cast<size_t>(kSegmentHeaderBytes);
  if (bytes.size() < size || !bytes.starts_with(kMagic) ||
      XXH3_64bits(bytes.data(), size - 8) != LittleEndian(bytes, size - 8, 8)) {
    return BadData("Segment's header is damaged");
  }
  return SegmentHeader{.uuid = std::string(bytes.substr(kMagic.size(), kUuidBytes)),
                       .base_ordinal = LittleEndian(bytes, size - 16, 8)};
}

std::string FormatSegmentName(const SegmentName& name) {
  return Digits(name.number, kNumberDigits) + "-" + Digits(name.base_ordinal, kOrdinalDigits) +
         std::string(kSuffix);
}

std::optional<SegmentName> ParseSegmentName(std::string_view file_name) {
  if (!file_name.ends_with(kSuffix)) return std::nullopt;
  file_name.remove_suffix(kSuffix.size());
  const size_t dash = file_name.find('-');
  if (dash == file_name.npos || dash < kNumberDigits ||
      file_name.size() - dash - 1 != kOrdinalDigits) {
    return std::nullopt;
  }
  const auto number = ParseDigits(file_name.substr(0, dash));
  const auto base_ordinal = ParseDigits(file_name.substr(dash + 1));
  if (!number || !base_ordinal) return std::nullopt;
  return SegmentName{.number = *number, .base_ordinal = *base_ordinal};
}

void AppendSpoolRecord(const SpoolRecord& record, std::string* bytes) {
  const size_t begin = bytes->size();
  AppendLittleEndian(0, 8, bytes);
  AppendLittleEndian(record.payload.size(), 4, bytes);
  AppendLittleEndian(static_cast<uint64_t>(record.kind), 4, bytes);
  AppendLittleEndian(record.ordinal, 8, bytes);
  AppendLittleEndian(record.durable_ordinal, 8, bytes);
  bytes->append(record.payload);
  std::string check;
  AppendLittleEndian(XXH3_64bits(bytes->data() + begin + 8, bytes->size() - begin - 8), 8, &check);
  std::copy(check.begin(), check.end(), bytes->begin() + static_cast<ptrdiff_t>(begin));
}

std::optional<SpoolRecord> ReadSpoolRecord(std::string_view bytes, uint64_t ordinal) {
  auto record = ReadAny(bytes);
  if (!record || record->ordinal != ordinal) return std::nullopt;
  return record;
}

SegmentScan ScanSegment(std::string_view bytes, uint64_t base_ordinal) {
  SegmentScan scan{.end_ordinal = base_ordinal, .durable_ordinal = base_ordinal};
  size_t at = 0;
  while (const auto record = ReadSpoolRecord(bytes.substr(at), scan.end_ordinal)) {
    scan.durable_ordinal = std::max(scan.durable_ordinal, record->durable_ordinal);
    scan.end_ordinal = record->end_ordinal();
    at += static_cast<size_t>(kSpoolRecordHeaderBytes) + record->payload.size();
    if (record->kind == SpoolRecordKind::kSeal) {
      scan.is_sealed = at == bytes.size();
      break;
    }
  }
  scan.has_rest = at < bytes.size();
  scan.is_damaged = scan.has_rest && IsMoreProven(bytes.substr(at), scan.end_ordinal);
  return scan;
}

}  // namespace catchwater
