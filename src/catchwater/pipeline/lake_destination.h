/// \file
/// A lane's end in the lake: rows into the pipeline's table, dead letters into theirs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/clock.h"
#include "catchwater/lake/catalog.h"
#include "catchwater/lake/partition_writer.h"
#include "catchwater/pipeline/destination.h"
#include "catchwater/pipeline/stream_lane.h"
#include "catchwater/pipeline/table_growth.h"
#include "catchwater/pipeline/unflushed_rows.h"

namespace catchwater {

struct LakeDestinationOptions {
  PartitionWriterOptions writer;
  std::string event_time_column;           ///< Empty: no bounds are checked.
  std::optional<int64_t> retain_us;        ///< Older rows are refused.
  int64_t future_us_max = 86'400'000'000;  ///< Rows further ahead are refused.
  std::shared_ptr<TableGrowth> growth{};   ///< Null: the table stays as it is.
};

class LakeDestination final : public Destination {
 public:
  static arrow::Result<std::unique_ptr<LakeDestination>> Make(
      Lake& lake, std::shared_ptr<const TableState> table,
      std::shared_ptr<const TableState> dead_letter_table, LakeDestinationOptions options,
      std::shared_ptr<UnflushedRows> unflushed, std::unique_ptr<StreamLane> streams = nullptr);

  arrow::Status Add(const Batch& batch, const Turn& turn, PartitionFlow* flow,
                    std::vector<DeadLetter>* dead) override;
  arrow::Status Pass(const Turn& turn) override {
    return streams_ == nullptr ? arrow::Status::OK() : streams_->Pass(turn);
  }
  arrow::Status AddDead(const DeadLetterOrigin& origin,
                        const std::vector<DeadLetter>& letters) override;
  int64_t epoch_bytes() const override;
  arrow::Status CloseEpoch(LaneOutput* output) override;
  void Abandon() override;

 private:
  LakeDestination(Lake& lake, LakeDestinationOptions options,
                  std::shared_ptr<UnflushedRows> unflushed)
      : files_(lake.files()),
        clock_(lake.clock()),
        options_(std::move(options)),
        unflushed_(std::move(unflushed)) {}

  /// Takes out the rows whose event time the table must not hold.
  arrow::Result<Batch> Admit(const Batch& batch, PartitionFlow* flow,
                             std::vector<DeadLetter>* dead) const;

  /// The rows for the apps: they know the declared columns.
  arrow::Result<Batch> Declared(Batch batch) const;
  arrow::Status WriteRows(std::shared_ptr<arrow::RecordBatch> rows);

  Files& files_;
  const Clock& clock_;
  const LakeDestinationOptions options_;
  const std::shared_ptr<UnflushedRows> unflushed_;
  std::unique_ptr<StreamLane> streams_;  // Null: there are no apps. They see what the lake takes.
  std::string table_key_;
  std::string dead_letter_key_;
  std::unique_ptr<PartitionWriter> rows_;
  std::unique_ptr<PartitionWriter> dead_;
  int64_t row_count_ = 0;
};

}  // namespace catchwater
