#include "catchwater/crawl/found_files.h"

#include <algorithm>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/base/hex.h"

namespace catchwater {
namespace {

constexpr size_t kDepthMax = 64;
constexpr std::string_view kNullPartition = "__HIVE_DEFAULT_PARTITION__";

std::string Unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_escape = text[i] == '%' && i + 2 < text.size() && HexValue(text[i + 1]) >= 0 &&
                           HexValue(text[i + 2]) >= 0;
    if (!is_escape) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(HexValue(text[i + 1]) * 16 + HexValue(text[i + 2]));
    i += 2;
  }
  return out;
}

/// What the folders below the root say so far.
struct Place {
  std::string path;
  std::string folder;
  PathPartition partition;
  size_t depth = 0;
};

std::string_view NameOf(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path.substr(path.rfind('/') + 1);
}

Place Below(const Place& place, const FileEntry& entry) {
  Place below{.path = entry.path,
              .folder = place.folder,
              .partition = place.partition,
              .depth = place.depth + 1};
  while (below.path.ends_with('/')) below.path.pop_back();
  const std::string_view name = NameOf(entry.path);
  const size_t equals = name.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    below.folder += (below.folder.empty() ? "" : "/") + std::string(name);
    return below;
  }
  const std::string_view value = name.substr(equals + 1);
  below.partition.emplace_back(
      Unescape(name.substr(0, equals)),
      value == kNullPartition ? std::nullopt : std::optional(Unescape(value)));
  return below;
}

}  // namespace

std::string_view FormatName(CrawlFormat format) {
  switch (format) {
    case CrawlFormat::kParquet:
      return "parquet";
    case CrawlFormat::kCsv:
      return "csv";
    case CrawlFormat::kJson:
      return "json";
  }
  return "";
}

std::optional<CrawlFormat> FormatOfName(std::string_view path) {
  std::string name(NameOf(path));
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (name.ends_with(".parquet")) return CrawlFormat::kParquet;
  std::string_view text = name;
  for (const std::string_view end : {".gz", ".zst"}) {
    if (text.ends_with(end)) text.remove_suffix(end.size());
  }
  for (const std::string_view end : {".csv", ".tsv"}) {
    if (text.ends_with(end)) return CrawlFormat::kCsv;
  }
  for (const std::string_view end : {".json", ".jsonl", ".ndjson"}) {
    if (text.ends_with(end)) return CrawlFormat::kJson;
  }
  return std::nullopt;
}

arrow::Result<std::vector<CrawledFile>> ListTree(Files& files, const std::string& root,
                                                 const std::vector<std::string>& skipped) {
  std::vector<CrawledFile> found;
  std::vector<Place> places{{.path = root, .folder = {}, .partition = {}}};
  while (!places.empty()) {
    const Place place = std::move(places.back());
    places.pop_back();
    if (place.depth > kDepthMax) {
      return ConfigError("Folders are deeper than ", kDepthMax, ", at: ", place.path);
    }
    ARROW_ASSIGN_OR_RAISE(const auto entries, files.List(place.path));
    for (const FileEntry& entry : entries) {
      const std::string_view name = NameOf(entry.path);
      if (name.empty() || name.front() == '.' || name.front() == '_') continue;
      if (entry.is_directory) {
        Place below = Below(place, entry);
        if (std::ranges::find(skipped, below.path) == skipped.end()) {
          places.push_back(std::move(below));
        }
        continue;
      }
      if (!entry.is_regular || entry.byte_count == 0) continue;
      if (found.size() == kCrawlFilesMax) {
        return ConfigError("There are more than ", kCrawlFilesMax,
                           " files; crawl its folders one by one: ", root);
      }
      found.push_back({.entry = entry, .folder = place.folder, .partition = place.partition});
    }
  }
  std::ranges::sort(found, {}, [](const CrawledFile& file) { return file.entry.path; });
  return found;
}

}  // namespace catchwater
