/// \file
/// `validate`: rules over columns; a row that breaks one is a dead letter, or dropped and counted,
/// or loses the value.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/status.h>

#include "catchwater/component/registry.h"

namespace catchwater {

enum class OnFail { kDeadLetter, kNull, kDrop };
constexpr auto EnumWords(OnFail) {
  using Pair = std::pair<OnFail, std::string_view>;
  return std::array{Pair{OnFail::kDeadLetter, "dead_letter"}, Pair{OnFail::kNull, "null"},
                    Pair{OnFail::kDrop, "drop"}};
}

/// The rules of one column.
struct ColumnRulesConfig {
  bool is_not_null = false;
  std::optional<std::vector<ConfigNode>> range;  // Least and greatest; null: open.
  std::optional<std::string> regex;
  std::optional<std::vector<std::string>> one_of;
  std::optional<Duration> unique_within;
  std::optional<OnFail> on_fail;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("not_null", is_not_null, "There must be a value.");
    field.Optional("range", range,
                   "Least and greatest value, both allowed, of a number, decimal, date or "
                   "timestamp; `null` leaves an end open. NaN is out of every range.",
                   Count{2, 2}, Example{"[-40, 85]"});
    field.Optional("regex", regex,
                   "RE2 expression that is found in the text; use ^ and $ for the whole.",
                   Example{"'^S[0-9]+$'"});
    field.Optional("one_of", one_of, "The allowed values.", Count{1, 100'000},
                   Example{"[on, off]"});
    field.Optional("unique_within", unique_within, "The value may come once in so much event time.",
                   Bounds{Duration::Millis(1), Duration::Days(3'650)}, Example{"1h"});
    field.Optional("on_fail", on_fail, "What happens to a row that breaks a rule of this column.");
  }
  arrow::Status Check() const;
};

struct ValidateConfig {
  OnFail on_fail = OnFail::kDeadLetter;
  int64_t keys_max = 10'000'000;
  std::vector<std::pair<std::string, ColumnRulesConfig>> columns;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("on_fail", on_fail,
                   "What happens to a row that breaks a rule: it becomes a dead letter, the value "
                   "becomes null, or the row is dropped and counted.");
    field.Optional("keys_max", keys_max,
                   "Values that each `unique_within` remembers, about 31 bytes each.",
                   Bounds{1, 1'000'000'000});
    field.Rest("column", columns, "Rules of the column.");
  }
  arrow::Status Check() const;
  std::vector<std::string> ColumnsRead() const;
};

/// Rules are looked at column by column as written, `unique_within` after all others; the first one
/// broken decides about the row. Values that became null are rows that go on: they stand in
/// Step::counters() as `<step>.<column>.<rule>.nulled`, not in the account. With `unique_within`
/// the step is stateful.
arrow::Status RegisterValidateStep(Registry& registry);

}  // namespace catchwater
