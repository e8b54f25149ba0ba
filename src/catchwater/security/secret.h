/// \file
/// A text that must not be shown: passwords, tokens, connection strings.
#pragma once

#include <iosfwd>
#include <string>

namespace catchwater {

/// Holds a secret; prints as `***`; overwrites its memory when it goes. One thread at a time.
/// Components receive it resolved and call Reveal() at the one spot that needs the text.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text);
  Secret(const Secret& other) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  /// The text. Never log it, never put it into a message.
  const std::string& Reveal() const { return text_; }
  bool is_empty() const { return text_.empty(); }

  /// Compares in a time that depends on the lengths only.
  bool Equals(const Secret& other) const;

 private:
  void Wipe();

  std::string text_;
};

/// Writes `***`, or nothing for an empty secret.
std::ostream& operator<<(std::ostream& out, const Secret& secret);

/// Returns the text with what looks like a secret replaced by `***`: the password in
/// `scheme://user:password@host`, and the value behind a key such as `password:` or `token=`.
/// For texts that were not made by us, before they are shown.
std::string MaskSecrets(const std::string& text);

}  // namespace catchwater
