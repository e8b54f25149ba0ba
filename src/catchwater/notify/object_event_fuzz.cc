// Messages of others: whatever they hold, a path that comes out is one of a bucket.
#include "catchwater/notify/object_event.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "catchwater/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  const auto paths = catchwater::CreatedObjects(message);
  CATCHWATER_CHECK(paths.size() <= 1'000, "a message names a bounded number of objects");
  for (const std::string& path : paths) {
    CATCHWATER_CHECK(path.starts_with("s3://"), "a path is one of a bucket");
  }
  return 0;
}
