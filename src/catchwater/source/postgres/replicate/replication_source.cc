#include "catchwater/source/postgres/replicate/replication_source.h"

#include <algorithm>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/base/murmur3.h"

namespace catchwater {
namespace {

constexpr int64_t kLingerUs = 1'000;
constexpr int64_t kTellEveryUs = 10'000'000;  // The server hangs up after a minute of silence.
constexpr int64_t kAskEveryUs = 20'000;
constexpr int64_t kMoveEveryUs = 10'000'000;

uint32_t HashOf(const std::vector<PgRelation::Column>& columns) {
  std::string text;
  for (const PgRelation::Column& column : columns) {
    text += column.name + '\0' + std::to_string(column.type_oid) + '\0' +
            std::to_string(column.type_modifier) + '\0';
  }
  return std::max<uint32_t>(Murmur3(text), 1);
}

std::string NamesOf(const std::vector<PgRelation::Column>& columns) {
  std::string text;
  for (const PgRelation::Column& column : columns) {
    text += (text.empty() ? "" : ", ") + column.name;
  }
  return text;
}

}  // namespace

ReplicationSource::ReplicationSource(PostgresSourceConfig config, const SourceContext& context,
                                     std::unique_ptr<ReplicationServer> server)
    : config_(std::move(config)),
      files_(context.files),
      clock_(context.clock),
      pipeline_(context.pipeline),
      data_folder_(context.data_folder),
      random_(context.random_seed),
      server_(std::move(server)),
      blocks_(clock_, config_.block_bytes.bytes, context.frame_bytes_max),
      json_(config_.prefix) {}

arrow::Status ReplicationSource::Check() {
  if (data_folder_.empty()) {
    return ConfigError(
        "`mode: replicate` needs `lake:`: the server keeps its log for us until rows are in a "
        "table");
  }
  return server_->Check();
}

arrow::Result<std::vector<Offer>> ReplicationSource::Discover() {
  ARROW_ASSIGN_OR_RAISE(std::string identity, server_->Identity());
  return std::vector<Offer>{{.name = config_.table,
                             .incarnation = std::move(identity),
                             .attributes = std::make_shared<const Attributes>(),
                             .file = std::nullopt,
                             .is_bounded = false}};
}

// That reading is there is to be remembered, rows or not.
void ReplicationSource::MoveTo(std::string reason, int64_t frames_lost) {
  skip_ = Skip{.partition_id = partition_id_,
               .to = blocks_.MoveTo(at_.Token()),
               .frames_lost = frames_lost,
               .reason = std::move(reason)};
}

arrow::Result<NextResult> ReplicationSource::Next(std::stop_token stop) {
  if (stop.stop_requested()) return NotYet{};
  switch (phase_) {
    case Phase::kClosed:
      return SourceEnd{};
    case Phase::kCopying:
      ARROW_RETURN_NOT_OK(Copy(stop));
      if (phase_ == Phase::kCopying) return NotYet{/*is_caught_up=*/false};
      break;
    case Phase::kSnapshot:
      if (!skip_ && !blocks_.has_ready()) ARROW_RETURN_NOT_OK(ReadSnapshot());
      break;
    case Phase::kChanges:
      if (!skip_ && !blocks_.has_ready()) ARROW_RETURN_NOT_OK(Collect());
      break;
  }
  if (skip_) return NextResult(*std::exchange(skip_, std::nullopt));
  if (blocks_.has_ready()) {
    moved_us_ = clock_.MonotonicMicros();
    return blocks_.TakeReady();
  }
  ARROW_RETURN_NOT_OK(TellNowAndThen());
  ARROW_RETURN_NOT_OK(LookWhenIdle());
  if (skip_) return NextResult(*std::exchange(skip_, std::nullopt));
  return NotYet{is_caught_up()};
}

arrow::Status ReplicationSource::Collect() {
  const int64_t deadline_us = clock_.MonotonicMicros() + kLingerUs;
  int64_t left_us = kLingerUs;
  while (!blocks_.has_ready() && left_us > 0) {
    ARROW_ASSIGN_OR_RAISE(const auto bytes, server_->Read(left_us));
    if (!bytes) break;
    ARROW_RETURN_NOT_OK(Take(*bytes));
    left_us = deadline_us - clock_.MonotonicMicros();
  }
  Cut();
  return arrow::Status::OK();
}

arrow::Status ReplicationSource::Take(std::string_view bytes) {
  ARROW_ASSIGN_OR_RAISE(const PgWalData data, ParsePgWalData(bytes));
  if (data.message.empty()) {
    seen_lsn_ = std::max(seen_lsn_, data.wal_end);
    return data.wants_answer ? Tell(/*wants_answer=*/false) : arrow::Status::OK();
  }
  ARROW_ASSIGN_OR_RAISE(const PgMessage message, ParsePgOutput(data.message));
  return TakeMessage(message);
}

arrow::Status ReplicationSource::TakeMessage(const PgMessage& message) {
  if (const auto* change = std::get_if<PgChange>(&message)) return TakeChange(*change);
  if (const auto* begin = std::get_if<PgBegin>(&message)) {
    transaction_ = {
        .lsn = begin->commit_lsn, .commit_us = begin->commit_us, .row_count = 0, .is_open = true};
  } else if (const auto* commit = std::get_if<PgCommit>(&message)) {
    TakeCommit(*commit);
  } else if (const auto* relation = std::get_if<PgRelation>(&message)) {
    return TakeRelation(*relation);
  } else if (const auto* truncate = std::get_if<PgTruncate>(&message)) {
    return TakeTruncate(*truncate);
  }
  return arrow::Status::OK();
}

arrow::Status ReplicationSource::TakeRelation(const PgRelation& relation) {
  if (!server_->is_of_table(relation.oid)) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto columns, server_->ColumnsOf(relation));
  json_.SetColumns(std::move(columns));
  has_columns_ = true;
  const uint32_t hash = HashOf(relation.columns);
  if (IsKnown(/*row_count=*/UINT64_MAX)) return arrow::Status::OK();
  if (at_.columns != 0 && at_.columns != hash && config_.on_columns == OnColumns::kFail) {
    return ConfigError(
        "Columns of the table changed; declare what you want of them under `columns`, then set "
        "`on_columns: follow` until rows behind the change are read, columns now and place: ",
        NamesOf(relation.columns), "; ", LsnText(transaction_.lsn));
  }
  at_.columns = hash;
  return arrow::Status::OK();
}

