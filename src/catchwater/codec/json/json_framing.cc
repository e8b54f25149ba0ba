#include "catchwater/codec/json/json_framing.h"

#include <bit>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "catchwater/codec/json/json_scan.h"

namespace catchwater {
namespace {

/// Returns the first quote or bracket, or end.
const char* FindStructure(const char* at, const char* end) {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i open = _mm_set1_epi8('{');
  const __m128i close = _mm_set1_epi8('}');
  const __m128i case_bit = _mm_set1_epi8(0x20);  // Turns [ into { and ] into }.
  for (; end - at >= 16; at += 16) {
    const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i bracket = _mm_or_si128(text, case_bit);
    const __m128i stops =
        _mm_or_si128(_mm_cmpeq_epi8(text, quote),
                     _mm_or_si128(_mm_cmpeq_epi8(bracket, open), _mm_cmpeq_epi8(bracket, close)));
    const auto mask = static_cast<uint32_t>(_mm_movemask_epi8(stops));
    if (mask != 0) return at + std::countr_zero(mask);
  }
#endif
  while (at < end && *at != '"' && (*at | 0x20) != '{' && (*at | 0x20) != '}') ++at;
  return at;
}

/// Returns behind the closing quote, or nullptr. No string goes on behind a line end: one that
/// lacks its quote ends there, so that what follows is not lost.
/// \param at behind the opening quote
const char* FindStringEnd(const char* at, const char* end) {
  for (;;) {
    at = FindStringStop(at, end);
    if (at == end) return nullptr;
    if (*at == '"') return at + 1;
    if (*at == '\n') return at;
    at += *at == '\\' ? 2 : 1;
    if (at > end) return nullptr;
  }
}

const char* FindContainerEnd(const char* at, const char* end) {
  int64_t depth = 0;
  for (;;) {
    at = FindStructure(at, end);
    if (at == end) return nullptr;
    if (*at == '"') {
      at = FindStringEnd(at + 1, end);
      if (at == nullptr) return nullptr;
      continue;
    }
    depth += (*at | 0x20) == '{' ? 1 : -1;
    ++at;
    if (depth == 0) return at;
  }
}

/// Whether a value may begin behind `last` inside the brackets `open`.
bool MayBeginValue(char open, char last) {
  return last == ':' || (open == '[' && (last == ',' || last == '['));
}

FirstLine ClassifyLineEnd(const char* at, const char* end, bool is_end, char open, char last) {
  at = SkipJsonBlanks(at, end);
  if (at == end) return is_end ? FirstLine::kBroken : FirstLine::kNeedsMore;
  const bool begins_value = *at == '{' || *at == '[';
  return begins_value && !MayBeginValue(open, last) ? FirstLine::kBroken : FirstLine::kOpen;
}

}  // namespace

const char* FindJsonEnd(const char* at, const char* end, bool is_end) {
  constexpr std::string_view kDelimiters = ",:]}[{\" \t\r\n";
  if (*at == '{' || *at == '[') return FindContainerEnd(at, end);
  if (*at == '"') return FindStringEnd(at + 1, end);
  ++at;
  while (at < end && kDelimiters.find(*at) == kDelimiters.npos) ++at;
  return at == end && !is_end ? nullptr : at;
}

FirstLine ClassifyFirstLine(const char* at, const char* end, bool is_end) {
  std::string open;
  char last = '\0';
  for (; at < end; ++at) {
    const char c = *at;
    if (c == '\n') return ClassifyLineEnd(at, end, is_end, open.back(), last);
    if (IsJsonBlank(c)) continue;
    last = c;
    if (c == '"') {
      const char* const behind = FindStringEnd(at + 1, end);
      if (behind == nullptr) break;
      if (behind[-1] != '"') return FirstLine::kBroken;
      at = behind - 1;
    } else if (c == '{' || c == '[') {
      open += c;
    } else if (c == '}' || c == ']') {
      open.pop_back();
      if (open.empty()) return FirstLine::kWhole;
    }
  }
  return is_end ? FirstLine::kWhole : FirstLine::kNeedsMore;
}

}  // namespace catchwater
