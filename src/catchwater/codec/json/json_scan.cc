#include "catchwater/codec/json/json_scan.h"

#include <algorithm>
#include <cstring>

namespace catchwater {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

/// Returns the value of four hexadecimal digits, or -1. \pre 4 bytes can be read
int32_t HexQuad(const char* at) {
  int32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = at[i];
    int32_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
      digit = (c | 0x20) - 'a' + 10;
    } else {
      return -1;
    }
    value = value * 16 + digit;
  }
  return value;
}

bool IsHighSurrogate(int32_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool IsLowSurrogate(int32_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

/// The code point of the `\uXXXX` or pair at `at`, and its length. \pre it was accepted
int32_t CodePointAt(const char* at, size_t& length) {
  const int32_t unit = HexQuad(at + 2);
  length = 6;
  if (!IsHighSurrogate(unit)) return unit;
  length = 12;
  return 0x10000 + ((unit - 0xD800) << 10) + (HexQuad(at + 8) - 0xDC00);
}

void AppendUtf8(int32_t code, std::string& out) {
  const auto put = [&out](int32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

char SimpleEscape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;
  }
}

/// Length of the UTF-8 sequence at `at`, or 0. Source: Unicode 15, table 3-7.
size_t SequenceLength(const char* at, const char* end) {
  const auto byte = [at](int i) { return static_cast<unsigned char>(at[i]); };
  const auto tail = [&](int i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const int length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (end - at < length) return 0;
  for (int i = 1; i < length; ++i) {
    if (!tail(i)) return 0;
  }
  const bool is_bad = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) ||
                      (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F);
  return is_bad ? 0 : static_cast<size_t>(length);
}

void AppendEscaped(char c, std::string& out) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += kHexDigits[static_cast<size_t>(c >> 4) & 0xF];
      out += kHexDigits[static_cast<size_t>(c) & 0xF];
  }
}

}  // namespace

std::string_view JsonFaultText(JsonFault fault) {
  switch (fault) {
    case JsonFault::kNone:
    case JsonFault::kStopped:
      return "nothing is wrong";
    case JsonFault::kTruncated:
      return "it ends inside a value";
    case JsonFault::kValueExpected:
      return "a value is expected";
    case JsonFault::kKeyExpected:
      return "a key in quotes is expected";
    case JsonFault::kColonExpected:
      return "a `:` is expected behind a key";
    case JsonFault::kCommaOrBraceExpected:
      return "a `,` or `}` is expected behind a member";
    case JsonFault::kCommaOrBracketExpected:
      return "a `,` or `]` is expected behind an element";
    case JsonFault::kNumber:
      return "this is no JSON number";
    case JsonFault::kWord:
      return "only the words true, false and null are known";
    case JsonFault::kControlCharacter:
      return "a control character stands in a string";
    case JsonFault::kEscape:
      return "this escape sequence is not known";
    case JsonFault::kLoneSurrogate:
      return "a surrogate without its other half is no character";
    case JsonFault::kTooDeep:
      return "it is nested deeper than depth_max";
    case JsonFault::kUtf8:
      return "the bytes are not UTF-8";
    case JsonFault::kCommaExpected:
      return "one `,` is expected between two elements";
    case JsonFault::kTail:
      return "what follows the array does not close the document";
  }
  return "";
}

const char* ScanJsonEscape(const char* at, const char* end, JsonFaultPlace& fault) {
  if (end - at < 2) return fault.Set(JsonFault::kTruncated, end);
  if (at[1] != 'u') {
    constexpr std::string_view kKnown = "\"\\/bfnrt";
    if (kKnown.find(at[1]) == kKnown.npos) return fault.Set(JsonFault::kEscape, at);
    return at + 2;
  }
  if (end - at < 6) return fault.Set(JsonFault::kTruncated, end);
  const int32_t unit = HexQuad(at + 2);
  if (unit < 0) return fault.Set(JsonFault::kEscape, at);
  if (IsLowSurrogate(unit)) return fault.Set(JsonFault::kLoneSurrogate, at);
  if (!IsHighSurrogate(unit)) return at + 6;
  // What is there must begin a low surrogate, also when the text ends too early.
  constexpr std::string_view kNext = "\\u";
  const std::string_view next(at + 6, std::min<size_t>(2, static_cast<size_t>(end - at - 6)));
  if (!kNext.starts_with(next)) return fault.Set(JsonFault::kLoneSurrogate, at);
  if (end - at < 12) return fault.Set(JsonFault::kTruncated, end);
  if (!IsLowSurrogate(HexQuad(at + 8))) return fault.Set(JsonFault::kLoneSurrogate, at);
  return at + 12;
}

