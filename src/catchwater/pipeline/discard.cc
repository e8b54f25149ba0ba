#include "catchwater/pipeline/discard.h"

#include <set>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/lake/commit.h"

namespace catchwater {
namespace {

constexpr int64_t kLeaseMs = 30'000;  // Longer than one commit takes.

/// Those without a mark, in their order; the others are counted.
arrow::Result<std::vector<std::string>> Unmarked(Ledger& ledger,
                                                 const std::vector<std::string>& letter_ids,
                                                 DiscardReport* report) {
  ARROW_ASSIGN_OR_RAISE(const auto marks, ledger.MarksAmong(letter_ids));
  std::set<std::string> is_marked;
  for (const DeadLetterMark& mark : marks) {
    is_marked.insert(mark.dead_letter_id);
    ++(mark.state == "replayed" ? report->already_replayed : report->already_discarded);
  }
  std::vector<std::string> unmarked;
  for (const std::string& id : letter_ids) {
    if (!is_marked.contains(id)) unmarked.push_back(id);
  }
  return unmarked;
}

arrow::Status CommitDiscard(Lake& lake, const Fence& fence, std::vector<std::string> letter_ids,
                            const std::string& pipeline) {
  CommitRequest request;
  request.plan.id = lake.NewUuid();
  request.plan.actor = "discard/" + pipeline;
  request.plan.fences = {fence};
  request.plan.events = {{.kind = "discard",
                          .object = pipeline,
                          .body_json = "{\"letters\":" + std::to_string(letter_ids.size()) + "}"}};
  request.plan.discarded = std::move(letter_ids);
  ARROW_ASSIGN_OR_RAISE(const auto committed, Committer(lake).Commit(std::move(request)));
  if (committed.outcome == Outcome::kCommitted) return arrow::Status::OK();
  return Conflict("Discard was refused, nothing was changed; run it again. Pipeline and outcome: ",
                  pipeline, " ", OutcomeName(committed.outcome));
}

}  // namespace

arrow::Result<DiscardReport> DiscardLetters(Lake& lake, const std::vector<std::string>& letter_ids,
                                            const DiscardOptions& options) {
  CATCHWATER_CHECK(static_cast<int64_t>(letter_ids.size()) <= kDiscardLettersMax,
                   "a discard is one commit and bounded");
  DiscardReport report{.letters = static_cast<int64_t>(letter_ids.size())};
  Ledger& ledger = lake.ledger();
  ARROW_ASSIGN_OR_RAISE(auto unmarked, Unmarked(ledger, letter_ids, &report));
  report.discarded = static_cast<int64_t>(unmarked.size());
  if (options.is_dry_run || unmarked.empty()) return report;
  // The lease of replays: a letter is put back or given up, never both.
  Fence fence{.lease = "replay/" + options.pipeline};
  ARROW_ASSIGN_OR_RAISE(const auto epoch,
                        ledger.AcquireLease(fence.lease, options.owner, kLeaseMs));
  if (!epoch) return Conflict("Another replay of the pipeline is under way: ", options.pipeline);
  fence.epoch = *epoch;
  const arrow::Status committed = CommitDiscard(lake, fence, std::move(unmarked), options.pipeline);
  const arrow::Status released = ledger.ReleaseLease(fence.lease, fence.epoch);
  ARROW_RETURN_NOT_OK(committed);
  ARROW_RETURN_NOT_OK(released);
  return report;
}

}  // namespace catchwater
