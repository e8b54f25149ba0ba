// How reading begins: the slot, and the rows that were there where it begins.
#include <utility>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/source/postgres/replicate/replication_source.h"

namespace catchwater {
namespace {

constexpr int64_t kCopyUs = 100'000;
constexpr int64_t kCopyRows = 64;  // Between two looks at the clock.
constexpr int64_t kNoteBytesMax = 4'096;
constexpr size_t kSlotStemMax = 40;  // PostgreSQL's names have at most 63 characters.

/// Letters, digits and underscores, as a slot's name may have.
std::string SlotStem(const std::string& pipeline) {
  std::string stem = "catchwater_";
  for (char c : pipeline) {
    if (stem.size() == kSlotStemMax) break;
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    stem += is_plain ? c : '_';
  }
  return stem;
}

}  // namespace

arrow::Status ReplicationSource::Open(const Offer&, int64_t partition_id,
                                      const Position& resume_at) {
  if (data_folder_.empty()) return Check();
  partition_id_ = partition_id;
  blocks_.Begin(partition_id, resume_at);
  skip_.reset();
  snapshot_.reset();
  transaction_ = {};
  has_columns_ = false;
  is_snapshot_kept_ = true;
  ARROW_ASSIGN_OR_RAISE(auto at, ReplicationPosition::FromToken(resume_at.token));
  ARROW_RETURN_NOT_OK(server_->Publish());
  ARROW_ASSIGN_OR_RAISE(target_lsn_, server_->WalEnd());
  if (!at) return BeginAnew(/*is_again=*/resume_at.token == kNewIncarnation);
  at_ = *std::move(at);
  ARROW_ASSIGN_OR_RAISE(const std::string lost, LostReason());
  if (lost.empty()) return Resume();
  const std::string place = "; slot and place: " + at_.slot + " " + LsnText(at_.lsn);
  if (config_.on_lost == OnLost::kFail) {
    return ConfigError(
        "Changes of the table are lost: ", lost,
        "; with `on_lost: resnapshot` the table is taken anew, behind a row with `op: truncate`",
        place);
  }
  ARROW_RETURN_NOT_OK(BeginAnew(/*is_again=*/true));
  // How many is not known.
  MoveTo("changes are lost, the table is taken anew: " + lost + place, /*frames_lost=*/1);
  return arrow::Status::OK();
}

std::string ReplicationSource::NotePath() const {
  return data_folder_ + "/replication/" + pipeline_ + ".json";
}

std::string ReplicationSource::SnapshotFolder() const {
  return data_folder_ + "/replication/" + pipeline_;
}

/// \return why changes behind the position cannot be read; empty: they can
arrow::Result<std::string> ReplicationSource::LostReason() {
  ARROW_ASSIGN_OR_RAISE(const SlotState state, server_->LookAtSlot(at_.slot));
  if (!state.fault.empty()) return "replication slot: " + state.fault;
  if (state.confirmed_lsn > at_.lsn) {
    return "replication slot: somebody else moved it or made it anew, to " +
           LsnText(state.confirmed_lsn);
  }
  if (at_.snapshot.empty()) return "";
  auto opened = SnapshotSpool::Open(files_, SnapshotFolder(), at_.snapshot, at_.snapshot_at,
                                    Random(random_.Next()));
  if (opened.ok()) {
    snapshot_ = *std::move(opened);
    return "";
  }
  if (KindOf(opened.status()) == ErrorKind::kNotFound) return opened.status().message();
  return opened.status();
}

arrow::Status ReplicationSource::Resume() {
  confirmed_lsn_ = at_.lsn;
  seen_lsn_ = at_.lsn;
  if (snapshot_ == nullptr) return StartChanges();
  phase_ = Phase::kSnapshot;
  return arrow::Status::OK();
}

arrow::Status ReplicationSource::StartChanges() {
  ARROW_RETURN_NOT_OK(server_->Start(at_.slot, at_.lsn));
  told_us_ = asked_us_ = moved_us_ = clock_.MonotonicMicros();
  phase_ = Phase::kChanges;
  return arrow::Status::OK();
}

// Names the slot before it is made: what bears the name is ours, whenever we are stopped.
arrow::Result<std::string> ReplicationSource::NewSlotName() {
  std::string name = config_.slot;
  if (name.empty()) name = SlotStem(pipeline_) + "_" + random_.Uuid().substr(0, 8);
  ARROW_RETURN_NOT_OK(files_.CreateDirectories(data_folder_ + "/replication"));
  ARROW_RETURN_NOT_OK(
      files_.PublishAtomically(NotePath(), nlohmann::json{{"slot", name}}.dump() + "\n"));
  return name;
}

arrow::Status ReplicationSource::DropOwnSlot() {
  const auto note = files_.ReadAll(NotePath(), kNoteBytesMax);
  if (note.ok()) {
    const auto json = nlohmann::json::parse(*note, nullptr, /*allow_exceptions=*/false);
    const auto slot = json.is_object() ? json.find("slot") : json.end();
    if (slot != json.end() && slot->is_string()) {
      ARROW_RETURN_NOT_OK(server_->DropSlot(slot->get<std::string>()));
    }
  } else if (KindOf(note.status()) != ErrorKind::kNotFound) {
    return note.status();
  }
  // Without the note, by the position: only ours have such names.
  const bool is_ours = config_.slot.empty() && at_.slot.starts_with(SlotStem(pipeline_));
  return is_ours ? server_->DropSlot(at_.slot) : arrow::Status::OK();
}

arrow::Status ReplicationSource::BeginAnew(bool is_again) {
  ARROW_RETURN_NOT_OK(DropOwnSlot());
  ARROW_RETURN_NOT_OK(SnapshotSpool::Remove(files_, SnapshotFolder()));
  ARROW_RETURN_NOT_OK(MakeSlot());
  confirmed_lsn_ = seen_lsn_ = at_.lsn;
  if (config_.snapshot) return BeginCopy(is_again);
  MoveTo("start");
  return StartChanges();
}

arrow::Status ReplicationSource::MakeSlot() {
  at_ = {};
  SlotState state;
  if (!config_.slot.empty()) {
    ARROW_ASSIGN_OR_RAISE(state, server_->LookAtSlot(config_.slot));
  }
  if (!state.exists) {
    ARROW_ASSIGN_OR_RAISE(at_.slot, NewSlotName());
    ARROW_ASSIGN_OR_RAISE(at_.lsn, server_->CreateSlot(at_.slot));
    return arrow::Status::OK();
  }
  const std::string drop =
      "drop it, and it is made anew: SELECT pg_drop_replication_slot('" + config_.slot + "')";
  if (!state.fault.empty()) {
    return ConfigError("Replication slot of `slot` cannot be read: ", state.fault, "; ", drop);
  }
  if (config_.snapshot) {
    return ConfigError(
        "Replication slot of `slot` is there already, and the table's rows can be read only where "
        "a slot begins; set `snapshot: false` to read the changes from where it stands, or ",
        drop);
  }
  at_.slot = config_.slot;
  at_.lsn = state.confirmed_lsn;
  return arrow::Status::OK();
}

ChangeHead ReplicationSource::SnapshotHead() const {
  return {.op = "snapshot", .lsn = at_.lsn, .seq = 0, .commit_us = snapshot_us_};
}

arrow::Status ReplicationSource::BeginCopy(bool is_again) {
  ARROW_ASSIGN_OR_RAISE(auto columns, server_->BeginSnapshot());
  json_.SetColumns(std::move(columns));
  snapshot_us_ = clock_.NowMicros();
  ARROW_ASSIGN_OR_RAISE(
      snapshot_, SnapshotSpool::Make(files_, SnapshotFolder(), config_.snapshot_bytes_max.bytes,
                                     Random(random_.Next())));
  phase_ = Phase::kCopying;
  if (!is_again) return arrow::Status::OK();
  // What was read before is no state of the table any more.
  ChangeHead head = SnapshotHead();
  head.op = "truncate";
  --head.lsn;
  return snapshot_->Add(json_.Mark(head));
}

arrow::Status ReplicationSource::Copy(std::stop_token stop) {
  const int64_t deadline_us = clock_.MonotonicMicros() + kCopyUs;
  PgTuple row;
  for (int64_t count = 1; !stop.stop_requested(); ++count) {
    ARROW_ASSIGN_OR_RAISE(const PgCopyRead read, server_->NextSnapshotRow(kCopyUs, &row));
    if (read == PgCopyRead::kNothingYet) return arrow::Status::OK();
    if (read == PgCopyRead::kEnd) break;
    ARROW_RETURN_NOT_OK(
        snapshot_->Add(json_.Row(SnapshotHead(), row, nullptr, /*is_key_only=*/false)));
    if (count % kCopyRows == 0 && clock_.MonotonicMicros() >= deadline_us) {
      return arrow::Status::OK();
    }
  }
  if (stop.stop_requested()) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(snapshot_->Finish());
  at_.snapshot = snapshot_->id();
  phase_ = Phase::kSnapshot;
  MoveTo(skip_ ? skip_->reason : "start", skip_ ? skip_->frames_lost : 0);
  return arrow::Status::OK();
}

arrow::Status ReplicationSource::ReadSnapshot() {
  ARROW_ASSIGN_OR_RAISE(const auto records, snapshot_->Read(config_.block_bytes.bytes));
  for (const SpoolReader::Record& record : records) {
    if (!blocks_.HasRoomFor(record.payload.size())) Cut();
    blocks_.Add(record.payload);
    at_.snapshot_at = record.end_ordinal;
  }
  Cut();
  if (!records.empty()) return arrow::Status::OK();
  at_.snapshot.clear();
  at_.snapshot_at = 0;
  snapshot_.reset();
  is_snapshot_kept_ = true;
  MoveTo("the snapshot is read");
  return StartChanges();
}

}  // namespace catchwater
