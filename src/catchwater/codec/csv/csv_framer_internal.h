/// \file
/// Cuts a CSV stream at record ends.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "catchwater/codec/csv/csv_dialect_internal.h"
#include "catchwater/codec/csv/csv_record_internal.h"
#include "catchwater/component/codec.h"

namespace catchwater {

class CsvFramer final : public Framer {
 public:
  CsvFramer(const CsvDialect& dialect, std::vector<Column> columns, int64_t head_bytes_max);

  arrow::Result<Head> ReadHead(std::string_view bytes, bool is_end) override;
  int64_t Cut(std::string_view bytes, bool is_end) override;
  int64_t Resync(std::string_view bytes) override;
  bool is_line_based() const override { return true; }

 private:
  arrow::Result<Head> ReadHeader(std::string_view bytes, size_t begin, bool is_end);
  arrow::Result<Head> PeekAtFirstRecord(std::string_view bytes, size_t begin, bool is_end);
  arrow::Result<Head> NeedsMore(std::string_view bytes) const;
  int64_t CutSlowly(std::string_view bytes);

  const CsvDialect dialect_;
  const std::vector<Column> columns_;
  const int64_t head_bytes_max_;
  CsvRecord record_;
};

}  // namespace catchwater
