#include "catchwater/sink/postgres/change_merge.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/sink/postgres/copy_encoder.h"

namespace catchwater {
namespace {

constexpr std::string_view kOp = "op";
constexpr char kKnownOps[] = "('snapshot', 'insert', 'update', 'delete', 'truncate')";

bool Has(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

std::string AsJson(const std::string& column) { return column + "::jsonb"; }

arrow::Result<int64_t> NumberOf(const std::optional<std::string>& text) {
  return text ? std::stoll(*text) : 0;
}

}  // namespace

arrow::Result<ChangeMerge> ChangeMerge::Make(const PostgresSinkConfig& config,
                                             const arrow::Schema& table, std::string stage,
                                             std::string ordinal) {
  const std::string prefix = config.changes.substr(0, config.changes.size() - kOp.size());
  const std::string text = "text";
  const std::string number = "bigint";
  struct Needed {
    std::string name, type, declare;
  };
  const std::array needed{
      Needed{prefix + "op", text, "string"}, Needed{prefix + "lsn", number, "int64"},
      Needed{prefix + "seq", number, "int64"}, Needed{prefix + "unchanged", text, "string"}};
  for (const Needed& column : needed) {
    const auto field = table.GetFieldByName(column.name);
    if (field == nullptr) {
      return ConfigError(
          "`changes` needs a column that does not arrive; add it under `columns:` "
          "of the pipeline: ",
          column.name, ": ", column.declare);
    }
    const auto type = PgTypeOf(*field->type());
    if (!type.ok() || *type != column.type) {
      return ConfigError("Column that `changes` needs must be ", column.declare,
                         ", column and its type: ", column.name, " ", field->type()->ToString());
    }
  }
  ChangeMerge merge;
  merge.key_ = config.key;
  merge.target_columns_ = config.columns;
  if (config.columns.empty()) {
    for (const std::string& name : table.field_names()) {
      const bool is_needed = std::ranges::find(needed, name, &Needed::name) != needed.end();
      if (!is_needed && name != prefix + "commit_time") merge.target_columns_.push_back(name);
    }
  }
  merge.stage_columns_ = merge.target_columns_;
  for (const Needed& column : needed) {
    if (!Has(merge.target_columns_, column.name)) merge.stage_columns_.push_back(column.name);
  }
  for (const std::string& name : merge.target_columns_) {
    if (!Has(merge.key_, name)) merge.values_.push_back(name);
  }
  merge.op_ = QuoteIdentifier(needed[0].name);
  merge.lsn_ = QuoteIdentifier(needed[1].name);
  merge.seq_ = QuoteIdentifier(needed[2].name);
  merge.unchanged_ = QuoteIdentifier(needed[3].name);
  merge.stage_ = std::move(stage);
  merge.ordinal_ = std::move(ordinal);
  return merge;
}

std::string ChangeMerge::StageSelection() const {
  std::string selection = ColumnList(target_columns_);
  for (size_t i = target_columns_.size(); i < stage_columns_.size(); ++i) {
    const std::string quoted = QuoteIdentifier(stage_columns_[i]);
    const bool is_text = quoted == op_ || quoted == unchanged_;
    selection += std::string(", NULL::") + (is_text ? "text" : "bigint") + " AS " + quoted;
  }
  return selection;
}

std::string ChangeMerge::Place(const std::string& alias) const {
  return "(" + alias + "." + ordinal_ + " >> " + std::to_string(kOrdinalRowBits) + ", " + alias +
         "." + lsn_ + ", " + alias + "." + seq_ + ")";
}

std::string ChangeMerge::NewestFirst(const std::string& alias) const {
  return alias + "." + ordinal_ + " >> " + std::to_string(kOrdinalRowBits) + " DESC, " + alias +
         "." + lsn_ + " DESC, " + alias + "." + seq_ + " DESC";
}

std::string ChangeMerge::SameKey(const std::string& left, const std::string& right) const {
  std::string sql;
  for (const std::string& name : key_) {
    const std::string quoted = QuoteIdentifier(name);
    sql += (sql.empty() ? "" : " AND ") + left + "." + quoted + " = " + right + "." + quoted;
  }
  return sql;
}

/// The value is one that the source's log does not have.
std::string ChangeMerge::HasGap(const std::string& alias, const std::string& column) const {
  return "coalesce(" + AsJson(alias + "." + unchanged_) + " ? " + QuoteLiteral(column) + ", false)";
}

/// `unchanged`, once the column is filled.
std::string ChangeMerge::WithoutGap(const std::string& alias, const std::string& column) const {
  return "nullif((" + AsJson(alias + "." + unchanged_) + " - " + QuoteLiteral(column) +
         ")::text, '[]')";
}

/// Updates that changed the key and have gaps (u), with the deletion of the old key (o): the number
/// before theirs, which other deletions never have.
std::string ChangeMerge::MovedRows() const {
  return stage_ + " u JOIN " + stage_ + " o ON o." + op_ + " = 'delete' AND o." + lsn_ + " = u." +
         lsn_ + " AND o." + seq_ + " = u." + seq_ + " - 1 WHERE u." + op_ + " = 'update' AND u." +
         seq_ + " % 2 = 0 AND u." + unchanged_ + " IS NOT NULL";
}

/// The last row of each key.
std::string ChangeMerge::Last() const {
  return "last AS MATERIALIZED (SELECT DISTINCT ON (" + ColumnList(key_, "s.") + ") s.* FROM " +
         stage_ + " s ORDER BY " + ColumnList(key_, "s.") + ", " + NewestFirst("s") + ")";
}

arrow::Result<ChangeMerge::Counts> ChangeMerge::Count(PgConnection& connection) const {
  std::string key_is_null;
  for (const std::string& name : key_) {
    key_is_null += (key_is_null.empty() ? "" : " OR ") + QuoteIdentifier(name) + " IS NULL";
  }
  const auto count = [](const std::string& condition) {
    return "count(*) FILTER (WHERE " + condition + ")";
  };
  ARROW_ASSIGN_OR_RAISE(
      const auto rows,
      connection.Query("SELECT " +
                       count("(" + op_ + " IN " + kKnownOps + " AND " + lsn_ + " IS NOT NULL AND " +
                             seq_ + " IS NOT NULL) IS NOT TRUE") +
                       ", " + count(op_ + " <> 'truncate' AND (" + key_is_null + ")") + ", " +
                       count(op_ + " = 'snapshot'") + ", " + count(op_ + " = 'truncate'") + ", " +
                       count(unchanged_ + " IS NOT NULL") + " FROM " + stage_));
  if (rows.empty() || rows[0].size() != 5) return Internal("Count of staged rows has no answer");
  Counts counts;
  ARROW_ASSIGN_OR_RAISE(counts.unknown, NumberOf(rows[0][0]));
  ARROW_ASSIGN_OR_RAISE(counts.without_key, NumberOf(rows[0][1]));
  ARROW_ASSIGN_OR_RAISE(counts.snapshots, NumberOf(rows[0][2]));
  ARROW_ASSIGN_OR_RAISE(counts.truncates, NumberOf(rows[0][3]));
  ARROW_ASSIGN_OR_RAISE(counts.with_gaps, NumberOf(rows[0][4]));
  return counts;
}

arrow::Status ChangeMerge::CheckRows(PgConnection& connection, const Counts& counts) const {
  if (counts.unknown > 0) {
    ARROW_ASSIGN_OR_RAISE(const auto op,
                          connection.Value("SELECT " + op_ + " FROM " + stage_ + " WHERE " + op_ +
                                           " NOT IN " + kKnownOps + " LIMIT 1"));
    return ConfigError(
        "`changes` takes rows as the source `postgres` with `mode: replicate` makes them; these "
        "have another operation, or no place or number; rows and operation: ",
        counts.unknown, " ", op.value_or("null"));
  }
  if (counts.without_key > 0) {
    return ConfigError(
        "Changes have no value in a column of the sink's `key`: it must be what tells rows apart "
        "in the replicated table, its primary key or the index of its replica identity; rows: ",
        counts.without_key);
  }
  return arrow::Status::OK();
}

arrow::Status ChangeMerge::Truncate(PgConnection& connection, const Target& target) const {
  ARROW_RETURN_NOT_OK(connection.Execute("DELETE FROM " + stage_ + " s USING (SELECT t.* FROM " +
                                         stage_ + " t WHERE t." + op_ + " = 'truncate' ORDER BY " +
                                         NewestFirst("t") + " LIMIT 1) l WHERE " + Place("s") +
                                         " <= " + Place("l")));
  return connection.Execute("DELETE FROM " + target.name.Sql());
}

// What the log lacks of a row is what the row before has. A row with which a key begins has all its
// values once those that came from another key are filled; so the last one never needs what is
// behind a deletion.
arrow::Status ChangeMerge::FillGaps(PgConnection& connection, const Target& target) const {
  std::string wanted;
  for (const std::string& name : values_) {
    wanted += (wanted.empty() ? "" : ", ") + QuoteLiteral(name);
  }
  // Columns that are not delivered have no gaps.
  ARROW_RETURN_NOT_OK(connection.Execute(
      "UPDATE " + stage_ + " SET " + unchanged_ +
      " = (SELECT jsonb_agg(n)::text FROM jsonb_array_elements_text(" + AsJson(unchanged_) +
      ") n WHERE n = ANY (ARRAY[" + wanted + "]::text[])) WHERE " + unchanged_ + " IS NOT NULL"));
  ARROW_ASSIGN_OR_RAISE(const auto rows, connection.Query("SELECT DISTINCT n FROM " + stage_ +
                                                          ", jsonb_array_elements_text(" +
                                                          AsJson(unchanged_) + ") n"));
  std::vector<std::string> columns;
  for (const PgRow& row : rows) columns.push_back(row[0].value_or(""));
  if (columns.empty()) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(FillMovedRows(connection, target, columns));
  for (const std::string& column : columns) {
    ARROW_RETURN_NOT_OK(FillLastRows(connection, column));
  }
  return CheckGaps(connection, target);
}

// One after the other: the old key's row may have come from another key itself.
arrow::Status ChangeMerge::FillMovedRows(PgConnection& connection, const Target& target,
                                         const std::vector<std::string>& columns) const {
  ARROW_ASSIGN_OR_RAISE(const auto any,
                        connection.Value("SELECT 1 FROM " + MovedRows() + " LIMIT 1"));
  if (!any) return arrow::Status::OK();
  const std::string moved = "catchwater_moved";
  std::string body = "DO $catchwater$ DECLARE " + moved + " record; BEGIN FOR " + moved +
                     " IN SELECT u." + ordinal_ + ", o." + lsn_ + ", o." + seq_ + ", " +
                     ColumnList(key_, "o.") + " FROM " + MovedRows() + " ORDER BY u." + ordinal_ +
                     " >> " + std::to_string(kOrdinalRowBits) + ", u." + lsn_ + ", u." + seq_ +
                     " LOOP ";
  for (const std::string& column : columns) {
    const std::string quoted = QuoteIdentifier(column);
    body += "UPDATE " + stage_ + " u SET " + quoted + " = x.v, " + unchanged_ + " = " +
            WithoutGap("u", column) + " FROM (SELECT y.v FROM ((SELECT s." + quoted +
            " AS v, 1 AS r FROM " + stage_ + " s WHERE " + SameKey("s", moved) + " AND " +
            Place("s") + " < " + Place(moved) + " AND s." + op_ + " <> 'delete' AND NOT " +
            HasGap("s", column) + " ORDER BY " + NewestFirst("s") +
            " LIMIT 1) UNION ALL SELECT t." + quoted + ", 0 FROM " + target.name.Sql() +
            " t WHERE " + SameKey("t", moved) + ") y ORDER BY y.r DESC LIMIT 1) x WHERE u." +
            ordinal_ + " = " + moved + "." + ordinal_ + " AND " + HasGap("u", column) + "; ";
  }
  body += "END LOOP; END $catchwater$";
  const auto index = [&](const std::string& columns_of_it, const std::string& name) {
    return "CREATE INDEX " + name + " ON " + stage_ + " (" + columns_of_it + ")";
  };
  ARROW_RETURN_NOT_OK(connection.Execute(index(ordinal_, "catchwater_stage_n")));
  ARROW_RETURN_NOT_OK(connection.Execute(index(ColumnList(key_), "catchwater_stage_key")));
  ARROW_RETURN_NOT_OK(connection.Execute(body));
  return connection.Execute("DROP INDEX pg_temp.catchwater_stage_n, pg_temp.catchwater_stage_key");
}

arrow::Status ChangeMerge::FillLastRows(PgConnection& connection, const std::string& column) const {
  const std::string quoted = QuoteIdentifier(column);
  return connection.Execute(
      "WITH " + Last() + ", known AS (SELECT DISTINCT ON (" + ColumnList(key_, "s.") +
      ") s.* FROM " + stage_ + " s WHERE s." + op_ + " <> 'delete' AND NOT " + HasGap("s", column) +
      " ORDER BY " + ColumnList(key_, "s.") + ", " + NewestFirst("s") + ") UPDATE " + stage_ +
      " u SET " + quoted + " = known." + quoted + ", " + unchanged_ + " = " +
      WithoutGap("u", column) + " FROM last, known WHERE u." + ordinal_ + " = last." + ordinal_ +
      " AND " + HasGap("last", column) + " AND " + SameKey("known", "last"));
}

// What is still not there is what the target has. It must have it.
arrow::Status ChangeMerge::CheckGaps(PgConnection& connection, const Target& target) const {
  ARROW_ASSIGN_OR_RAISE(
      const auto rows,
      connection.Query("WITH " + Last() + ", lost AS (SELECT u." + lsn_ + ", u." + seq_ + ", u." +
                       unchanged_ + " FROM " + MovedRows() + " UNION ALL SELECT l." + lsn_ +
                       ", l." + seq_ + ", l." + unchanged_ + " FROM last l WHERE l." + op_ +
                       " <> 'delete' AND l." + unchanged_ +
                       " IS NOT NULL AND NOT EXISTS (SELECT 1 FROM " + target.name.Sql() +
                       " t WHERE " + SameKey("t", "l") + ")) SELECT * FROM lost LIMIT 1"));
  if (rows.empty()) return arrow::Status::OK();
  return ConfigError(
      "A change lacks long values that it did not touch (`unchanged`), and the table does not have "
      "its row; put the row into the table, and run for the replicated one: ALTER TABLE ... "
      "REPLICA "
      "IDENTITY FULL; lsn, seq and columns: ",
      rows[0][0].value_or(""), " ", rows[0][1].value_or(""), " ", rows[0][2].value_or(""));
}

arrow::Status ChangeMerge::Merge(PgConnection& connection, const Target& target,
                                 bool has_gaps) const {
  const std::string table = target.name.Sql();
  const std::string columns = ColumnList(target_columns_);
  std::string upserts;
  std::string keeps;
  for (const std::string& name : values_) {
    const std::string quoted = QuoteIdentifier(name);
    upserts += (upserts.empty() ? "" : ", ") + quoted + " = EXCLUDED." + quoted;
    keeps += (keeps.empty() ? "" : ", ") + quoted + " = CASE WHEN " + HasGap("l", name) +
             " THEN t." + quoted + " ELSE l." + quoted + " END";
  }
  // The parts are of different keys: their order is the server's.
  std::string sql = "WITH " + Last() + ", gone AS (DELETE FROM " + table +
                    " t USING last l WHERE l." + op_ + " = 'delete' AND " + SameKey("t", "l") + ")";
  if (has_gaps) {
    sql += ", kept AS (UPDATE " + table + " t SET " + keeps + " FROM last l WHERE l." + op_ +
           " <> 'delete' AND l." + unchanged_ + " IS NOT NULL AND " + SameKey("t", "l") + ")";
  }
  sql += " INSERT INTO " + table + " (" + columns + ") SELECT " +
         ColumnList(target_columns_, "l.") + " FROM last l WHERE l." + op_ + " <> 'delete'" +
         (has_gaps ? " AND l." + unchanged_ + " IS NULL" : "") + " ON CONFLICT (" +
         ColumnList(key_) + ") DO " + (upserts.empty() ? "NOTHING" : "UPDATE SET " + upserts);
  return connection.Execute(sql);
}

arrow::Status ChangeMerge::Apply(PgConnection& connection, const Target& target) const {
  ARROW_ASSIGN_OR_RAISE(const Counts counts, Count(connection));
  ARROW_RETURN_NOT_OK(CheckRows(connection, counts));
  if (counts.snapshots > 0 && !target.has_mark) {
    ARROW_ASSIGN_OR_RAISE(const auto any,
                          connection.Value("SELECT 1 FROM " + target.name.Sql() + " LIMIT 1"));
    if (any) {
      return ConfigError(
          "Table has rows that did not come through this sink, and is to be as the replicated one; "
          "run: TRUNCATE ",
          target.name.Sql(), ";");
    }
  }
  // The changes begin with all rows that there were: what else is here is none of them.
  if (counts.snapshots > 0 && target.is_anew) {
    ARROW_RETURN_NOT_OK(connection.Execute("DELETE FROM " + target.name.Sql()));
  }
  if (counts.truncates > 0) ARROW_RETURN_NOT_OK(Truncate(connection, target));
  if (counts.with_gaps > 0) ARROW_RETURN_NOT_OK(FillGaps(connection, target));
  return Merge(connection, target, /*has_gaps=*/counts.with_gaps > 0);
}

}  // namespace catchwater
