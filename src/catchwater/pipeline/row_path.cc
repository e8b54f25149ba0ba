#include "catchwater/pipeline/row_path.h"

#include <iterator>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/batch/select_rows.h"

namespace catchwater {
namespace {

/// A frame that the source could not deliver whole.
Split RejectedFrame(const Block& block) {
  Split split;
  split.frame_count = 1;
  split.dead_frame_count = 1;
  const auto text = std::string_view(*block.bytes);
  split.dead.push_back(
      {.frame_ordinal = block.origin.range.from.ordinal,
       .raw = std::string(text.substr(0, static_cast<size_t>(kDeadLetterRawBytesMax))),
       .raw_bytes = block.reject_bytes,
       .reason = block.reject_reason,
       .rule = "source.frame_bytes_max",
       .line = block.line_first,
       .is_frame = true});
  return split;
}

/// A letter that names a column has a value that is missing or not of its type, also where a frame
/// is a row.
void CountFault(const DeadLetter& letter, InputFaults* faults) {
  if (!letter.field.empty()) {
    ++faults->value_count;
  } else if (letter.is_frame) {
    ++faults->frame_count;
  }
}

/// Takes the rows out whose values from the message could not be read.
arrow::Status RefuseRows(const std::vector<FrameFault>& faults, Split* split) {
  std::vector<uint8_t> keep(static_cast<size_t>(split->good.rows->num_rows()), 1);
  for (const FrameFault& fault : faults) {
    uint8_t& is_kept = keep[static_cast<size_t>(fault.row)];
    if (is_kept == 0) continue;  // The first reason stays.
    is_kept = 0;
    split->dead.push_back(
        MakeDeadLetter(split->good, fault.row,
                       {.rule = fault.rule, .field = fault.column, .reason = fault.reason}));
  }
  ARROW_ASSIGN_OR_RAISE(split->good, FilterBatch(std::move(split->good), keep));
  return arrow::Status::OK();
}

}  // namespace

RowPath::RowPath(AttributeColumns columns, std::unique_ptr<Decoder> decoder,
                 std::vector<std::unique_ptr<Step>> steps, std::shared_ptr<StatefulTail> tail,
                 const Clock& clock, std::unique_ptr<ContractKeeper> contract)
    : columns_(std::move(columns)),
      frame_(columns_.frame_columns()),
      decoder_(std::move(decoder)),
      steps_(std::move(steps)),
      tail_(std::move(tail)),
      clock_(&clock),
      contract_(std::move(contract)) {}

arrow::Result<Split> RowPath::Decode(const Block& block, PartitionFlow* flow,
                                     RowPathResult* result) const {
  if (!block.reject_reason.empty()) {
    result->faults.frame_count = 1;
    return RejectedFrame(block);
  }
  ARROW_ASSIGN_OR_RAISE(Split split, decoder_->Decode(block));
  for (const DeadLetter& letter : split.dead) CountFault(letter, &result->faults);
  split.good.origin = block.origin;
  if (split.good.rows == nullptr) return split;
  result->lines = RowLines(split.good);
  if (contract_ != nullptr && !split.dead.empty()) {
    Drifts drifts;
    ARROW_RETURN_NOT_OK(contract_->Apply(block, &split, &drifts));
    flow->MergeDrifts(drifts);
  }
  if (extras_ != nullptr) ARROW_RETURN_NOT_OK(TakeExtras(block, &split, flow));
  ARROW_ASSIGN_OR_RAISE(FrameValues values, frame_.Take(block, split.good));
  ARROW_ASSIGN_OR_RAISE(split.good.rows, columns_.Attach(split.good.rows, block.attributes.get(),
                                                         std::move(values.columns)));
  if (!values.faults.empty()) {
    const size_t known = split.dead.size();
    ARROW_RETURN_NOT_OK(RefuseRows(values.faults, &split));
    for (size_t i = known; i < split.dead.size(); ++i) CountFault(split.dead[i], &result->faults);
  }
  return split;
}

arrow::Status RowPath::TakeExtras(const Block& block, Split* split, PartitionFlow* flow) const {
  Drifts drifts;
  ARROW_ASSIGN_OR_RAISE(const auto faults, extras_->Take(block, split->good, &drifts));
  flow->MergeDrifts(drifts);
  return faults.empty() ? arrow::Status::OK() : RefuseRows(faults, split);
}

arrow::Result<RowPathResult> RowPath::WithExtras(RowPathResult result) const {
  if (extras_ != nullptr) ARROW_RETURN_NOT_OK(extras_->Attach(&result.rows));
  return result;
}

arrow::Status RowPath::Absorb(const Block& block, Split split, PartitionFlow* flow,
                              RowPathResult* result) const {
  for (const Tally& tally : split.tallies) flow->Count(tally.bucket, tally.reason, tally.row_count);
  for (const DeadLetter& letter : split.dead) {
    if (!letter.is_frame) flow->Count(Bucket::kDeadRows, letter.rule, 1);
  }
  result->lines.Fill(block, &split.dead);
  result->dead.insert(result->dead.end(), std::make_move_iterator(split.dead.begin()),
                      std::make_move_iterator(split.dead.end()));
  result->rows = std::move(split.good);
  return arrow::Status::OK();
}

arrow::Result<RowPathResult> RowPath::Process(const Block& block, uint64_t sequence,
                                              PartitionFlow* flow, std::stop_token stop) {
  RowPathResult result;
  const int64_t started_us = clock_->MonotonicMicros();
  ARROW_ASSIGN_OR_RAISE(Split decoded, Decode(block, flow, &result));
  result.decode_us = clock_->MonotonicMicros() - started_us;
  int64_t row_count = decoded.good.rows == nullptr ? 0 : decoded.good.rows->num_rows();
  for (const DeadLetter& letter : decoded.dead) {
    if (letter.is_frame) {
      flow->Count(Bucket::kDeadFrames, letter.rule, 1);
    } else {
      ++row_count;
    }
  }
  flow->Count(Bucket::kFrames, "", decoded.frame_count);
  flow->Count(Bucket::kDecodedFrames, "", decoded.frame_count - decoded.dead_frame_count);
  flow->Count(Bucket::kRows, "", row_count);
  ARROW_RETURN_NOT_OK(Absorb(block, std::move(decoded), flow, &result));

  for (const auto& step : steps_) {
    if (result.rows.rows == nullptr || result.rows.rows->num_rows() == 0) break;
    ARROW_ASSIGN_OR_RAISE(Split split, step->Apply(std::move(result.rows)));
    ARROW_RETURN_NOT_OK(Absorb(block, std::move(split), flow, &result));
  }

  if (tail_ == nullptr) return WithExtras(std::move(result));
  if (!tail_->gate.Enter(sequence, stop)) return Cancelled("Pipeline is stopping");
  auto leave = [this](arrow::Status status) {
    tail_->gate.Leave();
    return status;
  };
  for (const auto& step : tail_->steps) {
    if (result.rows.rows == nullptr || result.rows.rows->num_rows() == 0) break;
    auto split = step->Apply(std::move(result.rows));
    if (!split.ok()) return leave(split.status());
    // Nothing is ever taken back: an attempt that fails builds its steps anew, from the lake.
    step->Committed();
    ARROW_RETURN_NOT_OK(Absorb(block, *std::move(split), flow, &result));
  }
  ARROW_RETURN_NOT_OK(leave(arrow::Status::OK()));
  return WithExtras(std::move(result));
}

}  // namespace catchwater
