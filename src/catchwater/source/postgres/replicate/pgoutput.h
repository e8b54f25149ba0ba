/// \file
/// Messages of PostgreSQL's output plugin `pgoutput`, protocol version 1, values as text.
/// Source: PostgreSQL 15 documentation, section 55.9, Logical Replication Message Formats.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <arrow/result.h>

namespace catchwater {

/// A value of a row; `text` stands in the bytes that were read.
struct PgValue {
  enum class Kind { kNull, kUnchanged, kText };
  Kind kind = Kind::kNull;
  std::string_view text{};  ///< kText only. kUnchanged: stored apart and not written again (TOAST).
};
using PgTuple = std::vector<PgValue>;

struct PgBegin {
  uint64_t commit_lsn = 0;
  int64_t commit_us = 0;  ///< Since 1970.
};
struct PgCommit {
  uint64_t commit_lsn = 0;
  uint64_t end_lsn = 0;  ///< Behind the transaction.
};
/// What a table is like in the messages that follow.
struct PgRelation {
  struct Column {
    std::string name;
    uint32_t type_oid = 0;
    int32_t type_modifier = -1;
    bool is_identity = false;  ///< Part of what `old` holds.

    bool operator==(const Column&) const = default;
  };
  uint32_t oid = 0;
  std::string schema;
  std::string table;
  std::vector<Column> columns;
};
struct PgChange {
  enum class Kind { kInsert, kUpdate, kDelete };
  Kind kind = Kind::kInsert;
  uint32_t relation_oid = 0;
  /// The row before, whole or its identity with nulls elsewhere. An update has it only if the
  /// identity changed, or if it is the whole row.
  std::optional<PgTuple> before;
  bool is_before_whole = false;
  PgTuple after;  ///< Empty for a delete.
};
struct PgTruncate {
  std::vector<uint32_t> relation_oids;
};
/// Of no interest here: types, origins, messages of applications.
struct PgOther {};

using PgMessage = std::variant<PgOther, PgBegin, PgCommit, PgRelation, PgChange, PgTruncate>;

/// \retval kBadData with the message's letter and the place, for what is none
arrow::Result<PgMessage> ParsePgOutput(std::string_view bytes);

/// What wraps the messages. Source: section 55.4, Streaming Replication Protocol.
struct PgWalData {
  std::string_view message;  ///< Of the plugin. Empty: a sign of life.
  uint64_t wal_end = 0;      ///< A sign of life: all before it was sent.
  bool wants_answer = false;
};
/// \retval kBadData
arrow::Result<PgWalData> ParsePgWalData(std::string_view bytes);

/// The answer: everything before the place is committed here.
std::string PgStatusUpdate(uint64_t lsn, int64_t now_us, bool wants_answer);

}  // namespace catchwater
