/// \file
/// Path patterns: `*` and `?` within a name, `[a-c]`, `[!x]`, and `**` for any number of folders.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/io/files.h"

namespace catchwater {

/// True if the text has a character of a pattern.
bool IsGlob(std::string_view text);

/// True if the name (no slash) matches one component of a pattern. A leading dot is matched by a
/// dot only. An unclosed `[` stands for itself.
bool MatchesGlob(std::string_view pattern, std::string_view name);

/// A file or a problem with a folder that was found.
struct FoundFile {
  std::string path;  ///< As it is to be shown: relative to the folder that the search began in.
  FileEntry entry;   ///< entry.path can be opened.
};
struct UnreadableFolder {
  std::string path;
  std::string reason;
};
struct Found {
  std::vector<FoundFile> files;  ///< Regular files, sorted by path, each once.
  std::vector<UnreadableFolder> unreadable;
};

/// How deep `**` and a folder given as such are searched; deeper folders are not read.
inline constexpr int kFolderDepthMax = 32;

/// Finds the regular files that match any of the patterns. A pattern without special characters
/// names a file, or a folder of which every file is taken. Hidden names (a leading dot) are only
/// found when the pattern spells the dot. Relative patterns begin at `folder`. A path that does not
/// exist finds nothing.
/// \retval kDenied, kUnavailable if the fixed beginning of a pattern cannot be read
arrow::Result<Found> FindFiles(Files& files, const std::string& folder,
                               const std::vector<std::string>& patterns);

/// The shortest beginning of the pattern, before any special character, that does not exist. Empty:
/// all of it exists, or it lies in a store, which has no folders.
std::string MissingBeginning(Files& files, const std::string& folder, std::string_view pattern);

}  // namespace catchwater
