/// \file
/// The server that sends a table's changes: what a source asks of it, and the answers of
/// PostgreSQL.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/postgres/pg_connection.h"
#include "catchwater/source/postgres/replicate/change_json.h"
#include "catchwater/source/postgres/table_catalog.h"

namespace catchwater {

/// A replication slot: what the server keeps for us.
struct SlotState {
  bool exists = false;
  std::string fault{};         ///< Why it is of no use any more; empty: it is.
  uint64_t confirmed_lsn = 0;  ///< Changes before it do not come again.
};

/// One thread at a time.
class ReplicationServer {
 public:
  virtual ~ReplicationServer() = default;
  /// Looks at settings, rights and table. \retval kConfig, kNotFound, kDenied naming the remedy
  virtual arrow::Status Check() = 0;
  /// Of the table in its server: another one after DROP and CREATE.
  virtual arrow::Result<std::string> Identity() = 0;
  /// Makes the publication, if it is not there.
  virtual arrow::Status Publish() = 0;
  /// Looks whether a table that is quiet is still the one that changes come of.
  /// \retval kConflict it was made anew, or the publication was; kNotFound, kConfig as Check
  virtual arrow::Status Watch() = 0;

  virtual arrow::Result<SlotState> LookAtSlot(const std::string& name) = 0;
  /// \return where its changes begin
  virtual arrow::Result<uint64_t> CreateSlot(const std::string& name) = 0;
  /// A missing one is OK. \retval kUnavailable it is in use
  virtual arrow::Status DropSlot(const std::string& name) = 0;
  /// Begins to send the table's rows as they were where the slot begins. \pre CreateSlot was the
  /// call before \return its columns
  virtual arrow::Result<std::vector<ReplicatedColumn>> BeginSnapshot() = 0;
  /// Reads the next row; waits at most so long. Its values are there until the next call.
  virtual arrow::Result<PgCopyRead> NextSnapshotRow(int64_t wait_us, PgTuple* row) = 0;

  /// Up to where the server has written by now.
  virtual arrow::Result<uint64_t> WalEnd() = 0;
  /// Begins to send transactions whose commit stands at the place or behind it.
  virtual arrow::Status Start(const std::string& slot, uint64_t lsn) = 0;
  /// The next message (ParsePgWalData), or nothing within the time; there until the next call.
  virtual arrow::Result<std::optional<std::string_view>> Read(int64_t wait_us) = 0;
  virtual arrow::Status Send(std::string_view message) = 0;

  virtual bool is_of_table(uint32_t oid) const = 0;
  /// Of a table as messages describe it, in their order.
  virtual arrow::Result<std::vector<ReplicatedColumn>> ColumnsOf(const PgRelation& relation) = 0;
};

struct ReplicationServerOptions {
  Secret url;
  std::string table;
  std::vector<std::string> key;      ///< Empty: the primary key.
  std::vector<std::string> columns;  ///< Empty: all.
  std::string publication;
  std::string prefix;  ///< Of the members beside the columns.
};

/// Connects at the first call.
class PgReplicationServer final : public ReplicationServer {
 public:
  explicit PgReplicationServer(ReplicationServerOptions options);

  arrow::Status Check() override;
  arrow::Result<std::string> Identity() override;
  arrow::Status Publish() override;
  arrow::Status Watch() override;
  arrow::Result<SlotState> LookAtSlot(const std::string& name) override;
  arrow::Result<uint64_t> CreateSlot(const std::string& name) override;
  arrow::Status DropSlot(const std::string& name) override;
  arrow::Result<std::vector<ReplicatedColumn>> BeginSnapshot() override;
  arrow::Result<PgCopyRead> NextSnapshotRow(int64_t wait_us, PgTuple* row) override;
  arrow::Result<uint64_t> WalEnd() override;
  arrow::Status Start(const std::string& slot, uint64_t lsn) override;
  arrow::Result<std::optional<std::string_view>> Read(int64_t wait_us) override;
  arrow::Status Send(std::string_view message) override;
  bool is_of_table(uint32_t oid) const override;
  arrow::Result<std::vector<ReplicatedColumn>> ColumnsOf(const PgRelation& relation) override;

 private:
  arrow::Status Connect();
  arrow::Status CheckServer();
  arrow::Status CheckTable();
  arrow::Status Probe();
  arrow::Result<std::string> SnapshotSql(std::vector<PgRelation::Column>* columns);
  arrow::Result<bool> HasPublication();

  const ReplicationServerOptions options_;
  TableCatalog catalog_;
  std::string system_;                     // Of the server's data, as it names itself.
  std::unique_ptr<PgConnection> control_;  // For questions.
  std::unique_ptr<PgConnection> stream_;   // For the changes.
  std::unique_ptr<PgConnection> copy_;     // For the snapshot.
  std::string snapshot_name_;              // As stream_ exports it.
  std::string copy_scratch_;
};

}  // namespace catchwater
