/// \file
/// Operator state as bytes: little-endian numbers and texts with their length, read back with every
/// bound checked. Source: docs/formats/stream_state.md.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <arrow/status.h>

#include "catchwater/base/error.h"

namespace catchwater {

/// One thread at a time.
class StateWriter {
 public:
  template <typename T>
  requires std::is_arithmetic_v<T>
  void Put(T value) {
    const size_t at = bytes_.size();
    bytes_.resize(at + sizeof(T));
    std::memcpy(bytes_.data() + at, &value, sizeof(T));
  }
  void PutText(std::string_view text) {
    Put(static_cast<uint64_t>(text.size()));
    bytes_ += text;
  }
  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// Reads what StateWriter wrote. After the first failure all reads give zeros and `status` says so:
/// callers check once, at the end, and bound their loops by `rest_bytes`. One thread at a time.
class StateReader {
 public:
  explicit StateReader(std::string_view bytes) : rest_(bytes) {}

  template <typename T>
  requires std::is_arithmetic_v<T> T Get() {
    T value{};
    if (rest_.size() < sizeof(T)) {
      Fail();
      return value;
    }
    std::memcpy(&value, rest_.data(), sizeof(T));
    rest_.remove_prefix(sizeof(T));
    return value;
  }
  std::string_view GetText() {
    const auto byte_count = Get<uint64_t>();
    if (rest_.size() < byte_count) {
      Fail();
      return {};
    }
    const std::string_view text = rest_.substr(0, byte_count);
    rest_.remove_prefix(byte_count);
    return text;
  }
  /// A number of items that take at least so many bytes each: never more than can be there.
  uint64_t GetCount(size_t item_bytes_min) {
    const auto count = Get<uint64_t>();
    if (count <= rest_.size() / item_bytes_min) return count;
    Fail();
    return 0;
  }

  void Fail() {
    is_failed_ = true;
    rest_ = {};
  }
  bool is_at_end() const { return rest_.empty(); }
  arrow::Status status() const {
    return is_failed_ ? BadData("Operator state is cut short or damaged") : arrow::Status::OK();
  }

 private:
  std::string_view rest_;
  bool is_failed_ = false;
};

}  // namespace catchwater
