/// \file
/// What is wrong with a SQL text, in our form: what, where, what to do; the engine's words behind.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <arrow/status.h>

namespace catchwater {

/// What the user wrote, and how it came to the engine.
struct SqlText {
  std::string_view sql;  ///< The whole statement, as the engine had it.
  /// The part of `sql` that the user wrote, e.g. the condition of `--where`; empty: all of it.
  std::string_view condition{};
  std::string_view source = "SQL";  ///< How that part is called: "--where".
  bool may_write = false;           ///< `sql` is ours and writes a file that the user named.
};

/// What a text may name.
struct SqlNames {
  std::vector<std::string> tables;   ///< That there are, `namespace.name`.
  std::vector<std::string> columns;  ///< Of the tables that the text names.
};

/// Explains a failure of the engine; others stay as they are. Pure.
/// \retval kBadData with the place below the text and the engine's first line as a note
arrow::Status ExplainSqlFailure(const arrow::Status& failure, const SqlText& text,
                                const SqlNames& names);

}  // namespace catchwater
