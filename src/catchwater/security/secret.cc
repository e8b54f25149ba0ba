#include "catchwater/security/secret.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <ostream>
#include <string_view>
#include <utility>

#include <openssl/crypto.h>
#include <string.h>

namespace catchwater {
namespace {

constexpr std::string_view kMask = "***";

// A key that ends in one of these has a secret behind it.
constexpr std::array<std::string_view, 9> kSecretKeys{"password",   "passwd",      "secret",
                                                      "token",      "api_key",     "apikey",
                                                      "access_key", "private_key", "credentials"};

char Lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

bool IsWordCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}

bool IsSecretKey(std::string_view key) {
  std::string lower;
  for (const char c : key) lower += c == '-' ? '_' : Lower(c);
  return std::any_of(kSecretKeys.begin(), kSecretKeys.end(),
                     [&lower](std::string_view word) { return lower.ends_with(word); });
}

// Returns the end of the value that begins at `begin`: its closing quote, or the end of the line
// or flow item. A `${...}` is no secret by itself and is left to be seen.
size_t ValueEnd(std::string_view text, size_t begin, char separator) {
  const char quote = text[begin];
  if (quote == '"' || quote == '\'') {
    const size_t close = text.find(quote, begin + 1);
    return close == text.npos ? text.size() : close + 1;
  }
  const std::string_view ends = separator == '=' ? " \t\n&;," : "\n,}";
  const size_t end = text.find_first_of(ends, begin);
  return end == text.npos ? text.size() : end;
}

// Masks the value behind `key:` or `key=` at `position`, the place of the separator.
void MaskValueBehind(std::string& text, size_t position) {
  const char separator = text[position];
  size_t begin = position + 1;
  while (begin < text.size() && text[begin] == ' ') ++begin;
  if (begin >= text.size() || text[begin] == '\n') return;
  const size_t end = ValueEnd(text, begin, separator);
  const std::string_view value = std::string_view(text).substr(begin, end - begin);
  const std::string_view bare = value.substr(value.front() == '"' || value.front() == '\'' ? 1 : 0);
  if (bare.starts_with("${") || bare.starts_with("{") || value.empty()) return;
  text.replace(begin, end - begin, kMask);
}

void MaskKeyedValues(std::string& text) {
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] != ':' && text[i] != '=') continue;
    size_t end = i;
    if (text[end - 1] == '"' || text[end - 1] == '\'') --end;
    size_t begin = end;
    while (begin > 0 && IsWordCharacter(text[begin - 1])) --begin;
    if (IsSecretKey(std::string_view(text).substr(begin, end - begin))) MaskValueBehind(text, i);
  }
}

void MaskUrlPasswords(std::string& text) {
  constexpr std::string_view kScheme = "://";
  for (size_t at = text.find(kScheme); at != text.npos; at = text.find(kScheme, at + 1)) {
    const size_t user = at + kScheme.size();
    // The password may contain anything but a blank or a quote; the last @ before the path counts.
    const size_t end = std::min(text.find_first_of(" \t\n\"'/", user), text.size());
    const size_t host = text.rfind('@', end == 0 ? 0 : end - 1);
    const size_t colon = text.find(':', user);
    if (host == text.npos || host < user || colon == text.npos || colon > host) continue;
    if (std::string_view(text).substr(colon + 1).starts_with("${")) continue;
    text.replace(colon + 1, host - colon - 1, kMask);
  }
}

}  // namespace

Secret::Secret(std::string text) : text_(std::move(text)) {}

Secret::Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.Wipe(); }

Secret& Secret::operator=(const Secret& other) {
  if (this == &other) return *this;
  Wipe();
  text_ = other.text_;
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  Wipe();
  text_ = std::move(other.text_);
  other.Wipe();
  return *this;
}

Secret::~Secret() { Wipe(); }

void Secret::Wipe() {
  // The whole buffer: a moved-from short text leaves its bytes behind the new end.
  text_.resize(text_.capacity());
  explicit_bzero(text_.data(), text_.size());
  text_.clear();
}

bool Secret::Equals(const Secret& other) const {
  return text_.size() == other.text_.size() &&
         CRYPTO_memcmp(text_.data(), other.text_.data(), text_.size()) == 0;
}

std::ostream& operator<<(std::ostream& out, const Secret& secret) {
  return secret.is_empty() ? out : out << kMask;
}

std::string MaskSecrets(const std::string& text) {
  std::string masked = text;
  MaskUrlPasswords(masked);
  MaskKeyedValues(masked);
  return masked;
}

}  // namespace catchwater
