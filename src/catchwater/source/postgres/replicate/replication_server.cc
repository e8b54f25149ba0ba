#include "catchwater/source/postgres/replicate/replication_server.h"

#include <algorithm>
#include <map>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/source/postgres/replicate/copy_row.h"
#include "catchwater/source/postgres/replicate/replication_position.h"

namespace catchwater {
namespace {

constexpr int kVersionMin = 130'000;  // publish_via_partition_root, wal_status.
constexpr int kVersionOfLists = 150'000;

arrow::Result<uint64_t> LsnOf(const std::optional<std::string>& text) {
  const auto lsn = ParseLsn(text.value_or(""));
  if (!lsn) return Internal("PostgreSQL named no place in its log: ", text.value_or(""));
  return *lsn;
}

}  // namespace

PgReplicationServer::PgReplicationServer(ReplicationServerOptions options)
    : options_(std::move(options)), catalog_(options_.table, "rp") {}

arrow::Status PgReplicationServer::Connect() {
  if (control_ != nullptr) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto control, PgConnection::Connect(options_.url));
  ARROW_RETURN_NOT_OK(catalog_.Look(*control));
  control_ = std::move(control);
  return arrow::Status::OK();
}

arrow::Status PgReplicationServer::Check() {
  control_.reset();
  ARROW_RETURN_NOT_OK(Connect());
  ARROW_RETURN_NOT_OK(CheckServer());
  ARROW_RETURN_NOT_OK(CheckTable());
  ARROW_ASSIGN_OR_RAISE(const bool has_publication, HasPublication());
  if (has_publication) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(
      const auto may_create,
      control_->Value("SELECT has_database_privilege(current_database(), 'CREATE')"));
  if (catalog_.is_owned() && may_create == "t") return arrow::Status::OK();
  return Denied(
      "PostgreSQL does not let this user make the publication: it takes the table's owner, with "
      "CREATE on the database; run as the owner: CREATE PUBLICATION ",
      QuoteIdentifier(options_.publication), " FOR TABLE ", catalog_.Sql());
}

