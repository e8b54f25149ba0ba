/// \file
/// The meaning of an error, carried by `arrow::Status` as a detail, and one maker per kind.
///
/// Kinds and the only allowed reactions:
///   config        stop and show the field              bad_data   reject the row with a reason
///   not_found, already_exists, denied  report          unavailable, throttled  retry with back-off
///   conflict      re-read, rebase, retry               commit_unknown  never retry blindly: look
///   cancelled     unwind quietly                       internal   stop the pipeline
#pragma once

#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include <arrow/result.h>
#include <arrow/status.h>

namespace catchwater {

namespace internal {
/// The values one after the other, as a stream prints them.
template <typename... Args>
std::string Concat(Args&&... args) {
  std::ostringstream text;
  (text << ... << std::forward<Args>(args));
  return std::move(text).str();
}
}  // namespace internal

enum class ErrorKind {
  kConfig,
  kBadData,
  kNotFound,
  kAlreadyExists,
  kDenied,
  kUnavailable,
  kThrottled,
  kConflict,
  kCommitUnknown,
  kCancelled,
  kInternal,
};

/// Returns the kind's name as it stands in logs and documents, e.g. "bad_data".
std::string_view ErrorKindName(ErrorKind kind);

/// Returns the kind of a failed status; a status of another library gets the nearest kind
/// (IOError -> unavailable, Invalid -> bad_data, ...). \pre !status.ok()
ErrorKind KindOf(const arrow::Status& status);

/// Makes a failed status of the kind. The message is static text first, values last.
arrow::Status MakeError(ErrorKind kind, std::string message);

/// Makes a failed status of a system call: the kind that fits errno, the message followed by the
/// reason in words. ENOENT, ENOTDIR -> not_found; EEXIST -> already_exists; EACCES, EPERM, EROFS,
/// EISDIR, ELOOP, ENAMETOOLONG -> denied; all others -> unavailable.
arrow::Status SystemError(int errno_value, std::string message);

/// Returns the errno of a status made by SystemError, also with context put before; 0 for others.
int SystemErrnoOf(const arrow::Status& status);

/// Puts the context before the message of a failed status and keeps its kind and errno.
arrow::Status WithContext(const arrow::Status& status, std::string_view context);

/// One maker per kind: `return BadData("Line is longer than frame_bytes_max, bytes: ", n);`
template <typename... Args>
arrow::Status ConfigError(Args&&... args) {
  return MakeError(ErrorKind::kConfig, internal::Concat(std::forward<Args>(args)...));
}
template <typename... Args>
arrow::Status BadData(Args&&... args) {
  return MakeError(ErrorKind::kBadData, internal::Concat(std::forward<Args>(args)...));
}
template <typename... Args>
arrow::Status NotFound(Args&&... args) {
  return MakeError(ErrorKind::kNotFound, internal::Concat(std::forward<Args>(args)...));
}
template <typename... Args>
arrow::Status AlreadyExists(Args&&... args) {
  return MakeError(ErrorKind::kAlreadyExists, internal::Concat(std::forward<Args>(args)...));
}
template <typename... Args>
arrow::Status Denied(Args&&... args) {
  return MakeError(ErrorKind::kDenied, internal::Concat(std::forward<Args>(args)...));
}
template <typename... Args>
arrow::Status Unavailable(Args&&... args) {
  return MakeError(ErrorKind::kUnavailable, internal::Concat(std::forward<Args>(args)...));
}
template <typename... Args>
arrow::Status Conflict(Args&&... args) {
  return MakeError(ErrorKind::kConflict, internal::Concat(std::forward<Args>(args)...));
}
template <typename... Args>
arrow::Status CommitUnknown(Args&&... args) {
  return MakeError(ErrorKind::kCommitUnknown, internal::Concat(std::forward<Args>(args)...));
}
template <typename... Args>
arrow::Status Cancelled(Args&&... args) {
  return MakeError(ErrorKind::kCancelled, internal::Concat(std::forward<Args>(args)...));
}
template <typename... Args>
arrow::Status Internal(Args&&... args) {
  return MakeError(ErrorKind::kInternal, internal::Concat(std::forward<Args>(args)...));
}

/// Ends the process when a programmer's promise is broken; on in release builds too.
[[noreturn]] void CheckFailed(const char* condition, const char* why, const char* file, int line);

}  // namespace catchwater

// NOLINTNEXTLINE: one of the few macros; it must show the condition's text.
#define CATCHWATER_CHECK(condition, why) \
  ((condition) ? static_cast<void>(0)    \
               : ::catchwater::CheckFailed(#condition, why, __FILE__, __LINE__))
