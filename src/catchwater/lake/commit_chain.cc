#include "catchwater/lake/commit_chain.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "catchwater/avro/avro.h"
#include "catchwater/base/error.h"
#include "catchwater/lake/commit_note.h"

namespace catchwater {
namespace {

constexpr int64_t kListBytesMax = 256LL << 20;
constexpr size_t kSnapshotsMax = 10'000'000;

using Header = std::map<std::string, std::string>;

std::optional<int64_t> NumberOf(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return number;
}

std::string TextIn(const Header& header, const char* key) {
  const auto found = header.find(key);
  return found == header.end() ? std::string() : found->second;
}

/// Where the manifest lists of a table lie. Those of expired snapshots are in no metadata any more,
/// but carry their snapshot's id in the name.
class ListPaths {
 public:
  static arrow::Result<ListPaths> Make(Lake& lake, const TableState& table) {
    ListPaths paths;
    ARROW_ASSIGN_OR_RAISE(const std::string folder, PathOfUri(table.metadata->location));
    const auto entries = lake.files().List(folder + "/metadata");
    if (!entries.ok() && KindOf(entries.status()) != ErrorKind::kNotFound) return entries.status();
    for (const FileEntry& entry : entries.ok() ? *entries : std::vector<FileEntry>{}) {
      constexpr std::string_view kPrefix = "snap-";
      std::string_view name = std::string_view(entry.path).substr(entry.path.rfind('/') + 1);
      if (!name.starts_with(kPrefix)) continue;
      if (const auto id = NumberOf(name.substr(kPrefix.size()))) paths.by_id_[*id] = entry.path;
    }
    for (const auto& snapshot : table.metadata->snapshots) {
      ARROW_ASSIGN_OR_RAISE(paths.by_id_[snapshot->snapshot_id],
                            PathOfUri(snapshot->manifest_list));
      paths.parents_[snapshot->snapshot_id] = snapshot->parent_snapshot_id;
    }
    return paths;
  }

  const std::string* Find(int64_t snapshot_id) const {
    const auto found = by_id_.find(snapshot_id);
    return found == by_id_.end() ? nullptr : &found->second;
  }

  std::optional<int64_t> ParentOf(int64_t snapshot_id, const Header& header) const {
    const auto found = parents_.find(snapshot_id);
    if (found != parents_.end()) return found->second;
    return NumberOf(TextIn(header, "parent-snapshot-id"));
  }

 private:
  std::map<int64_t, std::string> by_id_;
  std::map<int64_t, std::optional<int64_t>> parents_;
};

arrow::Result<Header> ReadHeader(Files& files, const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const std::string bytes, files.ReadAll(path, kListBytesMax));
  ARROW_ASSIGN_OR_RAISE(const AvroFileReader reader, AvroFileReader::Open(bytes));
  return reader.metadata();
}

arrow::Status Take(const Header& header, bool is_head, CommitChain* chain) {
  const std::string commit_id = TextIn(header, kCommitIdNote);
  if (!commit_id.empty()) chain->commit_ids.insert(commit_id);
  if (is_head) chain->head_commit_id = commit_id;
  const std::string tables = TextIn(header, kTablesNote);
  if (is_head && !tables.empty()) {
    const auto names = nlohmann::json::parse(tables, nullptr, /*allow_exceptions=*/false);
    if (!names.is_array()) return BadData("Note of a commit's tables cannot be read: ", tables);
    for (const auto& name : names) {
      if (name.is_string()) chain->head_tables.push_back(name.get<std::string>());
    }
  }
  const std::string text = TextIn(header, kCommitNote);
  if (text.empty()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(LostCommit note, ReadCommitNote(text));
  chain->notes.push_back(std::move(note));
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<CommitChain> ReadCommitChain(Lake& lake, const TableState& table) {
  CommitChain chain;
  ARROW_ASSIGN_OR_RAISE(const ListPaths paths, ListPaths::Make(lake, table));
  std::optional<int64_t> id = table.metadata->current_snapshot_id;
  bool is_head = true;
  for (size_t i = 0; id && i < kSnapshotsMax; ++i) {
    ARROW_ASSIGN_OR_RAISE(const auto known, lake.ledger().SnapshotSeqs(table.table_key, {*id}));
    if (!known.empty()) break;
    const std::string* path = paths.Find(*id);
    auto header = path == nullptr ? arrow::Result<Header>(NotFound("No list of snapshot ", *id))
                                  : ReadHeader(lake.files(), *path);
    if (!header.ok()) {
      chain.is_complete = false;
      break;
    }
    ARROW_RETURN_NOT_OK(Take(*header, is_head, &chain));
    is_head = false;
    id = paths.ParentOf(*id, *header);
  }
  std::ranges::reverse(chain.notes);
  return chain;
}

}  // namespace catchwater
