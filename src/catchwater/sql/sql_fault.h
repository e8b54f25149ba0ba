/// \file
/// Why the SQL of a rule cannot be compiled and where in it, carried by the failed status.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/status.h>

#include "catchwater/base/error_detail.h"
#include "catchwater/batch/sql_rule.h"

namespace catchwater {

struct SqlFault {
  enum class Reason {
    kUnknownColumn,  ///< `word` is no column.
    kNotOneRow,      ///< It asks for more than the row at hand: sum(), OVER, SELECT, random().
    kNotABoolean,    ///< A condition that is a number or a text.
    kNotAColumn,     ///< A derived value that no column of a table can hold.
    kEmpty,
    kOther,  ///< `engine_words` say it.
  };

  SqlRule rule;
  Reason reason = Reason::kOther;
  std::optional<size_t> offset;      ///< Of the word in the rule's expression; may be its end.
  std::string word;                  ///< What stands there; empty if the place is not known.
  std::string near;                  ///< What the engine would have known instead; may be empty.
  std::string engine_words;          ///< DuckDB's first line; empty: it had nothing against it.
  std::vector<std::string> columns;  ///< That the expression sees.
};

/// The detail of a status that says kConfig and why. Immutable.
class SqlFaultDetail final : public ErrorDetail {
 public:
  static constexpr const char* kAddition = "sql_fault";

  explicit SqlFaultDetail(SqlFault fault)
      : ErrorDetail(ErrorKind::kConfig), fault_(std::move(fault)) {}
  std::string_view addition() const override { return kAddition; }
  const SqlFault& fault() const { return fault_; }

 private:
  SqlFault fault_;
};

/// The fault that a failed status carries, or null. Lives as long as the status.
inline const SqlFault* SqlFaultOf(const arrow::Status& status) {
  const ErrorDetail* detail = DetailOf(status);
  if (detail == nullptr || detail->addition() != SqlFaultDetail::kAddition) return nullptr;
  return &static_cast<const SqlFaultDetail*>(detail)->fault();
}

}  // namespace catchwater
