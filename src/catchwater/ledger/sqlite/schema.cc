#include "catchwater/ledger/sqlite/schema.h"

namespace catchwater {
namespace {

// Layout of Iceberg's SQL/JDBC catalog, for other programs; catalog_name is 'catchwater'. Without
// iceberg_type pyiceberg warns or alters the table.
constexpr const char* kCatalog = R"sql(
CREATE TABLE ledger_clock (
  one INTEGER PRIMARY KEY CHECK (one = 1), seq BIGINT NOT NULL, ledger_uuid TEXT NOT NULL,
  format INTEGER NOT NULL);
CREATE TABLE iceberg_tables (
  catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL,
  table_name VARCHAR(255) NOT NULL, metadata_location VARCHAR(1000),
  previous_metadata_location VARCHAR(1000), iceberg_type VARCHAR(5) DEFAULT 'TABLE',
  PRIMARY KEY (catalog_name, table_namespace, table_name));
CREATE TABLE iceberg_namespace_properties (
  catalog_name VARCHAR(255) NOT NULL, namespace VARCHAR(255) NOT NULL,
  property_key VARCHAR(255) NOT NULL, property_value VARCHAR(1000) NOT NULL,
  PRIMARY KEY (catalog_name, namespace, property_key));
CREATE TABLE commit_log (
  seq BIGINT PRIMARY KEY, commit_id TEXT NOT NULL UNIQUE, actor TEXT NOT NULL,
  at_us BIGINT NOT NULL) WITHOUT ROWID;
CREATE TABLE commit_table (
  seq BIGINT NOT NULL, table_key TEXT NOT NULL, metadata_location TEXT NOT NULL UNIQUE,
  operation TEXT NOT NULL CHECK (
    operation IN ('append','replace','overwrite','delete','metadata','foreign')),
  snapshot_id BIGINT, schema_id INTEGER, rows_added BIGINT, rows_removed BIGINT,
  PRIMARY KEY (seq, table_key)) WITHOUT ROWID;
CREATE INDEX commit_table_snapshot ON commit_table (snapshot_id);
CREATE INDEX commit_table_unread ON commit_table (seq)
  WHERE operation = 'foreign' AND rows_added IS NULL;
CREATE TABLE table_total (
  table_key TEXT PRIMARY KEY, is_ours INTEGER NOT NULL, rows_added BIGINT NOT NULL,
  rows_removed BIGINT NOT NULL) WITHOUT ROWID;
)sql";

// AUTOINCREMENT: an id is part of a dead letter's identity and must never come back.
constexpr const char* kSources = R"sql(
CREATE TABLE lease (
  name TEXT PRIMARY KEY, epoch BIGINT NOT NULL, owner TEXT, expires_us BIGINT NOT NULL);
CREATE TABLE source_partition (
  id INTEGER PRIMARY KEY AUTOINCREMENT, pipeline TEXT NOT NULL, source TEXT NOT NULL,
  name TEXT NOT NULL, incarnation TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open','finished','gone')),
  UNIQUE (pipeline, source, name, incarnation));
CREATE TABLE position (
  partition_id BIGINT NOT NULL, consumer TEXT NOT NULL, ordinal BIGINT NOT NULL,
  token TEXT NOT NULL DEFAULT '', seq BIGINT NOT NULL, is_finished INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (partition_id, consumer)) WITHOUT ROWID;
CREATE TABLE row_account (
  partition_id BIGINT NOT NULL, consumer TEXT NOT NULL, bucket TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '', row_count BIGINT NOT NULL,
  PRIMARY KEY (partition_id, consumer, bucket, reason)) WITHOUT ROWID;
CREATE TABLE checkpoint (
  pipeline TEXT NOT NULL, consumer TEXT NOT NULL, shard TEXT NOT NULL, meaning TEXT NOT NULL,
  files TEXT NOT NULL, watermark_us BIGINT, seq BIGINT NOT NULL,
  PRIMARY KEY (pipeline, consumer, shard)) WITHOUT ROWID;
)sql";

// start_mark: the sum of all consumers' ordinals when the last attempt began; crashes: the weight
// of starts in a row that ended with their process without moving it (state_machine.h).
constexpr const char* kWork = R"sql(
CREATE TABLE input_file (
  partition_id BIGINT PRIMARY KEY, path TEXT NOT NULL, byte_count BIGINT NOT NULL,
  head_hash TEXT NOT NULL, full_hash TEXT,
  state TEXT NOT NULL CHECK (state IN ('to_process','processing','done','failed')),
  attempts INTEGER NOT NULL DEFAULT 0, lease TEXT, epoch BIGINT, reason TEXT, entities TEXT,
  event_us_min BIGINT, event_us_max BIGINT, created_us BIGINT NOT NULL, started_us BIGINT,
  finished_us BIGINT, changed_seq BIGINT NOT NULL, not_before_us BIGINT NOT NULL DEFAULT 0,
  start_mark BIGINT NOT NULL DEFAULT 0, crashes INTEGER NOT NULL DEFAULT 0,
  is_growing INTEGER NOT NULL DEFAULT 0);
