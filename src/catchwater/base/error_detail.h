/// \file
/// What a failed status of ours carries. For modules that give more along than the kind: they
/// derive a detail of their own, and `KindOf`, `WithContext` and the like treat it as any other.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <arrow/status.h>

#include "catchwater/base/error.h"

namespace catchwater {

/// Immutable; any thread.
class ErrorDetail : public arrow::StatusDetail {
 public:
  explicit ErrorDetail(ErrorKind kind, int errno_value = 0)
      : kind_(kind), errno_value_(errno_value) {}
  /// The same for all that derive: it tells ours from other libraries' details.
  const char* type_id() const final;
  std::string ToString() const override { return std::string(ErrorKindName(kind_)); }

  ErrorKind kind() const { return kind_; }
  int errno_value() const { return errno_value_; }
  /// Names the derived type, e.g. "sql_fault"; empty: there is no more than the kind.
  virtual std::string_view addition() const { return ""; }

 private:
  ErrorKind kind_;
  int errno_value_;  // 0: not from a system call.
};

/// The detail of a failed status of ours, or null.
const ErrorDetail* DetailOf(const arrow::Status& status);

/// Makes a failed status with the detail; the message is as MakeError wants it.
arrow::Status MakeErrorWith(std::shared_ptr<ErrorDetail> detail, std::string message);

}  // namespace catchwater
