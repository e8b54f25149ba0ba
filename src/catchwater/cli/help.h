/// \file
/// The examples that every `--help` begins with.
#pragma once

#include <string_view>

namespace catchwater {

/// Lines to show for a verb, or for the program by its name; empty: none.
std::string_view ExamplesOf(std::string_view verb);

}  // namespace catchwater
