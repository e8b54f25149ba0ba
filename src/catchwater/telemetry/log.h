/// \file
/// The structured log: an event name and fields, not prose.
///
///   log.Info("file.opened", {{"object", path}, {"bytes", byte_count}});
///   -> 2026-01-02T03:04:05.678901Z level=info event=file.opened object=in/a.csv bytes=123
///
/// error: a human must act · warning: degraded, heals by itself · info: life cycle · debug: for us.
/// Nothing per row.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <arrow/status.h>

#include "catchwater/base/clock.h"
#include "catchwater/telemetry/metrics.h"

namespace catchwater {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
std::string_view LogLevelName(LogLevel level);
enum class LogFormat { kLogfmt, kJson };

/// A name and a value; only texts, numbers and booleans: a Secret does not compile.
class LogField {
 public:
  LogField(std::string_view name, std::string_view value) : name_(name), text_(value) {}
  LogField(std::string_view name, const std::string& value) : name_(name), text_(value) {}
  LogField(std::string_view name, const char* value) : name_(name), text_(value) {}
  LogField(std::string_view name, std::same_as<bool> auto value)
      : name_(name), text_(value ? "true" : "false"), is_text_(false) {}
  LogField(std::string_view name,
           std::integral auto value) requires(!std::same_as<decltype(value), bool>)
      : name_(name), text_(std::to_string(value)), is_text_(false) {}
  LogField(std::string_view name, double value);
  /// The message of a failed status.
  LogField(std::string_view name, const arrow::Status& status)
      : name_(name), text_(status.message()) {}

  std::string_view name() const { return name_; }
  const std::string& text() const { return text_; }
  bool is_text() const { return is_text_; }

 private:
  std::string_view name_;  // A literal at the call.
  std::string text_;
  bool is_text_ = true;
};

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kLogfmt;
  /// Records of one event and object per interval; further ones are counted, and the count is
  /// told by the next that is written (field `suppressed`).
  int64_t repeat_count_max = 5;
  int64_t repeat_interval_us = 60'000'000;
  /// Takes whole lines with their line end. Empty: standard error.
  std::function<void(std::string_view)> write;
};

/// Any thread. Secrets in URLs (`://user:password@`) and values of fields that are named like a
/// secret (password, token, ...) are written as `***`.
class Log {
 public:
  using Fields = std::initializer_list<LogField>;
  /// Texts longer than this are cut.
  static constexpr size_t kTextBytesMax = 4'096;
  /// Events and objects whose repetition is remembered.
  static constexpr size_t kRepeatsMax = 1'024;

  /// metrics may be null.
  Log(LogOptions options, const Clock& clock, Metrics* metrics = nullptr);

  void Debug(std::string_view event, Fields fields = {}) { Write(LogLevel::kDebug, event, fields); }
  void Info(std::string_view event, Fields fields = {}) { Write(LogLevel::kInfo, event, fields); }
  void Warning(std::string_view event, Fields fields = {}) {
    Write(LogLevel::kWarning, event, fields);
  }
  void Error(std::string_view event, Fields fields = {}) { Write(LogLevel::kError, event, fields); }
  void Write(LogLevel level, std::string_view event, Fields fields);

  bool is_on(LogLevel level) const { return level >= options_.level; }
  /// Errors so far, those that were only counted too: a test run with any fails.
  int64_t error_count() const;

 private:
  struct Repeat {
    int64_t interval_begin_us = 0;
    int64_t written = 0;
    int64_t suppressed = 0;
  };
  /// \return how many were suppressed before this one, or -1 if it is one of them
  int64_t CountRepeat(std::string_view event, Fields fields, int64_t now_us);

  const LogOptions options_;
  const Clock& clock_;
  Metrics* const metrics_;
  mutable std::mutex mutex_;
  std::map<std::string, Repeat, std::less<>> repeats_;
  int64_t error_count_ = 0;
};

/// Returns the text with user and password of URLs as `***`.
std::string WithoutUrlSecrets(std::string_view text);

}  // namespace catchwater
