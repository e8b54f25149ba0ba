/// \file
/// Seam: a destination beside the lake.
///
/// Two uses. A stream's results:             Check -> Write* -> Flush(none) -> Close
/// A table in the order of its commits:      Check -> Open -> (Write* -> Flush(mark))* -> Close
#pragma once

#include <cstdint>
#include <optional>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/batch/delivery_mark.h"

namespace catchwater {

/// What the feed may rely on.
struct SinkTraits {
  /// Flush stores the mark in the very step that makes the rows visible, and Open returns it.
  /// Without: the ledger's mark counts, and rows may come again after a crash.
  bool keeps_mark = false;
  /// A row that comes again takes the place of the one before it (there is a key).
  bool replaces_rows = false;
  /// The order of rows within a commit is told by the rows alone: no Flush may be in its middle.
  bool needs_whole_commits = false;
};

struct SinkReceipt {
  int64_t row_count = 0;  ///< Rows that came since the last Flush.
};

/// One thread at a time. What a failure means to who feeds it:
///   unavailable, throttled    down: again with back-off, from the mark on
///   conflict                  what came since the last Flush is dropped: write it again to this
///   same
///                             sink, which takes another way now; after a second one open it anew
///   all others                blocked until a person has done what the message says
class Sink {
 public:
  virtual ~Sink() = default;

  /// Looks whether the target answers and goes with the settings. Changes nothing.
  /// \retval kConfig, kDenied, kNotFound naming the setting and what to do
  virtual arrow::Status Check() = 0;
  virtual SinkTraits traits() const { return {}; }

  /// Connects, makes the target or brings it to the schema, and reads its mark.
  /// \return nullopt if it has none: nothing was delivered yet, or the sink keeps no mark
  /// \retval kConfig with the exact statement to run if the target cannot follow by itself
  virtual arrow::Result<std::optional<DeliveryMark>> Open() { return std::nullopt; }
  /// Called after Open when all rows of the table come anew, because it is not known or not kept
  /// any more what the target lacks. One that can neither replace nor remove the rows it has must
  /// refuse. \retval kConfig with what to do
  virtual arrow::Status Restart() { return arrow::Status::OK(); }

  /// The rows that follow are those of this data file, from its first one on: seq, ordinal and the
  /// number of the row make an id that is the same whenever the row comes.
  virtual void BeginFile(const DeliveryMark& file) { static_cast<void>(file); }
  /// Takes rows of the context's schema. Bounded: they go on to the target or its staging.
  virtual arrow::Status Write(const arrow::RecordBatch& rows) = 0;
  /// Makes what was written since the last Flush visible, all or nothing, with the mark. Of the
  /// rows of one key the last one counts. A second Flush of the same rows and mark after a lost
  /// answer must not double them.
  virtual arrow::Result<SinkReceipt> Flush(const std::optional<DeliveryMark>& mark) = 0;
  /// Ends; leaves nothing visible of what was not flushed. Called once, last.
  virtual arrow::Status Close() = 0;
};

}  // namespace catchwater
