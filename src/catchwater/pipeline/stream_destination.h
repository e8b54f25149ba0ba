/// \file
/// A lane's end in the streams of a pipeline without a lake: aggregations and windows over an input
/// that ends.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/component/sink.h"
#include "catchwater/ledger/records.h"
#include "catchwater/pipeline/destination.h"
#include "catchwater/pipeline/ordered_streams.h"
#include "catchwater/pipeline/plan.h"
#include "catchwater/stream/make_operator.h"

namespace catchwater {

/// What the lanes aggregate, and where the results go. Any thread; a lane touches only its own
/// part until Finish.
class StreamResults {
 public:
  /// \retval kConfig if an aggregate does not fit the columns
  static arrow::Result<std::shared_ptr<StreamResults>> Make(
      const PipelinePlan& plan, const std::shared_ptr<arrow::Schema>& schema, int lane_count,
      const std::function<SinkContext(const StreamConfig&, std::shared_ptr<arrow::Schema>)>&
          sink_context);

  arrow::Status Add(size_t lane, const Batch& batch, const Turn& turn);
  arrow::Status Pass(const Turn& turn);
  void AddDead(const DeadLetterOrigin& origin, const std::vector<DeadLetter>& letters);
  void Count(const std::vector<LaneOutput>& outputs);

  /// Closes all windows and writes the results. All sinks become visible, or an error says which
  /// did not. \pre no lane adds any more
  arrow::Status Finish();

  /// By partition; complete after Finish.
  const Flows& flows() const { return flows_; }
  /// What became of the rows of each stream; complete after Finish.
  std::vector<AccountRecord> account() const;
  /// The first few dead letters, as sentences with their place.
  std::vector<std::string> dead_letter_samples() const;

 private:
  struct Stream {
    std::string name;
    std::vector<std::unique_ptr<MergingOperator>> lanes;  // Empty: it is ordered.
    std::vector<int64_t> lane_rows;
    std::unique_ptr<TimedStream> timed;
    std::vector<std::unique_ptr<Sink>> sinks;
  };

  static arrow::Result<Stream> MakeStream(const StreamPlan& plan, const OperatorInput& input,
                                          int lane_count);
  arrow::Status FinishOrdered();
  arrow::Status FinishMerging(Stream& stream);
  arrow::Status Write(Stream& stream, const arrow::RecordBatchVector& results);

  std::vector<Stream> streams_;
  std::vector<size_t> ordered_streams_;      // Their numbers among all.
  std::unique_ptr<OrderedStreams> ordered_;  // Null: no stream is.
  mutable std::mutex mutex_;
  Flows flows_;
  std::vector<AccountRecord> account_;
  std::vector<std::string> samples_;
};

class StreamDestination final : public Destination {
 public:
  StreamDestination(std::shared_ptr<StreamResults> results, size_t lane)
      : results_(std::move(results)), lane_(lane) {}

  arrow::Status Add(const Batch& batch, const Turn& turn, PartitionFlow* flow,
                    std::vector<DeadLetter>* dead) override;
  arrow::Status Pass(const Turn& turn) override { return results_->Pass(turn); }
  arrow::Status AddDead(const DeadLetterOrigin& origin,
                        const std::vector<DeadLetter>& letters) override;
  int64_t epoch_bytes() const override { return 0; }
  arrow::Status CloseEpoch(LaneOutput*) override { return arrow::Status::OK(); }
  void Abandon() override {}

 private:
  const std::shared_ptr<StreamResults> results_;
  const size_t lane_;
};

}  // namespace catchwater
