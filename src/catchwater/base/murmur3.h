/// \file
/// MurmurHash3, the 32-bit variant for x86, as Iceberg's bucket transform needs it. Not for
/// secrets.
#pragma once

#include <cstdint>
#include <string_view>

namespace catchwater {

/// Source: Appleby, smhasher, MurmurHash3_x86_32; Iceberg spec, appendix B (seed 0).
uint32_t Murmur3(std::string_view bytes, uint32_t seed = 0);

/// The hash of a value as 8 bytes, little endian: Murmur3 of them, without the detour over memory.
uint32_t Murmur3OfInt64(int64_t value, uint32_t seed = 0);

}  // namespace catchwater
