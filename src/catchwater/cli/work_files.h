/// \file
/// Work files as `ledger list` and `status --files` show them.
#pragma once

#include <string>

#include <arrow/status.h>
#include <nlohmann/json.hpp>

#include "catchwater/ledger/ledger.h"

namespace catchwater {

struct WorkFileList {
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  bool is_cut = false;  ///< There are more than the limit of a query.
};

/// "To Process", "Processing", "Done", "Failed": as people read it.
const char* WorkStateLabel(WorkState state);

arrow::Status AddInputFiles(Ledger& ledger, const WorkQuery& query, WorkFileList* list);
arrow::Status AddDataFiles(Ledger& ledger, const WorkQuery& query, WorkFileList* list);

/// One line a file, below a heading; nothing without files.
std::string DrawWorkFiles(const WorkFileList& list);

}  // namespace catchwater
