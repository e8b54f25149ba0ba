/// \file
/// The entities (sensors) of a work file: the first ones by name, then how many more.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace catchwater {

/// Names that are kept; beyond them a last entry "+N" counts the rest.
inline constexpr size_t kEntityNamesMax = 100;

/// The union of two such lists, sorted, each name once. Pure. What is only counted in a list cannot
/// be compared, so N is an upper bound: it may count a name twice.
std::vector<std::string> MergeEntities(const std::vector<std::string>& known,
                                       const std::vector<std::string>& added);

}  // namespace catchwater
