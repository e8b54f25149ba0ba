/// \file
/// One JSON value where it stands in the text: nothing is copied or converted yet.
#pragma once

#include <cstdint>
#include <string_view>

namespace catchwater {

enum class JsonKind : uint8_t {
  kMissing,  ///< The record has no such member.
  kNull,
  kFalse,
  kTrue,
  kInteger,        ///< A number without fraction and exponent.
  kNumber,         ///< Any other number.
  kString,         ///< The content, as it is.
  kEscapedString,  ///< The content, with escape sequences in it.
  kObject,         ///< The whole object with its braces.
  kArray,
};

/// Offsets from a base that reader and user agree on. What is missing stands where its record
/// begins, so that the begins of a column ascend.
struct JsonValue {
  uint32_t begin = 0;
  uint32_t end = 0;
  JsonKind kind = JsonKind::kMissing;

  std::string_view view(const char* base) const { return {base + begin, end - begin}; }
};

enum class JsonFault : uint8_t {
  kNone,
  kTruncated,  ///< The text ends inside the value.
  kStopped,    ///< No fault: JsonReader::StopAt was reached.
  kValueExpected,
  kKeyExpected,
  kColonExpected,
  kCommaOrBraceExpected,
  kCommaOrBracketExpected,
  kNumber,
  kWord,
  kControlCharacter,
  kEscape,
  kLoneSurrogate,
  kTooDeep,
  kUtf8,
  kCommaExpected,
  kTail,
};

/// Says the fault: "a `:` is expected behind a key".
std::string_view JsonFaultText(JsonFault fault);

}  // namespace catchwater
