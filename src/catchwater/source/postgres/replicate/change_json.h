/// \file
/// A row of a replicated table as a JSON object.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catchwater/source/postgres/replicate/pgoutput.h"

namespace catchwater {

/// How a type's text becomes JSON, as `row_to_json` has it. Arrays, ranges and composite types are
/// the text that PostgreSQL prints.
enum class PgJsonForm { kText, kNumber, kBool, kJson, kTimestamp, kTimestampWithZone };

/// \pre of a base type; of a domain: that of the type under it
PgJsonForm JsonFormOf(uint32_t type_oid);

struct ReplicatedColumn {
  std::string name;
  PgJsonForm form = PgJsonForm::kText;
  bool is_read = true;       ///< False: left out.
  bool is_identity = false;  ///< Named by a deleted row.
  bool is_key = false;       ///< Tells rows apart.
};

/// What stands before the columns of a row.
struct ChangeHead {
  std::string_view op;
  uint64_t lsn = 0;
  uint64_t seq = 0;  ///< Of the row in its transaction, from 1 on.
  int64_t commit_us = 0;
};

/// Names of what is beside the columns: op, lsn, seq, commit_time, unchanged, each behind the
/// prefix.
std::vector<std::string> ChangeMemberNames(const std::string& prefix);

/// One thread at a time.
class ChangeJson {
 public:
  explicit ChangeJson(const std::string& prefix) : names_(ChangeMemberNames(prefix)) {}

  void SetColumns(std::vector<ReplicatedColumn> columns) { columns_ = std::move(columns); }
  const std::vector<ReplicatedColumn>& columns() const { return columns_; }

  /// A row. A value that is `unchanged` and not in `before`, where there is one, is left out and
  /// its column named. `is_key_only`: the identity of a deleted row. \return there until the next
  /// call
  std::string_view Row(const ChangeHead& head, const PgTuple& row, const PgTuple* before,
                       bool is_key_only);
  /// A row without columns.
  std::string_view Mark(const ChangeHead& head);

 private:
  void Begin(const ChangeHead& head);

  const std::vector<std::string> names_;
  std::vector<ReplicatedColumn> columns_;
  std::string text_;
};

}  // namespace catchwater
