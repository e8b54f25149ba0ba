/// \file
/// Rows of input_file: reading them and moving them from state to state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <arrow/result.h>

#include "catchwater/base/crash_note.h"
#include "catchwater/ledger/records.h"
#include "catchwater/ledger/sqlite/connection.h"
#include "catchwater/ledger/sqlite/feed_writer.h"

namespace catchwater {

/// A row as the state machine needs it.
struct InputRow {
  InputFileRecord record;
  int64_t start_mark = 0;  ///< Sum of the consumers' ordinals when the last attempt began.
  int64_t mark = 0;        ///< The same now.
  int suspicion = 0;       ///< Of starts that ended with their process at this mark.
};

/// SELECT ... FROM, to be followed by WHERE; the tables are `f` (input_file) and `s`
/// (source_partition).
std::string_view SelectInputs();
arrow::Result<InputRow> ReadInput(const Row& row);

/// One change of state, all fields of the row that go with it.
struct InputMove {
  int64_t partition_id = 0;
  std::string_view path;
  std::string_view pipeline;
  WorkState from = WorkState::kToProcess;
  WorkState to = WorkState::kToProcess;
  Fence holder;  ///< To kProcessing only.
  int attempts = 0;
  int suspicion = 0;
  int64_t start_mark = 0;
  int64_t not_before_us = 0;
  std::string_view reason;
  std::optional<int64_t> started_us;   ///< Empty: unchanged.
  std::optional<int64_t> finished_us;  ///< Empty: null.
};

/// A move that keeps what the row has; the caller changes what differs. Borrows from the row.
InputMove MoveOf(const InputRow& row, WorkState to);

/// Writes the move and its event. \pre the transition is allowed and `from` is the row's state
arrow::Status MoveInputRow(Connection& connection, FeedWriter& feed, const InputMove& move);

/// Ends what older epochs of the lease left in processing: their process is gone. note: what it
/// left; nullopt: it was killed.
arrow::Status EndInputsOf(Connection& connection, FeedWriter& feed, const Fence& newer,
                          const std::optional<CrashNote>& note, int64_t now_us);

/// processing -> to_process for all inputs under the fence; their attempts do not count.
arrow::Status GiveBackInputs(Connection& connection, FeedWriter& feed, const Fence& fence);

}  // namespace catchwater
