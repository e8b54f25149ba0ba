/// \file
/// The ledger's tables as SQL. Source: docs/formats/ledger.md.
#pragma once

#include <cstdint>
#include <string>

namespace catchwater {

/// What this program writes, and the newest that it reads.
inline constexpr int64_t kLedgerFormat = 1;

/// Creates all tables, indexes and triggers in an empty database; the clock's row is not in it.
std::string LedgerSchemaSql();

}  // namespace catchwater
