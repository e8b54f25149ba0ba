#include "catchwater/lake/commit_note.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/ledger/names.h"

namespace catchwater {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kTokenBytesMax = 1024;  // As the ledger's.

Json ToJson(const std::optional<int64_t>& number) { return number ? Json(*number) : Json(); }

std::optional<int64_t> OptionalNumber(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return std::nullopt;
  return found->get<int64_t>();
}

/// As the ledger keeps it: 63 bits.
uint64_t OrdinalIn(const Json& json, const char* key) {
  return static_cast<uint64_t>(std::max<int64_t>(0, json.at(key).get<int64_t>()));
}

/// What the ledger would not take, whoever asked.
bool IsPossible(const CommitPlan& plan) {
  return std::ranges::none_of(plan.positions,
                              [](const PositionAdvance& advance) {
                                return advance.range.to < advance.range.from ||
                                       advance.range.to.token.size() > kTokenBytesMax;
                              }) &&
         std::ranges::none_of(plan.account,
                              [](const RowAccount& line) { return line.row_count_added < 0; });
}

Json ToJson(const PartitionCopy& partition) {
  Json json{{"id", partition.id},
            {"pipeline", partition.key.pipeline},
            {"source", partition.key.source},
            {"name", partition.key.name},
            {"incarnation", partition.key.incarnation}};
  if (!partition.file) return json;
  const PartitionCopy::File& file = *partition.file;
  json["file"] = {
      {"path", file.path},      {"bytes", file.byte_count},      {"head", file.head_hash},
      {"full", file.full_hash}, {"created_us", file.created_us}, {"grows", file.is_growing}};
  return json;
}

PartitionCopy PartitionOf(const Json& json) {
  PartitionCopy partition{.id = json.at("id").get<int64_t>(),
                          .key = {.pipeline = json.at("pipeline").get<std::string>(),
                                  .source = json.at("source").get<std::string>(),
                                  .name = json.at("name").get<std::string>(),
                                  .incarnation = json.at("incarnation").get<std::string>()},
                          .file = {}};
  const auto found = json.find("file");
  if (found == json.end()) return partition;
  partition.file = PartitionCopy::File{.path = found->at("path").get<std::string>(),
                                       .byte_count = found->at("bytes").get<int64_t>(),
                                       .head_hash = found->at("head").get<std::string>(),
                                       .full_hash = found->at("full").get<std::string>(),
                                       .created_us = found->at("created_us").get<int64_t>(),
                                       .is_growing = found->at("grows").get<bool>()};
  return partition;
}

Json ToJson(const PositionAdvance& advance) {
  return {{"partition", advance.range.partition_id}, {"consumer", advance.consumer},
          {"from", advance.range.from.ordinal},      {"to", advance.range.to.ordinal},
          {"token", advance.range.to.token},         {"end", advance.is_finished}};
}

PositionAdvance AdvanceOf(const Json& json) {
  return {.range = {.partition_id = json.at("partition").get<int64_t>(),
                    .from = {.ordinal = OrdinalIn(json, "from"), .token = ""},
                    .to = {.ordinal = OrdinalIn(json, "to"),
                           .token = json.at("token").get<std::string>()}},
          .consumer = json.at("consumer").get<std::string>(),
          .is_finished = json.at("end").get<bool>()};
}

Json ToJson(const WorkMove& move) {
  return {{"partition", move.id},
          {"to", WorkStateName(move.to)},
          {"lease", move.lease},
          {"epoch", move.epoch},
          {"reason", move.reason},
          {"entities", move.entities},
          {"event_us_min", ToJson(move.event_us_min)},
          {"event_us_max", ToJson(move.event_us_max)}};
}

arrow::Result<WorkMove> MoveOf(const Json& json) {
  ARROW_ASSIGN_OR_RAISE(const WorkState to, WorkStateFromName(json.at("to").get<std::string>()));
  return WorkMove{.kind = WorkMove::Kind::kInput,
                  .id = json.at("partition").get<int64_t>(),
                  .from = WorkState::kProcessing,
                  .to = to,
                  .lease = json.at("lease").get<std::string>(),
                  .epoch = json.at("epoch").get<int64_t>(),
                  .reason = json.at("reason").get<std::string>(),
                  .entities = json.at("entities").get<std::vector<std::string>>(),
                  .event_us_min = OptionalNumber(json, "event_us_min"),
                  .event_us_max = OptionalNumber(json, "event_us_max")};
}

Json ToJson(const Checkpoint& checkpoint) {
  return {{"pipeline", checkpoint.pipeline}, {"consumer", checkpoint.consumer},
          {"shard", checkpoint.shard},       {"meaning", checkpoint.meaning},
          {"files", checkpoint.files},       {"watermark_us", ToJson(checkpoint.watermark_us)}};
}

Checkpoint CheckpointOf(const Json& json) {
  return {.pipeline = json.at("pipeline").get<std::string>(),
          .consumer = json.at("consumer").get<std::string>(),
          .shard = json.at("shard").get<std::string>(),
          .meaning = json.at("meaning").get<std::string>(),
          .files = json.at("files").get<std::vector<std::string>>(),
          .watermark_us = OptionalNumber(json, "watermark_us")};
}

/// [lease, epoch]
Json ToJson(const Fence& fence) { return Json::array({fence.lease, fence.epoch}); }

/// [partition, consumer, bucket, reason, rows]
Json ToJson(const RowAccount& line) {
  return Json::array({line.partition_id, line.consumer, BucketName(line.bucket), line.reason,
                      line.row_count_added});
}

arrow::Result<RowAccount> LineOf(const Json& json) {
  ARROW_ASSIGN_OR_RAISE(const Bucket bucket, BucketFromName(json.at(2).get<std::string>()));
  return RowAccount{.partition_id = json.at(0).get<int64_t>(),
                    .consumer = json.at(1).get<std::string>(),
                    .reason = json.at(3).get<std::string>(),
                    .bucket = bucket,
                    .row_count_added = json.at(4).get<int64_t>()};
}

arrow::Result<LostCommit> NoteOf(const Json& json) {
  LostCommit note;
  CommitPlan& plan = note.plan;
  note.at_us = json.at("at_us").get<int64_t>();
  plan.id = json.at("id").get<std::string>();
  plan.actor = json.at("actor").get<std::string>();
  for (const Json& item : json.at("fences")) {
    plan.fences.push_back(
        {.lease = item.at(0).get<std::string>(), .epoch = item.at(1).get<int64_t>()});
  }
  for (const Json& item : json.at("partitions")) note.partitions.push_back(PartitionOf(item));
  for (const Json& item : json.at("positions")) plan.positions.push_back(AdvanceOf(item));
  for (const Json& item : json.at("work")) {
    ARROW_ASSIGN_OR_RAISE(WorkMove move, MoveOf(item));
    plan.work.push_back(std::move(move));
  }
  for (const Json& item : json.at("account")) {
    ARROW_ASSIGN_OR_RAISE(RowAccount line, LineOf(item));
    plan.account.push_back(std::move(line));
  }
  for (const Json& item : json.at("state")) plan.state.push_back(CheckpointOf(item));
  plan.replayed = json.at("replayed").get<std::vector<std::string>>();
  plan.discarded = json.at("discarded").get<std::vector<std::string>>();
  if (!IsPossible(plan)) return BadData("Note of a commit says what cannot be, id: ", plan.id);
  return note;
}

template <typename Item>
Json ListOf(const std::vector<Item>& items) {
  Json list = Json::array();
  for (const Item& item : items) list.push_back(ToJson(item));
  return list;
}

}  // namespace

bool NeedsNote(const CommitPlan& plan) {
  return !plan.positions.empty() || !plan.account.empty() || !plan.state.empty() ||
         !plan.replayed.empty() || !plan.discarded.empty();
}

std::string MakeCommitNote(const LostCommit& commit) {
  const CommitPlan& plan = commit.plan;
  Json work = Json::array();
  for (const WorkMove& move : plan.work) {
    if (move.kind == WorkMove::Kind::kInput) work.push_back(ToJson(move));
  }
  const Json note{{"id", plan.id},
                  {"at_us", commit.at_us},
                  {"actor", plan.actor},
                  {"fences", ListOf(plan.fences)},
                  {"partitions", ListOf(commit.partitions)},
                  {"positions", ListOf(plan.positions)},
                  {"work", std::move(work)},
                  {"account", ListOf(plan.account)},
                  {"state", ListOf(plan.state)},
                  {"replayed", plan.replayed},
                  {"discarded", plan.discarded}};
  return note.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

arrow::Result<LostCommit> ReadCommitNote(std::string_view json) {
  try {
    return NoteOf(Json::parse(json));
  } catch (const Json::exception& error) {
    return BadData("Note of a commit cannot be read: ", error.what());
  }
}

}  // namespace catchwater