CREATE INDEX input_file_identity ON input_file (byte_count, head_hash);
CREATE INDEX input_file_pending ON input_file (created_us, partition_id)
  WHERE state IN ('to_process','processing');
CREATE TABLE input_alias (
  pipeline TEXT NOT NULL, source TEXT NOT NULL, path TEXT NOT NULL, byte_count BIGINT NOT NULL,
  head_hash TEXT NOT NULL, partition_id BIGINT NOT NULL,
  PRIMARY KEY (pipeline, source, path)) WITHOUT ROWID;
CREATE TABLE input_pruned (
  partition_id BIGINT PRIMARY KEY, pipeline TEXT NOT NULL, source TEXT NOT NULL, path TEXT NOT NULL,
  byte_count BIGINT NOT NULL, head_hash TEXT NOT NULL, full_hash TEXT);
CREATE INDEX input_pruned_identity ON input_pruned (byte_count, head_hash);
CREATE TABLE data_file (
  id INTEGER PRIMARY KEY AUTOINCREMENT, table_key TEXT NOT NULL, path TEXT NOT NULL UNIQUE,
  partition_key TEXT NOT NULL, tier INTEGER NOT NULL, added_seq BIGINT NOT NULL,
  added_by TEXT NOT NULL, added_us BIGINT NOT NULL, ordinal INTEGER NOT NULL, removed_seq BIGINT,
  row_count BIGINT NOT NULL, byte_count BIGINT NOT NULL, event_us_min BIGINT, event_us_max BIGINT,
  state TEXT NOT NULL CHECK (state IN ('to_process','processing','done','failed')),
  attempts INTEGER NOT NULL DEFAULT 0, lease TEXT, epoch BIGINT, reason TEXT, finished_us BIGINT,
  not_before_us BIGINT NOT NULL DEFAULT 0, is_unlink_queued INTEGER NOT NULL DEFAULT 0);
CREATE INDEX data_file_pending ON data_file (table_key, partition_key, tier)
  WHERE state = 'to_process' AND removed_seq IS NULL;
CREATE INDEX data_file_processing ON data_file (table_key) WHERE state = 'processing';
CREATE INDEX data_file_live ON data_file (table_key, event_us_max) WHERE removed_seq IS NULL;
CREATE INDEX data_file_removed ON data_file (table_key, removed_seq, id)
  WHERE removed_seq IS NOT NULL AND is_unlink_queued = 0;
CREATE INDEX data_file_delivery ON data_file (table_key, added_seq, ordinal);
)sql";

constexpr const char* kOutflow = R"sql(
CREATE TABLE delivery (
  sink TEXT NOT NULL, table_key TEXT NOT NULL, seq BIGINT NOT NULL, ordinal INTEGER NOT NULL,
  schema_id INTEGER NOT NULL, state TEXT NOT NULL CHECK (state IN ('live','resync','blocked')),
  reason TEXT, PRIMARY KEY (sink, table_key)) WITHOUT ROWID;
CREATE TABLE unlink_queue (
  path TEXT PRIMARY KEY, table_key TEXT NOT NULL, removed_seq BIGINT NOT NULL,
  not_before_us BIGINT NOT NULL) WITHOUT ROWID;
CREATE INDEX unlink_queue_due ON unlink_queue (not_before_us);
CREATE TABLE dead_letter_mark (
  dead_letter_id TEXT PRIMARY KEY,
  state TEXT NOT NULL CHECK (state IN ('replayed','discarded')), seq BIGINT NOT NULL) WITHOUT ROWID;
CREATE TABLE change_feed (
  seq BIGINT NOT NULL, ordinal INTEGER NOT NULL, kind TEXT NOT NULL, object TEXT NOT NULL,
  body TEXT NOT NULL, PRIMARY KEY (seq, ordinal)) WITHOUT ROWID;
)sql";

