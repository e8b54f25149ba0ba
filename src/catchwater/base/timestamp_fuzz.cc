// Fuzz target: any bytes as a time. The quick way and the complete way agree; what is read can be
// written and reads back; patterns and epochs never leave the years 1 to 9999.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "catchwater/base/error.h"
#include "catchwater/base/timestamp_parser.h"

namespace catchwater {
namespace {

void CheckInstant(int64_t us) {
  CATCHWATER_CHECK(us >= kTimestampMin && us <= kTimestampMax, "times are in range");
  std::string text;
  AppendTimestamp(us, /*with_z=*/true, &text);
  const LocalTime back = ParseIso(text);
  CATCHWATER_CHECK(back.fault == TimeFault::kNone && ToUtc(back).us == us, "a time reads back");
}

void CheckQuickWay(std::string_view text) {
  if (text.size() > 64) return;
  // What stands behind a text must not matter.
  for (const char behind : {'\0', '7', 'Z'}) {
    std::array<char, 64 + kTextPaddingBytes> padded;
    padded.fill(behind);
    std::memcpy(padded.data(), text.data(), text.size());
    static DateMemory memory;
    const auto quick = TryParseIso(padded.data(), text.size(), memory);
    if (!quick) continue;
    const LocalTime slow = ParseIso(text);
    CATCHWATER_CHECK(slow.fault == TimeFault::kNone, "the complete way takes what the quick takes");
    CATCHWATER_CHECK(quick->us == slow.us && quick->is_utc == slow.has_offset, "both ways agree");
  }
}

void Run(std::string_view text) {
  CheckQuickWay(text);
  static auto iso = TimestampParser::Make("iso", "").ValueOrDie();
  static auto zoned = TimestampParser::Make("iso", "America/New_York").ValueOrDie();
  static auto pattern = TimestampParser::Make("%d.%m.%Y %H:%M:%S.%f %z", "").ValueOrDie();
  static auto words = TimestampParser::Make("%a %d %b %y %I %p", "").ValueOrDie();
  static auto epoch = TimestampParser::Make("epoch_ms", "").ValueOrDie();
  for (TimestampParser* parser : {&iso, &zoned, &pattern, &words, &epoch}) {
    const LocalTime time = parser->Parse(text);
    if (time.fault == TimeFault::kNone) {
      CheckInstant(time.us);
    } else {
      CATCHWATER_CHECK(!TimeFaultText(time.fault).empty(), "a fault is explained");
    }
  }
  // Any text as a pattern, for itself.
  const auto own = TimestampParser::Make(text, "");
  if (own.ok()) static_cast<void>(TimestampParser(*own).Parse(text));
}

}  // namespace
}  // namespace catchwater

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t byte_count) {
  if (byte_count > 256) return 0;
  catchwater::Run(std::string_view(reinterpret_cast<const char*>(bytes), byte_count));
  return 0;
}
