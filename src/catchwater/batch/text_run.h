/// \file
/// The texts of one column for many rows, all in one buffer: what a codec's index gives a builder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catchwater/base/swar.h"

namespace catchwater {

/// The words that mean null. Immutable.
class NullTokens {
 public:
  NullTokens() = default;
  explicit NullTokens(std::vector<std::string> tokens);

  /// False: the text is surely no token, nor absent. A shift and a test for most.
  bool MayMatch(const char* text, uint32_t length) const {
    if (((lengths_ >> (length < 63 ? length : 63)) & 1) == 0) [[likely]]
      return false;
    return length == 0 || length >= 63 || is_first_[static_cast<uint8_t>(*text)];
  }
  bool Matches(std::string_view text) const;
  const std::vector<std::string>& tokens() const { return tokens_; }

 private:
  std::vector<std::string> tokens_;
  // Bit i: a token of i bytes exists. Bit 63 is always set: longer tokens, and absent texts.
  uint64_t lengths_ = uint64_t{1} << 63;
  std::array<bool, 256> is_first_{};  // The first bytes of tokens.
};

/// Row r is the text from begins[r * stride] + begin_shift up to ends[r * stride] - end_shift, as
/// offsets from `base`; they ascend. Borrowed for one call.
struct TextRun {
  /// As the length of a text: the row has none, and gets null.
  static constexpr uint32_t kAbsent = UINT32_MAX;

  const char* base = nullptr;
  const char* readable_end = nullptr;  ///< Memory may be read up to here.
  const uint32_t* begins = nullptr;
  const uint32_t* ends = nullptr;
  size_t stride = 1;
  uint32_t begin_shift = 0;
  uint32_t end_shift = 0;
  int64_t row_count = 0;
  int64_t byte_count_max = 0;  ///< All texts of the run together have at most this many.
  const NullTokens* null_tokens = nullptr;
  bool is_ascii = false;  ///< Every text is.
  char quote = '\0';      ///< A text of a string column with it before its begin is never null.

  uint32_t begin(int64_t row) const {
    return begins[static_cast<size_t>(row) * stride] + begin_shift;
  }
  uint32_t end(int64_t row) const { return ends[static_cast<size_t>(row) * stride] - end_shift; }

  /// How many rows, from the first on, have kTextPaddingBytes readable bytes at their begin.
  int64_t PaddedRowCount() const {
    int64_t count = row_count;
    while (count > 0 && readable_end - (base + begin(count - 1)) <
                            static_cast<std::ptrdiff_t>(kTextPaddingBytes)) {
      --count;
    }
    return count;
  }
};

/// A text that could not be read; null stands in its row.
struct TextFailure {
  int64_t row = 0;          ///< In the run.
  bool is_missing = false;  ///< Null, but the column is required.
  std::string reason;
};

/// The rules of dead letters that column builders cause, in every codec.
inline constexpr std::string_view kRuleColumnType = "column.type";
inline constexpr std::string_view kRuleColumnRequired = "column.required";
/// That a value is of another type than its column, in the words of any codec: `json.type` too.
inline bool IsTypeRule(std::string_view rule) { return rule.ends_with(".type"); }

}  // namespace catchwater
