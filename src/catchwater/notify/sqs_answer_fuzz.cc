// Answers of a server: whatever they hold, messages are few and can be deleted.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "catchwater/base/error.h"
#include "catchwater/notify/sqs_queue.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto messages = catchwater::ParseSqsMessages({reinterpret_cast<const char*>(data), size});
  if (!messages.ok()) return 0;
  CATCHWATER_CHECK(messages->size() <= 10, "a request has room for ten");
  for (const auto& message : *messages) {
    CATCHWATER_CHECK(!message.receipt.empty(), "what has no receipt is no delivery");
  }
  return 0;
}
