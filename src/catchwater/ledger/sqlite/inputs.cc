// Input files: finding them again. Identity is told in docs/formats/ledger.md, input files.
#include <algorithm>
#include <string>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/ledger/names.h"
#include "catchwater/ledger/sqlite/feed_writer.h"
#include "catchwater/ledger/sqlite/input_rows.h"
#include "catchwater/ledger/sqlite/sqlite_ledger.h"

namespace catchwater {
namespace {

using Known = InputRegistered::Result;

// An input that has the size and head of what was found.
struct Candidate {
  int64_t partition_id = 0;
  std::string path;
  std::optional<std::string> full_hash;  // Empty: its file is gone and was never hashed.
  bool was_read = false;
};

constexpr std::string_view kFindCandidates =
    "SELECT f.partition_id, f.path, f.full_hash, f.state = 'done' OR EXISTS ("
    "SELECT 1 FROM position p WHERE p.partition_id = f.partition_id AND p.ordinal > 0) "
    "FROM input_file f JOIN source_partition s ON s.id = f.partition_id "
    "WHERE f.byte_count = ?1 AND f.head_hash = ?2 AND s.pipeline = ?3 AND s.source = ?4 "
    "UNION ALL SELECT partition_id, path, full_hash, 1 FROM input_pruned "
    "WHERE byte_count = ?1 AND head_hash = ?2 AND pipeline = ?3 AND source = ?4";

arrow::Result<std::vector<Candidate>> FindCandidates(Connection& connection,
                                                     const InputFound& found) {
  std::vector<Candidate> candidates;
  ARROW_RETURN_NOT_OK(connection.Query(
      kFindCandidates, {found.byte_count, found.head_hash, found.key.pipeline, found.key.source},
      [&](const Row& row) {
        candidates.push_back(
            {.partition_id = row.Number(0),
             .path = row.Text(1),
             .full_hash = row.IsNull(2) ? std::nullopt : std::optional(row.Text(2)),
             .was_read = row.Number(3) != 0});
        return arrow::Status::OK();
      }));
  return candidates;
}

arrow::Result<std::optional<int64_t>> FindAlias(Connection& connection, const InputFound& found) {
  return connection.QueryNumber(
      "SELECT partition_id FROM input_alias WHERE pipeline = ? AND source = ? AND path = ? "
      "AND byte_count = ? AND head_hash = ?",
      {found.key.pipeline, found.key.source, found.path, found.byte_count, found.head_hash});
}

bool HaveOtherContent(const Candidate& candidate, const InputFound& found) {
  return found.full_hash && candidate.full_hash && !candidate.full_hash->empty() &&
         *found.full_hash != *candidate.full_hash;
}

// What is known without looking at more of the content: the same file was seen before.
arrow::Result<std::optional<int64_t>> FindSeen(Connection& connection, const InputFound& found) {
  ARROW_ASSIGN_OR_RAISE(const auto candidates, FindCandidates(connection, found));
  ARROW_ASSIGN_OR_RAISE(const auto alias, FindAlias(connection, found));
  std::optional<int64_t> seen;
  for (const Candidate& candidate : candidates) {
    const bool is_seen = candidate.path == found.path || candidate.partition_id == alias;
    if (!is_seen || HaveOtherContent(candidate, found)) continue;
    // The latest content of the path.
    seen = std::max(seen.value_or(0), candidate.partition_id);
  }
  return seen;
}

// Decides about a copy or a look-alike: other files have its size and head.
InputRegistered CompareContents(const std::vector<Candidate>& candidates, const InputFound& found) {
  InputRegistered registered;
  bool needs_hash = false;
  for (const Candidate& candidate : candidates) {
    if (found.byte_count <= kInputHeadBytesMax) {
      // The head is the whole file.
      return {.result = Known::kKnown,
              .partition_id = candidate.partition_id,
              .hash_first = {},
              .shorter = {}};
    }
    if (!candidate.full_hash) {
      registered.hash_first.emplace_back(candidate.partition_id, candidate.path);
    } else if (candidate.full_hash->empty()) {
      // Gone. If it was read, the file was probably moved: taking it again would double its rows.
      // If not, nothing is doubled by taking this one.
      if (candidate.was_read) {
        return {.result = Known::kKnown,
                .partition_id = candidate.partition_id,
                .hash_first = {},
                .shorter = {}};
      }
    } else if (!found.full_hash) {
      needs_hash = true;
    } else if (*found.full_hash == *candidate.full_hash) {
      return {.result = Known::kKnown,
              .partition_id = candidate.partition_id,
              .hash_first = {},
              .shorter = {}};
    }
  }
  if (needs_hash || !registered.hash_first.empty()) registered.result = Known::kNeedsFullHash;
  return registered;
}

arrow::Status RememberAlias(Connection& connection, const InputFound& found, int64_t partition_id) {
  return connection
      .Execute(
          "INSERT INTO input_alias (pipeline, source, path, byte_count, head_hash, "
          "partition_id) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (pipeline, source, path) "
          "DO UPDATE SET byte_count = excluded.byte_count, head_hash = excluded.head_hash, "
          "partition_id = excluded.partition_id",
          {found.key.pipeline, found.key.source, found.path, found.byte_count, found.head_hash,
           partition_id})
      .status();
}

// The identity of the content; numbered if the name had it before, e.g. a growing file that was
// emptied and begins with the same line again.
arrow::Result<std::string> Incarnation(Connection& connection, const InputFound& found) {
  std::string identity = found.is_growing ? "growing" : std::to_string(found.byte_count);
  identity += "-" + found.head_hash;
  if (found.full_hash) identity += "-" + *found.full_hash;
  for (int64_t number = 1;; ++number) {
    std::string incarnation = number == 1 ? identity : identity + "#" + std::to_string(number);
    ARROW_ASSIGN_OR_RAISE(const auto taken,
                          connection.QueryNumber(
                              "SELECT 1 FROM source_partition WHERE pipeline = ? AND source = ? "
                              "AND name = ? AND incarnation = ?",
                              {found.key.pipeline, found.key.source, found.key.name, incarnation}));
    if (!taken) return incarnation;
  }
}

arrow::Result<int64_t> InsertInput(Connection& connection, const InputFound& found) {
  ARROW_ASSIGN_OR_RAISE(const std::string incarnation, Incarnation(connection, found));
  ARROW_RETURN_NOT_OK(connection.Execute(
      "INSERT INTO source_partition (pipeline, source, name, incarnation, state) "
      "VALUES (?, ?, ?, ?, 'open')",
      {found.key.pipeline, found.key.source, found.key.name, incarnation}));
  const int64_t partition_id = connection.last_insert_id();
  FeedWriter feed(connection);
  ARROW_ASSIGN_OR_RAISE(const int64_t seq, feed.Seq());
  ARROW_RETURN_NOT_OK(connection.Execute(
      "INSERT INTO input_file (partition_id, path, byte_count, head_hash, full_hash, state, "
      "created_us, changed_seq, is_growing, reason) "
      "VALUES (?, ?, ?, ?, ?, 'to_process', ?, ?, ?, ?)",
      {partition_id, found.path, found.byte_count, found.head_hash,
       found.full_hash ? Value(*found.full_hash) : Value(std::nullopt), found.created_us, seq,
       found.is_growing ? 1 : 0,
       found.reason.empty() ? Value(std::nullopt) : Value(found.reason)}));
  ARROW_RETURN_NOT_OK(feed.Add("input_file", found.path,
                               FoundEventBody(partition_id, found.key.pipeline, found.byte_count)));
  return partition_id;
}

// The latest content of the same path that is shorter and was read, to its end or until it was cut
// off: what was read of it is committed.
arrow::Result<std::optional<InputRegistered::Shorter>> FindShorter(Connection& connection,
                                                                   const InputFound& found) {
  std::optional<InputRegistered::Shorter> shorter;
  ARROW_RETURN_NOT_OK(connection.Query(
      "SELECT f.partition_id, f.byte_count, f.full_hash, f.state = 'done' FROM source_partition s "
      "JOIN input_file f ON f.partition_id = s.id WHERE s.pipeline = ? AND s.source = ? "
      "AND s.name = ? AND f.state IN ('failed', 'to_process', 'done') AND f.byte_count < ? "
      "AND f.full_hash <> '' AND EXISTS (SELECT 1 FROM position p "
      "WHERE p.partition_id = f.partition_id AND p.ordinal > 0) ORDER BY f.partition_id",
      {found.key.pipeline, found.key.source, found.key.name, found.byte_count},
      [&](const Row& row) {
        shorter = {.partition_id = row.Number(0),
                   .byte_count = row.Number(1),
                   .full_hash = row.Text(2),
                   .is_done = row.Number(3) != 0};
        return arrow::Status::OK();
      }));
  return shorter;
}

// The rest of an input came: it is read on from its position.
arrow::Status Continue(Connection& connection, const InputFound& found) {
  ARROW_RETURN_NOT_OK(connection.Execute(
      "UPDATE input_file SET byte_count = ?, head_hash = ?, full_hash = NULL, created_us = ? "
      "WHERE partition_id = ?",
      {found.byte_count, found.head_hash, found.created_us, *found.continues}));
  ARROW_ASSIGN_OR_RAISE(
      const auto is_failed,
      connection.QueryNumber("SELECT 1 FROM input_file WHERE partition_id = ? AND state = 'failed'",
                             {*found.continues}));
  if (!is_failed) return arrow::Status::OK();
  FeedWriter feed(connection);
  return MoveInputRow(connection, feed,
                      {.partition_id = *found.continues,
                       .path = found.path,
                       .pipeline = found.key.pipeline,
                       .from = WorkState::kFailed,
                       .to = WorkState::kToProcess,
                       .holder = {},
                       .reason = ""});
}

arrow::Result<InputRegistered> RegisterWhole(Connection& connection, const InputFound& found) {
  ARROW_ASSIGN_OR_RAISE(const auto seen, FindSeen(connection, found));
  if (seen)
    return InputRegistered{
        .result = Known::kKnown, .partition_id = *seen, .hash_first = {}, .shorter = {}};
  ARROW_ASSIGN_OR_RAISE(const auto candidates, FindCandidates(connection, found));
  InputRegistered registered = CompareContents(candidates, found);
  if (registered.result == Known::kKnown) {
    ARROW_RETURN_NOT_OK(RememberAlias(connection, found, registered.partition_id));
  }
  if (registered.result != Known::kNew) return registered;
  if (!found.continues) {
    ARROW_ASSIGN_OR_RAISE(auto shorter, FindShorter(connection, found));
    if (shorter) {
      registered.result = Known::kMayContinue;
      registered.shorter = std::move(*shorter);
      return registered;
    }
  } else if (*found.continues != 0) {
    registered.result = Known::kKnown;
    registered.partition_id = *found.continues;
    ARROW_RETURN_NOT_OK(Continue(connection, found));
    return registered;
  }
  ARROW_ASSIGN_OR_RAISE(registered.partition_id, InsertInput(connection, found));
  return registered;
}

// A growing file as the ledger knows it.
struct Growing {
  int64_t partition_id = 0;
  int64_t byte_count = 0;
  bool is_growing = false;
  WorkState state = WorkState::kToProcess;
};

arrow::Result<std::optional<Growing>> FindGrowing(Connection& connection, const InputFound& found) {
  std::optional<Growing> growing;
  // Also one that was taken as a whole file before `follow` was switched on. A file only shrinks
  // when its content is replaced, so one that is known to be longer is another.
  ARROW_RETURN_NOT_OK(connection.Query(
      "SELECT f.partition_id, f.byte_count, f.is_growing, f.state FROM source_partition s "
      "JOIN input_file f ON f.partition_id = s.id WHERE s.pipeline = ? AND s.source = ? "
      "AND s.name = ? AND f.head_hash = ? AND f.byte_count <= ? ORDER BY f.partition_id",
      {found.key.pipeline, found.key.source, found.key.name, found.head_hash, found.byte_count},
      [&](const Row& row) -> arrow::Status {
        ARROW_ASSIGN_OR_RAISE(const WorkState state, WorkStateFromName(row.Text(3)));
        growing = {.partition_id = row.Number(0),
                   .byte_count = row.Number(1),
                   .is_growing = row.Number(2) != 0,
                   .state = state};
        return arrow::Status::OK();
      }));
  return growing;
}

arrow::Status Grow(Connection& connection, const Growing& growing, const InputFound& found) {
  // A hash of the whole content is of no use for a file that does not stay as it is.
  ARROW_RETURN_NOT_OK(
      connection.Execute("UPDATE input_file SET byte_count = ?, is_growing = 1, full_hash = NULL "
                         "WHERE partition_id = ?",
                         {found.byte_count, growing.partition_id}));
  if (growing.state != WorkState::kDone || growing.byte_count == found.byte_count) {
    return arrow::Status::OK();
  }
  ARROW_RETURN_NOT_OK(connection.Execute(
      "UPDATE source_partition SET state = 'open' WHERE id = ? AND state = 'finished'",
      {growing.partition_id}));
  ARROW_RETURN_NOT_OK(connection.Execute(
      "UPDATE position SET is_finished = 0 WHERE partition_id = ?", {growing.partition_id}));
  FeedWriter feed(connection);
  return MoveInputRow(connection, feed,
                      {.partition_id = growing.partition_id,
                       .path = found.path,
                       .pipeline = found.key.pipeline,
                       .from = WorkState::kDone,
                       .to = WorkState::kToProcess,
                       .holder = {},
                       .reason = ""});
}

arrow::Result<InputRegistered> RegisterGrowing(Connection& connection, const InputFound& found) {
  ARROW_ASSIGN_OR_RAISE(const auto growing, FindGrowing(connection, found));
  InputRegistered registered;
  if (!growing) {
    ARROW_ASSIGN_OR_RAISE(registered.partition_id, InsertInput(connection, found));
    return registered;
  }
  ARROW_RETURN_NOT_OK(Grow(connection, *growing, found));
  return InputRegistered{.result = Known::kKnown,
                         .partition_id = growing->partition_id,
                         .hash_first = {},
                         .shorter = {}};
}

}  // namespace

arrow::Result<InputRegistered> SqliteLedger::RegisterInput(const InputFound& found) {
  CATCHWATER_CHECK(!found.path.empty() && !found.head_hash.empty(),
                   "an input is found with its path and the hash of its head");
  {
    // Scans see the same files again and again: those must not wait for the write lock.
    const std::lock_guard lock(reader_mutex_);
    if (found.is_growing) {
      ARROW_ASSIGN_OR_RAISE(const auto growing, FindGrowing(reader_, found));
      if (growing && growing->is_growing && growing->byte_count == found.byte_count) {
        return InputRegistered{.result = Known::kKnown,
                               .partition_id = growing->partition_id,
                               .hash_first = {},
                               .shorter = {}};
      }
    } else {
      ARROW_ASSIGN_OR_RAISE(const auto seen, FindSeen(reader_, found));
      if (seen) {
        return InputRegistered{
            .result = Known::kKnown, .partition_id = *seen, .hash_first = {}, .shorter = {}};
      }
    }
  }
  InputRegistered registered;
  ARROW_RETURN_NOT_OK(Write([&](Connection& connection) -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(registered, found.is_growing ? RegisterGrowing(connection, found)
                                                       : RegisterWhole(connection, found));
    return arrow::Status::OK();
  }));
  return registered;
}

arrow::Status SqliteLedger::SetInputFullHash(int64_t partition_id, const std::string& full_hash) {
  int64_t changed = 0;
  ARROW_RETURN_NOT_OK(Write([&](Connection& connection) -> arrow::Status {
    // "Gone" must not forget a hash that is known.
    ARROW_ASSIGN_OR_RAISE(
        changed, connection.Execute("UPDATE input_file SET full_hash = "
                                    "CASE WHEN ?2 = '' THEN coalesce(full_hash, '') ELSE ?2 END "
                                    "WHERE partition_id = ?1",
                                    {partition_id, full_hash}));
    if (changed == 1) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(
        changed, connection.Execute("UPDATE input_pruned SET full_hash = "
                                    "CASE WHEN ?2 = '' THEN coalesce(full_hash, '') ELSE ?2 END "
                                    "WHERE partition_id = ?1",
                                    {partition_id, full_hash}));
    return arrow::Status::OK();
  }));
  if (changed == 1) return arrow::Status::OK();
  return NotFound("There is no such input file, partition: ", partition_id);
}

}  // namespace catchwater
