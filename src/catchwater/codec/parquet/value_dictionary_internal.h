/// \file
/// The different values of a column in the open row group, each with a code in order of appearance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catchwater/base/mix.h"

namespace catchwater {

inline constexpr size_t kDictionarySlotsMin = 1024;
inline constexpr size_t kSlotsAnEntry = 4;  // At least: a second look costs a wrong guess.

/// Values of a fixed width, told apart by their bits. One thread.
template <typename Bits>
class NumberDictionary {
 public:
  uint32_t CodeOf(Bits value) {
    const size_t at = Mix(value) & (slots_.size() - 1);
    const Slot& slot = slots_[at];
    if (slot.value == value && slot.code_next != 0) [[likely]]
      return slot.code_next - 1;
    return SearchOn(at, value);
  }

  const std::vector<Bits>& values() const { return values_; }
  int64_t byte_count() const { return static_cast<int64_t>(values_.size() * sizeof(Bits)); }
  /// Forgets all values and gives the memory back.
  void Clear() { *this = {}; }

 private:
  struct Slot {
    Bits value = 0;
    uint32_t code_next = 0;  // The code plus one; 0: free.
  };

  static size_t Mix(Bits value) { return static_cast<size_t>(MixWords(value, sizeof(Bits))); }

  [[gnu::noinline]] uint32_t SearchOn(size_t at, Bits value) {
    const size_t mask = slots_.size() - 1;
    for (; slots_[at].code_next != 0; at = (at + 1) & mask) {
      if (slots_[at].value == value) return slots_[at].code_next - 1;
    }
    const auto code = static_cast<uint32_t>(values_.size());
    values_.push_back(value);
    slots_[at] = {value, code + 1};
    if (values_.size() * kSlotsAnEntry > slots_.size()) Grow();
    return code;
  }

  void Grow() {
    slots_.assign(slots_.size() * 4, {});
    const size_t mask = slots_.size() - 1;
    for (uint32_t code = 0; code < values_.size(); ++code) {
      size_t at = Mix(values_[code]) & mask;
      while (slots_[at].code_next != 0) at = (at + 1) & mask;
      slots_[at] = {values_[code], code + 1};
    }
  }

  std::vector<Bits> values_;
  std::vector<Slot> slots_ = std::vector<Slot>(kDictionarySlotsMin);
};

/// Texts. Most are short: those are told apart by one word, without a look at their bytes.
class TextDictionary {
 public:
  static constexpr size_t kShortBytes = 8;

  /// \param readable bytes that may be read from `text` on, at least its length
  uint32_t CodeOf(const char* text, uint32_t length, int64_t readable) {
    const uint64_t head = HeadOf(text, length, readable);
    const size_t mask = slots_.size() - 1;
    size_t at = Mix(head, length) & mask;
    while (slots_[at].code_next != 0) {
      const Slot& slot = slots_[at];
      if (slot.head == head && slot.length == length &&
          (length <= kShortBytes ||
           std::memcmp(text_of(slot.code_next - 1).data(), text, length) == 0)) {
        return slot.code_next - 1;
      }
      at = (at + 1) & mask;
    }
    return Insert(at, head, {text, length});
  }

  size_t entry_count() const { return ends_.size(); }
  std::string_view text_of(uint32_t code) const {
    const size_t begin = code == 0 ? 0 : ends_[code - 1];
    return std::string_view(bytes_).substr(begin, ends_[code] - begin);
  }
  /// As a dictionary page: each text with its length.
  int64_t byte_count() const {
    return static_cast<int64_t>(bytes_.size() + ends_.size() * sizeof(uint32_t));
  }
  /// Forgets all texts and gives the memory back.
  void Clear() { *this = {}; }

 private:
  struct Slot {
    uint64_t head = 0;  // Of a short text its bytes, else a hash.
    uint32_t length = 0;
    uint32_t code_next = 0;  // The code plus one; 0: free.
  };

  static uint64_t Word(const char* text) {
    uint64_t word = 0;
    std::memcpy(&word, text, sizeof(word));
    return word;
  }
  static uint64_t HeadOf(const char* text, uint32_t length, int64_t readable) {
    if (length <= kShortBytes) {
      uint64_t word = 0;
      if (readable >= static_cast<int64_t>(kShortBytes)) [[likely]] {
        word = Word(text);
        return length == kShortBytes ? word : word & ((uint64_t{1} << 8 * length) - 1);
      }
      std::memcpy(&word, text, length);
      return word;
    }
    uint64_t hash = length;
    uint32_t at = 0;
    for (; at + kShortBytes < length; at += kShortBytes) hash = MixWords(hash, Word(text + at));
    return MixWords(hash, Word(text + length - kShortBytes));
  }

  static size_t Mix(uint64_t head, uint32_t length) {
    return static_cast<size_t>(MixWords(head, length));
  }

  uint32_t Insert(size_t at, uint64_t head, std::string_view text) {
    const auto code = static_cast<uint32_t>(ends_.size());
    bytes_ += text;
    ends_.push_back(bytes_.size());
    slots_[at] = {head, static_cast<uint32_t>(text.size()), code + 1};
    if (ends_.size() * kSlotsAnEntry > slots_.size()) Grow();
    return code;
  }

  void Grow() {
    std::vector<Slot> grown(slots_.size() * 4);
    const size_t mask = grown.size() - 1;
    for (const Slot& slot : slots_) {
      if (slot.code_next == 0) continue;
      size_t at = Mix(slot.head, slot.length) & mask;
      while (grown[at].code_next != 0) at = (at + 1) & mask;
      grown[at] = slot;
    }
    slots_ = std::move(grown);
  }

  std::string bytes_;
  std::vector<size_t> ends_;
  std::vector<Slot> slots_{kDictionarySlotsMin};
};

}  // namespace catchwater
