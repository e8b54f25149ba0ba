/// \file
/// Line protocol -> points: `cpu,host=a\ b load=0.5,ok=t,n=3i,name="x" 1767225600000000000`.
/// Source: InfluxDB 2.7 documentation, "Line protocol".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace catchwater {

enum class LineFieldKind { kFloat, kInteger, kUnsigned, kBool, kString };

/// One point, as it stands in its line: names, tags and strings may have backslashes.
struct LinePoint {
  struct Tag {
    std::string_view key;
    std::string_view value;
  };
  struct Field {
    std::string_view key;
    std::string_view value;  ///< Without the letter of the type or the quotes.
    LineFieldKind kind = LineFieldKind::kFloat;
  };
  std::string_view measurement{};
  std::vector<Tag> tags{};
  std::vector<Field> fields{};
  std::optional<std::string_view> time{};  ///< Digits, perhaps with a sign.
};

/// Why a line is no point, and where.
struct LineFault {
  std::string_view what;
  size_t offset = 0;
};

/// Reads a whole line without its end; the point is anew. \return nothing if it is a point
std::optional<LineFault> ParseLinePoint(std::string_view line, LinePoint* point);

/// Takes away the backslashes before bytes of `escaped`; all others stand for themselves.
/// \return false if there is no backslash: then `unescaped` is left alone
bool UnescapeLineText(std::string_view text, std::string_view escaped, std::string* unescaped);

/// What a backslash protects in a string field.
inline constexpr std::string_view kLineStringEscapes = "\"\\";

}  // namespace catchwater
