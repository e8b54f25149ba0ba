// Any text as table metadata: an error or metadata whose own text reads back the same.
#include "catchwater/lake/iceberg/metadata.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "catchwater/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto metadata = catchwater::ParseMetadata(text);
  if (!metadata.ok()) return 0;
  const std::string written = catchwater::MetadataToJson(*metadata);
  const auto again = catchwater::ParseMetadata(written);
  CATCHWATER_CHECK(again.ok(), "what we write we can read");
  CATCHWATER_CHECK(catchwater::MetadataToJson(*again) == written, "writing is stable");
  return 0;
}
