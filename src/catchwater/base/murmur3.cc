#include "catchwater/base/murmur3.h"

#include <bit>
#include <cstring>

namespace catchwater {
namespace {

constexpr uint32_t Scramble(uint32_t block) {
  return std::rotl(block * 0xcc9e2d51U, 15) * 0x1b873593U;
}

constexpr uint32_t MixBlock(uint32_t hash, uint32_t block) {
  return std::rotl(hash ^ Scramble(block), 13) * 5 + 0xe6546b64U;
}

constexpr uint32_t Finish(uint32_t hash, uint32_t byte_count) {
  hash ^= byte_count;
  hash = (hash ^ (hash >> 16)) * 0x85ebca6bU;
  hash = (hash ^ (hash >> 13)) * 0xc2b2ae35U;
  return hash ^ (hash >> 16);
}

}  // namespace

uint32_t Murmur3(std::string_view bytes, uint32_t seed) {
  uint32_t hash = seed;
  const size_t whole = bytes.size() / 4 * 4;
  for (size_t at = 0; at < whole; at += 4) {
    uint32_t block = 0;
    std::memcpy(&block, bytes.data() + at, sizeof(block));  // Little endian, as all our targets.
    hash = MixBlock(hash, block);
  }
  uint32_t tail = 0;
  for (size_t at = bytes.size(); at > whole; --at) {
    tail = tail << 8 | static_cast<uint8_t>(bytes[at - 1]);
  }
  return Finish(hash ^ Scramble(tail), static_cast<uint32_t>(bytes.size()));
}

uint32_t Murmur3OfInt64(int64_t value, uint32_t seed) {
  const auto raw = static_cast<uint64_t>(value);
  const uint32_t low = MixBlock(seed, static_cast<uint32_t>(raw));
  return Finish(MixBlock(low, static_cast<uint32_t>(raw >> 32)), 8);
}

}  // namespace catchwater
