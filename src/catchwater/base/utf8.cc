#include "catchwater/base/utf8.h"

#include <cstdint>

#include "catchwater/base/swar.h"

namespace catchwater {
namespace {

constexpr uint64_t kHighBits = 0x8080808080808080u;

// Returns the length of the well-formed sequence at the start of the text, 0 if there is none.
size_t SequenceLength(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const auto is_follower = [&](size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4 || !is_follower(1)) return 0;
  if (first < 0xE0) return 2;
  if (!is_follower(2)) return 0;
  if (first < 0xF0) {
    const bool is_overlong = first == 0xE0 && byte(1) < 0xA0;
    const bool is_surrogate = first == 0xED && byte(1) > 0x9F;
    return is_overlong || is_surrogate ? 0 : 3;
  }
  if (!is_follower(3)) return 0;
  const bool is_overlong = first == 0xF0 && byte(1) < 0x90;
  const bool is_too_large = first == 0xF4 && byte(1) > 0x8F;
  return is_overlong || is_too_large ? 0 : 4;
}

}  // namespace

bool IsAscii(std::string_view text) {
  uint64_t seen = 0;
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) seen |= LoadWord(text.data() + i);
  for (; i < text.size(); ++i) seen |= static_cast<uint8_t>(text[i]);
  return (seen & kHighBits) == 0;
}

bool IsValidUtf8(std::string_view text) {
  while (!text.empty()) {
    if (text.size() >= 8 && (LoadWord(text.data()) & kHighBits) == 0) {
      text.remove_prefix(8);
      continue;
    }
    const size_t length = SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string Excerpt(std::string_view text, size_t bytes_max) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string result;
  size_t i = 0;
  while (i < text.size() && i < bytes_max) {
    const size_t length = SequenceLength(text.substr(i));
    const auto byte = static_cast<uint8_t>(text[i]);
    if (length == 0 || byte < 0x20 || byte == 0x7F) {
      result += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
      ++i;
    } else {
      result += text.substr(i, length);
      i += length;
    }
  }
  if (i < text.size()) result += "...";
  return result;
}

}  // namespace catchwater
