#include "catchwater/pipeline/ordered_streams.h"

#include <iterator>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

using Feeding = OrderedStream::Feeding;

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
  LookAtSwitches();
  if (turn.open != nullptr && turn.open != partitions_) {
    partitions_ = turn.open;
    for (const OrderedStream& stream : streams_) {
      if (stream.feeding == Feeding::kOn) stream.stream->SetOpen(*partitions_);
    }
  }
  if (rows == nullptr || rows->rows->num_rows() == 0) return arrow::Status::OK();
  has_open_rows_ = true;
  for (size_t i = 0; i < streams_.size(); ++i) {
    switch (streams_[i].feeding) {
      case Feeding::kOn:
        ARROW_RETURN_NOT_OK(AddTo(i, *rows, &open_[i]));
        break;
      case Feeding::kJoining:
        open_[i].waiting.push_back({.partitions = partitions_, .rows = *rows});
        break;
      case Feeding::kOff:
        break;
    }
  }
  return arrow::Status::OK();
}

void OrderedStreams::LookAtSwitches() {
  for (size_t i = 0; i < streams_.size(); ++i) {
    OrderedStream& stream = streams_[i];
    const bool is_wanted = !stream.is_wanted || stream.is_wanted();
    if (!is_wanted && stream.feeding != Feeding::kOff) {
      stream.feeding = Feeding::kOff;
      open_[i] = {.is_void = true};
    } else if (is_wanted && stream.feeding == Feeding::kOff && !has_open_rows_) {
      stream.feeding = Feeding::kJoining;
      open_[i] = {.is_joining = true};
    }
  }
}

void OrderedStreams::TurnOff(size_t i) {
  std::lock_guard lock(mutex_);
  streams_[i].feeding = Feeding::kOff;
  for (auto& [epoch, cuts] : cuts_) cuts[i] = {.is_void = true};
  open_[i] = {.is_void = true};
}

arrow::Status OrderedStreams::Join(size_t i, OrderedStream stream, StreamCut* cut) {
  std::lock_guard lock(mutex_);
  stream.feeding = streams_[i].feeding;
  streams_[i] = std::move(stream);
  ARROW_RETURN_NOT_OK(CatchUp(i, cut));
  for (auto& [epoch, cuts] : cuts_) {
    if (cuts[i].is_void) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(CatchUp(i, &cuts[i]));
  }
  if (open_[i].is_void) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(AddWaiting(i, &open_[i]));  // Its state is saved when the epoch is cut.
  if (partitions_ != nullptr) streams_[i].stream->SetOpen(*partitions_);
  streams_[i].feeding = Feeding::kOn;
  return arrow::Status::OK();
}

arrow::Status OrderedStreams::CatchUp(size_t i, StreamCut* cut) {
  ARROW_RETURN_NOT_OK(AddWaiting(i, cut));
  return keeps_state_ && cut->has_rows ? SaveState(streams_[i], cut) : arrow::Status::OK();
}

arrow::Status OrderedStreams::AddWaiting(size_t i, StreamCut* cut) {
  const auto waiting = std::exchange(*cut, {}).waiting;
  for (const WaitingBlock& block : waiting) {
    if (block.partitions != nullptr) streams_[i].stream->SetOpen(*block.partitions);
    ARROW_RETURN_NOT_OK(AddTo(i, block.rows, cut));
  }
  return arrow::Status::OK();
}

std::vector<StreamCut> OrderedStreams::NewCuts() const {
  std::vector<StreamCut> cuts(streams_.size());
  for (size_t i = 0; i < streams_.size(); ++i) {
    cuts[i].is_void = streams_[i].feeding == Feeding::kOff;
    cuts[i].is_joining = streams_[i].feeding == Feeding::kJoining;
  }
  return cuts;
}

arrow::Status OrderedStreams::AddTo(size_t i, const Batch& rows, StreamCut* cut_of_rows) {
  TimedStream& stream = *streams_[i].stream;
  StreamCut& cut = *cut_of_rows;
  ARROW_ASSIGN_OR_RAISE(const StreamTally tally,
                        AppMeter::Measure(streams_[i].meter, rows, /*is_ordered=*/true,
                                          [&] { return stream.Add(rows); }));
  cut.has_rows = true;
  cut.watermark_us = stream.watermark_us();
  PartitionFlow& flow = cut.flows[rows.origin.range.partition_id];
  flow.Count(Bucket::kRows, "", rows.rows->num_rows());
  flow.Count(Bucket::kUsed, "", tally.used);
  for (const Tally& other : tally.others) flow.Count(other.bucket, other.reason, other.row_count);
  Move(stream.TakeLate(), &cut.late);
  if (streams_[i].meter != nullptr) {
    streams_[i].meter->LedToResult(stream.TakeResultRowCount());
  }
  if (take_results_ != nullptr) return take_results_(i, stream.TakeResults());
  arrow::RecordBatchVector results = stream.TakeResults();
  if (results.empty()) return arrow::Status::OK();
  cut.answered_us.push_back(rows.origin.receive_us);
  const bool is_first = cut.results.empty();
  for (EarlyResults* early : streams_[i].early) {
    const EarlyRange range = early->Add(results);
    cut.early = {.begin = is_first ? range.begin : cut.early.begin, .end = range.end};
  }
  Move(std::move(results), &cut.results);
  return arrow::Status::OK();
}

arrow::Status OrderedStreams::CutBefore(int64_t epoch) {
  for (; epoch_ < epoch; ++epoch_) {
    for (size_t i = 0; i < streams_.size(); ++i) {
      if (keeps_state_ && open_[i].has_rows) {
        ARROW_RETURN_NOT_OK(SaveState(streams_[i], &open_[i]));
      }
    }
    cuts_[epoch_] = std::exchange(open_, NewCuts());
    has_open_rows_ = false;
    LookAtSwitches();
  }
  return arrow::Status::OK();
}

arrow::Status OrderedStreams::SaveState(OrderedStream& stream, StreamCut* cut) const {
  std::optional<std::string> changes;
  if (!stream.growth.is_base_due()) {
    ARROW_ASSIGN_OR_RAISE(changes, stream.stream->SaveChanges());
  }
  cut->is_base = !changes.has_value();
  std::string state;
  if (changes) {
    state = *std::move(changes);
  } else {
    ARROW_ASSIGN_OR_RAISE(state, stream.stream->Save());
  }
  ARROW_ASSIGN_OR_RAISE(cut->state, PackedState::Of(std::move(state)));
  stream.stream->Saved();
  stream.growth.Saved(cut->is_base, cut->state.byte_count());
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
