#include "catchwater/pipeline/stream_destination.h"

#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr size_t kSamplesMax = 10;

}  // namespace

arrow::Result<std::shared_ptr<StreamResults>> StreamResults::Make(
    const PipelinePlan& plan, const std::shared_ptr<arrow::Schema>& schema, int lane_count,
    const std::function<SinkContext(const StreamConfig&, std::shared_ptr<arrow::Schema>)>&
        sink_context) {
  auto results = std::make_shared<StreamResults>();
  for (const StreamPlan& stream_plan : plan.streams) {
    const StreamConfig& config = stream_plan.config;
    const KeyedAggregateOptions options{.key = config.key,
                                        .compute = config.compute,
                                        .event_time_column = plan.event_time_column()};
    Stream stream;
    for (int lane = 0; lane < lane_count; ++lane) {
      ARROW_ASSIGN_OR_RAISE(auto aggregate, KeyedAggregate::Make(options, *schema));
      stream.lanes.push_back(std::move(aggregate));
    }
    for (const ChosenSink& chosen : stream_plan.to) {
      ARROW_ASSIGN_OR_RAISE(auto sink,
                            chosen.make(sink_context(config, stream.lanes.front().schema())));
      ARROW_RETURN_NOT_OK(sink->Check());
      stream.sinks.push_back(std::move(sink));
    }
    results->streams_.push_back(std::move(stream));
  }
  return results;
}

arrow::Status StreamResults::Add(size_t lane, const Batch& batch) {
  for (Stream& stream : streams_) ARROW_RETURN_NOT_OK(stream.lanes[lane].Add(batch));
  return arrow::Status::OK();
}

void StreamResults::AddDead(const DeadLetterOrigin& origin,
                            const std::vector<DeadLetter>& letters) {
  std::lock_guard lock(mutex_);
  for (const DeadLetter& letter : letters) {
    if (samples_.size() >= kSamplesMax) return;
    std::string place = origin.origin;
    if (letter.line > 0) place += ":" + std::to_string(letter.line);
    samples_.push_back(place + ": " + letter.reason);
  }
}

void StreamResults::Count(const std::vector<LaneOutput>& outputs) {
  std::lock_guard lock(mutex_);
  for (const LaneOutput& output : outputs) {
    for (const auto& [partition_id, flow] : output.flows) flows_[partition_id].Merge(flow);
  }
}

arrow::Status StreamResults::Finish() {
  for (Stream& stream : streams_) {
    KeyedAggregate& all = stream.lanes.front();
    for (size_t lane = 1; lane < stream.lanes.size(); ++lane) all.Merge(stream.lanes[lane]);
    ARROW_ASSIGN_OR_RAISE(const auto rows, all.Finish());
    for (auto& sink : stream.sinks) ARROW_RETURN_NOT_OK(sink->Write(*rows));
  }
  for (Stream& stream : streams_) {
    for (auto& sink : stream.sinks) {
      ARROW_RETURN_NOT_OK(sink->Flush(std::nullopt).status());
      ARROW_RETURN_NOT_OK(sink->Close());
    }
  }
  return arrow::Status::OK();
}

std::vector<std::string> StreamResults::dead_letter_samples() const {
  std::lock_guard lock(mutex_);
  return samples_;
}

arrow::Status StreamDestination::Add(const Batch& batch, PartitionFlow* flow,
                                     std::vector<DeadLetter>*) {
  ARROW_RETURN_NOT_OK(results_->Add(lane_, batch));
  flow->Count(Bucket::kUsed, "", batch.rows->num_rows());
  return arrow::Status::OK();
}

arrow::Status StreamDestination::AddDead(const DeadLetterOrigin& origin,
                                         const std::vector<DeadLetter>& letters) {
  results_->AddDead(origin, letters);
  return arrow::Status::OK();
}

}  // namespace catchwater
