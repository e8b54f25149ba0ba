/// \file
/// The version of the program.
#pragma once

namespace catchwater {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace catchwater
