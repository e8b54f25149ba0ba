#include "catchwater/source/file/glob.h"

#include <algorithm>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/io/store_path.h"

namespace catchwater {
namespace {

constexpr size_t kStoreSchemeBytes = 5;  // `s3://`

// Matches one character against `[...]` at the start of the pattern and moves it behind. Without
// a closing bracket the `[` is an ordinary character.
bool TakeSet(std::string_view& pattern, char c) {
  size_t i = 1;
  const bool is_negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (is_negated) ++i;
  const size_t close = pattern.find(']', i + 1);  // A `]` in first place is a member.
  if (close == pattern.npos) {
    pattern.remove_prefix(1);
    return c == '[';
  }
  bool is_member = false;
  for (; i < close; ++i) {
    if (i + 2 < close && pattern[i + 1] == '-') {
      is_member |= pattern[i] <= c && c <= pattern[i + 2];
      i += 2;
    } else {
      is_member |= pattern[i] == c;
    }
  }
  pattern.remove_prefix(close + 1);
  return is_member != is_negated;
}

std::vector<std::string_view> Components(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") parts.push_back(part);
    path.remove_prefix(slash == path.npos ? path.size() : slash + 1);
  }
  return parts;
}

std::string_view NameOf(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string Joined(const std::string& folder, std::string_view name) {
  if (folder.empty()) return std::string(name);
  return folder.ends_with('/') ? folder + std::string(name) : folder + "/" + std::string(name);
}

// Walks the tree along one pattern. `shown` is the path as the user would write it.
class Walk {
 public:
  Walk(Files& files, std::string folder, Found& found)
      : files_(files), folder_(std::move(folder)), found_(found) {}

  arrow::Status Run(std::string_view pattern) {
    std::string base = pattern.starts_with('/') ? "/" : "";
    if (IsStorePath(pattern)) {  // The bucket is no folder of anything.
      base = pattern.substr(0, pattern.find('/', kStoreSchemeBytes));
      pattern.remove_prefix(base.size());
    }
    parts_ = Components(pattern);
    return Descend(base, 0, 0);
  }

 private:
  std::string Real(const std::string& shown) const {
    if (shown.starts_with('/') || IsStorePath(shown)) return shown;
    if (shown.empty()) return folder_.empty() ? "." : folder_;
    return Joined(folder_, shown);
  }

  arrow::Status Descend(const std::string& shown, size_t part, int depth) {
    if (part == parts_.size()) return TakeWhole(shown, depth);
    const std::string_view pattern = parts_[part];
    if (pattern == "**") return DescendAnyDepth(shown, part, depth);
    if (!IsGlob(pattern)) return Descend(Joined(shown, pattern), part + 1, depth);
    return ForEachEntry(shown, depth,
                        [&](const FileEntry& entry) { return Match(shown, entry, part, depth); });
  }

  // An entry against one component with special characters, and what follows it.
  arrow::Status Match(const std::string& shown, const FileEntry& entry, size_t part, int depth) {
    const std::string_view name = NameOf(entry.path);
    if (!MatchesGlob(parts_[part], name)) return arrow::Status::OK();
    const std::string next = Joined(shown, name);
    if (part + 1 == parts_.size()) return TakeFile(next, entry);
    return entry.is_directory ? Descend(next, part + 1, depth + 1) : arrow::Status::OK();
  }

  // `**` takes no folder, or one and stays. Each folder is listed once.
  arrow::Status DescendAnyDepth(const std::string& shown, size_t part, int depth) {
    while (part + 1 < parts_.size() && parts_[part + 1] == "**") ++part;
    if (part + 1 == parts_.size()) return TakeTree(shown, depth);
    const bool is_glob_next = IsGlob(parts_[part + 1]);
    if (!is_glob_next) ARROW_RETURN_NOT_OK(Descend(shown, part + 1, depth));
    return ForEachEntry(shown, depth, [&](const FileEntry& entry) {
      if (is_glob_next) ARROW_RETURN_NOT_OK(Match(shown, entry, part + 1, depth));
      const std::string_view name = NameOf(entry.path);
      if (!entry.is_directory || name.starts_with('.')) return arrow::Status::OK();
      return DescendAnyDepth(Joined(shown, name), part, depth + 1);
    });
  }

  // The pattern is used up: a file, or a folder with all that is in it.
  arrow::Status TakeWhole(const std::string& shown, int depth) {
    auto entry = files_.Stat(Real(shown));
    if (!entry.ok()) {
      return KindOf(entry.status()) == ErrorKind::kNotFound ? arrow::Status::OK() : entry.status();
    }
    if (entry->is_directory) return TakeTree(shown, depth);
    return TakeFile(shown, *entry);
  }

  arrow::Status TakeTree(const std::string& shown, int depth) {
    return ForEachEntry(shown, depth, [&](const FileEntry& entry) {
      const std::string_view name = NameOf(entry.path);
      if (name.starts_with('.')) return arrow::Status::OK();
      if (entry.is_directory) return TakeTree(Joined(shown, name), depth + 1);
      return TakeFile(Joined(shown, name), entry);
    });
  }

  arrow::Status TakeFile(const std::string& shown, const FileEntry& entry) {
    if (entry.is_regular) found_.files.push_back({shown, entry});
    return arrow::Status::OK();
  }

  template <class Visit>
  arrow::Status ForEachEntry(const std::string& shown, int depth, Visit visit) {
    if (depth > kFolderDepthMax) {
      found_.unreadable.push_back({shown, "Folder is too deep or a loop of links, path: " + shown});
      return arrow::Status::OK();
    }
    auto entries = files_.List(Real(shown));
    if (!entries.ok()) return Unlistable(shown, entries.status(), depth);
    if (depth == 0 && !IsStorePath(shown)) {  // A store has no links.
      ARROW_ASSIGN_OR_RAISE(const FileEntry base, files_.Stat(Real(shown)));
      ancestors_.assign(1, {base.device, base.inode});
    }
    for (const FileEntry& entry : *entries) {
      // A link that leads up again would be read for ever.
      if (entry.is_directory && IsAncestor(entry)) continue;
      ancestors_.emplace_back(entry.device, entry.inode);
      const arrow::Status status = visit(entry);
      ancestors_.pop_back();
      ARROW_RETURN_NOT_OK(status);
    }
    return arrow::Status::OK();
  }

  // The folder that the user named must be readable; one below it only spoils itself.
  arrow::Status Unlistable(const std::string& shown, const arrow::Status& status, int depth) {
    if (KindOf(status) == ErrorKind::kNotFound) return arrow::Status::OK();
    if (depth == 0) return status;
    found_.unreadable.push_back({shown, status.message()});
    return arrow::Status::OK();
  }

  bool IsAncestor(const FileEntry& entry) const {
    const std::pair<uint64_t, uint64_t> id(entry.device, entry.inode);
    return entry.inode != 0 &&
           std::find(ancestors_.begin(), ancestors_.end(), id) != ancestors_.end();
  }

  Files& files_;
  const std::string folder_;
  Found& found_;
  std::vector<std::string_view> parts_;
  std::vector<std::pair<uint64_t, uint64_t>> ancestors_;  // Device and inode, from the base down.
};

}  // namespace

bool IsGlob(std::string_view text) { return text.find_first_of("*?[") != text.npos; }

bool MatchesGlob(std::string_view pattern, std::string_view name) {
  if (name.starts_with('.') && !pattern.starts_with('.')) return false;
  // On a mismatch the last star takes one character more: linear in practice, never exponential.
  std::string_view star_pattern;
  std::string_view star_name;
  bool has_star = false;
  for (;;) {
    if (!pattern.empty() && pattern[0] == '*') {
      pattern.remove_prefix(1);
      star_pattern = pattern;
      star_name = name;
      has_star = true;
      continue;
    }
    if (name.empty() && pattern.empty()) return true;
    bool is_match = false;
    if (!name.empty() && !pattern.empty()) {
      if (pattern[0] == '[') {
        is_match = TakeSet(pattern, name[0]);
      } else {
        is_match = pattern[0] == '?' || pattern[0] == name[0];
        pattern.remove_prefix(1);
      }
    }
    if (is_match) {
      name.remove_prefix(1);
      continue;
    }
    if (!has_star || star_name.empty()) return false;
    star_name.remove_prefix(1);
    name = star_name;
    pattern = star_pattern;
  }
}

arrow::Result<Found> FindFiles(Files& files, const std::string& folder,
                               const std::vector<std::string>& patterns) {
  Found found;
  Walk walk(files, folder == "." ? "" : folder, found);
  for (const std::string& pattern : patterns) ARROW_RETURN_NOT_OK(walk.Run(pattern));
  auto& folders = found.unreadable;  // Two patterns may meet the same one.
  std::sort(folders.begin(), folders.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  folders.erase(std::unique(folders.begin(), folders.end(),
                            [](const auto& a, const auto& b) { return a.path == b.path; }),
                folders.end());
  auto& list = found.files;
  std::sort(list.begin(), list.end(),
            [](const FoundFile& a, const FoundFile& b) { return a.path < b.path; });
  list.erase(std::unique(list.begin(), list.end(),
                         [](const FoundFile& a, const FoundFile& b) { return a.path == b.path; }),
             list.end());
  return found;
}

std::string MissingBeginning(Files& files, const std::string& folder, std::string_view pattern) {
  if (IsStorePath(pattern)) return "";
  std::string beginning = pattern.starts_with('/') ? "/" : "";
  for (const std::string_view part : Components(pattern)) {
    if (IsGlob(part)) return "";
    beginning = Joined(beginning, part);
    const auto entry = files.Stat(ResolvePath(folder, beginning));
    if (!entry.ok() && KindOf(entry.status()) == ErrorKind::kNotFound) return beginning;
  }
  return "";
}

}  // namespace catchwater