// Each change has two rows, of which the first, for the identity that a row had before, is mostly
// none: so a position in a transaction does not depend on settings.
arrow::Status ReplicationSource::TakeChange(const PgChange& change) {
  if (!server_->is_of_table(change.relation_oid)) return arrow::Status::OK();
  if (!has_columns_ || !transaction_.is_open) {
    return BadData("Change comes before its transaction or the description of its table, place: ",
                   LsnText(transaction_.lsn));
  }
  if (HasIdentityChanged(change)) {
    AddMovedRow(change);
    return arrow::Status::OK();
  }
  const PgTuple* const before = change.before ? &*change.before : nullptr;
  ++transaction_.row_count;
  switch (change.kind) {
    case PgChange::Kind::kInsert:
      AddRow("insert", &change.after, nullptr, /*is_key_only=*/false);
      break;
    case PgChange::Kind::kUpdate:
      AddRow("update", &change.after, change.is_before_whole ? before : nullptr,
             /*is_key_only=*/false);
      break;
    case PgChange::Kind::kDelete:
      AddRow("delete", before, nullptr, !change.is_before_whole);
      break;
  }
  return arrow::Status::OK();
}

// Both rows are in one block, and so in one commit: values that the update leaves out are those of
// the row that the deletion names.
void ReplicationSource::AddMovedRow(const PgChange& change) {
  const PgTuple& before = *change.before;
  const auto gone = NextRow("delete", &before, nullptr, !change.is_before_whole);
  const std::string gone_json(gone.value_or(""));
  const uint64_t gone_row_count = transaction_.row_count;
  const auto come = NextRow("update", &change.after, change.is_before_whole ? &before : nullptr,
                            /*is_key_only=*/false);
  if (gone) Add(gone_json, gone_row_count, /*with_bytes=*/come->size());
  if (come) Add(*come, transaction_.row_count, /*with_bytes=*/0);
}

bool ReplicationSource::HasIdentityChanged(const PgChange& change) const {
  if (change.kind != PgChange::Kind::kUpdate || !change.before) return false;
  if (!change.is_before_whole) return true;  // Else it would not be sent.
  const auto& columns = json_.columns();
  for (size_t i = 0; i < columns.size(); ++i) {
    if (!columns[i].is_key || i >= change.before->size() || i >= change.after.size()) continue;
    const PgValue& old_value = (*change.before)[i];
    const PgValue& new_value = change.after[i];
    if (new_value.kind == PgValue::Kind::kUnchanged) continue;
    if (old_value.kind != new_value.kind || old_value.text != new_value.text) return true;
  }
  return false;
}

