#include "catchwater/ledger/entities.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>

namespace catchwater {
namespace {

// The N of "+N". Only the last entry of a full list is a count: a sensor may be called "+5".
std::optional<int64_t> CountOf(const std::vector<std::string>& list) {
  if (list.size() <= kEntityNamesMax || list.back().size() < 2 || list.back()[0] != '+') return {};
  const std::string_view digits = std::string_view(list.back()).substr(1);
  int64_t count = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), count);
  if (error != std::errc() || end != digits.end()) return {};
  return count;
}

int64_t AddNames(const std::vector<std::string>& list, std::set<std::string>& names) {
  const std::optional<int64_t> count = CountOf(list);
  names.insert(list.begin(), count ? list.end() - 1 : list.end());
  return count.value_or(0);
}

}  // namespace

std::vector<std::string> MergeEntities(const std::vector<std::string>& known,
                                       const std::vector<std::string>& added) {
  std::set<std::string> names;
  int64_t more = AddNames(known, names) + AddNames(added, names);
  std::vector<std::string> merged;
  for (const std::string& name : names) {
    if (merged.size() < kEntityNamesMax) {
      merged.push_back(name);
    } else {
      ++more;
    }
  }
  if (more > 0) merged.push_back("+" + std::to_string(more));
  return merged;
}

}  // namespace catchwater
