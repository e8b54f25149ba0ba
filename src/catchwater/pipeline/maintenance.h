/// \file
/// Keeps tables in shape beside the pipelines: merges small files, removes what expired.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/lake/compactor.h"
#include "catchwater/pipeline/plan.h"

namespace catchwater {

struct MaintenanceOptions {
  int64_t interval_us = 5'000'000;
  std::string owner;
  std::string spill_folder;
};

/// RunOnce: one thread. Report: any thread.
class Maintenance {
 public:
  Maintenance(Lake& lake, std::vector<std::shared_ptr<const PipelinePlan>> plans,
              MaintenanceOptions options);

  /// Does everything that is due. A table that fails does not stop the others.
  /// \return the first failure
  arrow::Status RunOnce(std::stop_token stop);
  /// Calls RunOnce every interval until a stop.
  void RunUntil(std::stop_token stop);

  CompactionReport Report() const;

 private:
  arrow::Status CompactTable(const LakePlan& plan, const std::string& table_key,
                             std::stop_token stop);

  Lake& lake_;
  const std::vector<std::shared_ptr<const PipelinePlan>> plans_;
  const MaintenanceOptions options_;
  mutable std::mutex mutex_;
  CompactionReport report_;  // Guarded by mutex_.
};

}  // namespace catchwater
