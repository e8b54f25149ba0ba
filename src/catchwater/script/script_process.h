/// \file
/// The talk with a script: rows go to its input as JSON lines, results come from its output.
///
///   we     {"$state": ...}                  first, if it gave one before
///          {"sensor_id": "a", "value": 1}   a row a line
///          {"$commit": "12-0-0"}            asks for the results of all rows before
///   script {"sensor_id": "a", "why": "x"}   a result a line
///          {"$commit": "12-0-0"}            the same, perhaps with "$state": ... beside
///
/// What it prints as an error goes to the log, line by line.
/// Source: docs/formats/script.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include <arrow/result.h>

#include "catchwater/base/clock.h"
#include "catchwater/script/child_process.h"

namespace catchwater {

struct ScriptLimits {
  int64_t time_us_max = 10'000'000;     ///< From the first row of an exchange to its end.
  int64_t output_bytes_max = 4 << 20;   ///< Of results and errors in one exchange.
  int64_t state_bytes_max = 1'000'000;  ///< Of the JSON text.
};

struct ScriptAnswer {
  std::string results{};               ///< JSON lines, each with its line end.
  std::optional<std::string> state{};  ///< JSON text; nothing: as it was.
};

/// One thread. After a failure it must not be used any more: the program is ended.
class ScriptProcess {
 public:
  /// on_error_line: takes what it prints as an error
  static arrow::Result<std::unique_ptr<ScriptProcess>> Start(
      const ChildOptions& options, const ScriptLimits& limits, const Clock& clock,
      std::function<void(std::string_view)> on_error_line);

  /// Gives the script the state that it had when it answered last.
  void GiveState(std::string_view state);
  /// Gives the rows, and takes the results until the script has answered the commit.
  /// \retval kUnavailable it ended, did not answer in time, or told more than it may
  /// \retval kCancelled on a stop
  arrow::Result<ScriptAnswer> Exchange(std::string_view rows, std::string_view commit,
                                       std::stop_token stop);

 private:
  ScriptProcess(std::unique_ptr<ChildProcess> child, const ScriptLimits& limits, const Clock& clock,
                std::function<void(std::string_view)> on_error_line)
      : limits_(limits),
        clock_(clock),
        on_error_line_(std::move(on_error_line)),
        child_(std::move(child)) {}

  arrow::Status Talk(std::string_view commit, ScriptAnswer* answer, std::stop_token stop);
  arrow::Status Wait(int64_t wait_us);
  arrow::Status Send();
  arrow::Result<bool> Receive(int file, std::string* bytes);
  /// \return true if the commit was answered
  arrow::Result<bool> TakeLines(std::string_view commit, ScriptAnswer* answer);
  void TakeErrors(bool is_end);
  arrow::Status Ended();

  const ScriptLimits limits_;
  const Clock& clock_;
  const std::function<void(std::string_view)> on_error_line_;
  std::unique_ptr<ChildProcess> child_;
  std::string to_send_;
  size_t sent_ = 0;
  std::string output_;  // What came and is no whole line yet, or came after an answer.
  std::string errors_;
  std::string last_error_line_;
  bool tells_errors_ = true;  // Its stream of errors is open.
  int64_t exchange_bytes_ = 0;
};

}  // namespace catchwater
