/// \file
/// Randomness as a dependency: seeded in tests and in `simulate`, from the system otherwise.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace catchwater {

/// xoshiro256++ (Blackman and Vigna, 2019), seeded by splitmix64: the same numbers on every
/// machine for a seed. One thread at a time. Not for secrets.
class Random {
 public:
  explicit Random(uint64_t seed);
  /// A generator with a seed from the operating system.
  static Random FromSystem();

  uint64_t Next();
  /// Uniform in [0, bound). \pre bound > 0
  uint64_t Below(uint64_t bound);
  /// Uniform in [0, 1).
  double Uniform();
  /// Standard normal (polar method).
  double Normal();
  /// A random UUID (version 4), 36 characters. Source: RFC 9562, section 5.4.
  std::string Uuid();

 private:
  std::array<uint64_t, 4> state_;
};

/// The UUID (version 4) whose free bits are those of the two words. Source: RFC 9562, section 5.4.
std::string UuidText(uint64_t high, uint64_t low);

}  // namespace catchwater
