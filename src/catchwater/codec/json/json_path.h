/// \file
/// Paths into JSON values, as written in `path:` and `from:`.
///
///   temperature   a.b   ['PM2.5']   tags[0]   data[*]   results[*].values[*]   $.header.name   $
///
/// A bare name runs up to the next `.` or `[` and may hold any UTF-8. In quotes, `\` protects the
/// next character.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

namespace catchwater {

/// One step: into a member by its key, into an element by its index, or into all elements.
struct JsonStep {
  enum class Kind { kKey, kIndex, kAll };
  Kind kind = Kind::kKey;
  std::string key{};
  int64_t index = 0;

  bool operator==(const JsonStep&) const = default;
};
using JsonSteps = std::vector<JsonStep>;

struct JsonPath {
  bool is_absolute = false;  ///< Begins with `$`: at the document, not at the record.
  JsonSteps steps;

  bool operator==(const JsonPath&) const = default;
};

/// \retval kConfig if the text is no path; an empty text is the path without steps
arrow::Result<JsonPath> ParseJsonPath(std::string_view text);

}  // namespace catchwater
