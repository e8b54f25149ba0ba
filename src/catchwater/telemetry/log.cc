#include "catchwater/telemetry/log.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <unistd.h>

#include "catchwater/base/timestamp.h"

namespace catchwater {
namespace {

constexpr std::string_view kHidden = "***";

bool IsSecretName(std::string_view name) {
  static constexpr std::array<std::string_view, 7> kWords{
      "password", "passwd", "secret", "token", "api_key", "authorization", "credential"};
  return std::any_of(kWords.begin(), kWords.end(),
                     [name](std::string_view word) { return name.find(word) != name.npos; });
}

void WriteStandardError(std::string_view line) {
  // One write a line: lines of two threads or processes do not mix. A closed stderr is no reason
  // to stop.
  while (!line.empty()) {
    const ssize_t put = ::write(STDERR_FILENO, line.data(), line.size());
    if (put <= 0) return;
    line.remove_prefix(static_cast<size_t>(put));
  }
}

// As in a JSON string; all else than printable text is escaped, so that a line stays a line.
void AppendQuoted(std::string_view text, std::string& line) {
  static constexpr char kDigits[] = "0123456789abcdef";
  line += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (c == '\n') {
      line += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      line += "\\u00";
      line += kDigits[byte >> 4];
      line += kDigits[byte & 15];
    } else {
      line += c;
    }
  }
  line += '"';
}

// Cuts between characters of UTF-8.
std::string_view Cut(std::string_view text) {
  if (text.size() <= Log::kTextBytesMax) return text;
  size_t end = Log::kTextBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

bool IsPlainWord(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c != '"' && c != '=' && c != '\\' && c != 0x7f;
  });
}

class LineWriter {
 public:
  explicit LineWriter(LogFormat format) : is_json_(format == LogFormat::kJson) {}

  void Time(int64_t now_us) {
    if (is_json_) {
      line_ += R"({"time":")";
      AppendTimestamp(now_us, /*with_z=*/true, &line_);
      line_ += '"';
    } else {
      AppendTimestamp(now_us, /*with_z=*/true, &line_);
    }
  }
  void Field(std::string_view name, std::string_view value, bool is_text) {
    if (is_json_) {
      line_ += ',';
      AppendQuoted(name, line_);
      line_ += ':';
      is_text ? AppendQuoted(value, line_) : static_cast<void>(line_ += value);
      return;
    }
    line_ += ' ';
    line_ += name;
    line_ += '=';
    is_text && !IsPlainWord(value) ? AppendQuoted(value, line_) : static_cast<void>(line_ += value);
  }
  std::string Finish() && {
    line_ += is_json_ ? "}\n" : "\n";
    return std::move(line_);
  }

 private:
  const bool is_json_;
  std::string line_;
};

}  // namespace

std::string_view LogLevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

LogField::LogField(std::string_view name, double value)
    : name_(name), is_text_(!std::isfinite(value)) {
  char text[32];
  text_.assign(text, std::to_chars(text, text + sizeof(text), value).ptr);
}

std::string WithoutUrlSecrets(std::string_view text) {
  std::string shown;
  for (;;) {
    const size_t begin = text.find("://");
    if (begin == text.npos) break;
    const size_t authority = begin + 3;
    const size_t end = std::min(text.find_first_of("/ \t\n\"'?#", authority), text.size());
    const size_t at = text.substr(0, end).rfind('@');
    shown += text.substr(0, authority);
    const bool has_user = at != text.npos && at >= authority;
    if (has_user) shown += kHidden;
    const size_t rest = has_user ? at : authority;
    shown += text.substr(rest, end - rest);
    text.remove_prefix(end);
  }
  shown += text;
  return shown;
}

Log::Log(LogOptions options, const Clock& clock, Metrics* metrics)
    : options_(std::move(options)), clock_(clock), metrics_(metrics) {}

int64_t Log::CountRepeat(std::string_view event, Fields fields, int64_t now_us) {
  std::string key(event);
  for (const LogField& field : fields) {
    if (field.name() == "object") key += "\n" + field.text();
  }
  if (repeats_.size() >= kRepeatsMax && !repeats_.contains(key)) {
    // Forget the ones whose interval is over; if there are none, all of them.
    std::erase_if(repeats_, [&](const auto& item) {
      return now_us - item.second.interval_begin_us >= options_.repeat_interval_us;
    });
    if (repeats_.size() >= kRepeatsMax) repeats_.clear();
  }
  auto [entry, is_new] = repeats_.try_emplace(std::move(key));
  Repeat& repeat = entry->second;
  if (is_new || now_us - repeat.interval_begin_us >= options_.repeat_interval_us) {
    repeat.interval_begin_us = now_us;
    repeat.written = 0;
  }
  if (repeat.written >= options_.repeat_count_max) {
    ++repeat.suppressed;
    return -1;
  }
  ++repeat.written;
  return std::exchange(repeat.suppressed, 0);
}

void Log::Write(LogLevel level, std::string_view event, Fields fields) {
  if (!is_on(level)) return;
  std::unique_lock lock(mutex_);
  if (level == LogLevel::kError) ++error_count_;
  const int64_t suppressed = CountRepeat(event, fields, clock_.MonotonicMicros());
  if (metrics_ != nullptr) {
    const Metric metric = suppressed < 0 ? Metric::kLogRecordsSuppressed : Metric::kLogRecords;
    metrics_->counter(metric, {LogLevelName(level)}).Add();
  }
  if (suppressed < 0) return;

  LineWriter line(options_.format);
  line.Time(clock_.NowMicros());
  line.Field("level", LogLevelName(level), /*is_text=*/true);
  line.Field("event", event, /*is_text=*/true);
  for (const LogField& field : fields) {
    if (IsSecretName(field.name())) {
      line.Field(field.name(), kHidden, /*is_text=*/true);
    } else if (field.is_text()) {
      line.Field(field.name(), WithoutUrlSecrets(Cut(field.text())), /*is_text=*/true);
    } else {
      line.Field(field.name(), field.text(), /*is_text=*/false);
    }
  }
  if (suppressed > 0) line.Field("suppressed", std::to_string(suppressed), /*is_text=*/false);
  const std::string text = std::move(line).Finish();
  options_.write ? options_.write(text) : WriteStandardError(text);
}

int64_t Log::error_count() const {
  std::lock_guard lock(mutex_);
  return error_count_;
}

}  // namespace catchwater
