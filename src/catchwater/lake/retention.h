/// \file
/// Retention by event time: whole data files whose rows are all too old leave the table. A file
/// that straddles the limit stays until all of it is old.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include <arrow/result.h>

#include "catchwater/lake/catalog.h"

namespace catchwater {

struct RetentionReport {
  int64_t files_removed = 0;
  int64_t rows_removed = 0;
};

/// Removes what is older than `retain_ms`, in commits of operation `delete`. Files without event
/// times stay. Does nothing if another worker does it.
/// \retval kConflict if a commit was refused: the next call goes on
arrow::Result<RetentionReport> RemoveExpiredFiles(Lake& lake, const std::string& owner,
                                                  const std::string& table_key, int64_t retain_ms,
                                                  std::stop_token stop);

}  // namespace catchwater
