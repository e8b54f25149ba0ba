/// \file
/// The token of a file position: line number and a hash of the bytes before it, so that a file that
/// was replaced or rewritten is noticed when reading resumes. Text form: `line=12 tail=64:<hex>`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace catchwater {

struct ResumeToken {
  int64_t line = 0;        ///< Number of the line that begins at the position; 0: not known.
  int64_t tail_bytes = 0;  ///< How many bytes before the position are hashed; 0: none.
  uint64_t tail_hash = 0;

  /// The tail of the bytes that end at the position.
  static ResumeToken Make(int64_t line, std::string_view bytes_before);
  /// An unknown or empty token is read as one without knowledge.
  static ResumeToken Parse(std::string_view text);
  std::string ToString() const;
};

/// Bytes before a position that are hashed at most.
inline constexpr int64_t kResumeTailBytesMax = 64;

}  // namespace catchwater
