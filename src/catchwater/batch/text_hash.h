/// \file
/// A text's name of fixed length: for ids that must be the same whenever they are made.
#pragma once

#include <string>
#include <string_view>

#include <xxhash.h>

#include "catchwater/base/hex.h"

namespace catchwater {

/// XXH3, 128 bits, in its canonical order as 32 hex digits.
inline std::string TextHash(std::string_view text) {
  XXH128_canonical_t hash{};
  XXH128_canonicalFromHash(&hash, XXH3_128bits(text.data(), text.size()));
  return HexOf({reinterpret_cast<const char*>(hash.digest), sizeof(hash.digest)});
}

}  // namespace catchwater
