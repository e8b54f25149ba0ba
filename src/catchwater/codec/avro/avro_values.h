/// \file
/// One encoded record -> the columns of one row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/avro/avro.h"
#include "catchwater/base/timestamp_parser.h"
#include "catchwater/codec/avro/avro_plan.h"
#include "catchwater/component/codec.h"
#include "catchwater/record/record_rows.h"

namespace catchwater {

/// One thread at a time.
class AvroValues {
 public:
  /// \retval kConfig if a column makes no sense
  static arrow::Result<AvroValues> Make(const DecodeOptions& options);

  /// Reads a record and gives each column of the row that was started its value, or null.
  /// \return false if the record is damaged; then `in` has failed
  bool Read(const AvroNode& schema, const AvroPlan& plan, AvroDecoder& in);

  RecordRows& rows() { return rows_; }
  const std::vector<Column>& columns() const { return columns_; }

 private:
  AvroValues(std::vector<Column> columns, RecordRows rows)
      : columns_(std::move(columns)), rows_(std::move(rows)), is_filled_(columns_.size()) {}

  void ReadNode(const AvroNode& node, const AvroPlan& plan, AvroDecoder& in, int depth);
  void AppendValue(size_t column, const AvroNode& node, AvroDecoder& in);
  void AppendInteger(size_t column, const AvroNode& node, int64_t value);
  void AppendTime(size_t column, AvroLogical logical, int64_t value);
  void AppendText(size_t column, std::string_view text);
  void AppendUnscaled(size_t column, std::string_view bytes, int32_t scale);

  const std::vector<Column> columns_;
  RecordRows rows_;
  std::vector<TimestampParser> parsers_;  // By column: of texts and plain numbers.
  std::vector<TimeZone> zones_;           // By column: of local times.
  std::vector<uint8_t> is_filled_;        // By column, of the current row.
};

}  // namespace catchwater
