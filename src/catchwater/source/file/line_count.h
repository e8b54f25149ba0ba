/// \file
/// Counts line ends at the speed of memory.
#pragma once

#include <cstdint>
#include <string_view>

namespace catchwater {

/// Returns the number of `\n` in the bytes.
int64_t CountLineEnds(std::string_view bytes);

}  // namespace catchwater
