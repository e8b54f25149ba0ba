/// \file
/// Reads single JSON tokens, strictly. Source: RFC 8259, sections 2, 6 and 7.
///
/// All functions take [at, end) and return where the token ends, or nullptr; then `fault` says why
/// and `fault_at` where.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "catchwater/base/swar.h"
#include "catchwater/codec/json/json_value.h"

namespace catchwater {

struct JsonFaultPlace {
  JsonFault fault = JsonFault::kNone;
  const char* at = nullptr;

  std::nullptr_t Set(JsonFault what, const char* where) {
    fault = what;
    at = where;
    return nullptr;
  }
};

inline bool IsJsonBlank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

inline const char* SkipJsonBlanks(const char* at, const char* end) {
  while (at < end && IsJsonBlank(*at)) ++at;
  return at;
}

/// Returns the first `"`, `\` or control character, or end.
inline const char* FindStringStop(const char* at, const char* end) {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i control = _mm_set1_epi8(0x1F);
  for (; end - at >= 16; at += 16) {
    const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i stops =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(text, quote), _mm_cmpeq_epi8(text, backslash)),
                     _mm_cmpeq_epi8(_mm_min_epu8(text, control), text));
    const auto mask = static_cast<uint32_t>(_mm_movemask_epi8(stops));
    if (mask != 0) return at + std::countr_zero(mask);
  }
#endif
  while (at < end && *at != '"' && *at != '\\' && static_cast<unsigned char>(*at) > 0x1F) ++at;
  return at;
}

/// \param at the backslash. \return behind the escape sequence; a surrogate pair is one sequence
const char* ScanJsonEscape(const char* at, const char* end, JsonFaultPlace& fault);

/// \param at behind the opening quote. \return at the closing quote
inline const char* ScanJsonString(const char* at, const char* end, bool& has_escape,
                                  JsonFaultPlace& fault) {
  for (;;) {
    at = FindStringStop(at, end);
    if (at == end) return fault.Set(JsonFault::kTruncated, at);
    if (*at == '"') return at;
    if (*at != '\\') return fault.Set(JsonFault::kControlCharacter, at);
    has_escape = true;
    at = ScanJsonEscape(at, end, fault);
    if (at == nullptr) return nullptr;
  }
}

/// Reads `true`, `false` or `null`. \pre at < end and *at is t, f or n
const char* ScanJsonWord(const char* at, const char* end, JsonKind& kind, JsonFaultPlace& fault);

/// Reads a number. \pre at < end and *at is `-` or a digit
const char* ScanJsonNumber(const char* at, const char* end, JsonKind& kind, JsonFaultPlace& fault);

/// As ScanJsonNumber, for usual numbers of up to 7 + 7 digits. \return nullptr: ask ScanJsonNumber
/// \pre *at is `-` or a digit and kTextPaddingBytes can be read
inline const char* TryScanJsonNumber(const char* at, JsonKind& kind) {
  const auto digit_count = [](const char* padded) {
    return static_cast<uint32_t>(std::countr_zero(NonDigitMask(DigitsOfWord(LoadWord(padded))))) /
           8;
  };
  at += *at == '-' ? 1 : 0;
  const uint32_t whole = digit_count(at);
  if (whole - 1 > 6 || (*at == '0' && whole > 1)) return nullptr;
  at += whole;
  kind = JsonKind::kInteger;
  if (*at == '.') {
    const uint32_t fraction = digit_count(at + 1);
    if (fraction - 1 > 6) return nullptr;
    at += fraction + 1;
    kind = JsonKind::kNumber;
  }
  return (*at | 0x20) == 'e' ? nullptr : at;
}

/// Replaces the content of `out` by the text with its escape sequences resolved.
/// \pre the text is the content of a string that ScanJsonString accepted
void UnescapeJson(std::string_view text, std::string& out);

/// Appends the text in quotes, escaped; well-formed UTF-8 stays as it is, and what is not becomes
/// U+FFFD.
void AppendJsonString(std::string_view text, std::string& out);

/// Returns the number of bytes before the first one that is not well-formed UTF-8.
int64_t ValidUtf8Prefix(std::string_view text);

}  // namespace catchwater
