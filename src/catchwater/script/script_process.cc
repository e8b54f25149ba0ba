#include "catchwater/script/script_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

using Json = nlohmann::json;

constexpr int64_t kPatienceUs = 20'000;     // A wait looks for a stop that often.
constexpr int kEndWaitMs = 1'000;           // For its own end, when it has closed its output.
constexpr size_t kErrorLineBytesMax = 500;  // Of a line for the log.
constexpr int kDepthMax = 64;               // Brackets within brackets of a state.
constexpr const char* kCommit = "$commit";
constexpr const char* kState = "$state";

/// Takes a whole line from the front; false if there is none.
bool TakeLine(const std::string& bytes, size_t* at, std::string_view* line) {
  const size_t end = bytes.find('\n', *at);
  if (end == std::string::npos) return false;
  *line = std::string_view(bytes).substr(*at, end - *at);
  *at = end + 1;
  return true;
}

/// The object, if the line is one that belongs to the talk and not a result.
arrow::Result<std::optional<Json>> ParseTalk(std::string_view line) {
  if (line.find("\"$commit\"") == std::string_view::npos) return std::nullopt;
  bool is_deep = false;
  const auto keep = [&](int depth, Json::parse_event_t, Json&) {
    is_deep |= depth > kDepthMax;
    return depth <= kDepthMax;
  };
  Json parsed = Json::parse(line, keep, /*allow_exceptions=*/false);
  if (is_deep) {
    return Unavailable("Script's answer has too many brackets in each other, at most: ", kDepthMax);
  }
  if (!parsed.is_object() || !parsed.contains(kCommit)) return std::nullopt;
  return parsed;
}

}  // namespace

arrow::Result<std::unique_ptr<ScriptProcess>> ScriptProcess::Start(
    const ChildOptions& options, const ScriptLimits& limits, const Clock& clock,
    std::function<void(std::string_view)> on_error_line) {
  ARROW_ASSIGN_OR_RAISE(auto child, ChildProcess::Start(options));
  return std::unique_ptr<ScriptProcess>(
      new ScriptProcess(std::move(child), limits, clock, std::move(on_error_line)));
}

void ScriptProcess::GiveState(std::string_view state) {
  to_send_.append("{\"$state\": ").append(state).append("}\n");
}

arrow::Result<ScriptAnswer> ScriptProcess::Exchange(std::string_view rows, std::string_view commit,
                                                    std::stop_token stop) {
  to_send_.append(rows).append("{\"$commit\": \"").append(commit).append("\"}\n");
  exchange_bytes_ = 0;
  ScriptAnswer answer;
  const arrow::Status status = Talk(commit, &answer, stop);
  if (status.ok()) return answer;
  child_->End(/*wait_ms=*/0);
  return status;
}

arrow::Status ScriptProcess::Talk(std::string_view commit, ScriptAnswer* answer,
                                  std::stop_token stop) {
  const int64_t end_us = clock_.MonotonicMicros() + limits_.time_us_max;
  bool is_answered = false;
  while (!is_answered || sent_ < to_send_.size()) {
    if (stop.stop_requested()) return Cancelled("Script is stopped");
    const int64_t left_us = end_us - clock_.MonotonicMicros();
    if (left_us <= 0) {
      return Unavailable("Script hangs: it did not answer in time and was ended, seconds: ",
                         static_cast<double>(limits_.time_us_max) / 1e6);
    }
    ARROW_RETURN_NOT_OK(Wait(std::min(left_us, kPatienceUs)));
    ARROW_RETURN_NOT_OK(Send());
    if (tells_errors_) {
      ARROW_ASSIGN_OR_RAISE(tells_errors_, Receive(child_->errors(), &errors_));
      TakeErrors(/*is_end=*/!tells_errors_);
    }
    ARROW_ASSIGN_OR_RAISE(const bool is_open, Receive(child_->output(), &output_));
    if (exchange_bytes_ > limits_.output_bytes_max) {
      return Unavailable("Script floods: it told more than it may and was ended, bytes at most: ",
                         limits_.output_bytes_max);
    }
    if (!is_answered) {
      ARROW_ASSIGN_OR_RAISE(is_answered, TakeLines(commit, answer));
    }
    if (is_open) continue;
    if (!is_answered) return Ended();
    break;  // The next exchange will find that it has ended.
  }
  to_send_.clear();
  sent_ = 0;
  return arrow::Status::OK();
}

