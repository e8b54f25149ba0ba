/// \file
/// Which operator does what a stream's configuration asks for: one entry a kind.
#pragma once

#include <memory>
#include <string>

#include <arrow/result.h>

#include "catchwater/config/stream_config.h"
#include "catchwater/stream/stream_operator.h"
#include "catchwater/stream/timed_stream.h"

namespace catchwater {

struct OperatorInput {
  std::shared_ptr<arrow::Schema> schema;
  std::string event_time_column;  ///< Empty: there is none.
  /// The pipeline ends by itself and keeps nothing: without `late:` nothing is late.
  bool is_bounded = false;
};

/// Rows of the stream must come in the order of the source.
inline bool IsOrdered(const StreamConfig& config) { return !config.is_window_all(); }

/// \pre !IsOrdered(config)
arrow::Result<std::unique_ptr<MergingOperator>> MakeMergingOperator(const StreamConfig& config,
                                                                    const OperatorInput& input);
/// \pre IsOrdered(config)
arrow::Result<std::unique_ptr<TimedStream>> MakeTimedStream(const StreamConfig& config,
                                                            const OperatorInput& input);

/// What must be the same for the state of a stream to be of use: not its lateness or its bounds.
std::string MeaningOf(const StreamConfig& config, const arrow::Schema& results);

}  // namespace catchwater
