/// \file
/// Where `${NAME}` and `${file:path}` in a configuration get their values.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <arrow/result.h>

namespace catchwater {

/// Bytes that `${file:...}` may read.
inline constexpr int64_t kSecretFileBytesMax = 64 << 10;

/// Variables and secret files. A value type; any thread.
struct Environment {
  std::function<std::optional<std::string>(std::string_view name)> variable;
  /// Returns the content without its last line end. \retval kNotFound, kDenied, kConfig
  std::function<arrow::Result<std::string>(std::string_view path)> file;

  /// The variables of the process; files relative to the folder.
  static Environment FromProcess(std::string folder);
  /// Only the given values.
  static Environment FromMap(std::map<std::string, std::string> variables,
                             std::map<std::string, std::string> files = {});
};

struct Substituted {
  std::string text;
  bool is_substituted = false;  ///< A variable or file was put in.
  struct Failure {
    std::string code;
    std::string message;
    size_t offset = 0;  ///< Of the `${` in the raw text.
    size_t length = 0;
    std::string help;
  };
  std::optional<Failure> failure;
};

/// Replaces in one pass, never inside what was put in:
///   ${NAME}            the variable; unset is a failure     ${NAME:default}  or the default
///   ${NAME:?message}   unset is a failure with the message  ${file:path}     the file's content
///   $${                a literal `${`
Substituted Substitute(std::string_view raw, const Environment& environment);

}  // namespace catchwater
