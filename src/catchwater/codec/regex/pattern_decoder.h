/// \file
/// Blocks of lines -> rows, by a pattern whose named groups are the fields.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>
#include <re2/re2.h>

#include "catchwater/component/codec.h"
#include "catchwater/record/record_rows.h"

namespace catchwater {

/// Immutable.
struct LinePattern {
  std::string format;  ///< As in the rules of dead letters: "regex", "access_log".
  std::shared_ptr<const re2::RE2> regex{};
  bool is_search = false;  ///< The pattern may match anywhere in the line; else it is all of it.
  bool skip_empty = false;
  std::vector<std::string> null_tokens{};
  /// How the time of a group is written, for columns that do not say it.
  std::map<std::string, std::string> time_formats{};
  /// Groups whose texts protect bytes with a backslash: `\"`, `\\`, `\xE9`.
  std::set<std::string> escaped_groups{};
};

/// Compiles; groups are `(?P<name>...)` or `(?<name>...)`.
/// \retval kConfig if it is no RE2 pattern or has no named group
arrow::Result<std::shared_ptr<const re2::RE2>> CompilePattern(std::string_view pattern,
                                                              bool is_latin1);

/// Takes backslashes away that protect bytes. \return false if there is none to take, or the
/// result would not be UTF-8
bool UnescapeLogText(std::string_view text, std::string* unescaped);

/// One thread at a time.
class PatternDecoder final : public Decoder {
 public:
  /// \retval kConfig if a column reads a group that the pattern does not have
  static arrow::Result<std::unique_ptr<Decoder>> Make(
      const std::shared_ptr<const LinePattern>& pattern, const DecodeOptions& options);

  arrow::Result<Split> Decode(const Block& block) override;

 private:
  struct Target {
    int group = 0;  // 0: the whole line.
    bool is_escaped = false;
  };

  PatternDecoder(std::shared_ptr<const LinePattern> pattern, RecordRows rows,
                 std::vector<Target> targets);
  void TakeLine(RecordPlace place);

  const std::shared_ptr<const LinePattern> pattern_;
  const std::string rule_;
  RecordRows rows_;
  const std::vector<Target> targets_;    // By column.
  std::vector<re2::StringPiece> found_;  // Of the current line, up to the last group that is read.
  std::string unescaped_;
};

}  // namespace catchwater
