#include "catchwater/pipeline/stream_destination.h"

#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr size_t kSamplesMax = 10;

}  // namespace

arrow::Result<StreamResults::Stream> StreamResults::MakeStream(const StreamPlan& plan,
                                                               const OperatorInput& input,
                                                               int lane_count) {
  Stream stream;
  stream.name = plan.config.name;
  if (IsOrdered(plan.config)) {
    ARROW_ASSIGN_OR_RAISE(stream.timed, MakeTimedStream(plan.config, input));
    return stream;
  }
  for (int lane = 0; lane < lane_count; ++lane) {
    ARROW_ASSIGN_OR_RAISE(auto part, MakeMergingOperator(plan.config, input));
    stream.lanes.push_back(std::move(part));
  }
  stream.lane_rows.resize(static_cast<size_t>(lane_count));
  return stream;
}

arrow::Result<std::shared_ptr<StreamResults>> StreamResults::Make(
    const PipelinePlan& plan, const std::shared_ptr<arrow::Schema>& schema, int lane_count,
    const std::function<SinkContext(const StreamConfig&, std::shared_ptr<arrow::Schema>)>&
        sink_context) {
  auto results = std::make_shared<StreamResults>();
  const OperatorInput input{
      .schema = schema, .event_time_column = plan.event_time_column(), .is_bounded = true};
  std::vector<OrderedStream> ordered;
  for (const StreamPlan& stream_plan : plan.streams) {
    ARROW_ASSIGN_OR_RAISE(Stream stream, MakeStream(stream_plan, input, lane_count));
    if (stream.timed != nullptr) ordered.push_back({.stream = stream.timed.get(), .growth = {}});
    const auto& result_schema =
        stream.timed != nullptr ? stream.timed->op().schema() : stream.lanes.front()->schema();
    for (const ChosenSink& chosen : stream_plan.to) {
      ARROW_ASSIGN_OR_RAISE(auto sink,
                            chosen.make(sink_context(stream_plan.config, result_schema)));
      ARROW_RETURN_NOT_OK(sink->Check());
      stream.sinks.push_back(std::move(sink));
    }
    if (stream.timed != nullptr) results->ordered_streams_.push_back(results->streams_.size());
    results->streams_.push_back(std::move(stream));
  }
  if (!ordered.empty()) {
    results->ordered_ = std::make_unique<OrderedStreams>(
        std::move(ordered), /*keeps_state=*/false,
        [all = results.get()](size_t i, const arrow::RecordBatchVector& rows) {
          return all->Write(all->streams_[all->ordered_streams_[i]], rows);
        });
  }
  return results;
}

arrow::Status StreamResults::Add(size_t lane, const Batch& batch, const Turn& turn) {
  for (Stream& stream : streams_) {
    if (stream.timed != nullptr) continue;
    ARROW_ASSIGN_OR_RAISE(const StreamTally tally, stream.lanes[lane]->Add(batch));
    stream.lane_rows[lane] += tally.used;
  }
  return ordered_ == nullptr ? arrow::Status::OK() : ordered_->Pass(turn, /*epoch=*/0, &batch);
}

arrow::Status StreamResults::Pass(const Turn& turn) {
  return ordered_ == nullptr ? arrow::Status::OK() : ordered_->Pass(turn, /*epoch=*/0, nullptr);
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

arrow::Status StreamResults::Write(Stream& stream, const arrow::RecordBatchVector& results) {
  for (const auto& rows : results) {
    for (auto& sink : stream.sinks) ARROW_RETURN_NOT_OK(sink->Write(*rows));
  }
  return arrow::Status::OK();
}

arrow::Status StreamResults::FinishMerging(Stream& stream) {
  MergingOperator& all = *stream.lanes.front();
  for (size_t lane = 1; lane < stream.lanes.size(); ++lane) {
    ARROW_RETURN_NOT_OK(all.Merge(*stream.lanes[lane]));
  }
  for (const int64_t row_count : stream.lane_rows) {
    for (const Bucket bucket : {Bucket::kRows, Bucket::kUsed}) {
      account_.push_back({.consumer = stream.name, .bucket = bucket, .row_count = row_count});
    }
  }
  ARROW_ASSIGN_OR_RAISE(const auto results, all.AdvanceTo(StreamOperator::kEndOfInputUs));
  return Write(stream, results);
}

arrow::Status StreamResults::FinishOrdered() {
  if (ordered_ == nullptr) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto cuts, ordered_->Take(/*epoch=*/0));
  size_t i = 0;
  for (Stream& stream : streams_) {
    if (stream.timed == nullptr) continue;
    const StreamCut& cut = cuts[i++];
    for (const auto& [partition_id, flow] : cut.flows) {
      for (const auto& [key, row_count] : flow.counts()) {
        account_.push_back({.partition_id = partition_id,
                            .consumer = stream.name,
                            .bucket = key.first,
                            .reason = key.second,
                            .row_count = row_count});
      }
    }
    ARROW_RETURN_NOT_OK(stream.timed->End());
    ARROW_RETURN_NOT_OK(Write(stream, stream.timed->TakeResults()));
  }
  return arrow::Status::OK();
}

arrow::Status StreamResults::Finish() {
  ARROW_RETURN_NOT_OK(FinishOrdered());
  for (Stream& stream : streams_) {
    if (stream.timed == nullptr) ARROW_RETURN_NOT_OK(FinishMerging(stream));
  }
  for (Stream& stream : streams_) {
    for (auto& sink : stream.sinks) {
      ARROW_RETURN_NOT_OK(sink->Flush(std::nullopt).status());
      ARROW_RETURN_NOT_OK(sink->Close());
    }
  }
  return arrow::Status::OK();
}

std::vector<AccountRecord> StreamResults::account() const {
  std::lock_guard lock(mutex_);
  return account_;
}

std::vector<std::string> StreamResults::dead_letter_samples() const {
  std::lock_guard lock(mutex_);
  return samples_;
}

arrow::Status StreamDestination::Add(const Batch& batch, const Turn& turn, PartitionFlow* flow,
                                     std::vector<DeadLetter>*) {
  ARROW_RETURN_NOT_OK(results_->Add(lane_, batch, turn));
  flow->Count(Bucket::kUsed, "", batch.rows->num_rows());
  return arrow::Status::OK();
}

arrow::Status StreamDestination::AddDead(const DeadLetterOrigin& origin,
                                         const std::vector<DeadLetter>& letters) {
  results_->AddDead(origin, letters);
  return arrow::Status::OK();
}

}  // namespace catchwater
