#include "catchwater/source/postgres/postgres_source.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/source/postgres/replicate/replication_source.h"

namespace catchwater {
namespace {

using Json = nlohmann::json;

constexpr int64_t kLingerUs = 1'000;
constexpr int64_t kSettleEveryUs = 20'000;
constexpr int64_t kPageRowsFirst = 64;
constexpr int64_t kPageRowsMax = 20'000;
constexpr int64_t kPageBytes = 4 << 20;
constexpr size_t kTokenBytesMax = 1'024;
constexpr size_t kPgNameBytesMax = 63;

std::string TokenOf(const PollCursor& cursor) {
  return Json(cursor).dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

arrow::Result<std::optional<PollCursor>> CursorOf(const std::string& token) {
  if (token.empty() || token == kNewIncarnation) return std::nullopt;
  const Json read = Json::parse(token, nullptr, /*allow_exceptions=*/false);
  const bool is_cursor = read.is_array() && !read.empty() &&
                         std::ranges::all_of(read, [](const Json& j) { return j.is_string(); });
  if (!is_cursor) return Internal("Position of a polled table has no cursor: ", token);
  return read.get<PollCursor>();
}

/// \retval kConfig if a token cannot hold the values as they are
arrow::Status CheckCursor(const PollCursor& cursor) {
  size_t byte_count = 0;
  bool is_plain = true;
  for (const std::string& value : cursor) {
    byte_count += value.size();
    is_plain &= std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~'; });
  }
  if (is_plain && byte_count <= kTokenBytesMax / 4) return arrow::Status::OK();
  const std::string token = TokenOf(cursor);
  if (token.size() > kTokenBytesMax) {
    return ConfigError(
        "Values of `column` and `key` are longer than 1 KiB together; name other "
        "columns with `key`: ",
        token.substr(0, 100));
  }
  if (Json::parse(token) != Json(cursor)) {
    return ConfigError("Values of `key` are no UTF-8; name other columns with `key`: ", token);
  }
  return arrow::Status::OK();
}

}  // namespace

arrow::Status PostgresSourceConfig::Check() const {
  ARROW_RETURN_NOT_OK(CheckPgUrl(url));
  if (mode == PostgresMode::kPoll) {
    if (column.empty()) {
      return ConfigError(
          "`column` is missing; name the column by which new rows are known, or set "
          "`mode: replicate`");
    }
    if (slot.empty() && publication.empty() && prefix.empty()) return arrow::Status::OK();
    return ConfigError("`slot`, `publication` and `prefix` are of `mode: replicate`");
  }
  if (!column.empty() || once) {
    return ConfigError(
        "`column` and `once` are of `mode: poll`; `run --until-idle` reads the changes that are "
        "there and ends");
  }
  const bool is_slot = std::ranges::all_of(
      slot, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
  if (!is_slot || slot.size() > kPgNameBytesMax) {
    return ConfigError("`slot` has up to 63 small letters, digits and underscores, not: ", slot);
  }
  if (on_lost == OnLost::kResnapshot && !snapshot) {
    return ConfigError("`on_lost: resnapshot` needs `snapshot: true`");
  }
  if (PublicationName().size() > kPgNameBytesMax) {
    return ConfigError("`publication` has up to 63 bytes; name a shorter one, not: ",
                       PublicationName());
  }
  return arrow::Status::OK();
}

PostgresSource::PostgresSource(PostgresSourceConfig config, const SourceContext& context,
                               std::unique_ptr<PollTable> table)
    : config_(std::move(config)),
      clock_(context.clock),
      table_(std::move(table)),
      blocks_(clock_, config_.block_bytes.bytes, context.frame_bytes_max) {}

arrow::Result<std::vector<Offer>> PostgresSource::Discover() {
  ARROW_ASSIGN_OR_RAISE(std::string identity, table_->Identity());
  return std::vector<Offer>{{.name = config_.table,
                             .incarnation = std::move(identity),
                             .attributes = std::make_shared<const Attributes>(),
                             .file = std::nullopt,
                             .is_bounded = config_.once}};
}

arrow::Status PostgresSource::Open(const Offer&, int64_t partition_id, const Position& resume_at) {
  request_ = {
      .after = std::nullopt, .skip_count = 0, .ceiling = "", .row_count_max = kPageRowsFirst};
  ARROW_ASSIGN_OR_RAISE(request_.after, CursorOf(resume_at.token));
  // A position without a cursor: so many rows are behind it.
  if (!request_.after) request_.skip_count = resume_at.ordinal;
  partition_id_ = partition_id;
  blocks_.Begin(partition_id, resume_at);
  ceiling_done_.clear();
  has_younger_ = is_last_round_ = is_caught_up_ = false;
  look_us_ = clock_.MonotonicMicros();
  phase_ = Phase::kWaiting;
  return arrow::Status::OK();
}

arrow::Result<NextResult> PostgresSource::Next(std::stop_token stop) {
  if (stop.stop_requested()) return NotYet{};
  if (phase_ == Phase::kClosed) return SourceEnd{};
  if (!blocks_.has_ready()) {
    if (phase_ == Phase::kReading) {
      ARROW_RETURN_NOT_OK(ReadPage());
      if (!blocks_.has_ready()) return EndRound();
    } else {
      const int64_t wait_us = look_us_ - clock_.MonotonicMicros();
      if (wait_us > 0) {
        clock_.SleepMicros(std::min(wait_us, kLingerUs), stop);
        return NotYet{is_caught_up_};
      }
      if (phase_ == Phase::kWaiting) {
        ARROW_RETURN_NOT_OK(Look());
        if (phase_ == Phase::kWaiting) return EndRound();
      }
      ARROW_ASSIGN_OR_RAISE(const bool has_settled, HasSettled());
      if (has_settled) phase_ = Phase::kReading;
      return NotYet{/*is_caught_up=*/false};
    }
  }
  return blocks_.TakeReady();
}

arrow::Status PostgresSource::Look() {
  ARROW_ASSIGN_OR_RAISE(const PollCeiling ceiling, table_->Ceiling());
  // What was there at the first look is old enough at the second.
  is_last_round_ = config_.once && (has_younger_ || !ceiling.has_younger);
  has_younger_ = ceiling.has_younger;
  const int64_t wait_us = has_younger_ && (config_.once || config_.delay.ms < config_.every.ms)
                              ? config_.delay.us()
                              : config_.every.us();
  look_us_ = clock_.MonotonicMicros() + wait_us;
  if (!ceiling.value || *ceiling.value == ceiling_done_) return arrow::Status::OK();
  request_.ceiling = *ceiling.value;
  // Only now: who begins later takes values behind the ceiling.
  ARROW_ASSIGN_OR_RAISE(const PgTransactions transactions, table_->Transactions());
  settling_.Begin(transactions);
  phase_ = Phase::kSettling;
  is_caught_up_ = false;
  return arrow::Status::OK();
}

arrow::Result<bool> PostgresSource::HasSettled() {
  ARROW_ASSIGN_OR_RAISE(const PgTransactions transactions, table_->Transactions());
  if (settling_.IsDone(transactions)) return true;
  look_us_ = clock_.MonotonicMicros() + kSettleEveryUs;
  return false;
}

NextResult PostgresSource::EndRound() {
  phase_ = Phase::kWaiting;
  is_caught_up_ = !has_younger_;
  if (!is_last_round_) return NotYet{is_caught_up_};
  phase_ = Phase::kClosed;
  return PartitionEnd{partition_id_};
}

arrow::Status PostgresSource::ReadPage() {
  if (ceiling_done_ == request_.ceiling) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto rows, table_->Rows(request_));
  if (static_cast<int64_t>(rows.size()) < request_.row_count_max) ceiling_done_ = request_.ceiling;
  if (rows.empty()) return arrow::Status::OK();
  request_.skip_count = 0;
  request_.after = rows.back().cursor;
  int64_t row_bytes = 1;
  for (const PollRow& row : rows) {
    row_bytes = std::max(row_bytes, static_cast<int64_t>(row.json.size()));
    ARROW_RETURN_NOT_OK(CheckCursor(row.cursor));
  }
  request_.row_count_max = std::clamp<int64_t>(kPageBytes / row_bytes, 1,
                                               std::min(kPageRowsMax, 8 * request_.row_count_max));
  const PollCursor* behind = nullptr;
  for (const PollRow& row : rows) {
    if (!blocks_.HasRoomFor(row.json.size())) blocks_.Cut(TokenOf(*behind));
    blocks_.Add(row.json);
    behind = &row.cursor;
  }
  blocks_.Cut(TokenOf(*behind));
  return arrow::Status::OK();
}

// The cursor is in our commit; the table keeps nothing for us.
arrow::Status PostgresSource::Acknowledge(int64_t, const Position&) { return arrow::Status::OK(); }

arrow::Status PostgresSource::Close() {
  phase_ = Phase::kClosed;
  return arrow::Status::OK();
}

arrow::Status RegisterPostgresSource(Registry& registry) {
  return registry.AddSource<PostgresSourceConfig>(
      {.name = "postgres",
       .summary = "Reads a table of PostgreSQL: new rows by a column that grows, or all changes.",
       .details =
           "Exactly once. With `mode: replicate` each change is a row, with `op`, `lsn`, `seq` and "
           "`commit_time` beside the columns, and the place in the server's log is part of the "
           "commit.\n\n"
           "Polling: the values of `column` and `key` behind the last row are part of the "
           "commit. A row arrives as a JSON object (`codec: json`), again whenever its `column` "
           "has grown: as a table of the newest rows with `deduplicate` or a sink's `key`. Deleted "
           "rows are not noticed. A row that is committed late with an older value is not lost: "
           "before values are read, the transactions that ran when they were seen have ended. So "
           "one long transaction in the same database holds reading up.\n\n"
           "Guide: docs/guide/postgres-source.md."},
      [](const PostgresSourceConfig& config,
         const SourceContext& context) -> arrow::Result<std::unique_ptr<Source>> {
        ARROW_RETURN_NOT_OK(config.Check());
        if (config.mode == PostgresMode::kReplicate) {
          return std::make_unique<ReplicationSource>(
              config, context,
              std::make_unique<PgReplicationServer>(
                  ReplicationServerOptions{.url = config.url,
                                           .table = config.table,
                                           .key = config.key,
                                           .columns = config.columns,
                                           .publication = config.PublicationName(),
                                           .prefix = config.prefix}));
        }
        return std::make_unique<PostgresSource>(
            config, context,
            std::make_unique<PgPollTable>(PollTableOptions{.url = config.url,
                                                           .table = config.table,
                                                           .column = config.column,
                                                           .key = config.key,
                                                           .columns = config.columns,
                                                           .delay = config.delay}));
      });
}

}  // namespace catchwater
