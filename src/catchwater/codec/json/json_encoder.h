/// \file
/// Rows -> JSON lines, or one array.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/component/codec.h"

namespace catchwater {

/// One thread at a time.
class JsonEncoder final : public Encoder {
 public:
  enum class Shape { kLines, kArray };

  /// \retval kConfig if a column has a type that JSON text has no form for
  static arrow::Result<std::unique_ptr<JsonEncoder>> Make(
      const std::shared_ptr<arrow::Schema>& schema, Shape shape);

  arrow::Status Encode(const arrow::RecordBatch& rows, std::string* bytes) override;
  arrow::Status Finish(std::string* bytes) override;

 private:
  JsonEncoder(std::shared_ptr<arrow::Schema> schema, Shape shape);

  const std::shared_ptr<arrow::Schema> schema_;
  const Shape shape_;
  std::vector<std::string> keys_;  // `"name":`, with the comma or brace before it.
  bool has_begun_ = false;
};

}  // namespace catchwater
