/// \file
/// What is wrong with a configuration, said so that it can be mended from the message alone.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/status.h>
#include <nlohmann/json_fwd.hpp>

#include "catchwater/config/source_text.h"

namespace catchwater {

enum class Severity { kError, kWarning };

struct Diagnostic {
  Severity severity = Severity::kError;
  std::string code;     ///< "E1203"; a row of config/error_codes.h.
  std::string message;  ///< One line, names in backticks.
  Place place;
  std::string label;               ///< Beside the caret: "did you mean `path`?"
  std::vector<std::string> notes;  ///< Facts: "known options: ...".
  std::vector<std::string> helps;  ///< What to do.
};

/// Collects everything that is wrong in all documents of a project. One thread at a time.
class Diagnostics {
 public:
  /// Beyond this many, further ones are only counted.
  static constexpr size_t kKeptMax = 200;

  /// Adds an error and returns it, so that label, notes and helps can be set. The reference is
  /// valid until the next call. Two errors of the same code at the same place are kept once.
  Diagnostic& Error(std::string_view code, const Place& place, std::string message);
  Diagnostic& Warning(std::string_view code, const Place& place, std::string message);
  void Append(const Diagnostics& other);

  bool has_errors() const { return error_count_ > 0; }
  int64_t error_count() const { return error_count_; }
  int64_t warning_count() const { return warning_count_; }
  const std::deque<Diagnostic>& all() const { return all_; }

  /// OK without errors, else kConfig with the first error's message and the number of errors.
  arrow::Status ToStatus() const;

 private:
  Diagnostic& Add(Severity severity, std::string_view code, const Place& place,
                  std::string message);

  std::deque<Diagnostic> all_;
  Diagnostic surplus_;  // Takes what is over kKeptMax.
  int64_t error_count_ = 0;
  int64_t warning_count_ = 0;
};

struct RenderOptions {
  bool is_coloured = false;
  /// Behind the counts in the last line; empty: no last line.
  std::string conclusion = "Nothing was started.";
};

/// Returns the options for a stream: coloured if it is a terminal, NO_COLOR is not set and TERM is
/// not `dumb`.
RenderOptions RenderOptionsFor(int file_descriptor);

/// Writes the diagnostics in file and line order, each as
///   error[E1203]: unknown option `pth` in source `file`
///     --> pipelines/a.yaml:3:5
///      |
///    3 |     pth: x.csv
///      |     ^^^ did you mean `path`?
///      = note: known options: path, ...
///      = help: `catchwater doc E1203` explains this error
/// and a last line with the counts. Never shows a substituted value.
std::string Render(const Diagnostics& diagnostics, const RenderOptions& options);

/// {"diagnostics": [{severity, code, message, file, line, column, length, label, notes, helps}],
///  "error_count", "warning_count"}
nlohmann::ordered_json ToJson(const Diagnostics& diagnostics);

/// Returns the candidate nearest to the word by edit distance (transpositions count one), or an
/// empty text if none is near: at most a third of the longer one's length.
std::string_view Nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace catchwater
