/// \file
/// One file that rows are written into: CSV or JSON through a codec, or Parquet.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/component/registry.h"
#include "catchwater/io/files.h"

namespace catchwater {

/// One thread at a time.
class RowFile {
 public:
  virtual ~RowFile() = default;
  virtual arrow::Status Write(const arrow::RecordBatch& rows) = 0;
  /// Ends the document, syncs and closes.
  virtual arrow::Status Finish() = 0;
};

/// format: `csv`, `json` or `parquet`. \retval kConfig if it is none of them
arrow::Result<std::unique_ptr<RowFile>> MakeRowFile(const std::string& format,
                                                    std::shared_ptr<WritableFile> file,
                                                    const std::shared_ptr<arrow::Schema>& schema,
                                                    const Registry& registry);

}  // namespace catchwater
