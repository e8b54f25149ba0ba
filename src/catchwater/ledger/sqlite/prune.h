/// \file
/// Takes old, finished rows out of the ledger, a bounded number in each transaction.
#pragma once

#include <cstdint>
#include <span>

#include <arrow/result.h>

#include "catchwater/ledger/sqlite/connection.h"

namespace catchwater {

/// One transaction's share of one kind of row. \return how many rows it took; 0: none are left
using PruneStep = arrow::Result<int64_t> (*)(Connection& connection, int64_t older_than_us);

/// All kinds, in the order in which they must be pruned.
std::span<const PruneStep> AllPruneSteps();

}  // namespace catchwater
