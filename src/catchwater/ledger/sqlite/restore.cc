// Commits of a lost ledger, made again from the notes that they left in the lake.
#include <algorithm>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "catchwater/base/error.h"
#include "catchwater/ledger/lost_commit.h"
#include "catchwater/ledger/sqlite/commit_steps.h"
#include "catchwater/ledger/sqlite/connection.h"

namespace catchwater {
namespace {

Value NullIfEmpty(const std::string& text) {
  return text.empty() ? Value(std::nullopt) : Value(text);
}

/// Of a file: its identity, as finding it would make it (inputs.cc).
std::string IncarnationOf(const PartitionCopy& partition) {
  if (!partition.key.incarnation.empty() || !partition.file) return partition.key.incarnation;
  const PartitionCopy::File& file = *partition.file;
  return (file.is_growing ? "growing" : std::to_string(file.byte_count)) + "-" + file.head_hash +
         "@" + std::to_string(partition.id);
}

arrow::Status RestorePartition(Connection& connection, const PartitionCopy& partition,
                               int64_t seq) {
  const PartitionKey& key = partition.key;
  ARROW_RETURN_NOT_OK(connection.Execute(
      "INSERT INTO source_partition (id, pipeline, source, name, incarnation, state) "
      "VALUES (?, ?, ?, ?, ?, 'open') ON CONFLICT (id) DO NOTHING",
      {partition.id, key.pipeline, key.source, key.name, IncarnationOf(partition)}));
  if (!partition.file) return arrow::Status::OK();
  const PartitionCopy::File& file = *partition.file;
  return connection
      .Execute(
          "INSERT INTO input_file (partition_id, path, byte_count, head_hash, full_hash, state, "
          "attempts, created_us, changed_seq, is_growing) "
          "VALUES (?, ?, ?, ?, ?, 'to_process', 1, ?, ?, ?) ON CONFLICT (partition_id) "
          "DO UPDATE SET byte_count = excluded.byte_count, head_hash = excluded.head_hash, "
          "full_hash = coalesce(excluded.full_hash, full_hash), is_growing = excluded.is_growing",
          {partition.id, file.path, file.byte_count, file.head_hash, NullIfEmpty(file.full_hash),
           file.created_us, seq, file.is_growing ? 1 : 0})
      .status();
}

/// The input as its worker held it when it made the commit.
arrow::Status HoldInput(Connection& connection, const WorkMove& move) {
  ARROW_RETURN_NOT_OK(
      connection.Execute("INSERT INTO lease (name, epoch, owner, expires_us) VALUES (?, ?, NULL, "
                         "0) ON CONFLICT (name) DO UPDATE SET epoch = max(epoch, excluded.epoch)",
                         {move.lease, move.epoch}));
  return connection
      .Execute(
          "UPDATE input_file SET state = 'processing', lease = ?, epoch = ? WHERE partition_id = ?",
          {move.lease, move.epoch, move.id})
      .status();
}

arrow::Result<std::optional<int64_t>> OrdinalOf(Connection& connection,
                                                const PositionAdvance& advance) {
  return connection.QueryNumber(
      "SELECT ordinal FROM position WHERE partition_id = ? AND consumer = ?",
      {advance.range.partition_id, advance.consumer});
}

bool IsAt(const std::optional<int64_t>& known, const Position& position) {
  return known.value_or(0) == static_cast<int64_t>(position.ordinal);
}

/// True if every position stands where the commit moves it from.
arrow::Result<bool> Fits(Connection& connection, const CommitPlan& plan) {
  for (const PositionAdvance& advance : plan.positions) {
    ARROW_ASSIGN_OR_RAISE(const auto known, OrdinalOf(connection, advance));
    if (!IsAt(known, advance.range.from)) return false;
  }
  return true;
}

/// Lets a position begin where this ledger has it. \return false if this ledger is as far already
arrow::Result<bool> BeginHere(Connection& connection, PositionAdvance* advance) {
  ARROW_ASSIGN_OR_RAISE(const auto known, OrdinalOf(connection, *advance));
  // One that moves nowhere says that this was the end.
  const bool is_here = IsAt(known, advance->range.from);
  advance->range.from = {.ordinal = static_cast<uint64_t>(known.value_or(0)), .token = ""};
  return !known || is_here || advance->range.from < advance->range.to;
}

/// What of the commit this ledger lacks.
arrow::Result<CommitPlan> Missing(Connection& connection, const CommitPlan& plan) {
  CommitPlan missing = plan;
  missing.tables.clear();
  missing.fences.clear();
  missing.positions.clear();
  for (PositionAdvance advance : plan.positions) {
    ARROW_ASSIGN_OR_RAISE(const bool is_new, BeginHere(connection, &advance));
    if (is_new) missing.positions.push_back(std::move(advance));
  }
  std::erase_if(missing.work,
                [](const WorkMove& move) { return move.kind != WorkMove::Kind::kInput; });
  for (std::vector<std::string>* ids : {&missing.replayed, &missing.discarded}) {
    std::vector<std::string> unmarked;
    for (std::string& id : *ids) {
      ARROW_ASSIGN_OR_RAISE(
          const auto marked,
          connection.QueryNumber("SELECT 1 FROM dead_letter_mark WHERE dead_letter_id = ?", {id}));
      if (!marked) unmarked.push_back(std::move(id));
    }
    *ids = std::move(unmarked);
  }
  return missing;
}

/// \return false if the ledger has it already
arrow::Result<bool> RestoreCommit(Connection& connection, const LostCommit& commit,
                                  int64_t now_us) {
  const CommitPlan& plan = commit.plan;
  ARROW_ASSIGN_OR_RAISE(
      const auto known,
      connection.QueryNumber("SELECT 1 FROM commit_log WHERE commit_id = ?", {plan.id}));
  if (known) return false;
  ARROW_ASSIGN_OR_RAISE(const CommitPlan missing, Missing(connection, plan));
  // Its row in the log may be pruned; its positions are not.
  if (missing.positions.empty() && !plan.positions.empty()) return false;
  ARROW_ASSIGN_OR_RAISE(const auto seq, connection.QueryNumber("SELECT seq FROM ledger_clock"));
  for (const PartitionCopy& partition : commit.partitions) {
    ARROW_RETURN_NOT_OK(RestorePartition(connection, partition, seq.value_or(0)));
  }
  for (const WorkMove& move : missing.work) ARROW_RETURN_NOT_OK(HoldInput(connection, move));
  CommitSteps steps(connection, missing, now_us);
  ARROW_ASSIGN_OR_RAISE(const Outcome outcome, steps.Run());
  if (outcome != Outcome::kCommitted) {
    return BadData("Commit of the lost ledger does not fit into its copy, id and outcome: ",
                   plan.id, ", ", OutcomeName(outcome));
  }
  return true;
}

/// Makes those again that fit now, round by round: each may be what another one waits for.
/// With `is_forced` the rest, each from where its positions stand.
class Restorer {
 public:
  Restorer(Connection& connection, const Clock& clock) : connection_(connection), clock_(clock) {}

