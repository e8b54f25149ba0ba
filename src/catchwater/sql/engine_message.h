/// \file
/// Reads DuckDB's words about a statement that it does not take. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace catchwater {

/// The engine's message in its parts:
///   Catalog Error: Table with name x does not exist!
///   Did you mean "y"?
///
///   LINE 1: SELECT * FROM x
///                         ^
struct EngineMessage {
  std::string first;             ///< Its first line.
  std::string rest;              ///< What stands between it and the place, in one line.
  std::optional<size_t> offset;  ///< Of the caret in the statement.
};

/// \param sql the statement that the message is about
EngineMessage ReadEngineMessage(std::string_view message, std::string_view sql);

/// The name behind a word of the engine, without its quotes; empty: the words are not there.
std::string NameAfter(std::string_view message, std::string_view words);

/// The column that the engine does not find, or empty if that is not what it says.
std::string UnknownColumnOf(const EngineMessage& message);
/// What stands in double quotes, in order: the names of `Candidate bindings: "a", "b"`.
std::vector<std::string> QuotedNames(std::string_view text);

/// Bytes of the word of SQL that begins at the offset, with its quotes; 1 at least.
size_t WordLength(std::string_view sql, size_t offset);

}  // namespace catchwater
