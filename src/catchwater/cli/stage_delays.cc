#include "catchwater/cli/stage_delays.h"

#include <cstdio>
#include <map>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace catchwater {
namespace {

constexpr int64_t kFeedPage = 10'000;

/// Receive time and rows, as the flush event of a commit tells them.
using Receipts = std::vector<std::pair<int64_t, int64_t>>;

struct FeedFacts {
  std::map<int64_t, Receipts> receipts;   ///< By seq of the commit.
  std::map<int64_t, int64_t> claimed_us;  ///< By seq of the merge's commit.
};

arrow::Result<FeedFacts> ReadFeed(Ledger& ledger) {
  FeedFacts facts;
  int64_t after_seq = 0;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto events, ledger.Feed(after_seq, kFeedPage));
    if (events.empty()) return facts;
    for (const Event& event : events) {
      after_seq = std::max(after_seq, event.seq);
      if (event.kind != "flush" && event.kind != "merge") continue;
      const auto body = nlohmann::json::parse(event.body_json, nullptr, false);
      if (body.is_discarded()) continue;
      if (event.kind == "merge") {
        facts.claimed_us[event.seq] = body.value("claimed_us", int64_t{0});
        continue;
      }
      for (const auto& receipt : body.value("received", nlohmann::json::array())) {
        facts.receipts[event.seq].emplace_back(receipt[0], receipt[1]);
      }
    }
  }
}

void AddFile(const DataFileRecord& file, const FeedFacts& facts, StageDelays* delays) {
  const auto flush = facts.receipts.find(file.added_seq);
  if (flush == facts.receipts.end()) return;  // A merge's own output.
  for (const auto& [receive_us, row_count] : flush->second) {
    delays->buffer.Add(file.added_us - receive_us, row_count);
  }
  if (!file.removed_seq || !file.finished_us) return;
  const auto merge = facts.claimed_us.find(*file.removed_seq);
  if (merge == facts.claimed_us.end()) return;
  delays->wait.Add(merge->second - file.added_us, file.file.row_count);
  delays->merge.Add(*file.finished_us - merge->second, file.file.row_count);
  for (const auto& [receive_us, row_count] : flush->second) {
    delays->total.Add(*file.finished_us - receive_us, row_count);
  }
}

std::string Seconds(const DelayHistogram& histogram, double share) {
  if (histogram.count() == 0) return "-";
  char text[32];
  std::snprintf(text, sizeof(text), "%.3f s",
                static_cast<double>(histogram.PercentileMicros(share)) / 1e6);
  return text;
}

void AppendStage(const char* name, const DelayHistogram& histogram, const char* theirs,
                 std::string* text) {
  char line[160];
  std::snprintf(line, sizeof(line), "  %-34s %12s %12s   %s\n", name,
                Seconds(histogram, 0.5).c_str(), Seconds(histogram, 0.99).c_str(), theirs);
  *text += line;
}

}  // namespace

arrow::Result<StageDelays> MeasureStageDelays(Ledger& ledger) {
  StageDelays delays;
  ARROW_ASSIGN_OR_RAISE(const FeedFacts facts, ReadFeed(ledger));
  WorkQuery query;
  query.limit = INT64_MAX;
  ARROW_ASSIGN_OR_RAISE(const auto files, ledger.DataFiles(query));
  for (const DataFileRecord& file : files) AddFile(file, facts, &delays);
  return delays;
}

std::string Render(const StageDelays& delays, const std::vector<SyncDelay>& syncs) {
  std::string text =
      "  stage                                       p50          p99   the chain it replaces\n";
  AppendStage("buffer (rows are in the table)", delays.buffer, "1-15 min", &text);
  for (const SyncDelay& sync : syncs) {
    const std::string name = "sync (rows are in " + sync.sink + ")";
    AppendStage(name.c_str(), sync.delay, "1-5 min", &text);
  }
  AppendStage("wait for the threshold", delays.wait, "variable", &text);
  AppendStage("merge", delays.merge, "5-15 min", &text);
  AppendStage("total", delays.total, "15-60 min", &text);
  return text;
}

}  // namespace catchwater
