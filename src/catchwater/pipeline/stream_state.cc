#include "catchwater/pipeline/stream_state.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include <arrow/util/compression.h>
#include <xxhash.h>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"
#include "catchwater/stream/state_bytes.h"

namespace catchwater {
namespace {

constexpr std::string_view kMagic = "catchwater.stream.2";
constexpr int64_t kStateBytesMax = 4LL << 30;
constexpr size_t kPackedBytesMin = 64 << 10;  // Less is written sooner than it is compressed.
constexpr int kZstdLevel = 1;

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

arrow::Result<std::unique_ptr<arrow::util::Codec>> Zstd() {
  return arrow::util::Codec::Create(arrow::Compression::ZSTD, kZstdLevel);
}

const uint8_t* BytesOf(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

}  // namespace

arrow::Result<PackedState> PackedState::Of(std::string state) {
  // 0, or the number of bytes before they were compressed.
  uint64_t byte_count = 0;
  std::string packed(sizeof(byte_count), '\0');
  if (state.size() < kPackedBytesMin) return PackedState{packed + state};
  byte_count = state.size();
  std::memcpy(packed.data(), &byte_count, sizeof(byte_count));
  ARROW_ASSIGN_OR_RAISE(const auto codec, Zstd());
  const auto length = static_cast<int64_t>(state.size());
  std::string room(static_cast<size_t>(codec->MaxCompressedLen(length, BytesOf(state))), '\0');
  ARROW_ASSIGN_OR_RAISE(const int64_t used,
                        codec->Compress(length, BytesOf(state), static_cast<int64_t>(room.size()),
                                        reinterpret_cast<uint8_t*>(room.data())));
  packed.append(room, 0, static_cast<size_t>(used));  // Exact: it may wait long for its commit.
  return PackedState{std::move(packed)};
}

arrow::Result<std::string> PackedState::Unpack() const {
  StateReader reader(bytes);
  const auto byte_count = reader.Get<uint64_t>();
  ARROW_RETURN_NOT_OK(reader.status());
  const std::string_view packed = std::string_view(bytes).substr(sizeof(byte_count));
  if (byte_count == 0) return std::string(packed);
  if (byte_count > static_cast<uint64_t>(kStateBytesMax)) {
    return BadData("Operator state is too large, bytes: ", byte_count);
  }
  ARROW_ASSIGN_OR_RAISE(const auto codec, Zstd());
  std::string state(byte_count, '\0');
  const auto used =
      codec->Decompress(static_cast<int64_t>(packed.size()), BytesOf(packed),
                        static_cast<int64_t>(byte_count), reinterpret_cast<uint8_t*>(state.data()));
  if (!used.ok() || static_cast<uint64_t>(*used) != byte_count) {
    return BadData("Operator state cannot be decompressed");
  }
  return state;
}

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
    const PackedState packed{std::string(state.GetText())};
    ARROW_ASSIGN_OR_RAISE(const std::string unpacked, packed.Unpack());
    ARROW_RETURN_NOT_OK(load(unpacked));
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
  ARROW_ASSIGN_OR_RAISE(std::string bytes, is_base ? whole.Save() : part.Save());
  ARROW_ASSIGN_OR_RAISE(const PackedState state, PackedState::Of(std::move(bytes)));
  return SaveBytes(name_stem, head, state, is_base);
}

arrow::Result<std::vector<std::string>> StreamState::SaveBytes(const std::string& name_stem,
                                                               const StreamStateHead& head,
                                                               const PackedState& state,
                                                               bool is_base) {
  StateWriter content;
  content.Put(head.lake_rows);
  content.Put(head.revision);
  content.Put(head.epoch);
  content.PutText(state.bytes);
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
