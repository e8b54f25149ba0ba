#include "catchwater/base/error.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <system_error>
#include <utility>

namespace catchwater {
namespace {

constexpr const char* kDetailType = "catchwater::ErrorKind";

class KindDetail final : public arrow::StatusDetail {
 public:
  explicit KindDetail(ErrorKind kind, int errno_value = 0)
      : kind_(kind), errno_value_(errno_value) {}
  const char* type_id() const override { return kDetailType; }
  std::string ToString() const override { return std::string(ErrorKindName(kind_)); }
  ErrorKind kind() const { return kind_; }
  int errno_value() const { return errno_value_; }

 private:
  ErrorKind kind_;
  int errno_value_;  // 0: not from a system call.
};

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

arrow::Status WithDetail(ErrorKind kind, int errno_value, std::string message) {
  return arrow::Status(CodeFor(kind), std::move(message),
                       std::make_shared<KindDetail>(kind, errno_value));
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
  const auto& detail = status.detail();
  if (detail && detail->type_id() == kDetailType) {
    return static_cast<const KindDetail&>(*detail).kind();
  }
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

arrow::Status MakeError(ErrorKind kind, std::string message) {
  return WithDetail(kind, /*errno_value=*/0, std::move(message));
}

arrow::Status SystemError(int errno_value, std::string message) {
  message += ": " + std::generic_category().message(errno_value);
  return WithDetail(KindOfErrno(errno_value), errno_value, std::move(message));
}

int SystemErrnoOf(const arrow::Status& status) {
  const auto& detail = status.detail();
  if (!detail || detail->type_id() != kDetailType) return 0;
  return static_cast<const KindDetail&>(*detail).errno_value();
}

arrow::Status WithContext(const arrow::Status& status, std::string_view context) {
  if (status.ok()) return status;
  return WithDetail(KindOf(status), SystemErrnoOf(status),
                    std::string(context) + ": " + status.message());
}

void CheckFailed(const char* condition, const char* why, const char* file, int line) {
  std::fprintf(stderr, "internal error: %s: %s\n  check `%s` failed at %s:%d\n", "invariant broken",
               why, condition, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace catchwater
