/// \file
/// The text of a configuration file, and places in it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace catchwater {

/// A document as it was read, kept so that diagnostics can show its lines. Immutable; any thread.
class SourceText {
 public:
  SourceText(std::string name, std::string text);

  /// The path as the user gave it, or the flag (`--set lake.flush.every=1s`).
  const std::string& name() const { return name_; }
  const std::string& text() const { return text_; }
  int64_t line_count() const { return static_cast<int64_t>(line_begins_.size()); }
  /// A line without its end; empty if there is no such line. `line` is 1-based.
  std::string_view Line(int64_t line) const;

 private:
  std::string name_;
  std::string text_;
  std::vector<size_t> line_begins_;
};

/// A stretch of one line. `source` is null for what stands in no document.
struct Place {
  std::shared_ptr<const SourceText> source;
  int64_t line = 0;    ///< 1-based; 0: the document as a whole.
  int64_t column = 0;  ///< 1-based, in bytes of the line.
  int64_t length = 0;  ///< In bytes; at least 1 where there is a line.
};

}  // namespace catchwater
