#include "catchwater/base/error.h"
#include "catchwater/ledger/names.h"
#include "catchwater/ledger/sqlite/json_text.h"
#include "catchwater/ledger/sqlite/sqlite_ledger.h"

namespace catchwater {
namespace {

Position PositionOf(const Row& row, int ordinal_column) {
  return {.ordinal = static_cast<uint64_t>(row.Number(ordinal_column)),
          .token = row.Text(ordinal_column + 1)};
}

constexpr std::string_view kFindPartition =
    "SELECT id FROM source_partition "
    "WHERE pipeline = ? AND source = ? AND name = ? AND incarnation = ?";

}  // namespace

arrow::Result<int64_t> SqliteLedger::OpenPartition(const PartitionKey& key) {
  int64_t id = 0;
  const RowVisitor take_id = [&](const Row& row) {
    id = row.Number(0);
    return arrow::Status::OK();
  };
  ARROW_RETURN_NOT_OK(
      Read(kFindPartition, {key.pipeline, key.source, key.name, key.incarnation}, take_id));
  if (id != 0) return id;
  ARROW_RETURN_NOT_OK(Write([&](Connection& connection) -> arrow::Status {
    ARROW_RETURN_NOT_OK(connection.Execute(
        "INSERT INTO source_partition (pipeline, source, name, incarnation, state) "
        "VALUES (?, ?, ?, ?, 'open') ON CONFLICT DO NOTHING",
        {key.pipeline, key.source, key.name, key.incarnation}));
    return connection.Query(kFindPartition, {key.pipeline, key.source, key.name, key.incarnation},
                            take_id);
  }));
  CATCHWATER_CHECK(id != 0, "a partition that was inserted is there");
  return id;
}

arrow::Result<std::vector<PartitionRecord>> SqliteLedger::Partitions(const std::string& pipeline) {
  std::vector<PartitionRecord> partitions;
  ARROW_RETURN_NOT_OK(
      Read("SELECT s.id, s.pipeline, s.source, s.name, s.incarnation, s.state, p.consumer, "
           "p.ordinal, p.token FROM source_partition s LEFT JOIN position p ON p.partition_id = "
           "s.id WHERE ?1 = '' OR s.pipeline = ?1 ORDER BY s.id, p.consumer",
           {pipeline}, [&](const Row& row) {
             if (partitions.empty() || partitions.back().id != row.Number(0)) {
               partitions.push_back({.id = row.Number(0),
                                     .key = {.pipeline = row.Text(1),
                                             .source = row.Text(2),
                                             .name = row.Text(3),
                                             .incarnation = row.Text(4)},
                                     .state = row.Text(5),
                                     .positions = {}});
             }
             if (!row.IsNull(6)) {
               partitions.back().positions.emplace(row.Text(6), PositionOf(row, 7));
             }
             return arrow::Status::OK();
           }));
  return partitions;
}

arrow::Result<Position> SqliteLedger::GetPosition(int64_t partition_id,
                                                  const std::string& consumer) {
  Position position;
  ARROW_RETURN_NOT_OK(
      Read("SELECT ordinal, token FROM position WHERE partition_id = ? AND consumer = ?",
           {partition_id, consumer}, [&](const Row& row) {
             position = PositionOf(row, 0);
             return arrow::Status::OK();
           }));
  return position;
}

arrow::Result<std::vector<AccountRecord>> SqliteLedger::Account(const std::string& pipeline) {
  std::vector<AccountRecord> account;
  ARROW_RETURN_NOT_OK(
      Read("SELECT a.partition_id, a.consumer, a.bucket, a.reason, a.row_count FROM row_account a "
           "JOIN source_partition s ON s.id = a.partition_id WHERE ?1 = '' OR s.pipeline = ?1 "
           "ORDER BY a.partition_id, a.consumer, a.bucket, a.reason",
           {pipeline}, [&](const Row& row) -> arrow::Status {
             ARROW_ASSIGN_OR_RAISE(const Bucket bucket, BucketFromName(row.Text(2)));
             account.push_back({.partition_id = row.Number(0),
                                .consumer = row.Text(1),
                                .bucket = bucket,
                                .reason = row.Text(3),
                                .row_count = row.Number(4)});
             return arrow::Status::OK();
           }));
  return account;
}

arrow::Result<std::vector<Checkpoint>> SqliteLedger::Checkpoints(const std::string& pipeline,
                                                                 const std::string& consumer) {
  std::vector<Checkpoint> checkpoints;
  ARROW_RETURN_NOT_OK(
      Read("SELECT shard, meaning, files, watermark_us FROM checkpoint "
           "WHERE pipeline = ? AND consumer = ? ORDER BY shard",
           {pipeline, consumer}, [&](const Row& row) -> arrow::Status {
             ARROW_ASSIGN_OR_RAISE(auto files, ListFromJson(row.Text(2)));
             checkpoints.push_back({.pipeline = pipeline,
                                    .consumer = consumer,
                                    .shard = row.Text(0),
                                    .meaning = row.Text(1),
                                    .files = std::move(files),
                                    .watermark_us = row.OptionalNumber(3)});
             return arrow::Status::OK();
           }));
  return checkpoints;
}

arrow::Result<std::vector<Event>> SqliteLedger::Feed(int64_t after_seq, int64_t limit) {
  std::vector<Event> events;
  int64_t ordinal_last = 0;
  const RowVisitor add = [&](const Row& row) {
    ordinal_last = row.Number(1);
    events.push_back({.kind = row.Text(2),
                      .object = row.Text(3),
                      .body_json = row.Text(4),
                      .seq = row.Number(0)});
    return arrow::Status::OK();
  };
  ARROW_RETURN_NOT_OK(
      Read("SELECT seq, ordinal, kind, object, body FROM change_feed "
           "WHERE seq > ? ORDER BY seq, ordinal LIMIT ?",
           {after_seq, limit}, add));
  if (static_cast<int64_t>(events.size()) < limit || events.empty()) return events;
  // The limit may have cut a commit: a reader goes on from its seq, so it must be whole.
  ARROW_RETURN_NOT_OK(
      Read("SELECT seq, ordinal, kind, object, body FROM change_feed "
           "WHERE seq = ? AND ordinal > ? ORDER BY ordinal",
           {events.back().seq, ordinal_last}, add));
  return events;
}

}  // namespace catchwater
