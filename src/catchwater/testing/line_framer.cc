#include "catchwater/testing/line_framer.h"

namespace catchwater {

arrow::Result<Framer::Head> LineFramer::ReadHead(std::string_view bytes, bool is_end) {
  Head head;
  for (; head.line_count < head_line_count_; ++head.line_count) {
    const size_t end = bytes.find('\n', static_cast<size_t>(head.byte_count));
    if (end == bytes.npos) {
      head.needs_more = !is_end;
      head.byte_count = static_cast<int64_t>(bytes.size());
      return head;
    }
    head.byte_count = static_cast<int64_t>(end) + 1;
  }
  return head;
}

int64_t LineFramer::Cut(std::string_view bytes, bool is_end) {
  if (is_end) return static_cast<int64_t>(bytes.size());
  const size_t end = bytes.rfind('\n');
  return end == bytes.npos ? 0 : static_cast<int64_t>(end) + 1;
}

int64_t LineFramer::Resync(std::string_view bytes) {
  const size_t end = bytes.find('\n');
  return end == bytes.npos ? -1 : static_cast<int64_t>(end) + 1;
}

}  // namespace catchwater