arrow::Status PgReplicationServer::CheckServer() {
  if (control_->server_version() < kVersionMin) {
    return ConfigError("`mode: replicate` needs PostgreSQL 13 or later; this server has: ",
                       control_->server_version() / 10'000);
  }
  ARROW_ASSIGN_OR_RAISE(const auto wal_level, control_->Value("SHOW wal_level"));
  if (wal_level != "logical") {
    return ConfigError(
        "PostgreSQL writes no log that changes can be read from; set wal_level = logical in its "
        "postgresql.conf (or run: ALTER SYSTEM SET wal_level = logical) and restart it, wal_level "
        "now: ",
        wal_level.value_or(""));
  }
  ARROW_ASSIGN_OR_RAISE(
      const auto slots_left,
      control_->Value("SELECT current_setting('max_replication_slots')::int8 > count(*) "
                      "OR bool_or(slot_name LIKE 'catchwater%') FROM pg_replication_slots"));
  if (slots_left == "f") {
    return ConfigError(
        "PostgreSQL has no replication slot left; drop one that nobody uses (SELECT slot_name, "
        "active FROM pg_replication_slots), or raise max_replication_slots and restart it");
  }
  return Probe();
}

arrow::Status PgReplicationServer::CheckTable() {
  for (const std::string& name : options_.columns) {
    ARROW_RETURN_NOT_OK(catalog_.Find("columns", name).status());
  }
  for (const std::string& name : options_.key) {
    ARROW_RETURN_NOT_OK(catalog_.Find("key", name).status());
  }
  for (const std::string& name : ChangeMemberNames(options_.prefix)) {
    if (catalog_.Find("", name).ok()) {
      return ConfigError(
          "Table has a column of a name that a change has beside the columns; put a `prefix` "
          "before those, e.g. `prefix: change_`, column: ",
          name);
    }
  }
  const bool has_identity = catalog_.identity() == "f" || catalog_.identity() == "i" ||
                            (catalog_.identity() == "d" && !catalog_.primary_key().empty());
  if (!has_identity) {
    return ConfigError(
        "Table has nothing by which a replicated change names its row, and PostgreSQL would refuse "
        "its updates; add a primary key, or run: ALTER TABLE ",
        catalog_.Sql(), " REPLICA IDENTITY FULL");
  }
  return arrow::Status::OK();
}

arrow::Result<bool> PgReplicationServer::HasPublication() {
  ARROW_ASSIGN_OR_RAISE(
      const auto found,
      control_->Query("SELECT pubinsert AND pubupdate AND pubdelete AND pubtruncate, pubviaroot, "
                      "EXISTS(SELECT 1 FROM pg_publication_tables t WHERE t.pubname = p.pubname "
                      "AND t.schemaname = $2 AND t.tablename = $3) "
                      "FROM pg_publication p WHERE pubname = $1",
                      {options_.publication, catalog_.schema_name(), catalog_.table_name()}));
  if (found.empty()) return false;
  const std::string name = QuoteIdentifier(options_.publication);
  if (catalog_.kind() == "p" && found[0][1] != "t") {
    return ConfigError(
        "Publication tells a partition's changes as that partition's; run: ALTER PUBLICATION ",
        name, " SET (publish_via_partition_root = true)");
  }
  if (found[0][2] != "t") {
    return ConfigError("Publication does not have the table; run as its owner: ALTER PUBLICATION ",
                       name, " ADD TABLE ", catalog_.Sql());
  }
  if (found[0][0] != "t") {
    return ConfigError("Publication leaves out changes; run as its owner: ALTER PUBLICATION ", name,
                       " SET (publish = 'insert, update, delete, truncate')");
  }
  return true;
}

arrow::Status PgReplicationServer::Publish() {
  ARROW_RETURN_NOT_OK(Connect());
  ARROW_ASSIGN_OR_RAISE(const bool has_publication, HasPublication());
  if (has_publication) return arrow::Status::OK();
  return control_->Execute("CREATE PUBLICATION " + QuoteIdentifier(options_.publication) +
                           " FOR TABLE " + (catalog_.kind() == "p" ? "" : "ONLY ") +
                           catalog_.Sql() + " WITH (publish_via_partition_root = true)");
}

arrow::Status PgReplicationServer::Watch() {
  ARROW_RETURN_NOT_OK(Connect());
  TableCatalog now(options_.table, "rp");
  ARROW_RETURN_NOT_OK(now.Look(*control_));
  if (now.oid() != catalog_.oid()) {
    return Conflict("Table was made anew, name and ids: ", options_.table, " ", catalog_.oid(), " ",
                    now.oid());
  }
  ARROW_ASSIGN_OR_RAISE(const bool has_publication, HasPublication());
  if (has_publication) return arrow::Status::OK();
  return Conflict("Publication is gone: ", options_.publication);
}

arrow::Result<std::string> PgReplicationServer::Identity() {
  ARROW_RETURN_NOT_OK(Connect());
  if (system_.empty()) ARROW_RETURN_NOT_OK(Probe());
  ARROW_ASSIGN_OR_RAISE(
      const auto database,
      control_->Value("SELECT oid FROM pg_database WHERE datname = current_database()"));
  return "replica=" + system_ + "/" + database.value_or("") + "/" + catalog_.oid();
}

// Rights, pg_hba.conf and max_wal_senders show only when it is tried.
arrow::Status PgReplicationServer::Probe() {
  ARROW_ASSIGN_OR_RAISE(const auto probe,
                        PgConnection::Connect(options_.url, PgSession::kReplication));
  ARROW_ASSIGN_OR_RAISE(const auto system, probe->Value("IDENTIFY_SYSTEM"));
  system_ = system.value_or("");
  return arrow::Status::OK();
}

arrow::Result<SlotState> PgReplicationServer::LookAtSlot(const std::string& name) {
  ARROW_RETURN_NOT_OK(Connect());
  ARROW_ASSIGN_OR_RAISE(
      const auto found,
      control_->Query("SELECT plugin, database = current_database(), wal_status, "
                      "confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = $1",
                      {name}));
  SlotState state{.exists = !found.empty()};
  if (!state.exists) {
    state.fault = "it is gone";
  } else if (found[0][0] != "pgoutput" || found[0][1] != "t") {
    state.fault = "it is not one of pgoutput in this database";
  } else if (found[0][2] == "lost" || !found[0][3]) {
    state.fault = "the server has removed log that it needs (max_slot_wal_keep_size)";
  } else {
    ARROW_ASSIGN_OR_RAISE(state.confirmed_lsn, LsnOf(found[0][3]));
  }
  return state;
}

arrow::Result<uint64_t> PgReplicationServer::CreateSlot(const std::string& name) {
  stream_.reset();
  ARROW_ASSIGN_OR_RAISE(stream_, PgConnection::Connect(options_.url, PgSession::kReplication));
  ARROW_ASSIGN_OR_RAISE(const auto made,
                        stream_->Query("CREATE_REPLICATION_SLOT " + QuoteIdentifier(name) +
                                       " LOGICAL pgoutput EXPORT_SNAPSHOT"));
  if (made.empty() || made[0].size() < 3) {
    return Internal("PostgreSQL does not tell where a replication slot begins: ", name);
  }
  snapshot_name_ = made[0][2].value_or("");
  return LsnOf(made[0][1]);
}

arrow::Status PgReplicationServer::DropSlot(const std::string& name) {
  ARROW_RETURN_NOT_OK(Connect());
  return control_
      ->Query(
          "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
          "WHERE slot_name = $1",
          {name})
      .status();
}

// As the publication has the table: its columns, and its rows if it has a condition.
arrow::Result<std::string> PgReplicationServer::SnapshotSql(
    std::vector<PgRelation::Column>* columns) {
  const bool has_lists = copy_->server_version() >= kVersionOfLists;
  ARROW_ASSIGN_OR_RAISE(
      const auto published,
      copy_->Query(std::string("SELECT ") +
                       (has_lists ? "attnames::text[]::text, rowfilter" : "NULL, NULL") +
                       " FROM pg_publication_tables WHERE pubname = $1 AND schemaname = $2 "
                       "AND tablename = $3",
                   {options_.publication, catalog_.schema_name(), catalog_.table_name()}));
  if (published.empty()) {
    return NotFound("Publication does not have the table any more: ", options_.publication);
  }
  ARROW_ASSIGN_OR_RAISE(
      const auto found,
      copy_->Query("SELECT attname, atttypid FROM pg_attribute WHERE attrelid = $1::oid "
                   "AND attnum > 0 AND NOT attisdropped AND attgenerated = '' "
                   "AND ($2::text IS NULL OR attname = ANY($2::text[]::name[])) ORDER BY attnum",
                   {catalog_.oid(), published[0][0]}));
  std::vector<std::string> names;
  for (const PgRow& row : found) {
    names.push_back(row[0].value_or(""));
    columns->push_back({.name = names.back(),
                        .type_oid = static_cast<uint32_t>(std::stoul(row[1].value_or("0"))),
                        .type_modifier = -1,
                        .is_identity = false});
  }
  std::string sql = "COPY (SELECT " + ColumnList(names) + " FROM " +
                    (catalog_.kind() == "p" ? "" : "ONLY ") + catalog_.Sql();
  if (published[0][1]) sql += " WHERE " + *published[0][1];
  return sql + ") TO STDOUT";
}

arrow::Result<std::vector<ReplicatedColumn>> PgReplicationServer::BeginSnapshot() {
  ARROW_ASSIGN_OR_RAISE(copy_, PgConnection::Connect(options_.url));
  // A policy for rows would hide some of them: then it is said. What changes brings is whole, too.
  ARROW_RETURN_NOT_OK(
      copy_->Execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT " +
                     QuoteLiteral(snapshot_name_) +
                     "; SET LOCAL row_security = off; SET LOCAL statement_timeout = 0; "
                     "SET LOCAL idle_in_transaction_session_timeout = 0"));
  PgRelation relation;
  ARROW_ASSIGN_OR_RAISE(const std::string sql, SnapshotSql(&relation.columns));
  ARROW_ASSIGN_OR_RAISE(auto columns, ColumnsOf(relation));
  ARROW_RETURN_NOT_OK(copy_->BeginRead(sql));
  return columns;
}