const char* ScanJsonWord(const char* at, const char* end, JsonKind& kind, JsonFaultPlace& fault) {
  const auto matches = [&](std::string_view word) {
    return static_cast<size_t>(end - at) >= word.size() &&
           std::memcmp(at, word.data(), word.size()) == 0;
  };
  if (matches("true")) {
    kind = JsonKind::kTrue;
    return at + 4;
  }
  if (matches("false")) {
    kind = JsonKind::kFalse;
    return at + 5;
  }
  if (matches("null")) {
    kind = JsonKind::kNull;
    return at + 4;
  }
  const std::string_view rest(at, std::min<size_t>(4, static_cast<size_t>(end - at)));
  const bool is_cut = std::string_view("true").starts_with(rest) ||
                      std::string_view("false").starts_with(rest) ||
                      std::string_view("null").starts_with(rest);
  return fault.Set(is_cut ? JsonFault::kTruncated : JsonFault::kWord, is_cut ? end : at);
}

const char* ScanJsonNumber(const char* at, const char* end, JsonKind& kind, JsonFaultPlace& fault) {
  const auto skip_digits = [&at, end] {
    const char* const begin = at;
    while (at < end && *at >= '0' && *at <= '9') ++at;
    return at - begin;
  };
  const auto digit_expected = [&] {
    return fault.Set(at == end ? JsonFault::kTruncated : JsonFault::kNumber, at);
  };
  kind = JsonKind::kInteger;
  if (*at == '-') ++at;
  const char* const begin = at;
  if (skip_digits() == 0) return digit_expected();
  if (*begin == '0' && at - begin > 1) return fault.Set(JsonFault::kNumber, begin + 1);
  if (at < end && *at == '.') {
    kind = JsonKind::kNumber;
    ++at;
    if (skip_digits() == 0) return digit_expected();
  }
  if (at < end && (*at | 0x20) == 'e') {
    kind = JsonKind::kNumber;
    ++at;
    if (at < end && (*at == '-' || *at == '+')) ++at;
    if (skip_digits() == 0) return digit_expected();
  }
  return at;
}

void UnescapeJson(std::string_view text, std::string& out) {
  out.clear();
  while (!text.empty()) {
    const size_t plain = std::min(text.find('\\'), text.size());
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) return;
    size_t length = 2;
    if (text[1] == 'u') {
      AppendUtf8(CodePointAt(text.data(), length), out);
    } else {
      out += SimpleEscape(text[1]);
    }
    text.remove_prefix(length);
  }
}

void AppendJsonString(std::string_view text, std::string& out) {
  out += '"';
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    const char* const stop = FindStringStop(at, end);
    const char* const valid = at + ValidUtf8Prefix({at, static_cast<size_t>(stop - at)});
    out.append(at, valid);
    at = valid;
    if (valid < stop) {
      out += "\xEF\xBF\xBD";
      ++at;
    } else if (at < end) {
      AppendEscaped(*at++, out);
    }
  }
  out += '"';
}

int64_t ValidUtf8Prefix(std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    uint64_t word = 0;
    if (end - at >= 8) {
      std::memcpy(&word, at, sizeof(word));
      if ((word & 0x8080808080808080u) == 0) {
        at += 8;
        continue;
      }
    }
    const size_t length = SequenceLength(at, end);
    if (length == 0) break;
    at += length;
  }
  return at - text.data();
}

}  // namespace catchwater
