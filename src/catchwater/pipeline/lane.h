/// \file
/// One lane of a pipeline: takes blocks, makes rows, hands them to its destination.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>

#include <arrow/result.h>

#include "catchwater/base/bounded_queue.h"
#include "catchwater/pipeline/app_input.h"
#include "catchwater/pipeline/destination.h"
#include "catchwater/pipeline/entity_collector.h"
#include "catchwater/pipeline/epoch.h"
#include "catchwater/pipeline/pipeline_telemetry.h"
#include "catchwater/pipeline/row_path.h"

namespace catchwater {

/// Names for dead letters and facts for the ledger's input rows; immutable.
struct LaneContext {
  std::string pipeline;
  std::string source;
  std::string event_time_column;                 ///< Empty: none.
  std::string entity_column;                     ///< Empty: none.
  const PipelineTelemetry* telemetry = nullptr;  ///< Borrowed; null: nothing is told.
  AppInput* apps = nullptr;                      ///< The same.
};

struct LaneWork {
  Block block;
  uint64_t sequence = 0;
  std::shared_ptr<const OpenPartitions> open{};
  std::shared_ptr<const std::string> partition_name;
  bool is_input_file = false;
};
using LaneItem = std::variant<LaneWork, std::shared_ptr<Epoch>>;

/// Owned by its thread; `epoch_bytes` may be read by any thread.
class Lane {
 public:
  Lane(LaneContext context, RowPath path, std::unique_ptr<Destination> destination);

  arrow::Status Process(const LaneWork& work, std::stop_token stop);
  /// Ends the lane's share of the epoch.
  arrow::Result<LaneOutput> CloseEpoch();
  void Abandon() { destination_->Abandon(); }

  int64_t epoch_bytes() const { return epoch_bytes_.load(std::memory_order_relaxed); }

 private:
  const LaneContext context_;
  RowPath path_;
  std::unique_ptr<Destination> destination_;
  EntityCollector entities_;
  Flows flows_;
  Receipts receipts_;
  std::atomic<int64_t> epoch_bytes_{0};
};

}  // namespace catchwater