arrow::Status ScriptProcess::Wait(int64_t wait_us) {
  const bool has_more = sent_ < to_send_.size();
  std::array<struct pollfd, 3> files{{
      {.fd = child_->output(), .events = POLLIN, .revents = 0},
      {.fd = tells_errors_ ? child_->errors() : -1, .events = POLLIN, .revents = 0},
      {.fd = has_more ? child_->input() : -1, .events = POLLOUT, .revents = 0},
  }};
  const int wait_ms = static_cast<int>(std::max<int64_t>(1, wait_us / 1'000));
  if (::poll(files.data(), files.size(), wait_ms) >= 0 || errno == EINTR) {
    return arrow::Status::OK();
  }
  return SystemError(errno, "Cannot wait for a script, reason: ");
}

arrow::Status ScriptProcess::Send() {
  while (sent_ < to_send_.size()) {
    const ssize_t sent =
        ::send(child_->input(), to_send_.data() + sent_, to_send_.size() - sent_, MSG_NOSIGNAL);
    if (sent > 0) {
      sent_ += static_cast<size_t>(sent);
    } else if (errno == EAGAIN || errno == EINTR) {
      return arrow::Status::OK();
    } else {
      // It reads no more: how it ended, or that it does not answer, is told by its output.
      sent_ = to_send_.size();
    }
  }
  return arrow::Status::OK();
}

arrow::Result<bool> ScriptProcess::Receive(int file, std::string* bytes) {
  std::array<char, 64 << 10> buffer;
  while (exchange_bytes_ <= limits_.output_bytes_max) {
    const ssize_t read = ::read(file, buffer.data(), buffer.size());
    if (read == 0) return false;
    if (read < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN;
    }
    bytes->append(buffer.data(), static_cast<size_t>(read));
    exchange_bytes_ += read;
  }
  return true;
}

arrow::Result<bool> ScriptProcess::TakeLines(std::string_view commit, ScriptAnswer* answer) {
  size_t at = 0;
  std::string_view line;
  bool is_answered = false;
  while (!is_answered && TakeLine(output_, &at, &line)) {
    ARROW_ASSIGN_OR_RAISE(const auto talk, ParseTalk(line));
    if (!talk) {
      answer->results.append(line).append("\n");
      continue;
    }
    const Json& said = (*talk)[kCommit];
    if (!said.is_string() || said.get<std::string>() != commit) {
      return Unavailable("Script answered another commit than it was asked for: ", said.dump());
    }
    is_answered = true;
    if (!talk->contains(kState)) continue;
    answer->state = (*talk)[kState].dump();
    if (static_cast<int64_t>(answer->state->size()) > limits_.state_bytes_max) {
      return Unavailable("State of the script is too large, bytes at most: ",
                         limits_.state_bytes_max);
    }
  }
  output_.erase(0, at);
  return is_answered;
}

void ScriptProcess::TakeErrors(bool is_end) {
  if (is_end && !errors_.empty() && errors_.back() != '\n') errors_ += '\n';
  size_t at = 0;
  std::string_view line;
  while (TakeLine(errors_, &at, &line)) {
    line = line.substr(0, kErrorLineBytesMax);
    if (line.empty()) continue;
    last_error_line_ = line;
    on_error_line_(line);
  }
  errors_.erase(0, at);
}

arrow::Status ScriptProcess::Ended() {
  const std::string ending = child_->End(kEndWaitMs);
  static_cast<void>(Receive(child_->errors(), &errors_).ok());
  TakeErrors(/*is_end=*/true);
  if (last_error_line_.empty()) return Unavailable("Script ended: ", ending);
  return Unavailable("Script ended; how, and its last words: ", ending, ": ", last_error_line_);
}

}  // namespace catchwater
