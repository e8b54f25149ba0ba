/// \file
/// CSV records -> columns. Most blocks are plain tables: every record has the same number of fields
/// and no quotes. They are indexed 32 KiB at a time and read column by column; what is not plain is
/// first sorted into rows (csv_row_table_internal.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

#include "catchwater/batch/column_builder.h"
#include "catchwater/codec/csv/csv_dialect_internal.h"
#include "catchwater/codec/csv/csv_header_internal.h"
#include "catchwater/codec/csv/csv_index_internal.h"
#include "catchwater/codec/csv/csv_record_internal.h"
#include "catchwater/codec/csv/csv_row_table_internal.h"
#include "catchwater/component/codec.h"

namespace catchwater {

/// Frames. Blocks that the codec frames: a frame is a record, its ordinal that of its first byte.
/// Blocks with frames of their own (messages): a frame may hold several records. One bad record is
/// a dead frame if it is all of its frame, else a dead row.
class CsvDecoder final : public Decoder {
 public:
  /// \retval kConfig if a column's format, values, ... or place make no sense
  static arrow::Result<std::unique_ptr<CsvDecoder>> Make(
      const CsvDialect& dialect, const std::vector<std::string>& null_tokens,
      const DecodeOptions& options);

  /// \retval kBadData if the codec has a header but the source delivers messages
  arrow::Result<Split> Decode(const Block& block) override;

 private:
  struct ColumnReader {
    std::string name;
    std::unique_ptr<ColumnBuilder> builder;
    NullTokens null_tokens;
  };
  /// A dead record, with what is needed to find its line and frame at the end.
  struct Dead {
    DeadLetter letter;
    CsvRowText row;
  };

  CsvDecoder(const CsvDialect& dialect, const DecodeOptions& options,
             std::vector<ColumnReader> columns);

  arrow::Result<const CsvLayout*> LayoutOf(const Block& block) const;
  arrow::Status Begin(const Block& block);
  arrow::Result<Split> Finish(const Block& block);

  void Reject(const Block& block);
  void ReadStream();
  void ReadFrames(const Block& block);
  bool ReadTable(size_t begin, const CsvIndex& index);
  void ReadIndexed(size_t begin, const CsvIndex& index);
  size_t ReadRecords(size_t begin, size_t limit, size_t end, CsvRowText& place);
  size_t ReadOpenQuote(size_t begin, size_t end, const CsvRowText& place);

  bool IsTable(const char* text, const CsvIndex& index, bool& has_returns) const;
  std::string CountFault(size_t field_count) const;
  bool Refuses(const CsvRowText& row, size_t field_count);
  void FlushRows();
  template <typename RowAt>
  void Append(const TextRun& run, size_t column, RowAt&& row_at);
  void AddPlace(const CsvRowText& row);
  void AddPlaces(size_t begin, const CsvIndex& index, bool has_returns);
  void AddDead(const CsvRowText& row, std::string rule, std::string field, std::string reason);
  void BuryDead(const Block& block, Split& split);

  const CsvDialect dialect_;
  const DecodeOptions options_;
  const std::shared_ptr<arrow::Schema> schema_;
  std::vector<ColumnReader> columns_;
  CsvLayout layout_of_order_;
  bool has_layout_of_order_ = false;

  // Memory that is used again.
  std::vector<uint32_t> ends_;  // The first stands for "before the stretch".
  CsvRecord record_;
  CsvRowTable table_;
  int64_t bytes_per_row_ = 32;

  // The block that is being decoded.
  const CsvLayout* layout_ = nullptr;
  std::string_view text_;
  const Block* block_ = nullptr;
  int64_t row_count_ = 0;
  int64_t record_count_ = 0;
  int64_t open_quote_count_ = 0;
  std::vector<Dead> dead_;
  std::vector<int64_t> bad_rows_;           // Rows that are in the builders, but dead.
  std::vector<uint32_t> records_of_frame_;  // Only for blocks with frames.
  std::vector<uint64_t> ordinals_;          // The origins of rows, when they are asked for.
  std::vector<uint32_t> rows_in_frame_;
  std::vector<uint32_t> raw_begins_;
  std::vector<uint32_t> raw_lengths_;
};

}  // namespace catchwater