// Our commits insert into commit_table first, so only those of other programs fire these. A dropped
// table has no new location: the old one with the sequence number stands for it.
constexpr const char* kForeign = R"sql(
CREATE TRIGGER foreign_commit AFTER UPDATE OF metadata_location ON iceberg_tables
WHEN NEW.catalog_name = 'catchwater' AND
  NOT EXISTS (SELECT 1 FROM commit_table WHERE metadata_location = NEW.metadata_location) BEGIN
  UPDATE ledger_clock SET seq = seq + 1;
  INSERT INTO commit_log (seq, commit_id, actor, at_us)
    SELECT seq, NEW.metadata_location, 'foreign', strftime('%s','now') * 1000000 FROM ledger_clock;
  INSERT INTO commit_table (seq, table_key, metadata_location, operation)
    SELECT seq, NEW.table_namespace || '.' || NEW.table_name, NEW.metadata_location, 'foreign'
    FROM ledger_clock;
  INSERT INTO change_feed (seq, ordinal, kind, object, body)
    SELECT seq, 0, 'foreign_commit', NEW.table_namespace || '.' || NEW.table_name, '{}'
    FROM ledger_clock;
END;
CREATE TRIGGER foreign_create AFTER INSERT ON iceberg_tables
WHEN NEW.catalog_name = 'catchwater' AND NEW.metadata_location IS NOT NULL AND
  NOT EXISTS (SELECT 1 FROM commit_table WHERE metadata_location = NEW.metadata_location) BEGIN
  UPDATE ledger_clock SET seq = seq + 1;
  INSERT INTO commit_log (seq, commit_id, actor, at_us)
    SELECT seq, NEW.metadata_location, 'foreign', strftime('%s','now') * 1000000 FROM ledger_clock;
  INSERT INTO commit_table (seq, table_key, metadata_location, operation)
    SELECT seq, NEW.table_namespace || '.' || NEW.table_name, NEW.metadata_location, 'foreign'
    FROM ledger_clock;
  INSERT INTO change_feed (seq, ordinal, kind, object, body)
    SELECT seq, 0, 'foreign_create', NEW.table_namespace || '.' || NEW.table_name, '{}'
    FROM ledger_clock;
END;
CREATE TRIGGER foreign_drop AFTER DELETE ON iceberg_tables
WHEN OLD.catalog_name = 'catchwater' BEGIN
  UPDATE ledger_clock SET seq = seq + 1;
  INSERT INTO commit_log (seq, commit_id, actor, at_us)
    SELECT seq, 'drop:' || seq, 'foreign', strftime('%s','now') * 1000000 FROM ledger_clock;
  INSERT INTO commit_table (seq, table_key, metadata_location, operation, rows_added, rows_removed)
    SELECT seq, OLD.table_namespace || '.' || OLD.table_name,
      'drop:' || seq || ':' || coalesce(OLD.metadata_location, ''), 'foreign', 0,
      (SELECT coalesce(sum(row_count), 0) FROM data_file WHERE removed_seq IS NULL
        AND table_key = OLD.table_namespace || '.' || OLD.table_name)
    FROM ledger_clock;
  UPDATE data_file SET removed_seq = (SELECT seq FROM ledger_clock),
      state = CASE WHEN state = 'processing' THEN state ELSE 'done' END
    WHERE removed_seq IS NULL AND table_key = OLD.table_namespace || '.' || OLD.table_name;
  INSERT INTO change_feed (seq, ordinal, kind, object, body)
    SELECT seq, 0, 'foreign_drop', OLD.table_namespace || '.' || OLD.table_name, '{}'
    FROM ledger_clock;
END;
)sql";

// A table that we write to may not vanish under its writer, and rows of data_file are kept by name.
constexpr const char* kRefusals = R"sql(
CREATE TRIGGER refuse_drop BEFORE DELETE ON iceberg_tables
WHEN OLD.catalog_name = 'catchwater' AND EXISTS (SELECT 1 FROM table_total
    WHERE table_key = OLD.table_namespace || '.' || OLD.table_name AND is_ours = 1) BEGIN
  SELECT RAISE(ABORT, 'catchwater writes to this table: it cannot be dropped from outside');
END;
CREATE TRIGGER refuse_rename BEFORE UPDATE OF catalog_name, table_namespace, table_name
ON iceberg_tables
WHEN OLD.catalog_name = 'catchwater' AND (NEW.catalog_name <> OLD.catalog_name
    OR NEW.table_namespace <> OLD.table_namespace OR NEW.table_name <> OLD.table_name) BEGIN
  SELECT RAISE(ABORT, 'catchwater keeps tables by name: they cannot be renamed');
END;
)sql";

}  // namespace

std::string LedgerSchemaSql() {
  std::string sql;
  for (const char* part : {kCatalog, kSources, kWork, kOutflow, kForeign, kRefusals}) sql += part;
  return sql;
}

}  // namespace catchwater
