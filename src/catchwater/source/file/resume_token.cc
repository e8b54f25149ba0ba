#include "catchwater/source/file/resume_token.h"

#include <algorithm>
#include <charconv>

#include "catchwater/source/file/content_hash.h"

namespace catchwater {
namespace {

constexpr std::string_view kLine = "line=";
constexpr std::string_view kTail = " tail=";

// Takes a number off the front of the text. \return false if there is none
template <class Number>
bool TakeNumber(std::string_view& text, Number& number, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

bool TakeWord(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

}  // namespace

ResumeToken ResumeToken::Make(int64_t line, std::string_view bytes_before) {
  const size_t count = std::min(bytes_before.size(), static_cast<size_t>(kResumeTailBytesMax));
  return {.line = line,
          .tail_bytes = static_cast<int64_t>(count),
          .tail_hash = HashTail(bytes_before.substr(bytes_before.size() - count))};
}

ResumeToken ResumeToken::Parse(std::string_view text) {
  ResumeToken token;
  const bool is_whole = TakeWord(text, kLine) && TakeNumber(text, token.line, 10) &&
                        TakeWord(text, kTail) && TakeNumber(text, token.tail_bytes, 10) &&
                        TakeWord(text, ":") && TakeNumber(text, token.tail_hash, 16) &&
                        text.empty() && token.line >= 0 && token.tail_bytes >= 0 &&
                        token.tail_bytes <= kResumeTailBytesMax;
  return is_whole ? token : ResumeToken{};
}

std::string ResumeToken::ToString() const {
  char hex[17] = {};
  std::to_chars(hex, hex + sizeof(hex) - 1, tail_hash, 16);
  std::string text(kLine);
  text += std::to_string(line);
  text += kTail;
  text += std::to_string(tail_bytes);
  text += ':';
  text += hex;
  return text;
}

}  // namespace catchwater
