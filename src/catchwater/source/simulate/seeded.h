/// \file
/// Chance as a pure function of numbers: the same bits make the same values everywhere.
#pragma once

#include <cstdint>
#include <numbers>

namespace catchwater {

/// Source: S. Vigna, splitmix64 (public domain).
inline uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// Within [0, 1).
inline double Uniform(uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

/// The sum of four 16-bit numbers: near enough to a normal distribution, mean 0, deviation 1.
inline double Normal(uint64_t bits) {
  double sum = 0;
  for (int shift = 0; shift < 64; shift += 16) sum += static_cast<double>((bits >> shift) & 0xffff);
  return (sum / 65'535.0 - 2.0) * std::numbers::sqrt3;
}

}  // namespace catchwater
