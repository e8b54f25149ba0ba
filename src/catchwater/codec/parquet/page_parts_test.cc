#include <algorithm>
#include <bit>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <gtest/gtest.h>

#include "catchwater/codec/parquet/page_parts_internal.h"
#include "catchwater/codec/parquet/value_dictionary_internal.h"

namespace catchwater {
namespace {

/// Reads the hybrid as its specification is worded, bit by bit.
std::vector<uint32_t> SlowlyDecode(const PageBytes& bytes, int bit_width, size_t count) {
  std::vector<uint32_t> numbers;
  size_t at = 0;
  const auto width = static_cast<size_t>(bit_width);
  while (numbers.size() < count) {
    uint64_t header = 0;
    for (int shift = 0;; shift += 7) {
      header |= uint64_t{bytes.at(at) & 0x7FU} << shift;
      if ((bytes.at(at++) & 0x80) == 0) break;
    }
    if ((header & 1) == 0) {
      uint32_t number = 0;
      for (size_t i = 0; i < (width + 7) / 8; ++i) number |= uint32_t{bytes.at(at++)} << 8 * i;
      numbers.insert(numbers.end(), header >> 1, number);
      continue;
    }
    for (size_t i = 0; i < (header >> 1) * 8; ++i) {
      uint32_t number = 0;
      for (size_t bit = 0; bit < width; ++bit) {
        const size_t place = i * width + bit;
        number |= (uint32_t{bytes.at(at + place / 8)} >> place % 8 & 1U) << bit;
      }
      numbers.push_back(number);
    }
    at += (header >> 1) * width;
  }
  EXPECT_EQ(at, bytes.size());
  EXPECT_LT(numbers.size() - count, 8U) << "only the last group is filled up";
  numbers.resize(count);
  return numbers;
}

TEST(AppendHybridTest, ReadsBackAtEveryWidthWithAndWithoutRuns) {
  std::mt19937_64 random(7);
  for (int width = 1; width <= 32; ++width) {
    for (const int repeats_max : {1, 3, 40, 500}) {
      for (const size_t count : {0, 1, 7, 8, 9, 63, 64, 1000, 4099}) {
        SCOPED_TRACE(std::to_string(width) + " " + std::to_string(repeats_max) + " " +
                     std::to_string(count));
        std::vector<uint32_t> numbers;
        while (numbers.size() < count) {
          const auto number = static_cast<uint32_t>(random() >> (64 - width));
          const size_t repeats = 1 + random() % static_cast<size_t>(repeats_max);
          numbers.insert(numbers.end(), std::min(repeats, count - numbers.size()), number);
        }
        PageBytes bytes;
        AppendHybrid(numbers, width, &bytes);
        EXPECT_EQ(SlowlyDecode(bytes, width, count), numbers);
      }
    }
  }
}

TEST(AppendHybridTest, ALongRunTakesAFewBytes) {
  PageBytes bytes;
  AppendHybrid(std::vector<uint32_t>(100'000, 5), /*bit_width=*/3, &bytes);
  EXPECT_LE(bytes.size(), 8U);
}

TEST(CodeBitsTest, AreEnoughForTheLastCode) {
  for (const size_t count : {1, 2, 3, 4, 5, 8, 9, 255, 256, 257, 65'536, 65'537}) {
    const int bits = CodeBits(count);
    EXPECT_GE(uint64_t{1} << bits, count);
    EXPECT_TRUE(bits == 1 || uint64_t{1} << (bits - 1) < count) << count;
  }
}

TEST(LevelBitsTest, TellNullsOfSlicesWhateverCameBefore) {
  arrow::Int32Builder builder;
  std::vector<uint32_t> want;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE((i % 7 == 0 ? builder.AppendNull() : builder.Append(i)).ok());
  }
  const auto with_nulls = builder.Finish().ValueOrDie();
  ASSERT_TRUE(builder.AppendValues(std::vector<int32_t>(50, 1)).ok());
  const auto without = builder.Finish().ValueOrDie();
  LevelBits levels;
  levels.Append(*without, 3, 13);
  levels.Append(*with_nulls, 5, 60);
  levels.Append(*without, 0, 50);
  EXPECT_EQ(levels.row_count(), 123);
  EXPECT_EQ(levels.null_count(), 9);  // 7, 14, ... 63.
  want.assign(123, 1);
  for (size_t row = 7; row < 65; row += 7) want[13 + row - 5] = 0;
  PageBytes bytes;
  levels.Flush(&bytes);
  EXPECT_EQ(bytes[0], bytes.size() - 4);
  EXPECT_EQ(SlowlyDecode(PageBytes(bytes.begin() + 4, bytes.end()), 1, 123), want);
  EXPECT_EQ(levels.row_count(), 0);
}

TEST(TextDictionaryTest, GivesEqualTextsTheSameCodeAndOthersAnother) {
  TextDictionary dictionary;
  // Lengths around a word, texts that differ in one byte only, and zeros that a word hides.
  std::vector<std::string> texts;
  for (size_t length = 0; length < 40; ++length) {
    texts.emplace_back(length, 'a');
    texts.emplace_back(length, '\0');
    for (size_t at = 0; at < length; ++at) {
      texts.emplace_back(length, 'a');
      texts.back()[at] = 'b';
    }
  }
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  for (int round = 0; round < 2; ++round) {
    for (size_t i = 0; i < texts.size(); ++i) {
      const std::string padded = texts[i] + "behind the text";
      const auto length = static_cast<uint32_t>(texts[i].size());
      // With and without bytes behind it that may be read.
      const auto readable = static_cast<int64_t>(round == 0 ? padded.size() : length);
      EXPECT_EQ(dictionary.CodeOf(padded.data(), length, readable), i);
      EXPECT_EQ(dictionary.text_of(static_cast<uint32_t>(i)), texts[i]);
    }
  }
  EXPECT_EQ(dictionary.entry_count(), texts.size());
}

TEST(NumberDictionaryTest, GrowsAndKeepsItsCodes) {
  NumberDictionary<uint64_t> dictionary;
  for (int round = 0; round < 2; ++round) {
    for (uint64_t i = 0; i < 100'000; ++i) {
      ASSERT_EQ(dictionary.CodeOf(std::bit_cast<uint64_t>(static_cast<double>(i) / 100)), i);
    }
  }
  dictionary.Clear();
  EXPECT_EQ(dictionary.CodeOf(77), 0U);
}

}  // namespace
}  // namespace catchwater