  /// \return how many were made again
  arrow::Result<int64_t> Round(std::list<const LostCommit*>* pending, bool is_forced) {
    int64_t restored = 0;
    for (auto it = pending->begin(); it != pending->end();) {
      ARROW_ASSIGN_OR_RAISE(const bool fits, Fits(connection_, (*it)->plan));
      if (!fits && !is_forced) {
        ++it;
        continue;
      }
      ARROW_ASSIGN_OR_RAISE(const bool is_restored, Restore(**it));
      restored += is_restored ? 1 : 0;
      it = pending->erase(it);
      // The others may fit now: a commit is forced only when nothing else goes on.
      if (is_forced && is_restored) break;
    }
    return restored;
  }

 private:
  arrow::Result<bool> Restore(const LostCommit& commit) {
    ARROW_RETURN_NOT_OK(connection_.Begin());
    const auto is_restored = RestoreCommit(connection_, commit, clock_.NowMicros());
    if (!is_restored.ok() || !*is_restored) {
      connection_.RollBack();
      return is_restored;
    }
    const auto [result, failure] = connection_.End();
    if (result != EndResult::kCommitted) return failure;
    return true;
  }

  Connection& connection_;
  const Clock& clock_;
};

/// By the epochs of a lease that both held: a clock may be set back, and a program that was
/// overtaken may go on.
bool IsLater(const LostCommit& left, const LostCommit& right) {
  for (const Fence& a : left.plan.fences) {
    for (const Fence& b : right.plan.fences) {
      if (a.lease == b.lease && a.epoch != b.epoch) return a.epoch > b.epoch;
    }
  }
  return left.at_us > right.at_us;
}

}  // namespace

std::set<std::string> OverruledCommits(const std::vector<const LostCommit*>& commits) {
  std::map<std::tuple<int64_t, std::string, uint64_t>, const LostCommit*> latest;
  std::set<std::string> overruled;
  for (const LostCommit* commit : commits) {
    for (const PositionAdvance& advance : commit->plan.positions) {
      if (!(advance.range.from < advance.range.to)) continue;
      const LostCommit*& known =
          latest[{advance.range.partition_id, advance.consumer, advance.range.from.ordinal}];
      const LostCommit* other = commit;
      if (known == nullptr || IsLater(*other, *known)) std::swap(known, other);
      if (other != nullptr && other->plan.id != known->plan.id) overruled.insert(other->plan.id);
    }
  }
  return overruled;
}

arrow::Result<RestoredCommits> RestoreCommits(const std::string& path, const Clock& clock,
                                              const std::vector<LostCommit>& commits) {
  ARROW_ASSIGN_OR_RAISE(Connection connection, Connection::Open({.path = path}));
  Restorer restorer(connection, clock);
  std::vector<const LostCommit*> ordered;
  for (const LostCommit& commit : commits) ordered.push_back(&commit);
  const std::set<std::string> overruled = OverruledCommits(ordered);
  std::erase_if(ordered,
                [&](const LostCommit* commit) { return overruled.contains(commit->plan.id); });
  std::ranges::stable_sort(ordered, {}, &LostCommit::at_us);
  std::list<const LostCommit*> pending(ordered.begin(), ordered.end());
  RestoredCommits done;
  while (!pending.empty()) {
    ARROW_ASSIGN_OR_RAISE(int64_t restored, restorer.Round(&pending, /*is_forced=*/false));
    done.count += restored;
    if (restored > 0 || pending.empty()) continue;
    ARROW_ASSIGN_OR_RAISE(restored, restorer.Round(&pending, /*is_forced=*/true));
    done.count += restored;
    done.gaps += restored;
  }
  return done;
}

arrow::Result<std::set<std::string>> CommitsAmong(const std::string& path,
                                                  const std::vector<std::string>& ids) {
  ARROW_ASSIGN_OR_RAISE(Connection connection,
                        Connection::Open({.path = path, .is_read_only = true}));
  std::set<std::string> known;
  for (const std::string& id : ids) {
    ARROW_ASSIGN_OR_RAISE(
        const auto found,
        connection.QueryNumber("SELECT 1 FROM commit_log WHERE commit_id = ?", {id}));
    if (found) known.insert(id);
  }
  return known;
}

}  // namespace catchwater
