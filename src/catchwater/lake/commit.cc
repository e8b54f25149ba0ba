#include "catchwater/lake/commit.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/lake/append_change.h"
#include "catchwater/lake/commit_note.h"
#include "catchwater/lake/note_files.h"

namespace catchwater {
namespace {

bool HasSnapshot(const PointerSwap& swap) { return swap.operation != "metadata"; }

/// What each of the commit's tables says of it.
std::map<std::string, std::string> HeaderNotes(const std::vector<TableChange*>& changes,
                                               const std::string& commit_id) {
  std::map<std::string, std::string> notes{{kCommitIdNote, commit_id}};
  if (changes.size() < 2) return notes;
  nlohmann::json table_keys = nlohmann::json::array();
  for (const TableChange* change : changes) table_keys.push_back(change->table_key());
  notes[kTablesNote] = table_keys.dump();
  return notes;
}

}  // namespace

/// What was written for one try, before the ledger was asked.
struct Committer::Attempt {
  CommitPlan plan;
  std::vector<PreparedChange> changes;
  std::string note_path;  // Empty: a manifest list has the note, or there is none.
};

Committer::~Committer() {
  // What is not queued is found by orphan clean-up.
  static_cast<void>(QueueSuperseded(/*count_min=*/1));
}

arrow::Result<CommitResult> Committer::Commit(CommitRequest request) {
  CATCHWATER_CHECK(request.plan.tables.empty(), "the committer fills in the tables");
  std::vector<std::unique_ptr<AppendChange>> appends;
  std::vector<TableChange*> changes = request.changes;
  for (TableAppend& append : request.appends) {
    if (append.files.empty()) continue;
    appends.push_back(std::make_unique<AppendChange>(lake_, append.table_key, append.files,
                                                     append.positions_json));
    changes.push_back(appends.back().get());
  }
  std::ranges::sort(changes, {}, [](const TableChange* change) { return change->table_key(); });
  const auto twice = std::ranges::adjacent_find(
      changes, {}, [](const TableChange* change) { return change->table_key(); });
  CATCHWATER_CHECK(twice == changes.end(), "a commit changes a table once");

  std::string note;
  if (NeedsNote(request.plan)) {
    note = MakeCommitNote({.at_us = lake_.clock().NowMicros(),
                           .plan = request.plan,
                           .partitions = request.partitions});
  }
  CommitResult result;
  while (result.attempts < kAttemptsMax) {
    ++result.attempts;
    Attempt attempt;
    attempt.plan = request.plan;
    const arrow::Status prepared = Prepare(changes, note, attempt);
    if (!prepared.ok()) {
      Drop(attempt);
      return prepared;
    }
    const arrow::Result<Outcome> outcome = Ask(attempt.plan, result.receipt);
    if (!outcome.ok()) {
      if (KindOf(outcome.status()) != ErrorKind::kCommitUnknown) Drop(attempt);
      return outcome.status();
    }
    result.outcome = *outcome;
    if (*outcome == Outcome::kCommitted) {
      Finish(std::move(attempt), result);
      return result;
    }
    Drop(attempt);
    if (*outcome != Outcome::kPointerMoved) return result;
  }
  return result;
}

arrow::Result<Outcome> Committer::Ask(const CommitPlan& plan, Receipt& receipt) {
  auto answer = lake_.ledger().Commit(plan);
  if (!answer.ok()) {
    // The ledger refuses before it begins, or says kUnknown; a status after the fact would leave
    // us without proof either way, so it is looked up as well.
    if (KindOf(answer.status()) != ErrorKind::kCommitUnknown) return answer.status();
  } else if (answer->first != Outcome::kUnknown) {
    receipt = answer->second;
    return answer->first;
  }
  const auto settled = lake_.ledger().Settle(plan);
  if (!settled.ok()) {
    return CommitUnknown("Commit cannot be settled, id and cause: ", plan.id, " ",
                         settled.status().message());
  }
  CATCHWATER_CHECK(settled->first != Outcome::kUnknown, "Settle gives certainty");
  receipt = settled->second;
  return settled->first;
}

arrow::Status Committer::Prepare(const std::vector<TableChange*>& changes, const std::string& note,
                                 Attempt& attempt) {
  CommitStamp stamp{.commit_id = attempt.plan.id,
                    .actor = attempt.plan.actor,
                    .lease = {},
                    .now_us = lake_.clock().NowMicros()};
  if (!attempt.plan.fences.empty()) {
    stamp.lease = attempt.plan.fences.front().lease;
    stamp.epoch = attempt.plan.fences.front().epoch;
  }
  stamp.notes = HeaderNotes(changes, attempt.plan.id);
  if (!note.empty()) stamp.notes[kCommitNote] = note;
  for (TableChange* change : changes) {
    auto base = lake_.LoadTable(change->table_key());
    if (!base.ok() && KindOf(base.status()) != ErrorKind::kNotFound) return base.status();
    ARROW_ASSIGN_OR_RAISE(auto prepared, change->Prepare(base.ok() ? *base : nullptr, stamp));
    if (!prepared) continue;
    attempt.plan.tables.push_back(prepared->swap);
    // One table has the note; a change without a snapshot writes no list to put it in.
    if (HasSnapshot(prepared->swap)) stamp.notes.erase(kCommitNote);
    attempt.changes.push_back(std::move(*prepared));
  }
  return stamp.notes.contains(kCommitNote) ? WriteNote(note, attempt) : arrow::Status::OK();
}

arrow::Status Committer::WriteNote(const std::string& note, Attempt& attempt) {
  ARROW_ASSIGN_OR_RAISE(attempt.note_path,
                        WriteNoteFile(lake_.files(), lake_.options().warehouse,
                                      lake_.clock().NowMicros(), attempt.plan.id, note));
  return arrow::Status::OK();
}

void Committer::Finish(Attempt attempt, CommitResult& result) {
  for (PreparedChange& change : attempt.changes) {
    lake_.Remember(change.next);
    result.tables[change.next->table_key] = change.next;
    superseded_.insert(superseded_.end(), std::make_move_iterator(change.superseded.begin()),
                       std::make_move_iterator(change.superseded.end()));
  }
  // The commit stands whatever happens here; a failed queueing is tried again by the next commit.
  static_cast<void>(QueueSuperseded(kSupersededMax));
}

arrow::Status Committer::QueueSuperseded(size_t count_min) {
  if (superseded_.size() < count_min) return arrow::Status::OK();
  const arrow::Status queued = lake_.ledger().QueueUnlink(superseded_);
  // Orphan clean-up finds what is forgotten here.
  if (queued.ok() || superseded_.size() > kForgottenMax) superseded_.clear();
  return queued;
}

void Committer::Drop(const Attempt& attempt) {
  for (const PreparedChange& change : attempt.changes) {
    for (const std::string& path : change.written_paths) {
      // A file that stays is found by orphan clean-up.
      static_cast<void>(lake_.files().Remove(path));
    }
  }
  if (!attempt.note_path.empty()) static_cast<void>(lake_.files().Remove(attempt.note_path));
}

}  // namespace catchwater