arrow::Status ReplicationSource::TakeTruncate(const PgTruncate& truncate) {
  const bool is_ours = std::ranges::any_of(
      truncate.relation_oids, [this](uint32_t oid) { return server_->is_of_table(oid); });
  if (!is_ours) return arrow::Status::OK();
  ++transaction_.row_count;
  switch (config_.on_truncate) {
    case OnTruncate::kRow:
      AddRow("truncate", nullptr, nullptr, /*is_key_only=*/false);
      break;
    case OnTruncate::kIgnore:
      ++transaction_.row_count;
      break;
    case OnTruncate::kFail:
      return ConfigError(
          "Table was truncated in PostgreSQL; `on_truncate: row` takes that as a row, "
          "`on_truncate: ignore` leaves it out, place: ",
          LsnText(transaction_.lsn));
  }
  return arrow::Status::OK();
}

void ReplicationSource::TakeCommit(const PgCommit& commit) {
  transaction_.is_open = false;
  seen_lsn_ = std::max(seen_lsn_, commit.end_lsn);
  if (commit.end_lsn <= at_.lsn) return;
  at_.lsn = commit.end_lsn;
  at_.row_count = 0;
}

bool ReplicationSource::IsKnown(uint64_t row_count) const {
  return transaction_.lsn < at_.lsn || (transaction_.lsn == at_.lsn && row_count <= at_.row_count);
}

std::optional<std::string_view> ReplicationSource::NextRow(std::string_view op, const PgTuple* row,
                                                           const PgTuple* before,
                                                           bool is_key_only) {
  ++transaction_.row_count;
  if (IsKnown(transaction_.row_count)) return std::nullopt;
  const ChangeHead head{.op = op,
                        .lsn = transaction_.lsn,
                        .seq = transaction_.row_count,
                        .commit_us = transaction_.commit_us};
  return row == nullptr ? json_.Mark(head) : json_.Row(head, *row, before, is_key_only);
}

void ReplicationSource::AddRow(std::string_view op, const PgTuple* row, const PgTuple* before,
                               bool is_key_only) {
  const auto json = NextRow(op, row, before, is_key_only);
  if (json) Add(*json, transaction_.row_count, /*with_bytes=*/0);
}

void ReplicationSource::Add(std::string_view json, uint64_t row_count, size_t with_bytes) {
  if (!blocks_.HasRoomFor(json.size() + with_bytes)) Cut();
  blocks_.Add(json, with_bytes);
  at_.lsn = transaction_.lsn;
  at_.row_count = row_count;
}

arrow::Status ReplicationSource::Tell(bool wants_answer) {
  told_us_ = clock_.MonotonicMicros();
  return server_->Send(PgStatusUpdate(confirmed_lsn_, clock_.NowMicros(), wants_answer));
}

arrow::Status ReplicationSource::TellNowAndThen() {
  const int64_t now_us = clock_.MonotonicMicros();
  const bool is_to_ask = !is_caught_up() && now_us - asked_us_ >= kAskEveryUs;
  if (!is_to_ask && now_us - told_us_ < kTellEveryUs) return arrow::Status::OK();
  asked_us_ = now_us;
  return Tell(/*wants_answer=*/true);
}

// The server keeps its log from the last position on, also when other tables write; and a table
// that was made anew, or is not published any more, is as quiet as one that nobody changes.
arrow::Status ReplicationSource::LookWhenIdle() {
  const int64_t now_us = clock_.MonotonicMicros();
  if (transaction_.is_open || now_us - moved_us_ < kMoveEveryUs) return arrow::Status::OK();
  moved_us_ = now_us;
  ARROW_RETURN_NOT_OK(server_->Watch());
  if (seen_lsn_ > at_.lsn) {
    at_.lsn = seen_lsn_;
    at_.row_count = 0;
  }
  if (at_.lsn > confirmed_lsn_) MoveTo("changes of other tables");
  return arrow::Status::OK();
}

arrow::Status ReplicationSource::Acknowledge(int64_t, const Position& position) {
  ARROW_ASSIGN_OR_RAISE(const auto at, ReplicationPosition::FromToken(position.token));
  if (phase_ == Phase::kClosed || !at) return arrow::Status::OK();
  if (!at->snapshot.empty()) {
    return snapshot_ == nullptr ? arrow::Status::OK() : snapshot_->Trim(at->snapshot_at);
  }
  if (is_snapshot_kept_) {
    is_snapshot_kept_ = false;
    ARROW_RETURN_NOT_OK(SnapshotSpool::Remove(files_, SnapshotFolder()));
  }
  if (at->lsn <= confirmed_lsn_) return arrow::Status::OK();
  confirmed_lsn_ = at->lsn;
  return phase_ == Phase::kChanges ? Tell(/*wants_answer=*/false) : arrow::Status::OK();
}

arrow::Status ReplicationSource::Close() {
  phase_ = Phase::kClosed;
  snapshot_.reset();
  return arrow::Status::OK();
}

}  // namespace catchwater
