/// \file
/// One rule over one column, on whole columns.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <arrow/array.h>
#include <arrow/result.h>
#include <arrow/type.h>

namespace catchwater {

/// One thread at a time.
class ValueRule {
 public:
  virtual ~ValueRule() = default;

  /// Sets is_broken[i] to 1 for rows whose value breaks the rule, to 0 for others. A null breaks
  /// no rule but `not_null`. \pre is_broken.size() == values.length()
  virtual void Check(const arrow::Array& values, std::span<uint8_t> is_broken) = 0;

  /// "range", "not_null", ...
  virtual const char* word() const = 0;
  /// A sentence about a value that breaks the rule, the value last.
  virtual std::string Reason(const arrow::Array& values, int64_t row) const = 0;
};

std::unique_ptr<ValueRule> MakeNotNullRule();
/// The ends are texts as in a CSV file of the column's type; nullopt: open.
/// \retval kConfig the type has no order, an end is not of the type, or the least is the greater
arrow::Result<std::unique_ptr<ValueRule>> MakeRangeRule(
    const std::shared_ptr<arrow::DataType>& type, const std::optional<std::string>& least,
    const std::optional<std::string>& greatest);
/// \retval kConfig the column is no text, or the expression is not RE2's
arrow::Result<std::unique_ptr<ValueRule>> MakeRegexRule(
    const std::shared_ptr<arrow::DataType>& type, const std::string& regex);
/// \retval kConfig a value is not of the column's type
arrow::Result<std::unique_ptr<ValueRule>> MakeOneOfRule(
    const std::shared_ptr<arrow::DataType>& type, const std::vector<std::string>& values);

/// A value for a message: at most 200 bytes.
std::string ShownValue(const arrow::Array& values, int64_t row);

/// Reads texts as values of the type. \retval kConfig naming the first that is none
arrow::Result<std::shared_ptr<arrow::Array>> ValuesOf(const std::shared_ptr<arrow::DataType>& type,
                                                      const std::vector<std::string>& texts);

}  // namespace catchwater
