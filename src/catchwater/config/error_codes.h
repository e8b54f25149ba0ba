/// \file
/// Every error code with its explanation: what `catchwater doc E1203` prints.
///
/// E10xx YAML and substitution · E12xx unknown, missing and wrong options · E13xx things that
/// refer to each other · E14xx values out of bounds · E2xxx and up: while running, added by the
/// modules that emit them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <arrow/status.h>

namespace catchwater {

struct ErrorCode {
  std::string code;         ///< "E1203"
  std::string title;        ///< "Unknown option"
  std::string explanation;  ///< Sentences, Markdown.
  std::string example;      ///< What is wrong, e.g. YAML; may be empty.
  std::string remedy;       ///< What to do, Markdown; may show the example mended.
};

/// One thread while it is filled, then any thread.
class ErrorCodeTable {
 public:
  /// A table with the codes of the configuration, E1xxx.
  static ErrorCodeTable WithConfigCodes();

  /// \retval kAlreadyExists if the code is in the table
  /// \retval kConfig if it is not `E` and four digits or a text is missing
  arrow::Status Add(ErrorCode code);

  /// The row, or null. `e1203` and `1203` find E1203.
  const ErrorCode* Find(std::string_view code) const;
  /// By code, ascending.
  const std::vector<ErrorCode>& all() const { return codes_; }

 private:
  std::vector<ErrorCode> codes_;
};

/// The codes of the configuration.
std::vector<ErrorCode> ConfigErrorCodes();

/// Markdown: one code, and the page of all of them.
std::string ErrorCodePage(const ErrorCode& code);
std::string ErrorCodesPage(const ErrorCodeTable& table);

}  // namespace catchwater
