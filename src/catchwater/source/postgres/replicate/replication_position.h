/// \file
/// Where a replicated table is read to: the token of a position.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <arrow/result.h>

namespace catchwater {

/// `0/16B3748`, as PostgreSQL writes a place in its log.
std::string LsnText(uint64_t lsn);
std::optional<uint64_t> ParseLsn(std::string_view text);

/// Read are: all transactions whose commit stands before `lsn`, and the first `row_count` rows of
/// the one whose commit stands there. While a snapshot is read: its rows before the place
/// `snapshot_at` in the spool.
struct ReplicationPosition {
  std::string slot;
  uint64_t lsn = 0;
  uint64_t row_count = 0;
  std::string snapshot{};  ///< Its id; empty: it is read.
  uint64_t snapshot_at = 0;
  uint32_t columns = 0;  ///< A hash of the table's columns and types; 0: not known yet.

  std::string Token() const;
  /// \return nothing for a position where reading has not begun
  /// \retval kInternal for a token that is none
  static arrow::Result<std::optional<ReplicationPosition>> FromToken(const std::string& token);
};

}  // namespace catchwater
