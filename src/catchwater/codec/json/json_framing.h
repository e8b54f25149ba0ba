/// \file
/// Where JSON frames begin and end: found without parsing, by brackets and quotes only.
#pragma once

#include <cstdint>
#include <string>

#include "catchwater/batch/batch.h"

namespace catchwater {

/// How the frames of a partition are told apart.
enum class JsonFraming {
  kLines,     ///< A frame is a line.
  kValues,    ///< A frame is a value at the top; blanks and line ends may stand anywhere.
  kElements,  ///< A frame is an element of the array in which the preamble's head ends.
};

struct JsonPreamble final : Preamble {
  JsonFraming framing = JsonFraming::kLines;
  /// kElements: the document up to and including the array's `[`.
  std::string head;
  /// kElements: where the array's first element may begin.
  uint64_t first_ordinal = 0;
};

/// Returns behind the value that begins at `at`, or nullptr if it is not complete. With is_end a
/// number or word needs nothing behind it. What is no JSON ends somewhere behind `at`.
/// \pre at < end
const char* FindJsonEnd(const char* at, const char* end, bool is_end);

/// The first line of a text that begins with `{` or `[`.
enum class FirstLine {
  kNeedsMore,
  kWhole,   ///< The value ends on it.
  kBroken,  ///< The value does not end, and cannot go on where the next line begins.
  kOpen,    ///< The value goes on.
};
FirstLine ClassifyFirstLine(const char* at, const char* end, bool is_end);

}  // namespace catchwater
