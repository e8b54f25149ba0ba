#include "catchwater/cli/sink_status.h"

#include <algorithm>
#include <sstream>
#include <vector>

#include "catchwater/base/duration.h"

namespace catchwater {
namespace {

/// The word for a sink that no running program feeds.
std::string StoredState(const DeliveryRecord* record, const DeliveryBacklog& backlog) {
  if (record == nullptr) return "new";
  if (record->state == DeliveryState::kResync) return "resync";
  if (record->state == DeliveryState::kBlocked) return "blocked";
  if (!record->reason.empty()) return "down";
  return backlog.file_count > 0 ? "catching_up" : "following";
}

nlohmann::ordered_json FindLive(const nlohmann::ordered_json& live, const std::string& sink) {
  if (live.is_object() && live.contains("sinks")) {
    for (const auto& report : live["sinks"]) {
      if (report.value("sink", "") == sink) return report;
    }
  }
  return nlohmann::ordered_json::object();
}

}  // namespace

arrow::Result<nlohmann::ordered_json> SinkStatus(Ledger& ledger, const PipelinePlan& plan,
                                                 const nlohmann::ordered_json& live,
                                                 int64_t now_us) {
  nlohmann::ordered_json sinks = nlohmann::ordered_json::array();
  for (const SinkPlan& sink : plan.sinks) {
    const std::string& name = sink.name;
    ARROW_ASSIGN_OR_RAISE(const auto deliveries, ledger.Deliveries(sink.table_key));
    const auto found = std::ranges::find(deliveries, plan.name + "/" + name, &DeliveryRecord::sink);
    const DeliveryRecord* record = found == deliveries.end() ? nullptr : &*found;
    ARROW_ASSIGN_OR_RAISE(
        const DeliveryBacklog backlog,
        ledger.Backlog(sink.table_key, record == nullptr ? DeliveryMark{} : record->mark));
    const nlohmann::ordered_json report = FindLive(live, name);
    sinks.push_back(
        {{"sink", name},
         {"kind", sink.component.name},
         {"state", report.value("state", StoredState(record, backlog))},
         {"lag_ms", (now_us - backlog.oldest_us.value_or(now_us)) / 1'000},
         {"rows_behind", backlog.row_count},
         {"files_behind", backlog.file_count},
         {"delivered_seq", record == nullptr ? 0 : record->mark.seq},
         {"last_error", report.value("last_error", record == nullptr ? "" : record->reason)},
         {"rows_since_start", report.value("rows", int64_t{0})},
         {"resyncs_since_start", report.value("resyncs", int64_t{0})}});
  }
  return sinks;
}

std::string RenderSinks(const nlohmann::ordered_json& sinks) {
  std::ostringstream text;
  for (const auto& sink : sinks) {
    text << "  sink " << sink.value("sink", "") << ": " << sink.value("state", "");
    const int64_t rows_behind = sink.value("rows_behind", int64_t{0});
    if (rows_behind > 0) {
      text << ", behind " << rows_behind << " rows, "
           << FormatDuration(Duration{sink.value("lag_ms", int64_t{0})});
    }
    const std::string error = sink.value("last_error", "");
    if (!error.empty()) text << "\n    " << error;
    text << "\n";
  }
  return std::move(text).str();
}

}  // namespace catchwater
