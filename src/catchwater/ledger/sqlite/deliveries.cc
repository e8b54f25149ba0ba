// How far each sink has each table.
#include <string>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/ledger/sqlite/data_file_rows.h"
#include "catchwater/ledger/sqlite/json_text.h"
#include "catchwater/ledger/sqlite/sqlite_ledger.h"

namespace catchwater {
namespace {

// A file that a merge made holds rows that came before. What lies behind a foreign commit that
// nobody has read must wait, because that commit's files will be recorded with its own number.
constexpr std::string_view kBehindMark =
    " WHERE table_key = ?1 AND (added_seq, ordinal) > (?2, ?3) AND added_by <> 'replace' "
    "AND added_seq < coalesce((SELECT min(seq) FROM commit_table WHERE table_key = ?1 "
    "AND operation = 'foreign' AND rows_added IS NULL), 9223372036854775807) ";

arrow::Result<DeliveryState> StateFromName(const std::string& name) {
  for (const DeliveryState state :
       {DeliveryState::kLive, DeliveryState::kResync, DeliveryState::kBlocked}) {
    if (DeliveryStateName(state) == name) return state;
  }
  return BadData("Ledger has an unknown state of a delivery: ", name);
}

arrow::Result<DeliveryRecord> ReadDelivery(const Row& row) {
  ARROW_ASSIGN_OR_RAISE(const DeliveryState state, StateFromName(row.Text(5)));
  return DeliveryRecord{.sink = row.Text(0),
                        .table_key = row.Text(1),
                        .mark = {.seq = row.Number(2), .ordinal = row.Number(3), .file = {}},
                        .schema_id = static_cast<int>(row.Number(4)),
                        .state = state,
                        .reason = row.Text(6)};
}

constexpr std::string_view kSelect =
    "SELECT sink, table_key, seq, ordinal, schema_id, state, reason FROM delivery ";

}  // namespace

std::string_view DeliveryStateName(DeliveryState state) {
  switch (state) {
    case DeliveryState::kLive:
      return "live";
    case DeliveryState::kResync:
      return "resync";
    case DeliveryState::kBlocked:
      return "blocked";
  }
  return "";
}

arrow::Result<std::vector<DeliveryRecord>> SqliteLedger::Deliveries(const std::string& table_key) {
  std::vector<DeliveryRecord> deliveries;
  ARROW_RETURN_NOT_OK(
      Read(std::string(kSelect) + "WHERE ?1 = '' OR table_key = ?1 ORDER BY sink, table_key",
           {table_key}, [&](const Row& row) -> arrow::Status {
             ARROW_ASSIGN_OR_RAISE(auto delivery, ReadDelivery(row));
             deliveries.push_back(std::move(delivery));
             return arrow::Status::OK();
           }));
  return deliveries;
}

arrow::Status SqliteLedger::SetDelivery(const DeliveryRecord& delivery) {
  return Write([&](Connection& connection) -> arrow::Status {
    DeliveryRecord before;
    ARROW_RETURN_NOT_OK(connection.Query(std::string(kSelect) + "WHERE sink = ? AND table_key = ?",
                                         {delivery.sink, delivery.table_key},
                                         [&](const Row& row) -> arrow::Status {
                                           ARROW_ASSIGN_OR_RAISE(before, ReadDelivery(row));
                                           return arrow::Status::OK();
                                         }));
    const std::string_view state = DeliveryStateName(delivery.state);
    ARROW_RETURN_NOT_OK(connection.Execute(
        "INSERT INTO delivery (sink, table_key, seq, ordinal, schema_id, state, reason) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sink, table_key) DO UPDATE SET "
        "seq = excluded.seq, ordinal = excluded.ordinal, schema_id = excluded.schema_id, "
        "state = excluded.state, reason = excluded.reason",
        {delivery.sink, delivery.table_key, delivery.mark.seq, delivery.mark.ordinal,
         delivery.schema_id, state,
         delivery.reason.empty() ? Value(std::nullopt) : Value(delivery.reason)}));
    if (before.state == delivery.state && before.reason == delivery.reason) {
      return arrow::Status::OK();
    }
    FeedWriter feed(connection);
    return feed.Add("delivery", delivery.sink, DeliveryEventBody(delivery));
  });
}

arrow::Status SqliteLedger::RemoveDelivery(const std::string& sink, const std::string& table_key) {
  return Write([&](Connection& connection) {
    return connection
        .Execute("DELETE FROM delivery WHERE sink = ? AND table_key = ?", {sink, table_key})
        .status();
  });
}

arrow::Result<std::vector<DataFileRecord>> SqliteLedger::FilesToDeliver(
    const std::string& table_key, const DeliveryMark& mark, int64_t limit) {
  std::vector<DataFileRecord> files;
  ARROW_RETURN_NOT_OK(Read(std::string(SelectDataFiles()) + std::string(kBehindMark) +
                               "ORDER BY added_seq, ordinal LIMIT ?4",
                           {table_key, mark.seq, mark.ordinal, limit},
                           [&](const Row& row) -> arrow::Status {
                             ARROW_ASSIGN_OR_RAISE(auto file, ReadDataFile(row));
                             files.push_back(std::move(file));
                             return arrow::Status::OK();
                           }));
  return files;
}

arrow::Result<DeliveryBacklog> SqliteLedger::Backlog(const std::string& table_key,
                                                     const DeliveryMark& mark) {
  DeliveryBacklog backlog;
  ARROW_RETURN_NOT_OK(Read(
      "SELECT count(*), sum(row_count), min(added_us) FROM data_file" + std::string(kBehindMark),
      {table_key, mark.seq, mark.ordinal}, [&](const Row& row) {
        backlog = {.file_count = row.Number(0),
                   .row_count = row.Number(1),
                   .oldest_us = row.OptionalNumber(2)};
        return arrow::Status::OK();
      }));
  return backlog;
}

arrow::Result<bool> SqliteLedger::CanFollow(const std::string& table_key,
                                            const DeliveryMark& mark) {
  // From the beginning: nothing may have been pruned. Else the marked commit must still be there,
  // because pruning goes from the oldest on, and the file must be the one that the mark means.
  const std::string_view is_ours =
      mark.seq == 0
          ? "NOT EXISTS (SELECT 1 FROM table_total WHERE table_key = ?1 AND rows_added > 0)"
          : "EXISTS (SELECT 1 FROM commit_log WHERE seq = ?2) AND (?4 = '' OR "
            "EXISTS (SELECT 1 FROM data_file WHERE table_key = ?1 AND added_seq = ?2 "
            "AND ordinal = ?3 AND path = ?4) OR EXISTS (SELECT 1 FROM commit_table "
            "WHERE table_key = ?1 AND seq = ?2 AND metadata_location = ?4))";
  bool can_follow = false;
  ARROW_RETURN_NOT_OK(Read("SELECT " + std::string(is_ours) +
                               " AND NOT EXISTS (SELECT 1 FROM data_file " +
                               "WHERE table_key = ?1 AND (added_seq, ordinal) > (?2, ?3) "
                               "AND added_by <> 'replace' AND is_unlink_queued = 1 AND ?4 = ?4)",
                           {table_key, mark.seq, mark.ordinal, mark.file}, [&](const Row& row) {
                             can_follow = row.Number(0) == 1;
                             return arrow::Status::OK();
                           }));
  return can_follow;
}

}  // namespace catchwater
