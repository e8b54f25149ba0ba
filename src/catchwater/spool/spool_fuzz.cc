// Any bytes as a segment: a scan ends, what it accepts reads back record by record, and every cut
// of what we wrote ourselves gives a prefix.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "catchwater/base/error.h"
#include "catchwater/spool/spool_format.h"

namespace catchwater {
namespace {

void ScanAny(std::string_view bytes) {
  const SegmentScan scan = ScanSegment(bytes, /*base_ordinal=*/0);
  CATCHWATER_CHECK(scan.durable_ordinal <= scan.end_ordinal, "nothing behind the end is proven");
  uint64_t ordinal = 0;
  size_t at = 0;
  while (ordinal < scan.end_ordinal) {
    const auto record = ReadSpoolRecord(bytes.substr(at), ordinal);
    CATCHWATER_CHECK(record.has_value(), "what was scanned reads back");
    at += static_cast<size_t>(kSpoolRecordHeaderBytes) + record->payload.size();
    ordinal = record->end_ordinal();
  }
  static_cast<void>(DecodeSegmentHeader(bytes));
  static_cast<void>(ParseSegmentName(bytes));
}

// The bytes say how long the payloads are and where the cut is, not what they hold: a payload that
// holds a whole record with the right ordinal passes for one behind damage.
void WriteAndCut(std::string_view bytes) {
  if (bytes.empty()) return;
  std::string written;
  uint64_t ordinal = 0;
  size_t whole = 0;
  const size_t cut_after = static_cast<uint8_t>(bytes[0]) * 7U;
  uint64_t end_of_whole = 0;
  for (const char length : bytes.substr(1, 16)) {
    const std::string payload(static_cast<uint8_t>(length), 'x');
    const SpoolRecord record{.ordinal = ordinal, .durable_ordinal = ordinal, .payload = payload};
    AppendSpoolRecord(record, &written);
    ordinal = record.end_ordinal();
    if (written.size() <= cut_after) {
      whole = written.size();
      end_of_whole = ordinal;
    }
  }
  const SegmentScan scan = ScanSegment(std::string_view(written).substr(0, cut_after), 0);
  CATCHWATER_CHECK(scan.end_ordinal == end_of_whole, "a cut leaves the whole records before it");
  CATCHWATER_CHECK(!scan.is_damaged, "a cut is no damage");
  CATCHWATER_CHECK(scan.has_rest == (std::min(cut_after, written.size()) > whole),
                   "what is cut is seen");
}

}  // namespace
}  // namespace catchwater

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  catchwater::ScanAny(bytes);
  catchwater::WriteAndCut(bytes);
  return 0;
}
