#include "catchwater/pipeline/ordered_streams.h"

#include <iterator>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

void Move(arrow::RecordBatchVector from, arrow::RecordBatchVector* to) {
  std::move(from.begin(), from.end(), std::back_inserter(*to));
}

}  // namespace

arrow::Status OrderedStreams::Pass(const Turn& turn, int64_t epoch, const Batch* rows) {
  if (!gate_.Enter(turn.sequence, turn.stop)) return Cancelled("Pipeline is stopping");
  const arrow::Status fed = Feed(turn, epoch, rows);
  gate_.Leave();
  return fed;
}

arrow::Status OrderedStreams::Feed(const Turn& turn, int64_t epoch, const Batch* rows) {
  std::lock_guard lock(mutex_);
  ARROW_RETURN_NOT_OK(CutBefore(epoch));
  if (turn.open != nullptr && turn.open != partitions_) {
    partitions_ = turn.open;
    for (const OrderedStream& stream : streams_) stream.stream->SetOpen(*partitions_);
  }
  if (rows == nullptr || rows->rows->num_rows() == 0) return arrow::Status::OK();
  for (size_t i = 0; i < streams_.size(); ++i) ARROW_RETURN_NOT_OK(AddTo(i, *rows));
  return arrow::Status::OK();
}

arrow::Status OrderedStreams::AddTo(size_t i, const Batch& rows) {
  TimedStream& stream = *streams_[i].stream;
  StreamCut& cut = open_[i];
  ARROW_ASSIGN_OR_RAISE(const StreamTally tally, stream.Add(rows));
  cut.has_rows = true;
  cut.watermark_us = stream.watermark_us();
  PartitionFlow& flow = cut.flows[rows.origin.range.partition_id];
  flow.Count(Bucket::kRows, "", rows.rows->num_rows());
  flow.Count(Bucket::kUsed, "", tally.used);
  for (const Tally& other : tally.others) flow.Count(other.bucket, other.reason, other.row_count);
  Move(stream.TakeLate(), &cut.late);
  if (take_results_ != nullptr) return take_results_(i, stream.TakeResults());
  Move(stream.TakeResults(), &cut.results);
  return arrow::Status::OK();
}

arrow::Status OrderedStreams::CutBefore(int64_t epoch) {
  for (; epoch_ < epoch; ++epoch_) {
    for (size_t i = 0; i < streams_.size(); ++i) {
      if (keeps_state_ && open_[i].has_rows) {
        ARROW_RETURN_NOT_OK(SaveState(streams_[i], &open_[i]));
      }
    }
    cuts_[epoch_] = std::exchange(open_, std::vector<StreamCut>(streams_.size()));
  }
  return arrow::Status::OK();
}

arrow::Status OrderedStreams::SaveState(OrderedStream& stream, StreamCut* cut) const {
  std::optional<std::string> changes;
  if (!stream.growth.is_base_due()) {
    ARROW_ASSIGN_OR_RAISE(changes, stream.stream->SaveChanges());
  }
  cut->is_base = !changes.has_value();
  if (changes) {
    cut->state = *std::move(changes);
  } else {
    ARROW_ASSIGN_OR_RAISE(cut->state, stream.stream->Save());
  }
  stream.stream->op().Saved();
  stream.growth.Saved(cut->is_base, static_cast<int64_t>(cut->state.size()));
  return arrow::Status::OK();
}

arrow::Result<std::vector<StreamCut>> OrderedStreams::Take(int64_t epoch) {
  std::lock_guard lock(mutex_);
  ARROW_RETURN_NOT_OK(CutBefore(epoch + 1));
  const auto found = cuts_.find(epoch);
  CATCHWATER_CHECK(found != cuts_.end(), "an epoch is taken once, after the one before it");
  std::vector<StreamCut> cut = std::move(found->second);
  cuts_.erase(found);
  return cut;
}

}  // namespace catchwater
