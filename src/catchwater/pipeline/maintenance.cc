#include "catchwater/pipeline/maintenance.h"

#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {

Maintenance::Maintenance(Lake& lake, std::vector<std::shared_ptr<const PipelinePlan>> plans,
                         MaintenanceOptions options)
    : lake_(lake), plans_(std::move(plans)), options_(std::move(options)) {}

arrow::Status Maintenance::CompactTable(const LakePlan& plan, const std::string& table_key,
                                        std::stop_token stop) {
  Compactor compactor(lake_, options_.owner, options_.spill_folder);
  ARROW_ASSIGN_OR_RAISE(const CompactionReport done,
                        compactor.Run({.table_key = table_key,
                                       .min_files = plan.compact_min_files,
                                       .max_age_ms = plan.compact_max_age_ms,
                                       .target_file_bytes = plan.target_file_bytes},
                                      stop));
  std::lock_guard lock(mutex_);
  report_.Merge(done);
  return arrow::Status::OK();
}

arrow::Status Maintenance::RunOnce(std::stop_token stop) {
  arrow::Status first;
  for (const auto& plan : plans_) {
    if (!plan->lake || !plan->lake->is_compacted) continue;
    for (const std::string& table_key :
         {plan->lake->table.table_key, plan->lake->dead_letters.table_key}) {
      if (stop.stop_requested()) return first;
      const arrow::Status status = CompactTable(*plan->lake, table_key, stop);
      if (first.ok()) first = status;
    }
  }
  return first;
}

void Maintenance::RunUntil(std::stop_token stop) {
  while (lake_.clock().SleepMicros(options_.interval_us, stop)) {
    // What failed is in the ledger with its reason and is tried again.
    static_cast<void>(RunOnce(stop));
  }
}

CompactionReport Maintenance::Report() const {
  std::lock_guard lock(mutex_);
  return report_;
}

}  // namespace catchwater
