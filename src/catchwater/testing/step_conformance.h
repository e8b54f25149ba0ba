/// \file
/// What every step must do, and short ways to make one in a test:
///
///   StepBench bench(RegisterSelectStep, schema);
///   auto step = bench.Make("select: n > 1").ValueOrDie();
///   CheckStepConformance({.make = [&] { return bench.Make("select: n > 1"); }, .batch = batch});
///
/// Checked: rows in = good + dead + tallies; the rows that come out have output_schema() and
/// origins in step; the same rows, dead letters and counts however the input is cut; an empty batch
/// works; a stateful step that rolls back answers as if the abandoned rows had never come.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include "catchwater/component/registry.h"
#include "catchwater/component/step.h"
#include "catchwater/testing/fake_clock.h"
#include "catchwater/testing/memory_files.h"

namespace catchwater {

/// A registry with one step, files in memory and a clock that stands. Fields may be changed before
/// Make().
class StepBench {
 public:
  StepBench(arrow::Status (*register_step)(Registry&), std::shared_ptr<arrow::Schema> input_schema);

  /// Makes the step from YAML: `select: n > 1`. It is named like `select[0]`.
  /// \retval kConfig as the reader or the step reports
  arrow::Result<std::unique_ptr<Step>> Make(std::string_view yaml);

  std::shared_ptr<arrow::Schema> input_schema;
  std::vector<Column> columns;
  MemoryFiles files;
  FakeClock clock;
  TableReader* table_reader = nullptr;

 private:
  Registry registry_;
};

/// Rows from text: one row a line, values separated by `|`, blanks around them dropped, empty =
/// null, `""` = the empty text. Read by ColumnBuilder. Row i has ordinal 100 + i and its line as
/// raw text.
Batch BatchFromText(const std::shared_ptr<arrow::Schema>& schema, std::string_view text);

/// The other way round, for comparing: one line a row, `null` for nulls.
std::string TextOf(const arrow::RecordBatch& rows);

/// The text of a .example.yaml beside a step, from the top of the tree.
std::string ReadExample(const std::string& path);

struct StepOutcome {
  std::string rows;                        ///< TextOf, all batches.
  std::vector<uint64_t> ordinals;          ///< Of the good rows.
  std::vector<std::string> dead;           ///< "ordinal rule field: reason" in order of ordinals.
  std::map<std::string, int64_t> tallies;  ///< By "bucket reason".

  bool operator==(const StepOutcome&) const = default;
};
/// Applies the step and adds to the outcome; fails the running test if a law is broken.
void ApplyInto(Step& step, const Batch& batch, StepOutcome& outcome);
StepOutcome ApplyOnce(Step& step, const Batch& batch);

struct StepConformance {
  std::function<arrow::Result<std::unique_ptr<Step>>()> make;
  Batch batch;
};
void CheckStepConformance(const StepConformance& checked);

}  // namespace catchwater
