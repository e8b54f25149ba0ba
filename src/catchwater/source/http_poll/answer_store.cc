#include "catchwater/source/http_poll/answer_store.h"

#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <memory>
#include <utility>

#include <nlohmann/json.hpp>
#include <xxhash.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kSuffix = ".answer";
constexpr std::string_view kUnfinished = ".tmp";
constexpr int64_t kFileBytesMax = 256LL << 20;

std::string HashOf(std::string_view bytes) {
  char text[17];
  std::snprintf(text, sizeof(text), "%016" PRIx64,
                static_cast<uint64_t>(XXH3_64bits(bytes.data(), bytes.size())));
  return text;
}

uint64_t EndOf(uint64_t begin_ordinal, std::string_view body) {
  return begin_ordinal + body.size() + 1;
}

/// A line of JSON, its hash before it, then the body.
std::string Encode(const PollAnswer& answer, const PollState& state) {
  const Json head{{"item", answer.item},
                  {"refusal", answer.refusal},
                  {"receive_us", answer.receive_us},
                  {"body_bytes", answer.body.size()},
                  {"body_hash", HashOf(answer.body)},
                  {"state", state.ToJson()}};
  const std::string line =
      head.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
  return HashOf(line) + " " + line + "\n" + answer.body;
}

struct Decoded {
  PollAnswer answer;
  PollState state;
};

arrow::Result<Decoded> Decode(std::string_view bytes, const std::string& path) {
  const size_t end = bytes.find('\n');
  if (end == bytes.npos || end < 17) return BadData("Kept answer is damaged, path: ", path);
  const std::string_view line = bytes.substr(17, end - 17);
  const Json head = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (HashOf(line) != bytes.substr(0, 16) || !head.is_object()) {
    return BadData("Kept answer is damaged, path: ", path);
  }
  Decoded decoded;
  decoded.answer.item = head.value("item", "");
  decoded.answer.refusal = head.value("refusal", "");
  decoded.answer.receive_us = head.value("receive_us", int64_t{0});
  decoded.answer.body = bytes.substr(end + 1);
  if (head.value("body_hash", "") != HashOf(decoded.answer.body)) {
    return BadData("Kept answer is damaged, path: ", path);
  }
  ARROW_ASSIGN_OR_RAISE(decoded.state, PollState::FromJson(head.value("state", "")));
  return decoded;
}

}  // namespace

arrow::Result<std::string> AnswerStore::Identity(Files& files, const std::string& folder,
                                                 const std::string& fresh) {
  ARROW_RETURN_NOT_OK(files.CreateDirectories(folder));
  const std::string path = folder + "/identity";
  auto known = files.ReadAll(path, 64);
  if (known.ok()) return *std::move(known);
  if (KindOf(known.status()) != ErrorKind::kNotFound) return known.status();
  ARROW_RETURN_NOT_OK(files.PublishAtomically(path, fresh));
  return fresh;
}

arrow::Result<std::unique_ptr<AnswerStore>> AnswerStore::Open(Files& files, std::string folder) {
  std::unique_ptr<AnswerStore> store(new AnswerStore(files, std::move(folder)));
  ARROW_RETURN_NOT_OK(store->Recover());
  return store;
}

std::string AnswerStore::PathOf(uint64_t begin_ordinal) const {
  char digits[32];
  std::snprintf(digits, sizeof(digits), "%020" PRIu64, begin_ordinal);
  return folder_ + "/" + digits + std::string(kSuffix);
}

