/// \file
/// What happens when the values of a column turn into another type in mid-stream.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/batch/batch.h"
#include "catchwater/batch/column.h"
#include "catchwater/batch/column_builder.h"
#include "catchwater/component/codec.h"
#include "catchwater/config/column_config.h"
#include "catchwater/pipeline/flow.h"

namespace catchwater {

/// Looks at the dead letters of a decoded block: the healthy rows are not touched. One thread at a
/// time.
class ContractKeeper {
 public:
  /// columns: those that the codec decodes. \return null if there is no contract to keep
  /// \retval kConfig if a column makes no sense
  static arrow::Result<std::unique_ptr<ContractKeeper>> Make(const ColumnContracts& contracts,
                                                             const Codec& codec,
                                                             const DecodeOptions& options);

  /// Turns letters of columns with the contract `null` into rows without that value, behind the
  /// others. A letter that has other faults too, or whose text is not whole, stays a letter.
  /// \retval kConfig if a column whose contract is `stop` has a value of another type
  arrow::Status Apply(const Block& block, Split* split, Drifts* drifts);

 private:
  /// A column with the contract `null`: read as text, then tried.
  struct Lenient {
    int place = 0;  // Among the columns.
    Column column;
    std::unique_ptr<ColumnBuilder> builder;
  };

  ContractKeeper(ColumnContracts contracts, std::vector<Column> columns)
      : contracts_(std::move(contracts)), columns_(std::move(columns)) {}

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Mend(const Block& block,
                                                          const DeadLetter& letter);
  arrow::Status AddRows(const arrow::RecordBatchVector& rows,
                        const std::vector<DeadLetter>& letters, Split* split) const;

  const ColumnContracts contracts_;
  const std::vector<Column> columns_;
  std::vector<Lenient> lenient_;
  std::unique_ptr<Decoder> decoder_;  // With lenient columns as texts; null if there are none.
};

}  // namespace catchwater
