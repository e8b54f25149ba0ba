#include "catchwater/sink/postgres/postgres_sink.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <arrow/array.h>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"
#include "catchwater/component/pick_columns.h"
#include "catchwater/postgres/pg_connection.h"
#include "catchwater/sink/postgres/change_merge.h"
#include "catchwater/sink/postgres/copy_encoder.h"
#include "catchwater/sink/postgres/insert_text.h"
#include "catchwater/sink/postgres/target_table.h"
#include "catchwater/sink/postgres/time_partitions.h"

namespace catchwater {
namespace {

constexpr size_t kBufferBytes = 256 << 10;  // Encoded rows that go to the server in one piece.
constexpr int64_t kSliceRows = 1'024;       // Bounds the buffer whatever the rows are.
constexpr int64_t kRetainEveryUs = 3'600'000'000;
constexpr int kPauseMax = 4'096;
constexpr char kMarkTable[] = "catchwater_delivery";
constexpr char kStage[] = "catchwater_stage";
constexpr char kStageOrdinal[] = "catchwater_n";

bool Has(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

/// Empty stays empty: all are kept.
std::vector<bool> SliceOf(const std::vector<bool>& keep, int64_t begin, int64_t row_count) {
  if (keep.empty()) return {};
  return {keep.begin() + begin, keep.begin() + begin + row_count};
}

/// Two ways for rows, both in one transaction with the mark:
///   straight   COPY into the table, while no row has the key of another one
///   staged     COPY into a temporary table, then one INSERT ... ON CONFLICT of the last row a key
/// A key that is there already ends the straight way for some transactions. Changes of another
/// table are always staged, and merged by ChangeMerge.
class PostgresSink final : public Sink {
 public:
  PostgresSink(PostgresSinkConfig config, std::optional<ChangeMerge> changes, PickColumns pick,
               std::shared_ptr<arrow::Schema> schema, CopyEncoder encoder,
               const SinkContext& context)
      : config_(std::move(config)),
        changes_(std::move(changes)),
        pick_(std::move(pick)),
        schema_(std::move(schema)),
        encoder_(std::move(encoder)),
        sink_(context.sink),
        table_key_(context.table_key),
        clock_(context.clock),
        time_column_(pick_.schema()->GetFieldIndex(config_.hypertable)),
        can_go_straight_(!changes_ && (config_.load == PgLoad::kAuto ||
                                       (config_.load == PgLoad::kStaging && config_.key.empty()))) {
  }

  arrow::Status Check() override {
    ARROW_ASSIGN_OR_RAISE(const auto connection, PgConnection::Connect(config_.url));
    return TargetTable(*connection, config_, schema_).Check();
  }
  SinkTraits traits() const override {
    // Changes that come anew make sense together only.
    return {.keeps_mark = true,
            .replaces_rows = !config_.key.empty() && !changes_,
            .needs_whole_commits = changes_.has_value()};
  }

  arrow::Result<std::optional<DeliveryMark>> Open() override;
  arrow::Status Restart() override;
  void BeginFile(const DeliveryMark& file) override;
  arrow::Status Write(const arrow::RecordBatch& rows) override {
    const arrow::Status status = TryWrite(rows);
    return status.ok() ? status : Undo(status);
  }
  arrow::Result<SinkReceipt> Flush(const std::optional<DeliveryMark>& mark) override {
    const arrow::Status status = TryFlush(mark);
    if (!status.ok()) return Undo(status);
    return SinkReceipt{.row_count = std::exchange(row_count_, 0)};
  }
  arrow::Status Close() override {
    if (connection_ != nullptr) connection_->RollBack();
    connection_ = nullptr;
    return arrow::Status::OK();
  }

 private:
  arrow::Status EnsureOpen() { return connection_ ? arrow::Status::OK() : Open().status(); }
  arrow::Status TryWrite(const arrow::RecordBatch& rows);
  arrow::Status TryFlush(const std::optional<DeliveryMark>& mark);
  arrow::Status Undo(const arrow::Status& failure);
  arrow::Status Begin();
  arrow::Status BeginCopy();
  arrow::Status EndCopy();
  arrow::Status SendBuffer();
  arrow::Status MakeStage();
  arrow::Status InsertIntoStage(const arrow::RecordBatch& rows, const std::vector<bool>& keep);
  arrow::Status Merge();
  arrow::Status WriteMark(const DeliveryMark& mark);
  arrow::Status Retain();
  PgTableName MarkTable() const { return target_->name().Sibling(kMarkTable); }

  const PostgresSinkConfig config_;
  const std::optional<ChangeMerge> changes_;
  const PickColumns pick_;                       // Of the stage.
  const std::shared_ptr<arrow::Schema> schema_;  // Of the target.
  const CopyEncoder encoder_;
  const std::string sink_;
  const std::string table_key_;
  const Clock& clock_;
  const int time_column_;  // -1: none.
  const bool can_go_straight_;

  std::unique_ptr<PgConnection> connection_;
  std::optional<TargetTable> target_;
  std::optional<TimePartitions> partitions_;
  std::optional<DeliveryMark> mark_;  // As it stands in the target.
  bool has_stage_ = false;
  bool is_in_transaction_ = false;
  bool is_straight_ = false;  // This transaction.
  int pause_ = 0;             // Transactions that are staged before the next straight one,
  int pause_next_ = 16;       // and after a further collision.
  int64_t stage_ordinal_ = 0;
  int64_t commit_seq_ = 0;  // Of the rows that come.
  bool is_anew_ = false;    // The whole table comes, in one transaction.
  int64_t row_count_ = 0;   // Since the last Flush.
  int64_t retained_us_ = 0;
  std::string buffer_;
};

arrow::Result<std::optional<DeliveryMark>> PostgresSink::Open() {
  ARROW_ASSIGN_OR_RAISE(connection_, PgConnection::Connect(config_.url));
  target_.emplace(*connection_, config_, schema_);
  ARROW_RETURN_NOT_OK(target_->Prepare());
  ARROW_RETURN_NOT_OK(PrepareTimeFeatures(*connection_, config_, *target_));
  if (target_->is_partitioned() && time_column_ >= 0) {
    partitions_.emplace(target_->name(), config_.chunk.ms * 1'000);
  }
  has_stage_ = false;
  is_anew_ = false;
  mark_.reset();
  if (sink_.empty()) return mark_;
  ARROW_RETURN_NOT_OK(connection_->Execute(
      "CREATE TABLE IF NOT EXISTS " + MarkTable().Sql() +
      " (sink text NOT NULL, lake_table text NOT NULL, target text NOT NULL, seq bigint NOT NULL, "
      "ordinal bigint NOT NULL, file text NOT NULL, delivered_at timestamptz NOT NULL, "
      "PRIMARY KEY (sink, lake_table, target))"));
  ARROW_ASSIGN_OR_RAISE(
      const auto rows,
      connection_->Query("SELECT seq, ordinal, file FROM " + MarkTable().Sql() +
                             " WHERE sink = $1 AND lake_table = $2 AND target = $3",
                         {sink_, table_key_, config_.table}));
  if (rows.empty()) return mark_;
  mark_ = DeliveryMark{.seq = std::stoll(rows[0][0].value_or("0")),
                       .ordinal = std::stoll(rows[0][1].value_or("0")),
                       .file = rows[0][2].value_or("")};
  return mark_;
}

arrow::Status PostgresSink::Restart() {
  is_anew_ = true;
  if (!config_.key.empty()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const auto any,
                        connection_->Value("SELECT 1 FROM " + target_->name().Sql() + " LIMIT 1"));
  if (!any) return arrow::Status::OK();
  return ConfigError(
      "Sink needs the whole table anew and has no `key` by which rows replace others; run: "
      "TRUNCATE ",
      target_->name().Sql(), ";");
}

// Files of a commit come one after the other. In a whole table commits are not known any more.
void PostgresSink::BeginFile(const DeliveryMark& file) {
  if (file.seq == std::exchange(commit_seq_, file.seq) || !changes_ || is_anew_) return;
  stage_ordinal_ = ((stage_ordinal_ >> kOrdinalRowBits) + 1) << kOrdinalRowBits;
}

arrow::Status PostgresSink::Begin() {
  if (is_in_transaction_) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(connection_->Execute("BEGIN"));
  is_in_transaction_ = true;
  is_straight_ = can_go_straight_ && (config_.key.empty() || pause_ == 0);
  if (pause_ > 0) --pause_;
  return is_straight_ ? arrow::Status::OK() : MakeStage();
}

arrow::Status PostgresSink::MakeStage() {
  if (has_stage_) return arrow::Status::OK();
  // A pooler may hand us a session that somebody has used before, for other columns perhaps.
  ARROW_RETURN_NOT_OK(connection_->Execute("DROP TABLE IF EXISTS pg_temp." + std::string(kStage)));
  ARROW_RETURN_NOT_OK(connection_->Execute(
      "CREATE TEMPORARY TABLE " + std::string(kStage) + " ON COMMIT DELETE ROWS AS SELECT " +
      (changes_ ? changes_->StageSelection() : ColumnList(schema_->field_names())) +
      ", 0::bigint AS " + kStageOrdinal + " FROM " + target_->name().Sql() + " WITH NO DATA"));
  has_stage_ = true;
  return arrow::Status::OK();
}

arrow::Status PostgresSink::BeginCopy() {
  if (connection_->is_copying()) return arrow::Status::OK();
  const std::string columns = ColumnList(pick_.schema()->field_names());
  const std::string into = is_straight_
                               ? target_->name().Sql() + " (" + columns + ")"
                               : std::string(kStage) + " (" + columns + ", " + kStageOrdinal + ")";
  ARROW_RETURN_NOT_OK(connection_->BeginCopy("COPY " + into + " FROM STDIN (FORMAT binary)"));
  CopyEncoder::AppendHeader(&buffer_);
  return arrow::Status::OK();
}

arrow::Status PostgresSink::SendBuffer() {
  const arrow::Status status = connection_->PutCopy(buffer_);
  buffer_.clear();
  return status;
}

arrow::Status PostgresSink::EndCopy() {
  if (!connection_->is_copying()) return arrow::Status::OK();
  CopyEncoder::AppendTrailer(&buffer_);
  ARROW_RETURN_NOT_OK(SendBuffer());
  return connection_->EndCopy();
}

arrow::Status PostgresSink::TryWrite(const arrow::RecordBatch& rows) {
  ARROW_RETURN_NOT_OK(EnsureOpen());
  ARROW_RETURN_NOT_OK(Begin());
  ARROW_ASSIGN_OR_RAISE(const auto picked, pick_.Apply(rows));
  std::vector<bool> keep;
  if (time_column_ >= 0) {
    const auto& times = static_cast<const arrow::TimestampArray&>(*picked->column(time_column_));
    if (times.null_count() > 0) {  // Such a row is in no chunk.
      for (int64_t row = 0; row < times.length(); ++row) keep.push_back(times.IsValid(row));
    }
    if (partitions_) {
      const auto missing = partitions_->Missing(times);
      if (!missing.empty()) {
        ARROW_RETURN_NOT_OK(EndCopy());  // No statement fits into a COPY.
        ARROW_RETURN_NOT_OK(partitions_->Make(*connection_, missing));
      }
    }
  }
  if (config_.load == PgLoad::kInsert) return InsertIntoStage(*picked, keep);
  ARROW_RETURN_NOT_OK(BeginCopy());
  for (int64_t begin = 0; begin < picked->num_rows(); begin += kSliceRows) {
    const auto slice = picked->Slice(begin, kSliceRows);
    row_count_ += encoder_.AppendRows(*slice, SliceOf(keep, begin, slice->num_rows()),
                                      is_straight_ ? nullptr : &stage_ordinal_, &buffer_);
    if (buffer_.size() >= kBufferBytes) ARROW_RETURN_NOT_OK(SendBuffer());
  }
  return arrow::Status::OK();
}

arrow::Status PostgresSink::InsertIntoStage(const arrow::RecordBatch& rows,
                                            const std::vector<bool>& keep) {
  const std::string into = "INSERT INTO " + std::string(kStage) + " (" +
                           ColumnList(pick_.schema()->field_names()) + ", " + kStageOrdinal +
                           ") VALUES ";
  for (int64_t begin = 0; begin < rows.num_rows(); begin += kSliceRows) {
    const auto slice = rows.Slice(begin, kSliceRows);
    std::string values;
    const int64_t row_count =
        AppendValues(*slice, SliceOf(keep, begin, slice->num_rows()), &stage_ordinal_, &values);
    if (row_count > 0) ARROW_RETURN_NOT_OK(connection_->Execute(into + values));
    row_count_ += row_count;
  }
  return arrow::Status::OK();
}

arrow::Status PostgresSink::Merge() {
  if (changes_) {
    return changes_->Apply(
        *connection_,
        {.name = target_->name(), .has_mark = mark_.has_value(), .is_anew = is_anew_});
  }
  const std::vector<std::string> names = schema_->field_names();
  const std::string columns = ColumnList(names);
  const std::string key = ColumnList(config_.key);
  if (config_.key.empty()) {
    return connection_->Execute("INSERT INTO " + target_->name().Sql() + " (" + columns +
                                ") SELECT " + columns + " FROM " + kStage + " ORDER BY " +
                                kStageOrdinal);
  }
  std::string updates;
  for (const std::string& name : names) {
    if (Has(config_.key, name)) continue;
    const std::string quoted = QuoteIdentifier(name);
    updates += (updates.empty() ? "" : ", ") + quoted + " = EXCLUDED." + quoted;
  }
  return connection_->Execute("INSERT INTO " + target_->name().Sql() + " (" + columns +
                              ") SELECT DISTINCT ON (" + key + ") " + columns + " FROM " + kStage +
                              " ORDER BY " + key + ", " + kStageOrdinal + " DESC ON CONFLICT (" +
                              key + ") DO " +
                              (updates.empty() ? "NOTHING" : "UPDATE SET " + updates));
}

arrow::Status PostgresSink::WriteMark(const DeliveryMark& mark) {
  // The old mark must be the one that we began with: else somebody else delivers too.
  const DeliveryMark old = mark_.value_or(DeliveryMark{});
  ARROW_ASSIGN_OR_RAISE(
      const auto rows,
      connection_->Query(
          "INSERT INTO " + MarkTable().Sql() +
              " AS m (sink, lake_table, target, seq, ordinal, file, delivered_at) "
              "VALUES ($1, $2, $3, $4, $5, $6, now()) ON CONFLICT (sink, lake_table, target) "
              "DO UPDATE SET seq = EXCLUDED.seq, ordinal = EXCLUDED.ordinal, "
              "file = EXCLUDED.file, delivered_at = EXCLUDED.delivered_at "
              "WHERE m.seq = $7 AND m.ordinal = $8 RETURNING 1",
          {sink_, table_key_, config_.table, std::to_string(mark.seq), std::to_string(mark.ordinal),
           mark.file, std::to_string(old.seq), std::to_string(old.ordinal)}));
  if (rows.empty()) {
    return Conflict("Delivered mark in PostgreSQL was moved by somebody else, sink: ", sink_);
  }
  return arrow::Status::OK();
}

arrow::Status PostgresSink::TryFlush(const std::optional<DeliveryMark>& mark) {
  ARROW_RETURN_NOT_OK(EnsureOpen());
  if (!is_in_transaction_ && !mark) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(Begin());
  ARROW_RETURN_NOT_OK(EndCopy());
  if (!is_straight_ && row_count_ > 0) ARROW_RETURN_NOT_OK(Merge());
  ARROW_RETURN_NOT_OK(Reach(FailPoint::kDeliverInTarget));
  if (mark && !sink_.empty()) ARROW_RETURN_NOT_OK(WriteMark(*mark));
  // If the answer is lost, the mark tells the next Open whether it happened.
  ARROW_RETURN_NOT_OK(connection_->Execute("COMMIT"));
  is_in_transaction_ = false;
  stage_ordinal_ = 0;
  is_anew_ = false;
  if (mark) mark_ = mark;
  return Retain();
}

arrow::Status PostgresSink::Retain() {
  const int64_t now_us = clock_.NowMicros();
  if (!config_.retain || target_->has_timescale() || now_us - retained_us_ < kRetainEveryUs) {
    return arrow::Status::OK();
  }
  retained_us_ = now_us;
  const int64_t before_us = now_us - config_.retain->ms * 1'000;
  if (partitions_) return partitions_->DropBefore(*connection_, before_us).status();
  return connection_->Execute("DELETE FROM " + target_->name().Sql() + " WHERE " +
                              QuoteIdentifier(config_.hypertable) + " < to_timestamp(" +
                              std::to_string(before_us / 1'000'000) + ")");
}

arrow::Status PostgresSink::Undo(const arrow::Status& failure) {
  if (connection_ != nullptr) connection_->RollBack();
  buffer_.clear();
  row_count_ = 0;
  stage_ordinal_ = 0;
  is_in_transaction_ = false;
  has_stage_ = false;  // It may have been made in this transaction.
  if (connection_ != nullptr) {
    static_cast<void>(connection_->Execute("DROP TABLE IF EXISTS pg_temp." + std::string(kStage)));
  }
  if (partitions_) partitions_->Forget();
  const bool is_collision = is_straight_ && SqlStateOf(failure) == "23505";
  if (!is_collision) return failure;
  pause_ = pause_next_;
  pause_next_ = std::min(pause_next_ * 2, kPauseMax);
  return Conflict("Rows have keys that are in the table already: they come again for a merge");
}

arrow::Status CheckColumns(const PostgresSinkConfig& config, const arrow::Schema& schema) {
  for (const std::string& column : config.key) {
    if (schema.GetFieldIndex(column) >= 0) continue;
    return ConfigError("Column of `key` is not among the sink's columns: ", column);
  }
  if (config.hypertable.empty()) return arrow::Status::OK();
  const auto time = schema.GetFieldByName(config.hypertable);
  if (time == nullptr || time->type()->id() != arrow::Type::TIMESTAMP) {
    return ConfigError("`hypertable` must name a timestamp column of the sink: ",
                       config.hypertable);
  }
  return arrow::Status::OK();
}

}  // namespace

arrow::Status PostgresSinkConfig::Check() const {
  const bool has_time = !hypertable.empty();
  if (has_time && !key.empty() && !Has(key, hypertable)) {
    return ConfigError(
        "`key` must contain the column of `hypertable`: PostgreSQL cannot compare "
        "keys over several chunks, column: ",
        hypertable);
  }
  if (!has_time && (compress_after || retain || !aggregates.empty())) {
    return ConfigError(
        "`compress_after`, `retain` and `aggregates` need the time column; add `hypertable: ts`");
  }
  if (!changes.empty() && !changes.ends_with("op")) {
    return ConfigError("`changes` must name the source's column `op`, with its `prefix`, name: ",
                       changes);
  }
  if (!changes.empty() && key.empty()) {
    return ConfigError(
        "`changes` needs `key`: the primary key of the replicated table, or the columns of its "
        "replica identity");
  }
  if (!changes.empty() && has_time) {
    return ConfigError("`changes` does not go with `hypertable`: TRUNCATE has no time");
  }
  if (chunk.ms % 60'000 != 0) return ConfigError("`chunk` must be whole minutes");
  return CheckPgUrl(url);
}

arrow::Status RegisterPostgresSink(Registry& registry) {
  return registry.AddSink<PostgresSinkConfig>(
      {.name = "postgres",
       .summary = "Keeps a table of PostgreSQL or TimescaleDB equal to the lake's, exactly once."},
      [](PostgresSinkConfig config,
         const SinkContext& context) -> arrow::Result<std::unique_ptr<Sink>> {
        if (config.key.empty() && !context.stream.empty()) config.key = context.key;
        ARROW_ASSIGN_OR_RAISE(auto picked, PickColumns::Make(config.columns, context.schema));
        std::optional<ChangeMerge> changes;
        if (!config.changes.empty()) {
          ARROW_ASSIGN_OR_RAISE(changes,
                                ChangeMerge::Make(config, *context.schema, kStage, kStageOrdinal));
          ARROW_ASSIGN_OR_RAISE(picked,
                                PickColumns::Make(changes->target_columns(), context.schema));
        }
        const auto schema = picked.schema();
        ARROW_RETURN_NOT_OK(CheckColumns(config, *schema));
        auto pick = std::move(picked);
        if (changes) {
          ARROW_ASSIGN_OR_RAISE(pick, PickColumns::Make(changes->stage_columns(), context.schema));
        }
        ARROW_ASSIGN_OR_RAISE(auto encoder, CopyEncoder::Make(pick.schema()));
        return std::make_unique<PostgresSink>(std::move(config), std::move(changes),
                                              std::move(pick), schema, std::move(encoder), context);
      });
}

}  // namespace catchwater
