/// \file
/// What a path says about its content: name, folder, `key=value` folders, and a pattern's names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/batch/batch.h"

namespace catchwater {

/// A pattern such as `{site}/{sensor_id}.csv`, matched against the end of a path, folder by folder.
/// A `{name}` stands for one or more characters, as few as possible, none of them a slash; `{}` for
/// the same without a name; all else for itself. Immutable.
class PathPattern {
 public:
  /// \retval kConfig for an unclosed brace, two names side by side, or a name twice
  static arrow::Result<PathPattern> Parse(std::string_view text);

  const std::vector<std::string>& names() const { return names_; }
  bool is_empty() const { return folders_.empty(); }

  /// Adds `path.<name>` for each name. \return false if the path does not match; nothing is added
  bool Match(std::string_view path, Attributes& attributes) const;

 private:
  struct Piece {
    std::string name;  // Of a hole; unused for text.
    std::string text;
    bool is_hole = false;
  };
  using Folder = std::vector<Piece>;

  static arrow::Result<Folder> ParseFolder(std::string_view text);
  static bool MatchFolder(const Folder& pieces, size_t index, std::string_view text,
                          Attributes& attributes);

  std::vector<Folder> folders_;
  std::vector<std::string> names_;
};

/// Returns path.file, path.stem, path.full, path.dir, `path.<key>` for each `key=value` folder, and
/// the pattern's names (if it matches). The stem is the name without its last extension, after
/// `.gz`, `.zst`, `.zstd` was taken off: `a/b.2.csv.gz` -> `b.2`. A value keeps `%20` and the like
/// as they stand.
Attributes PathAttributes(std::string_view path, const PathPattern& pattern);

}  // namespace catchwater
