#include "catchwater/record/text_line_framer.h"

#include <cstddef>

namespace catchwater {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

arrow::Result<Framer::Head> TextLineFramer::ReadHead(std::string_view bytes, bool is_end) {
  Head head;
  head.needs_more = !is_end && bytes.size() < kByteOrderMark.size();
  if (bytes.starts_with(kByteOrderMark)) {
    head.byte_count = static_cast<int64_t>(kByteOrderMark.size());
  }
  return head;
}

int64_t TextLineFramer::Cut(std::string_view bytes, bool is_end) {
  if (is_end) return static_cast<int64_t>(bytes.size());
  const size_t last = bytes.rfind('\n');
  return last == bytes.npos ? 0 : static_cast<int64_t>(last) + 1;
}

int64_t TextLineFramer::Resync(std::string_view bytes) {
  const size_t first = bytes.find('\n');
  return first == bytes.npos ? -1 : static_cast<int64_t>(first) + 1;
}

}  // namespace catchwater
