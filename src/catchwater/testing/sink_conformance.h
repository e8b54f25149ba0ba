/// \file
/// What every sink that follows a table must do. Used by a sink's own test:
///
///   CheckSinkConformance({.make = [&](auto schema) { return MakeMySink(schema); },
///                         .rows = [&] { return RowsInTheTarget(); }});
///
/// Checked: nothing is visible before Flush; a Flush shows its rows and moves the mark, once; the
/// next Open returns that mark; what was not flushed is gone after Close and comes again without
/// being doubled; the last row of a key wins, within a transaction and over several; how rows are
/// cut into batches does not matter; a Flush may have no rows, no mark or neither.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

#include "catchwater/component/sink.h"

namespace catchwater::testing {

struct SinkConformance {
  /// Makes a sink over the same target, which is empty at first; key: `id`.
  std::function<arrow::Result<std::unique_ptr<Sink>>(std::shared_ptr<arrow::Schema>)> make;
  /// What the target has: `id=text`, sorted.
  std::function<std::vector<std::string>()> rows;
};

/// Columns: id (int64), name (string).
std::shared_ptr<arrow::Schema> ConformanceSchema();

void CheckSinkConformance(const SinkConformance& checked);

}  // namespace catchwater::testing
