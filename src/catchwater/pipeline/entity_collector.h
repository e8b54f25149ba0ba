/// \file
/// Which sensors and which event times a work file holds: facts for its row in the ledger.
#pragma once

#include <string>

#include <arrow/record_batch.h>
#include <arrow/status.h>

#include "catchwater/pipeline/flow.h"

namespace catchwater {

/// One thread at a time.
class EntityCollector {
 public:
  /// Empty names: nothing is collected.
  EntityCollector(std::string event_time_column, std::string entity_column);

  arrow::Status Collect(const arrow::RecordBatch& rows, PartitionFlow* flow) const;

 private:
  std::string event_time_column_;
  std::string entity_column_;
};

}  // namespace catchwater
