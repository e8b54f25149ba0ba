/// \file
/// Byte sizes as people write them in YAML: `128MiB`, `64KiB`, `1GB`, `4096`.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include <arrow/result.h>

namespace catchwater {

/// A number of bytes. A value type.
struct ByteSize {
  int64_t bytes = 0;

  static constexpr ByteSize KiB(int64_t count) { return {count << 10}; }
  static constexpr ByteSize MiB(int64_t count) { return {count << 20}; }
  static constexpr ByteSize GiB(int64_t count) { return {count << 30}; }

  constexpr auto operator<=>(const ByteSize&) const = default;
};

/// Reads a whole number >= 0 and an optional unit, without blanks: none or B = bytes; KiB, MiB,
/// GiB, TiB = powers of 1024; kB, KB, MB, GB, TB = powers of 1000.
/// \retval kConfig naming what is wrong
arrow::Result<ByteSize> ParseByteSize(std::string_view text);

/// Writes the size with the largest binary unit that divides it: 131072 -> "128KiB", 1000 ->
/// "1000".
std::string FormatByteSize(ByteSize size);

}  // namespace catchwater
