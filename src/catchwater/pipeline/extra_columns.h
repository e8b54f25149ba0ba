/// \file
/// Fields that no column reads, as columns beside those declared. Steps do not see them: they join
/// the rows again behind the last step, by their places in the source.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/batch/batch.h"
#include "catchwater/batch/column_builder.h"
#include "catchwater/component/field_finder.h"
#include "catchwater/pipeline/flow.h"
#include "catchwater/pipeline/frame_columns.h"
#include "catchwater/pipeline/table_growth.h"

namespace catchwater {

/// One a lane; one thread at a time.
class ExtraColumns {
 public:
  ExtraColumns(std::unique_ptr<FieldFinder> finder, std::shared_ptr<TableGrowth> growth)
      : finder_(std::move(finder)), growth_(std::move(growth)) {}

  /// Takes the fields of a decoded block; what the table lacks it has afterwards.
  /// \param drifts is told of fields that are left out and of values of another type
  /// \return the rows with a value that is not of its column's type
  /// \retval kConflict if the lane's lease is lost
  arrow::Result<std::vector<FrameFault>> Take(const Block& block, const Batch& rows,
                                              Drifts* drifts);

  /// Puts the columns behind those of the rows that came through the steps. \pre of the last Take
  arrow::Status Attach(Batch* rows) const;

 private:
  struct Extra {
    Column column;
    std::unique_ptr<ColumnBuilder> builder;
  };

  arrow::Status WantNewColumns(std::span<const FoundField> fields, Drifts* drifts);
  void LeaveOut(std::string_view name, const std::string& reason, Drifts* drifts);
  arrow::Status UseTable(std::shared_ptr<const TableState> table);
  void Append(const FoundField& field, Extra& extra, std::vector<FrameFault>* faults);

  std::unique_ptr<FieldFinder> finder_;
  const std::shared_ptr<TableGrowth> growth_;
  std::shared_ptr<const TableState> table_;  // That `extras_` are of.
  std::vector<Extra> extras_;
  std::map<std::string, size_t, std::less<>> place_of_;  // In `extras_`.
  std::set<std::string, std::less<>> left_out_;          // Told once; at most kLeftOutNamesMax.
  bool has_told_others_ = false;

  // Of the last block.
  std::shared_ptr<arrow::Array> frame_ordinals_;
  std::shared_ptr<arrow::Array> row_in_frame_;
  arrow::FieldVector fields_;
  arrow::ArrayVector arrays_;
};

}  // namespace catchwater
