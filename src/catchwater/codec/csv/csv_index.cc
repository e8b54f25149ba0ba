#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "catchwater/codec/csv/csv_index_internal.h"

namespace catchwater {
namespace {

constexpr size_t kBlockBytes = 64;

// One bit a byte of 64.
struct Masks {
  uint64_t delimiter = 0;
  uint64_t line_feed = 0;
  uint64_t quote = 0;
};

// Each kind of processor has a scanner: makes the masks of 64 bytes and remembers high bits.
#if !defined(__x86_64__)

class PlainScanner {
 public:
  PlainScanner(char delimiter, char quote) : delimiter_(delimiter), quote_(quote) {}
  Masks Scan(const char* text) {
    Masks masks;
    for (size_t i = 0; i < kBlockBytes; ++i) {
      masks.delimiter |= uint64_t{text[i] == delimiter_} << i;
      masks.line_feed |= uint64_t{text[i] == '\n'} << i;
      masks.quote |= uint64_t{text[i] == quote_} << i;
      seen_ = static_cast<char>(seen_ | text[i]);
    }
    return masks;
  }
  bool is_ascii() const { return (seen_ & 0x80) == 0; }

 private:
  char delimiter_;
  char quote_;
  char seen_ = 0;
};

#else

#define CATCHWATER_AVX2 [[gnu::target("avx2,bmi,bmi2,popcnt,lzcnt")]]  // NOLINT: see Dispatch.

// SSE2 is in every x86-64 processor.
class Sse2Scanner {
 public:
  Sse2Scanner(char delimiter, char quote)
      : delimiter_(_mm_set1_epi8(delimiter)),
        quote_(_mm_set1_epi8(quote)),
        line_feed_(_mm_set1_epi8('\n')),
        seen_(_mm_setzero_si128()) {}
  Masks Scan(const char* text) {
    Masks masks;
    for (int part = 0; part < 4; ++part) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text) + part);
      masks.delimiter |= Equal(bytes, delimiter_) << (16 * part);
      masks.line_feed |= Equal(bytes, line_feed_) << (16 * part);
      masks.quote |= Equal(bytes, quote_) << (16 * part);
      seen_ = _mm_or_si128(seen_, bytes);
    }
    return masks;
  }
  bool is_ascii() const { return _mm_movemask_epi8(seen_) == 0; }

 private:
  static uint64_t Equal(__m128i bytes, __m128i wanted) {
    return static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, wanted)));
  }
  __m128i delimiter_;
  __m128i quote_;
  __m128i line_feed_;
  __m128i seen_;
};

class Avx2Scanner {
 public:
  CATCHWATER_AVX2 Avx2Scanner(char delimiter, char quote)
      : delimiter_(_mm256_set1_epi8(delimiter)),
        quote_(_mm256_set1_epi8(quote)),
        line_feed_(_mm256_set1_epi8('\n')),
        seen_(_mm256_setzero_si256()) {}
  CATCHWATER_AVX2 Masks Scan(const char* text) {
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text) + 1);
    seen_ = _mm256_or_si256(seen_, _mm256_or_si256(low, high));
    return {.delimiter = Equal(low, high, delimiter_),
            .line_feed = Equal(low, high, line_feed_),
            .quote = Equal(low, high, quote_)};
  }
  CATCHWATER_AVX2 bool is_ascii() const { return _mm256_movemask_epi8(seen_) == 0; }

 private:
  CATCHWATER_AVX2 static uint64_t Equal(__m256i low, __m256i high, __m256i wanted) {
    const auto low_mask =
        static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)));
    const auto high_mask =
        static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)));
    return (uint64_t{high_mask} << 32) | low_mask;
  }
  __m256i delimiter_;
  __m256i quote_;
  __m256i line_feed_;
  __m256i seen_;
};

#endif