arrow::Result<PgCopyRead> PgReplicationServer::NextSnapshotRow(int64_t wait_us, PgTuple* row) {
  std::string_view line;
  ARROW_ASSIGN_OR_RAISE(const PgCopyRead read, copy_->ReadCopy(wait_us, &line));
  if (read == PgCopyRead::kRow) {
    ARROW_ASSIGN_OR_RAISE(*row, ParseCopyRow(line, &copy_scratch_));
  }
  if (read == PgCopyRead::kEnd) copy_.reset();
  return read;
}

arrow::Result<uint64_t> PgReplicationServer::WalEnd() {
  ARROW_RETURN_NOT_OK(Connect());
  ARROW_ASSIGN_OR_RAISE(const auto end, control_->Value("SELECT pg_current_wal_flush_lsn()"));
  return LsnOf(end);
}

arrow::Status PgReplicationServer::Start(const std::string& slot, uint64_t lsn) {
  stream_.reset();
  ARROW_ASSIGN_OR_RAISE(stream_, PgConnection::Connect(options_.url, PgSession::kReplication));
  return stream_->BeginRead("START_REPLICATION SLOT " + QuoteIdentifier(slot) + " LOGICAL " +
                            LsnText(lsn) + " (proto_version '1', publication_names " +
                            QuoteLiteral(QuoteIdentifier(options_.publication)) + ")");
}

