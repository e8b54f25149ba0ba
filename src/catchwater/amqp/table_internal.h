/// \file
/// Texts and tables of arguments as librabbitmq wants them.
#pragma once

#include <charconv>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <vector>

#include <amqp.h>

#include "catchwater/amqp/connection.h"

namespace catchwater {

// librabbitmq copies what it is given; its interface is of C and knows no const.
inline amqp_bytes_t BytesOf(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}

/// Arguments as librabbitmq wants them; the texts are borrowed.
class AmqpTable {
 public:
  explicit AmqpTable(const AmqpArguments& arguments) {
    for (const auto& [name, text] : arguments) Add(name, text);
  }
  void Add(std::string_view name, std::string_view text) {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    amqp_field_value_t value{};
    if (!text.empty() && error == std::errc() && end == text.data() + text.size()) {
      value.kind = AMQP_FIELD_KIND_I64;
      value.value.i64 = number;
    } else if (text == "true" || text == "false") {
      value.kind = AMQP_FIELD_KIND_BOOLEAN;
      value.value.boolean = text == "true";
    } else {
      value.kind = AMQP_FIELD_KIND_UTF8;
      value.value.bytes = BytesOf(text);
    }
    entries_.push_back({.key = BytesOf(name), .value = value});
  }
  void AddTime(std::string_view name, int64_t time_s) {
    amqp_field_value_t value{};
    value.kind = AMQP_FIELD_KIND_TIMESTAMP;
    value.value.u64 = static_cast<uint64_t>(time_s);
    entries_.push_back({.key = BytesOf(name), .value = value});
  }
  amqp_table_t get() {
    return {.num_entries = static_cast<int>(entries_.size()), .entries = entries_.data()};
  }

 private:
  std::vector<amqp_table_entry_t> entries_;
};

}  // namespace catchwater
