/// \file
/// A log, slots and a table without a server.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catchwater/base/error.h"
#include "catchwater/source/postgres/replicate/replication_server.h"
#include "catchwater/testing/pgoutput_bytes.h"

namespace catchwater {

inline constexpr uint32_t kOid = 9;
inline constexpr uint32_t kOtherOid = 10;

struct FakeTransaction {
  uint64_t lsn = 0;
  std::vector<std::string> messages;
};

/// A log and its slots; the real server is tested in test/integration.
struct ServerState {
  std::vector<FakeTransaction> log;
  std::map<std::string, uint64_t> slots;  // Confirmed.
  uint64_t end = 100;
  std::vector<std::string> sent;
  std::vector<pg_bytes::Values> rows;  // Of the table, for a snapshot.
  bool is_made_anew = false;           // The table.
  bool is_copy_slow = false;           // A row only now and then.
  bool has_old_columns = true;         // Each transaction begins with `id` and `v`.
};

class FakeServer final : public ReplicationServer {
 public:
  explicit FakeServer(ServerState& state) : state_(state) {}
  arrow::Status Check() override { return arrow::Status::OK(); }
  arrow::Result<std::string> Identity() override { return std::string("1"); }
  arrow::Status Publish() override { return arrow::Status::OK(); }
  arrow::Status Watch() override {
    return state_.is_made_anew ? Conflict("Table was made anew") : arrow::Status::OK();
  }
  arrow::Result<SlotState> LookAtSlot(const std::string& name) override {
    const auto slot = state_.slots.find(name);
    if (slot == state_.slots.end()) return SlotState{.exists = false, .fault = "it is gone"};
    return SlotState{.exists = true, .confirmed_lsn = slot->second};
  }
  arrow::Result<uint64_t> CreateSlot(const std::string& name) override {
    if (!state_.slots.emplace(name, state_.end).second) return AlreadyExists("Slot: ", name);
    return state_.end;
  }
  arrow::Status DropSlot(const std::string& name) override {
    state_.slots.erase(name);
    return arrow::Status::OK();
  }
  arrow::Result<std::vector<ReplicatedColumn>> BeginSnapshot() override {
    copied_ = state_.rows;
    return std::vector<ReplicatedColumn>{{.name = "id", .form = PgJsonForm::kNumber},
                                         {.name = "v"}};
  }
  arrow::Result<PgCopyRead> NextSnapshotRow(int64_t, PgTuple* row) override {
    if (state_.is_copy_slow && std::exchange(is_row_due_, !is_row_due_)) {
      return PgCopyRead::kNothingYet;
    }
    row->clear();
    if (copied_.empty()) return PgCopyRead::kEnd;
    row_ = copied_.front();
    copied_.erase(copied_.begin());
    for (const auto& value : row_) {
      row->push_back({.kind = PgValue::Kind::kText, .text = *value});
    }
    return PgCopyRead::kRow;
  }
  arrow::Result<uint64_t> WalEnd() override { return state_.end; }
  arrow::Status Start(const std::string& slot, uint64_t lsn) override {
    slot_ = slot;
    waiting_.clear();
    for (const FakeTransaction& transaction : state_.log) {
      if (transaction.lsn < std::max(lsn, state_.slots.at(slot))) continue;
      Send(transaction);
    }
    return arrow::Status::OK();
  }
  arrow::Result<std::optional<std::string_view>> Read(int64_t) override {
    if (waiting_.empty()) return std::nullopt;
    read_ = std::move(waiting_.front());
    waiting_.pop_front();
    return read_;
  }
  arrow::Status Send(std::string_view message) override {
    state_.sent.emplace_back(message);
    // The second number is what is durable.
    uint64_t lsn = 0;
    for (size_t i = 9; i < 17; ++i) lsn = lsn << 8 | static_cast<uint8_t>(message[i]);
    state_.slots.at(slot_) = std::max(state_.slots.at(slot_), lsn);
    if (message.back() == 1) waiting_.push_back(pg_bytes::Keepalive(state_.end, false));
    return arrow::Status::OK();
  }
  bool is_of_table(uint32_t oid) const override { return oid == kOid; }
  arrow::Result<std::vector<ReplicatedColumn>> ColumnsOf(const PgRelation& relation) override {
    std::vector<ReplicatedColumn> columns;
    for (const PgRelation::Column& column : relation.columns) {
      columns.push_back({.name = column.name,
                         .form = JsonFormOf(column.type_oid),
                         .is_identity = column.is_identity,
                         .is_key = column.name == "id"});
    }
    return columns;
  }

  void SendLife(bool wants_answer) {
    waiting_.push_back(pg_bytes::Keepalive(state_.end, wants_answer));
  }
  void Send(const FakeTransaction& transaction) {
    const auto send = [&](const std::string& m) { waiting_.push_back(pg_bytes::WalData(m)); };
    send(pg_bytes::Begin(transaction.lsn));
    if (state_.has_old_columns) {
      send(pg_bytes::Relation(kOid, {{"id", 20, true}, {"v", 25, false}}));
    }
    for (const std::string& message : transaction.messages) send(message);
    send(pg_bytes::Commit(transaction.lsn, transaction.lsn + 8));
  }

 private:
  ServerState& state_;
  std::string slot_;
  std::deque<std::string> waiting_;
  std::string read_;
  std::vector<pg_bytes::Values> copied_;
  pg_bytes::Values row_;
  bool is_row_due_ = true;
};

}  // namespace catchwater
