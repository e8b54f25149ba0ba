// Any bytes as the note of a commit: an error or a note, never a crash. What was read is written
// and read again, and must then stay the same.
#include "catchwater/lake/commit_note.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "catchwater/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto note = catchwater::ReadCommitNote({reinterpret_cast<const char*>(data), size});
  if (!note.ok()) return 0;
  const std::string written = catchwater::MakeCommitNote(*note);
  const auto again = catchwater::ReadCommitNote(written);
  CATCHWATER_CHECK(again.ok(), "what was written reads back");
  CATCHWATER_CHECK(catchwater::MakeCommitNote(*again) == written, "it reads back the same");
  return 0;
}
