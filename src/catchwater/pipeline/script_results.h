/// \file
/// What a script answers, as rows of its result tables.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/batch/column.h"
#include "catchwater/component/registry.h"
#include "catchwater/config/script_config.h"

namespace catchwater {

/// Of the result tables: `id`, `revision`, `retracted`, then what is declared.
std::shared_ptr<arrow::Schema> ScriptResultSchema(const ScriptConfig& config);

struct ScriptRows {
  std::shared_ptr<arrow::RecordBatch> rows;
  std::vector<std::string> refused;  ///< Why, of each line that is no result.
};

/// One thread at a time.
class ScriptResults {
 public:
  static arrow::Result<ScriptResults> Make(const ScriptConfig& config, const Registry& registry,
                                           int64_t frame_bytes_max);

  /// revision: of the first result, the others follow. name: of the batch; a result without an id
  /// gets one of it and its place.
  arrow::Result<ScriptRows> Read(std::string lines, int64_t revision, std::string_view name);

 private:
  ScriptResults(std::shared_ptr<arrow::Schema> schema, std::unique_ptr<Decoder> decoder)
      : schema_(std::move(schema)), decoder_(std::move(decoder)) {}

  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<Decoder> decoder_;
};

}  // namespace catchwater
