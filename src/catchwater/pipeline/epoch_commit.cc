#include "catchwater/pipeline/epoch_commit.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

/// The most open partitions whose positions are repeated in the table, for `ledger rebuild`.
constexpr size_t kPositionsInTableMax = 1'000;

std::string_view WordOf(ColumnContract contract) {
  for (const auto& [value, word] : EnumWords(contract)) {
    if (value == contract) return word;
  }
  return "";
}

std::vector<std::string> NamedEntities(const PartitionFlow& flow) {
  std::vector<std::string> names(flow.entities().begin(), flow.entities().end());
  if (names.size() > kEntitiesMax) {
    names.resize(kEntitiesMax);
    names.emplace_back("+more");
  }
  return names;
}

WorkMove MoveOfInput(const FrontierPart& part, const PartitionFlow& flow, const Fence& fence) {
  return {.kind = WorkMove::Kind::kInput,
          .id = part.range.partition_id,
          .from = WorkState::kProcessing,
          .to = part.is_finished ? WorkState::kDone : WorkState::kProcessing,
          .lease = fence.lease,
          .epoch = fence.epoch,
          .reason = "",
          .entities = NamedEntities(flow),
          .event_us_min = flow.event_us_min(),
          .event_us_max = flow.event_us_max()};
}

std::string PositionsJson(const std::vector<FrontierPart>& frontier) {
  nlohmann::ordered_json positions = nlohmann::ordered_json::object();
  for (const FrontierPart& part : frontier) {
    if (part.is_finished || positions.size() >= kPositionsInTableMax) continue;
    positions[std::to_string(part.range.partition_id)] = part.range.to.ordinal;
  }
  return positions.dump();
}

/// When the rows of the epoch were received: a few points are enough to tell delays by.
std::string FlushBody(const Receipts& receipts) {
  constexpr size_t kPointsMax = 32;
  const size_t stride = receipts.size() / kPointsMax + 1;
  nlohmann::json received = nlohmann::json::array();
  for (size_t i = 0; i < receipts.size(); i += stride) {
    int64_t row_count = 0;
    for (size_t k = i; k < std::min(receipts.size(), i + stride); ++k) {
      row_count += receipts[k].second;
    }
    received.push_back({receipts[i].first, row_count});
  }
  return nlohmann::json{{"received", std::move(received)}}.dump();
}

Event GapEvent(const std::string& pipeline, const FrontierPart& part) {
  return {.kind = "gap",
          .object = pipeline,
          .body_json = nlohmann::json{{"partition_id", part.range.partition_id},
                                      {"from", part.range.from.ordinal},
                                      {"to", part.range.to.ordinal},
                                      {"frames_lost", part.frames_lost},
                                      {"reason", part.lost_reason}}
                           .dump()};
}

/// One a column, whatever the partitions.
void AddDriftEvents(const std::string& pipeline, const Flows& flows, std::vector<Event>* events) {
  PartitionFlow all;
  for (const auto& [partition_id, flow] : flows) all.MergeDrifts(flow.drifts());
  for (const auto& [column, drift] : all.drifts()) {
    events->push_back(
        {.kind = "schema_drift",
         .object = pipeline,
         .body_json = nlohmann::json{{"column", column},
                                     {"contract", WordOf(drift.contract)},
                                     {"rows", drift.row_count},
                                     {"example", drift.example}}
                          .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)});
  }
}

std::vector<TableAppend> MergeAppends(std::vector<LaneOutput>& outputs) {
  std::map<std::string, TableAppend> by_table;
  for (LaneOutput& output : outputs) {
    for (TableAppend& append : output.appends) {
      TableAppend& merged = by_table[append.table_key];
      merged.table_key = append.table_key;
      std::move(append.files.begin(), append.files.end(), std::back_inserter(merged.files));
    }
  }
  std::vector<TableAppend> appends;
  for (auto& [key, append] : by_table) appends.push_back(std::move(append));
  return appends;
}

}  // namespace

CommitRequest MakeCommitRequest(const EpochCommitContext& context, Epoch& epoch) {
  std::vector<LaneOutput> outputs = epoch.TakeOutputs();
  Flows flows;
  int64_t lake_rows_counted = 0;
  int64_t lake_rows_passed = 0;
  for (const LaneOutput& output : outputs) {
    lake_rows_passed += output.row_count;
    for (const auto& [partition_id, flow] : output.flows) {
      flows[partition_id].Merge(flow);
      lake_rows_counted += flow.Total(Bucket::kLake);
    }
  }
  CATCHWATER_CHECK(lake_rows_counted == lake_rows_passed,
                   "rows counted by partition must be the rows written");

  CommitRequest request;
  CommitPlan& plan = request.plan;
  plan.id = context.commit_id;
  plan.actor = "pipeline/" + context.pipeline;
  plan.fences = {context.fence};
  for (const FrontierPart& part : epoch.frontier()) {
    plan.positions.push_back(
        {.range = part.range, .consumer = context.consumer, .is_finished = part.is_finished});
    if (part.fence) plan.fences.push_back(*part.fence);
    if (part.frames_lost > 0) {
      plan.events.push_back(GapEvent(context.pipeline, part));
    }
    if (part.copy != nullptr) request.partitions.push_back(*part.copy);
    if (part.is_input_file) {
      plan.work.push_back(MoveOfInput(part, flows[part.range.partition_id], context.fence));
    }
  }
  plan.events.insert(plan.events.end(), epoch.events().begin(), epoch.events().end());
  for (const auto& [partition_id, flow] : flows) {
    flow.AppendAccount(partition_id, context.consumer, &plan.account);
  }
  AddDriftEvents(context.pipeline, flows, &plan.events);
  if (lake_rows_passed > 0) {
    plan.events.push_back(
        {.kind = "flush", .object = context.pipeline, .body_json = FlushBody(epoch.receipts())});
  }
  request.appends = MergeAppends(outputs);
  if (!request.appends.empty()) {
    request.appends.front().positions_json = PositionsJson(epoch.frontier());
  }
  return request;
}

}  // namespace catchwater
