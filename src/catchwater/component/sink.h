/// \file
/// Seam: a destination beside the lake.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/status.h>

namespace catchwater {

/// One thread at a time. Check -> Write* -> Finish | Abandon.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual arrow::Status Check() = 0;
  virtual arrow::Status Write(const arrow::RecordBatch& rows) = 0;
  /// Makes everything that was written visible (e.g. renames the temporary file).
  virtual arrow::Status Finish() = 0;
  /// Leaves nothing visible behind.
  virtual arrow::Status Abandon() = 0;
};

}  // namespace catchwater
