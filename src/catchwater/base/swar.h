/// \file
/// Eight characters at a time in one 64-bit word: loads, digit tests, digits to numbers.
/// Source: D. Lemire, "Quickly parsing eight digits" (2018), and S. E. Anderson, "Bit Twiddling
/// Hacks".
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace catchwater {

static_assert(std::endian::native == std::endian::little, "words are read in memory order");

/// A padded text may be read for this many bytes from its first character on, whatever its length.
inline constexpr size_t kTextPaddingBytes = 32;

inline uint64_t LoadWord(const char* text) {
  uint64_t word;
  std::memcpy(&word, text, sizeof(word));
  return word;
}

/// Turns the characters '0'..'9' into 0..9; every other character becomes more than 9.
inline uint64_t DigitsOfWord(uint64_t word) { return word ^ 0x3030303030303030u; }

/// Returns 0x80 in every byte of `digits` (of DigitsOfWord) that is no digit.
inline uint64_t NonDigitMask(uint64_t digits) {
  return (((digits & 0x7F7F7F7F7F7F7F7Fu) + 0x7676767676767676u) | digits) & 0x8080808080808080u;
}

/// Returns the number of eight digits, the most significant in the lowest byte.
inline uint64_t EightDigits(uint64_t digits) {
  digits = digits * 10 + (digits >> 8);
  digits = (digits & 0x00FF00FF00FF00FFu) * 100 + ((digits >> 16) & 0x00FF00FF00FF00FFu);
  return ((digits & 0x0000FFFF0000FFFFu) * 10000 + ((digits >> 32) & 0x0000FFFFu)) & 0xFFFFFFFFu;
}

}  // namespace catchwater
