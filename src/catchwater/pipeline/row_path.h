/// \file
/// The way of a block through one lane: decode, attach the path's columns, apply the steps.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/clock.h"
#include "catchwater/batch/batch.h"
#include "catchwater/component/codec.h"
#include "catchwater/component/step.h"
#include "catchwater/pipeline/app_input.h"
#include "catchwater/pipeline/attribute_columns.h"
#include "catchwater/pipeline/contract.h"
#include "catchwater/pipeline/extra_columns.h"
#include "catchwater/pipeline/flow.h"
#include "catchwater/pipeline/frame_columns.h"
#include "catchwater/pipeline/ordered_gate.h"
#include "catchwater/pipeline/row_lines.h"

namespace catchwater {

/// What one block became.
struct RowPathResult {
  Batch rows;
  std::vector<DeadLetter> dead;
  RowLines lines;         ///< For letters that are written of `rows` later.
  int64_t decode_us = 0;  ///< How long decoding took.
  InputFaults faults;
};

/// Steps that keep state over batches, shared by the lanes of a pipeline, behind one gate.
struct StatefulTail {
  OrderedGate gate;
  std::vector<std::shared_ptr<Step>> steps;
};

/// One a lane; one thread at a time. All counts of the account but those of the destination
/// (kLake, kUsed, kExpired) are made here.
class RowPath {
 public:
  /// steps: the lane's own instances. tail: null or the shared steps that follow them.
  RowPath(AttributeColumns columns, std::unique_ptr<Decoder> decoder,
          std::vector<std::unique_ptr<Step>> steps, std::shared_ptr<StatefulTail> tail,
          const Clock& clock, std::unique_ptr<ContractKeeper> contract = nullptr);

  /// Rows get what no column reads, too. Rows must have their origins.
  void TakeUp(std::unique_ptr<ExtraColumns> extras) { extras_ = std::move(extras); }

  /// Processes a block. sequence: the block's number in source order over the whole pipeline.
  /// \retval kBadData if the block as a whole cannot be read: nothing of it was counted
  arrow::Result<RowPathResult> Process(const Block& block, uint64_t sequence, PartitionFlow* flow,
                                       std::stop_token stop);

 private:
  arrow::Result<Split> Decode(const Block& block, PartitionFlow* flow, RowPathResult* result) const;
  arrow::Status TakeExtras(const Block& block, Split* split, PartitionFlow* flow) const;
  arrow::Result<RowPathResult> WithExtras(RowPathResult result) const;
  arrow::Status Absorb(const Block& block, Split split, PartitionFlow* flow,
                       RowPathResult* result) const;

  AttributeColumns columns_;
  FrameColumns frame_;
  std::unique_ptr<Decoder> decoder_;
  std::vector<std::unique_ptr<Step>> steps_;
  std::shared_ptr<StatefulTail> tail_;
  const Clock* clock_;
  std::unique_ptr<ContractKeeper> contract_;  // Null: all that is not of its type is dead.
  std::unique_ptr<ExtraColumns> extras_;      // Null: what no column reads is left out.
};

}  // namespace catchwater