arrow::Status AnswerStore::Recover() {
  ARROW_RETURN_NOT_OK(files_.CreateDirectories(folder_));
  const auto states = files_.ReadAll(folder_ + "/states.json", kFileBytesMax);
  if (!states.ok() && KindOf(states.status()) != ErrorKind::kNotFound) return states.status();
  if (states.ok()) {
    const Json json = Json::parse(*states, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("items")) {
      return BadData("State of polling is damaged, path: ", folder_, "/states.json");
    }
    next_ordinal_ = json.value("next_ordinal", uint64_t{0});
    for (const auto& [item, text] : json.at("items").items()) {
      ARROW_ASSIGN_OR_RAISE(states_[item], PollState::FromJson(text.get<std::string>()));
    }
  }
  ARROW_ASSIGN_OR_RAISE(const auto entries, files_.List(folder_));
  for (const FileEntry& entry : entries) {    // Sorted: in the order of their ordinals.
    if (entry.path.ends_with(kUnfinished)) {  // Of a process that was killed: nobody saw it.
      ARROW_RETURN_NOT_OK(files_.Remove(entry.path));
    }
    if (!entry.path.ends_with(kSuffix)) continue;
    const std::string name = entry.path.substr(entry.path.rfind('/') + 1);
    uint64_t begin = 0;
    std::from_chars(name.data(), name.data() + name.size(), begin);
    ARROW_ASSIGN_OR_RAISE(const std::string bytes, files_.ReadAll(entry.path, kFileBytesMax));
    ARROW_ASSIGN_OR_RAISE(Decoded decoded, Decode(bytes, entry.path));
    const Place place{begin, EndOf(begin, decoded.answer.body)};
    answers_.push_back(place);
    byte_count_ += entry.byte_count;
    states_[decoded.answer.item] = std::move(decoded.state);
    next_ordinal_ = std::max(next_ordinal_, place.end_ordinal);
  }
  return arrow::Status::OK();
}

arrow::Status AnswerStore::Append(const PollAnswer& answer, const PollState& state) {
  const std::string bytes = Encode(answer, state);
  const std::lock_guard lock(mutex_);
  const std::string path = PathOf(next_ordinal_);
  const std::string unfinished = path + std::string(kUnfinished);
  ARROW_RETURN_NOT_OK(files_.Remove(unfinished));  // Of a try that failed.
  ARROW_RETURN_NOT_OK(files_.WriteNew(unfinished, bytes));
  ARROW_RETURN_NOT_OK(files_.Rename(unfinished, path));
  ARROW_RETURN_NOT_OK(files_.SyncDirectory(folder_));
  answers_.push_back({next_ordinal_, EndOf(next_ordinal_, answer.body)});
  next_ordinal_ = answers_.back().end_ordinal;
  byte_count_ += static_cast<int64_t>(bytes.size());
  states_[answer.item] = state;
  return arrow::Status::OK();
}

PollState AnswerStore::StateOf(const std::string& item) const {
  const std::lock_guard lock(mutex_);
  const auto found = states_.find(item);
  return found == states_.end() ? PollState{} : found->second;
}

std::optional<AnswerStore::Place> AnswerStore::Locate(uint64_t ordinal) const {
  const std::lock_guard lock(mutex_);
  for (const Place& place : answers_) {
    if (place.begin_ordinal >= ordinal) return place;
  }
  return std::nullopt;
}

arrow::Result<PollAnswer> AnswerStore::Read(const Place& place) const {
  const std::string path = PathOf(place.begin_ordinal);
  ARROW_ASSIGN_OR_RAISE(const std::string bytes, files_.ReadAll(path, kFileBytesMax));
  ARROW_ASSIGN_OR_RAISE(Decoded decoded, Decode(bytes, path));
  return std::move(decoded.answer);
}

arrow::Status AnswerStore::WriteStates() const {
  Json items = Json::object();
  for (const auto& [item, state] : states_) items[item] = state.ToJson();
  const Json json{{"next_ordinal", next_ordinal_}, {"items", std::move(items)}};
  return files_.PublishAtomically(
      folder_ + "/states.json",
      json.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace));
}

arrow::Status AnswerStore::Trim(uint64_t ordinal) {
  const std::lock_guard lock(mutex_);
  if (answers_.empty() || answers_.front().end_ordinal > ordinal) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(WriteStates());  // Before the answers that hold it go.
  while (!answers_.empty() && answers_.front().end_ordinal <= ordinal) {
    const std::string path = PathOf(answers_.front().begin_ordinal);
    const auto entry = files_.Stat(path);
    ARROW_RETURN_NOT_OK(files_.Remove(path));
    if (entry.ok()) byte_count_ -= entry->byte_count;
    answers_.pop_front();
  }
  return arrow::Status::OK();
}

int64_t AnswerStore::byte_count() const {
  const std::lock_guard lock(mutex_);
  return byte_count_;
}

}  // namespace catchwater
