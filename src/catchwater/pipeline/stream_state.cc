#include "catchwater/pipeline/stream_state.h"

#include <algorithm>
#include <utility>

#include <xxhash.h>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"
#include "catchwater/stream/state_bytes.h"

namespace catchwater {
namespace {

constexpr std::string_view kMagic = "catchwater.stream.1";
constexpr int64_t kStateBytesMax = 4LL << 30;

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

arrow::Result<StreamStateHead> StreamState::Load(
    const std::vector<std::string>& names,
    const std::function<arrow::Status(std::string_view state)>& load) {
  StreamStateHead head;
  for (const std::string& name : names) {
    ARROW_ASSIGN_OR_RAISE(const std::string bytes,
                          files_.ReadAll(folder_ + "/" + name, kStateBytesMax));
    StreamStateHead read;
    StateReader file(bytes);
    const std::string_view magic = file.GetText();
    const std::string_view content = file.GetText();
    const auto checksum = file.Get<uint64_t>();
    if (!file.status().ok() || magic != kMagic ||
        checksum != XXH3_64bits(content.data(), content.size())) {
      return BadData("State of a stream is damaged, file: ", folder_, "/", name);
    }
    StateReader state(content);
    read.lake_rows = state.Get<int64_t>();
    read.revision = state.Get<int64_t>();
    read.epoch = state.Get<int64_t>();
    ARROW_RETURN_NOT_OK(load(state.GetText()));
    growth_.Saved(name == names.front(), static_cast<int64_t>(bytes.size()));
    head = read;
  }
  names_ = names;
  return head;
}

arrow::Result<std::vector<std::string>> StreamState::Save(const std::string& name_stem,
                                                          const StreamStateHead& head,
                                                          const StreamOperator& whole,
                                                          const StreamOperator& part) {
  const bool is_base = growth_.is_base_due();
  ARROW_ASSIGN_OR_RAISE(const std::string state, is_base ? whole.Save() : part.Save());
  return SaveBytes(name_stem, head, state, is_base);
}

arrow::Result<std::vector<std::string>> StreamState::SaveBytes(const std::string& name_stem,
                                                               const StreamStateHead& head,
                                                               std::string_view state,
                                                               bool is_base) {
  StateWriter content;
  content.Put(head.lake_rows);
  content.Put(head.revision);
  content.Put(head.epoch);
  content.PutText(state);
  const std::string checked = content.Take();
  StateWriter file;
  file.PutText(kMagic);
  file.PutText(checked);
  file.Put(uint64_t{XXH3_64bits(checked.data(), checked.size())});
  const std::string bytes = file.Take();

  const std::string name = name_stem + (is_base ? ".base" : ".part");
  ARROW_RETURN_NOT_OK(files_.CreateDirectories(folder_));
  ARROW_RETURN_NOT_OK(files_.WriteNew(folder_ + "/" + name, bytes));
  ARROW_RETURN_NOT_OK(files_.SyncDirectory(folder_));
  ARROW_RETURN_NOT_OK(Reach(FailPoint::kStreamStateWritten));
  growth_.Saved(is_base, static_cast<int64_t>(bytes.size()));
  std::vector<std::string> names = is_base ? std::vector<std::string>{} : names_;
  names.push_back(name);
  return names;
}

void StreamState::Committed(std::vector<std::string> names) {
  for (const std::string& name : names_) {
    if (std::ranges::find(names, name) != names.end()) continue;
    // One that stays is removed at the next start.
    static_cast<void>(files_.Remove(folder_ + "/" + name));
  }
  names_ = std::move(names);
}

arrow::Status StreamState::RemoveOthers() {
  const auto entries = files_.List(folder_);
  if (!entries.ok()) {
    return KindOf(entries.status()) == ErrorKind::kNotFound ? arrow::Status::OK()
                                                            : entries.status();
  }
  for (const FileEntry& entry : *entries) {
    const std::string name = NameOf(entry.path);
    const bool is_ours = name.ends_with(".base") || name.ends_with(".part");
    if (!is_ours || std::ranges::find(names_, name) != names_.end()) continue;
    ARROW_RETURN_NOT_OK(files_.Remove(entry.path));
    ARROW_RETURN_NOT_OK(Reach(FailPoint::kStreamStateRemoved));
  }
  return arrow::Status::OK();
}

}  // namespace catchwater
