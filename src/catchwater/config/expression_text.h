/// \file
/// The small expressions of partitions and aggregates: `name`, `function(argument, ...)`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

namespace catchwater {

struct CallText {
  std::string function;  ///< The name itself where there are no parentheses.
  std::vector<std::string> arguments;
  bool has_parentheses = false;
};

/// Splits at the outer parentheses and at commas; blanks around the parts are dropped. A name in
/// double quotes may hold anything: `max("PM2.5")`; the quotes are removed, `""` is one.
/// \retval kConfig naming what is wrong
arrow::Result<CallText> ParseCallText(std::string_view text);

/// The text without blanks at its ends.
std::string_view Trimmed(std::string_view text);

}  // namespace catchwater
