/// \file
/// UTF-8: validation, and pieces of text that are safe to show. Source: RFC 3629.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace catchwater {

/// True if all bytes are below 0x80.
bool IsAscii(std::string_view text);

/// True if the text is well-formed UTF-8: no overlong forms, no surrogates, at most U+10FFFF.
bool IsValidUtf8(std::string_view text);

/// Returns the beginning of a text for a message: at most `bytes_max` bytes of it, then "...";
/// control characters and bytes that are not UTF-8 as `\xNN`.
std::string Excerpt(std::string_view text, size_t bytes_max = 80);

}  // namespace catchwater
