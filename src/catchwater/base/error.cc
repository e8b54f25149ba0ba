#include "catchwater/base/error.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <system_error>
#include <utility>

#include "catchwater/base/error_detail.h"

namespace catchwater {
namespace {

constexpr const char* kDetailType = "catchwater::ErrorKind";

arrow::StatusCode CodeFor(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kConfig:
    case ErrorKind::kBadData:
      return arrow::StatusCode::Invalid;
    case ErrorKind::kNotFound:
      return arrow::StatusCode::KeyError;
    case ErrorKind::kAlreadyExists:
      return arrow::StatusCode::AlreadyExists;
    case ErrorKind::kCancelled:
      return arrow::StatusCode::Cancelled;
    case ErrorKind::kDenied:
    case ErrorKind::kUnavailable:
    case ErrorKind::kThrottled:
    case ErrorKind::kCommitUnknown:
      return arrow::StatusCode::IOError;
    case ErrorKind::kConflict:
    case ErrorKind::kInternal:
      return arrow::StatusCode::UnknownError;
  }
  return arrow::StatusCode::UnknownError;
}

ErrorKind KindOfErrno(int errno_value) {
  switch (errno_value) {
    case ENOENT:
    case ENOTDIR:
      return ErrorKind::kNotFound;
    case EEXIST:
      return ErrorKind::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
      return ErrorKind::kDenied;
    default:
      return ErrorKind::kUnavailable;
  }
}

}  // namespace

std::string_view ErrorKindName(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kConfig:
      return "config";
    case ErrorKind::kBadData:
      return "bad_data";
    case ErrorKind::kNotFound:
      return "not_found";
    case ErrorKind::kAlreadyExists:
      return "already_exists";
    case ErrorKind::kDenied:
      return "denied";
    case ErrorKind::kUnavailable:
      return "unavailable";
    case ErrorKind::kThrottled:
      return "throttled";
    case ErrorKind::kConflict:
      return "conflict";
    case ErrorKind::kCommitUnknown:
      return "commit_unknown";
    case ErrorKind::kCancelled:
      return "cancelled";
    case ErrorKind::kInternal:
      return "internal";
  }
  return "internal";
}

ErrorKind KindOf(const arrow::Status& status) {
  if (const ErrorDetail* detail = DetailOf(status)) return detail->kind();
  switch (status.code()) {
    case arrow::StatusCode::Invalid:
    case arrow::StatusCode::TypeError:
    case arrow::StatusCode::SerializationError:
      return ErrorKind::kBadData;
    case arrow::StatusCode::KeyError:
      return ErrorKind::kNotFound;
    case arrow::StatusCode::AlreadyExists:
      return ErrorKind::kAlreadyExists;
    case arrow::StatusCode::IOError:
      return ErrorKind::kUnavailable;
    case arrow::StatusCode::Cancelled:
      return ErrorKind::kCancelled;
    default:
      return ErrorKind::kInternal;
  }
}

const char* ErrorDetail::type_id() const { return kDetailType; }

const ErrorDetail* DetailOf(const arrow::Status& status) {
  const auto& detail = status.detail();
  if (!detail || detail->type_id() != kDetailType) return nullptr;
  return static_cast<const ErrorDetail*>(detail.get());
}

arrow::Status MakeErrorWith(std::shared_ptr<ErrorDetail> detail, std::string message) {
  const arrow::StatusCode code = CodeFor(detail->kind());
  return arrow::Status(code, std::move(message), std::move(detail));
}

arrow::Status MakeError(ErrorKind kind, std::string message) {
  return MakeErrorWith(std::make_shared<ErrorDetail>(kind), std::move(message));
}

arrow::Status SystemError(int errno_value, std::string message) {
  message += ": " + std::generic_category().message(errno_value);
  return MakeErrorWith(std::make_shared<ErrorDetail>(KindOfErrno(errno_value), errno_value),
                       std::move(message));
}

int SystemErrnoOf(const arrow::Status& status) {
  const ErrorDetail* detail = DetailOf(status);
  return detail == nullptr ? 0 : detail->errno_value();
}

arrow::Status WithContext(const arrow::Status& status, std::string_view context) {
  if (status.ok()) return status;
  std::string message = std::string(context) + ": " + status.message();
  if (DetailOf(status) == nullptr) return MakeError(KindOf(status), std::move(message));
  return arrow::Status(status.code(), std::move(message), status.detail());
}

void CheckFailed(const char* condition, const char* why, const char* file, int line) {
  std::fprintf(stderr, "internal error: %s: %s\n  check `%s` failed at %s:%d\n", "invariant broken",
               why, condition, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace catchwater
