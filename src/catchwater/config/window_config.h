/// \file
/// `window:` and `late:` of a stream: which rows belong together, and what becomes of rows that
/// come too late.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <arrow/status.h>

#include "catchwater/config/describe.h"

namespace catchwater {

enum class WindowOver {
  kTime,  ///< What the other fields say.
  kAll,   ///< One window over the whole input.
  kNone,  ///< Each record by itself.
};
constexpr auto EnumWords(WindowOver) {
  return std::array{std::pair{WindowOver::kTime, std::string_view("time")},
                    std::pair{WindowOver::kAll, std::string_view("all")},
                    std::pair{WindowOver::kNone, std::string_view("none")}};
}

/// `window: all`, `window: {size: 10m, every: 1m}`, `window: {session: 5m}`, `window: {count:
/// 100}`.
struct WindowConfig {
  static constexpr std::string_view kShortFor = "over";

  WindowOver over = WindowOver::kTime;
  std::optional<Duration> size;
  std::optional<Duration> every;
  std::optional<Duration> session;
  std::optional<int64_t> count;
  std::optional<int64_t> every_rows;
  std::optional<Duration> cadence;
  std::string greatest;  ///< Of the results of a window, those of the greatest value here.

  bool is_time() const { return over == WindowOver::kTime; }

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("over", over,
                   "`all`: one window over the whole input. `none`: each record by itself. "
                   "`time`: as the fields below say.");
    field.Optional("size", size, "Length of a window of event time, aligned to 1970 in UTC.",
                   Bounds{Duration::Millis(1), Duration::Days(3'660)}, Example{"10m"});
    field.Optional("every", every,
                   "A window begins every so often: they slide. At most `size`. "
                   "Default: `size`, windows that do not overlap.",
                   Bounds{Duration::Millis(1), Duration::Days(3'660)}, Example{"1m"});
    field.Optional("session", session,
                   "A window of a key ends when nothing came for this long. Not with `size`.",
                   Bounds{Duration::Millis(1), Duration::Days(366)});
    field.Optional("count", count, "A window is so many rows of a key. Not with `size`.",
                   Bounds{1, 1'000'000});
    field.Optional("every_rows", every_rows,
                   "With `count`: a window ends every so many rows of a key. Default: `count`.",
                   Bounds{1, 1'000'000});
    field.Optional("cadence", cadence,
                   "How often a key should report. Results then have `expected_n`, the rows that a "
                   "full window has, and `largest_gap`, the seconds of the longest silence between "
                   "two rows of it.",
                   Bounds{Duration::Millis(1), Duration::Days(366)});
    field.Optional("greatest", greatest,
                   "A result column, `n` or one of `compute`: of each window only the results of "
                   "the keys with the greatest value in it, all that are equal. For windows with a "
                   "`size`, not with `late: {then: correct}`.",
                   Example{"n"});
  }
  arrow::Status Check() const;
};

enum class LateAction { kDrop, kSideTable, kCorrect };
constexpr auto EnumWords(LateAction) {
  return std::array{std::pair{LateAction::kDrop, std::string_view("drop")},
                    std::pair{LateAction::kSideTable, std::string_view("side_table")},
                    std::pair{LateAction::kCorrect, std::string_view("correct")}};
}

/// `late: {allow: 2m, then: drop}`
struct LateConfig {
  Duration allow = Duration::Minutes(1);
  LateAction then = LateAction::kDrop;
  std::string table;
  Duration correct_for = Duration::Hours(1);
  Duration future = Duration::Days(1);
  Duration idle = Duration::Minutes(1);

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("allow", allow,
                   "How far behind the newest row of its source partition a row may be. Windows "
                   "close when no partition can bring such a row any more.",
                   Bounds{Duration::Millis(1), Duration::Days(366)}, Example{"2m"});
    field.Optional("then", then,
                   "What becomes of rows that are later than that: `drop` counts them by lateness, "
                   "`side_table` also keeps them in a table, `correct` puts out the results that "
                   "they change once more, with a new revision.");
    field.Optional(
        "table", table,
        "The table of `side_table`: the rows with `watermark` and `late_by_ms`. Default: the "
        "table of the lake, `__`, the stream and `_late`.",
        Example{"sensors.late"});
    field.Optional("correct_for", correct_for,
                   "How long a closed window can be corrected, in event time.",
                   Bounds{Duration::Millis(1), Duration::Days(31)});
    field.Optional("future", future,
                   "Rows further ahead of the time of their receipt are refused and counted.",
                   Bounds{Duration::Millis(1), Duration::Days(3'660)});
    field.Optional("idle", idle,
                   "A partition from which nothing came for so long, while others go on, does not "
                   "hold back the windows.",
                   Bounds{Duration::Millis(1), Duration::Days(31)});
  }
  arrow::Status Check() const;
};

}  // namespace catchwater
