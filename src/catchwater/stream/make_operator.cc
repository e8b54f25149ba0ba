#include "catchwater/stream/make_operator.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "catchwater/base/error.h"
#include "catchwater/stream/count_windows.h"
#include "catchwater/stream/detect/coverage.h"
#include "catchwater/stream/detect/detect_operator.h"
#include "catchwater/stream/key_classes.h"
#include "catchwater/stream/session_windows.h"
#include "catchwater/stream/time_windows.h"
#include "catchwater/stream/whole_input.h"

namespace catchwater {
namespace {

EventTimeOptions TimeOptionsOf(const StreamConfig& config, const OperatorInput& input) {
  EventTimeOptions options{.column = input.event_time_column,
                           .rows_per_second_max = config.rows_per_second_max};
  if (config.from_us) options.from_us = *config.from_us;
  const bool says_when = config.late || std::ranges::any_of(config.overrides, [](const auto& one) {
                           return one.allow.has_value();
                         });
  // A row that is its own window cannot come too late for it.
  const bool is_alone = config.window.over == WindowOver::kNone && config.detect.empty();
  if (!says_when && (input.is_bounded || is_alone)) {
    options.allow_us_of_others.assign(config.overrides.size(), EventTimeOptions::kAllowAll);
    return options;
  }
  const LateConfig late = config.late.value_or(LateConfig{});
  options.allow_us = late.allow.us();
  for (const OverrideConfig& override : config.overrides) {
    options.allow_us_of_others.push_back(override.allow.value_or(late.allow).us());
  }
  options.future_us = late.future.us();
  options.idle_us = late.idle.us();
  return options;
}

/// One entry a kind of operator.
arrow::Result<std::unique_ptr<OrderedOperator>> MakeOrderedOperator(StreamConfig config,
                                                                    const OperatorInput& input) {
  WindowConfig& window = config.window;
  if (window.over == WindowOver::kNone) window.count = 1;  // Each row is a window.
  const bool corrects = config.late && config.late->then == LateAction::kCorrect;
  if (corrects && !window.size && !window.session) {
    return ConfigError(
        "`late: {then: correct}` is for windows with a `size` and for sessions; use `drop` or "
        "`side_table`, stream: ",
        config.name);
  }
  if (corrects && !window.greatest.empty()) {
    return ConfigError(
        "`greatest` is for windows that are put out once, not for `late: {then: correct}`, "
        "stream: ",
        config.name);
  }
  if (!config.detect.empty()) {
    return DetectOperator::Make({.key = config.key,
                                 .detect = config.detect,
                                 .alarms = config.alarms,
                                 .event_time_column = input.event_time_column,
                                 .state_bytes_max = config.state_bytes_max.bytes,
                                 .keys_max = config.keys_max},
                                input.schema);
  }
  if (config.coverage) {
    return Coverage::Make({.key = config.key,
                           .period_us = config.coverage->period.us(),
                           .event_time_column = input.event_time_column,
                           .keys_max = config.keys_max},
                          input.schema);
  }
  ARROW_ASSIGN_OR_RAISE(WindowParts parts,
                        WindowParts::Make(config, *input.schema, input.event_time_column));
  if (window.session) return std::make_unique<SessionWindows>(config, std::move(parts));
  if (window.count) return std::make_unique<CountWindows>(config, std::move(parts));
  if (window.size) return std::make_unique<TimeWindows>(config, std::move(parts));
  return ConfigError("No operator does what the stream asks for, stream: ", config.name);
}

StreamConfig Overridden(StreamConfig config, const OverrideConfig& override) {
  WindowConfig& window = config.window;
  if (override.size) window.size = override.size;
  if (override.every) window.every = override.every;
  if (override.session) window.session = override.session;
  return config;
}

std::string WindowText(const WindowConfig& window) {
  std::string text;
  for (const auto& [over, word] : EnumWords(WindowOver::kTime)) {
    if (over == window.over) text = std::string(word);
  }
  for (const auto& [name, length] : {std::pair{"size", window.size},
                                     {"every", window.every},
                                     {"session", window.session},
                                     {"cadence", window.cadence}}) {
    if (length) text += std::string(" ") + name + "=" + FormatDuration(*length);
  }
  for (const auto& [name, count] :
       {std::pair{"count", window.count}, {"every_rows", window.every_rows}}) {
    if (count) text += std::string(" ") + name + "=" + std::to_string(*count);
  }
  if (!window.greatest.empty()) text += " greatest=" + window.greatest;
  return text;
}

std::string OverridesText(const StreamConfig& config) {
  std::string text;
  for (const OverrideConfig& override : config.overrides) {
    text += " override";
    for (const auto& [column, values] : override.only) {
      text += " " + column + "=";
      for (const std::string& value : values.values) text += value + ",";
    }
    text += " " + WindowText(Overridden(config, override).window);
  }
  return text;
}

}  // namespace

arrow::Result<std::unique_ptr<MergingOperator>> MakeMergingOperator(const StreamConfig& config,
                                                                    const OperatorInput& input) {
  ARROW_ASSIGN_OR_RAISE(auto made,
                        WholeInput::Make({.key = config.key,
                                          .compute = config.compute,
                                          .event_time_column = input.event_time_column,
                                          .state_bytes_max = config.state_bytes_max.bytes},
                                         input.schema));
  return made;
}

arrow::Result<std::unique_ptr<TimedStream>> MakeTimedStream(const StreamConfig& config,
                                                            const OperatorInput& input) {
  const bool keeps_late = config.late && config.late->then == LateAction::kSideTable;
  std::vector<std::unique_ptr<OrderedOperator>> ops;
  ARROW_ASSIGN_OR_RAISE(ops.emplace_back(), MakeOrderedOperator(config, input));
  for (const OverrideConfig& override : config.overrides) {
    ARROW_ASSIGN_OR_RAISE(ops.emplace_back(),
                          MakeOrderedOperator(Overridden(config, override), input));
  }
  return std::make_unique<TimedStream>(TimeOptionsOf(config, input), std::move(ops),
                                       KeyClasses(config.overrides), keeps_late);
}

std::string MeaningOf(const StreamConfig& config, const arrow::Schema& results) {
  std::string meaning = WindowText(config.window) + OverridesText(config);
  for (const std::string& key : config.key) meaning += " " + key;
  meaning += ":";
  if (!config.detect.empty()) {
    meaning += DetectText(config.detect);  // Not how alarms are told: that is no state.
  }
  if (config.coverage) meaning += " coverage " + FormatDuration(config.coverage->period);
  if (config.from_us) meaning += " from " + std::to_string(*config.from_us);
  for (const Aggregate& aggregate : config.compute) {
    meaning += " " + aggregate.name + "=" + std::string(AggregateFunctionName(aggregate.function)) +
               "(" + aggregate.column + "," + AggregateParameters(aggregate) + ")";
  }
  for (const auto& field : results.fields()) meaning += " " + field->type()->ToString();
  return meaning;
}

}  // namespace catchwater
