/// \file
/// Tables of the lake as references of steps: `enrich: { with: { table: ... } }`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/component/table_reader.h"
#include "catchwater/lake/catalog.h"

namespace catchwater {

/// Any thread.
class LakeTables final : public TableReader {
 public:
  explicit LakeTables(Lake& lake) : lake_(lake) {}

  arrow::Result<std::shared_ptr<arrow::Table>> ReadTable(
      const std::string& table_key, const std::vector<std::string>& columns) override;
  arrow::Result<std::string> Version(const std::string& table_key) override;

 private:
  Lake& lake_;
};

}  // namespace catchwater