arrow::Result<std::optional<std::string_view>> PgReplicationServer::Read(int64_t wait_us) {
  std::string_view bytes;
  ARROW_ASSIGN_OR_RAISE(const PgCopyRead read, stream_->ReadCopy(wait_us, &bytes));
  if (read == PgCopyRead::kEnd) return Unavailable("PostgreSQL ended the replication");
  if (read == PgCopyRead::kNothingYet) return std::nullopt;
  return bytes;
}

arrow::Status PgReplicationServer::Send(std::string_view message) {
  return stream_->SendCopy(message);
}

bool PgReplicationServer::is_of_table(uint32_t oid) const {
  return std::to_string(oid) == catalog_.oid();
}

arrow::Result<std::vector<ReplicatedColumn>> PgReplicationServer::ColumnsOf(
    const PgRelation& relation) {
  // A domain's values are those of the type under it.
  ARROW_RETURN_NOT_OK(Connect());
  ARROW_ASSIGN_OR_RAISE(
      const auto domains,
      control_->Query("WITH RECURSIVE base AS (SELECT oid, oid AS top, typbasetype FROM pg_type "
                      "WHERE typtype = 'd' UNION ALL SELECT t.oid, base.top, t.typbasetype "
                      "FROM pg_type t JOIN base ON t.oid = base.typbasetype) "
                      "SELECT top, oid FROM base WHERE typbasetype = 0"));
  std::map<std::string, uint32_t> base_types;
  for (const PgRow& row : domains) {
    base_types[row[0].value_or("")] = static_cast<uint32_t>(std::stoul(row[1].value_or("0")));
  }
  const auto& key = options_.key.empty() ? catalog_.primary_key() : options_.key;
  const auto has = [](const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::count(names, name) > 0;
  };
  std::vector<ReplicatedColumn> columns;
  for (const PgRelation::Column& column : relation.columns) {
    const auto base = base_types.find(std::to_string(column.type_oid));
    columns.push_back(
        {.name = column.name,
         .form = JsonFormOf(base == base_types.end() ? column.type_oid : base->second),
         .is_read = options_.columns.empty() || has(options_.columns, column.name),
         .is_identity = column.is_identity,
         .is_key = has(key, column.name)});
  }
  return columns;
}

}  // namespace catchwater
