#include "catchwater/base/mix.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

struct Sequence {
  std::string name;
  std::function<uint64_t(int)> word;
};

// What columns hold: each fell on few slots with the low bits of a product.
class MixWordsTest : public testing::TestWithParam<Sequence> {};

TEST_P(MixWordsTest, SpreadsSequencesOverTheLowBits) {
  constexpr size_t kSlots = 4096;
  std::vector<int> load(kSlots);
  for (int i = 0; i < static_cast<int>(kSlots) / 4; ++i) {
    ++load[MixWords(GetParam().word(i), 8) % kSlots];
  }
  // Of random words, a slot with seven comes once in ten million tables.
  EXPECT_LE(*std::max_element(load.begin(), load.end()), 6);
}

INSTANTIATE_TEST_SUITE_P(
    Columns, MixWordsTest,
    testing::Values(
        Sequence{"Integers", [](int i) { return static_cast<uint64_t>(i); }},
        Sequence{"WholeDoubles", [](int i) { return std::bit_cast<uint64_t>(1.0 * i); }},
        Sequence{"Tenths", [](int i) { return std::bit_cast<uint64_t>(i / 10.0); }},
        Sequence{"Hundredths", [](int i) { return std::bit_cast<uint64_t>(i / 100.0); }},
        Sequence{"Seconds", [](int i) { return 1'767'225'600'000'000U + i * 1'000'000U; }},
        Sequence{"Names",
                 [](int i) {
                   const std::string name = "S" + std::to_string(1'000 + i);
                   uint64_t word = 0;
                   std::memcpy(&word, name.data(), name.size());
                   return word;
                 }}),
    [](const auto& sequence) { return sequence.param.name; });

}  // namespace
}  // namespace catchwater
