/// \file
/// A hash of two words.
#pragma once

#include <cstdint>

namespace catchwater {

/// The high and the low half of a product, folded: every bit of both words counts. Shifts of one
/// half do not do: numbers with few decimals, or names in sequence, then fall on the same slots.
inline uint64_t MixWords(uint64_t a, uint64_t b) {
  const auto product =
      static_cast<unsigned __int128>(a ^ 0x9e3779b97f4a7c15U) * (b ^ 0xe7037ed1a0b428dbU);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace catchwater