// Bit i of the result is the xor of bits 0 to i: 1 from an opening quote to before its closing one.
inline uint64_t PrefixXor(uint64_t bits) {
  for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

// Follows quotes over the blocks, and checks that each stands where the grammar allows it.
class QuoteState {
 public:
  bool is_regular() const { return wrong_ == 0; }
  bool has_doubled() const { return doubled_ != 0; }

  /// Returns which bytes are inside quotes. `text` is the block.
  uint64_t Advance(const Masks& masks, const char* text) {
    const uint64_t separator = masks.delimiter | masks.line_feed;
    const uint64_t inside = PrefixXor(masks.quote) ^ inside_;
    const uint64_t opening = masks.quote & inside;
    const uint64_t closing = masks.quote & ~inside;
    // Before an opening quote: a separator, or the closing quote that it doubles.
    wrong_ |= opening & ~(((separator | masks.quote) << 1) | may_open_);
    // Behind a closing quote: a separator, a quote, or a carriage return before a line feed.
    const uint64_t behind = (closing << 1) | was_closing_;
    const uint64_t returns = behind & ~(separator | masks.quote) & CarriageReturns(behind, text);
    wrong_ |= behind & ~(separator | masks.quote | returns);
    wrong_ |= ((returns << 1) | was_return_) & ~masks.line_feed;
    doubled_ |= masks.quote & ((masks.quote << 1) | was_quote_);
    was_quote_ = masks.quote >> 63;
    may_open_ = (separator | masks.quote) >> 63;
    was_closing_ = closing >> 63;
    was_return_ = returns >> 63;
    inside_ = uint64_t{0} - (inside >> 63);
    return inside;
  }

  /// Skips a block without quotes, of which the first byte decides on what was open before.
  /// \return which bytes are inside quotes
  uint64_t SkipBlock(const Masks& masks, const char* text) {
    if ((was_quote_ | was_return_) != 0) return Advance(masks, text);
    may_open_ = (masks.delimiter | masks.line_feed) >> 63;
    return inside_;
  }

 private:
  // Only few bits are asked for: one byte at a time will do.
  static uint64_t CarriageReturns(uint64_t asked, const char* text) {
    uint64_t found = 0;
    for (; asked != 0; asked &= asked - 1) {
      const int i = std::countr_zero(asked);
      found |= uint64_t{text[i] == '\r'} << i;
    }
    return found;
  }

  uint64_t inside_ = 0;       // All ones: the block begins inside quotes.
  uint64_t may_open_ = 1;     // The byte before the block allows a quote to open.
  uint64_t was_closing_ = 0;  // The byte before the block closed a quote.
  uint64_t was_return_ = 0;   // The byte before it is a carriage return behind a closing quote.
  uint64_t was_quote_ = 0;    // The byte before the block is a quote.
  uint64_t wrong_ = 0;
  uint64_t doubled_ = 0;
};

// The 64 bytes at `at`. Behind the end of the text there stand line feeds, which are not valid.
class Block {
 public:
  [[gnu::always_inline]] Block(const char* text, size_t length, size_t at) : text_(text + at) {
    if (length - at >= kBlockBytes) [[likely]]
      return;
    tail_.fill('\n');
    std::memcpy(tail_.data(), text_, length - at);
    text_ = tail_.data();
    valid_ = (uint64_t{1} << (length - at)) - 1;
  }
  const char* text() const { return text_; }
  uint64_t valid() const { return valid_; }

 private:
  const char* text_;
  uint64_t valid_ = ~uint64_t{0};
  std::array<char, kBlockBytes> tail_;
};

// Writes the places of the bits: eight without a question, as most blocks have few.
[[gnu::always_inline]] inline uint32_t* WritePlaces(uint64_t bits, uint32_t base, int count,
                                                    uint32_t* out) {
  const auto write_eight = [&](int from) {
    for (int i = 0; i < 8; ++i) {
      out[from + i] = base + static_cast<uint32_t>(std::countr_zero(bits));
      bits &= bits - 1;
    }
  };
  write_eight(0);
  if (count > 8) [[unlikely]] {
    for (int from = 8; from < count; from += 8) write_eight(from);
  }
  return out + count;
}

template <typename Scanner>
[[gnu::always_inline]] inline CsvIndex Index(Scanner& scanner, const char* text, size_t length,
                                             bool has_quote, uint32_t* const ends) {
  CsvIndex index;
  QuoteState quotes;
  uint32_t* out = ends;
  for (size_t at = 0; at < length; at += kBlockBytes) {
    const Block block(text, length, at);
    const Masks masks = scanner.Scan(block.text());
    uint64_t inside = 0;
    if (has_quote) {
      index.has_quotes |= masks.quote != 0;
      inside = masks.quote != 0 ? quotes.Advance(masks, block.text())
                                : quotes.SkipBlock(masks, block.text());
    }
    const uint64_t line_feeds = masks.line_feed & ~inside & block.valid();
    const uint64_t separators = (masks.delimiter & ~inside) | line_feeds;
    index.line_count += static_cast<size_t>(std::popcount(line_feeds));
    out = WritePlaces(separators, static_cast<uint32_t>(at), std::popcount(separators), out);
  }
  // Behind the last line feed there is only the beginning of a record.
  while (out != ends && text[out[-1]] != '\n') --out;
  index.end_count = static_cast<size_t>(out - ends);
  index.byte_count = index.end_count == 0 ? 0 : size_t{out[-1]} + 1;
  index.is_regular = quotes.is_regular();
  index.has_doubled_quotes = quotes.has_doubled();
  index.is_ascii = scanner.is_ascii();
  return index;
}

template <typename Scanner>
[[gnu::always_inline]] inline int64_t LastEnd(Scanner& scanner, const char* text, size_t length) {
  QuoteState quotes;
  int64_t last = 0;
  for (size_t at = 0; at < length; at += kBlockBytes) {
    const Block block(text, length, at);
    const Masks masks = scanner.Scan(block.text());
    const uint64_t inside = masks.quote != 0 ? quotes.Advance(masks, block.text())
                                             : quotes.SkipBlock(masks, block.text());
    if (!quotes.is_regular()) return -1;
    const uint64_t line_feeds = masks.line_feed & ~inside & block.valid();
    if (line_feeds != 0) last = static_cast<int64_t>(at) + 64 - std::countl_zero(line_feeds);
  }
  return last;
}

#if defined(__x86_64__)

CATCHWATER_AVX2 CsvIndex IndexAvx2(const char* text, size_t length, char delimiter, char quote,
                                   uint32_t* ends) {
  Avx2Scanner scanner(delimiter, quote);
  return Index(scanner, text, length, quote != '\0', ends);
}
CATCHWATER_AVX2 int64_t LastEndAvx2(const char* text, size_t length, char delimiter, char quote) {
  Avx2Scanner scanner(delimiter, quote);
  return LastEnd(scanner, text, length);
}
bool HasAvx2() {
  static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
  return has;
}
using BaseScanner = Sse2Scanner;

#else

using BaseScanner = PlainScanner;

#endif

}  // namespace

CsvIndex IndexCsvPortably(const char* text, size_t length, char delimiter, char quote,
                          uint32_t* ends) {
  BaseScanner scanner(delimiter, quote);
  return Index(scanner, text, length, quote != '\0', ends);
}

int64_t LastRecordEndPortably(const char* text, size_t length, char delimiter, char quote) {
  BaseScanner scanner(delimiter, quote);
  return LastEnd(scanner, text, length);
}

CsvIndex IndexCsv(const char* text, size_t length, char delimiter, char quote, uint32_t* ends) {
#if defined(__x86_64__)
  if (HasAvx2()) return IndexAvx2(text, length, delimiter, quote, ends);
#endif
  return IndexCsvPortably(text, length, delimiter, quote, ends);
}

int64_t LastRecordEnd(const char* text, size_t length, char delimiter, char quote) {
#if defined(__x86_64__)
  if (HasAvx2()) return LastEndAvx2(text, length, delimiter, quote);
#endif
  return LastRecordEndPortably(text, length, delimiter, quote);
}

}  // namespace catchwater
