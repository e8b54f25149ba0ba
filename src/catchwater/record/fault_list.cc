#include "catchwater/record/fault_list.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace catchwater {

std::vector<DeadLetter> FaultList::Take(const Block& block) {
  std::stable_sort(faults_.begin(), faults_.end(), [](const Fault& a, const Fault& b) {
    return std::tie(a.frame_ordinal, a.row_in_frame) < std::tie(b.frame_ordinal, b.row_in_frame);
  });
  const char* const begin = reinterpret_cast<const char*>(block.bytes->data());
  const char* counted_to = begin;
  int64_t line = block.line_first;
  std::vector<DeadLetter> letters;
  letters.reserve(faults_.size());
  for (Fault& fault : faults_) {
    if (block.line_first > 0 && fault.text.data() > counted_to) {
      line += std::count(counted_to, fault.text.data(), '\n');
      counted_to = fault.text.data();
    }
    letters.push_back({
        .frame_ordinal = fault.frame_ordinal,
        .row_in_frame = fault.row_in_frame,
        .raw = std::string(fault.text.substr(0, static_cast<size_t>(kDeadLetterRawBytesMax))),
        .raw_bytes = static_cast<int64_t>(fault.text.size()),
        .reason = std::move(fault.reason),
        .rule = std::string(fault.rule),
        .field = std::string(fault.field),
        .line = line,
        .is_frame = fault.is_frame,
    });
  }
  faults_.clear();
  return letters;
}

}  // namespace catchwater
