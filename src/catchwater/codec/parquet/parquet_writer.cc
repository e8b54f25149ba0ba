#include "catchwater/codec/parquet/parquet_writer.h"

#include <algorithm>
#include <exception>
#include <string_view>
#include <unordered_set>
#include <utility>

#include <arrow/array.h>
#include <arrow/util/compression.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/schema.h>
#include <parquet/column_writer.h>
#include <parquet/exception.h>
#include <parquet/file_writer.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>
#include <parquet/schema.h>

#include "catchwater/base/error.h"
#include "catchwater/codec/parquet/column_chunk_internal.h"

namespace catchwater {
namespace {

constexpr int64_t kSampleRows = 2'048;
constexpr int64_t kSampleRowsMin = 512;
constexpr int64_t kRowsPerCall = 32 << 10;  // Between looks at the size of the row group.
constexpr std::string_view kMagic = "PAR1";

/// Runs what may throw; exceptions end here.
template <typename Action>
arrow::Status Guarded(Action&& action) {
  try {
    return action();
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const parquet::ParquetStatusException& error) {
    // That of our own file, e.g. a full disk.
    if (SystemErrnoOf(error.status()) != 0) {
      return WithContext(error.status(), "Parquet file cannot be written");
    }
    return Unavailable("Parquet file cannot be written: ", error.what());
  } catch (const std::exception& error) {
    return Unavailable("Parquet file cannot be written: ", error.what());
  }
}

bool IsDeltaEncodable(arrow::Type::type type) {
  return type == arrow::Type::INT32 || type == arrow::Type::INT64 ||
         type == arrow::Type::TIMESTAMP || type == arrow::Type::DATE32;
}

template <typename T, typename Get>
int64_t DistinctCount(const arrow::Array& column, int64_t begin, int64_t end, Get&& get) {
  std::unordered_set<T> seen;
  seen.reserve(static_cast<size_t>(end - begin));
  for (int64_t i = begin; i < end; ++i) {
    if (column.IsValid(i)) seen.insert(get(i));
  }
  return static_cast<int64_t>(seen.size());
}

/// True if values of the sample repeat often enough for a dictionary to pay. Few rows tell nothing:
/// then times and integers go without one, and others begin with one, which the writer gives up
/// when it grows too large.
bool IsRepetitive(const arrow::Array& column, int64_t begin, int64_t length) {
  if (length < kSampleRowsMin) return !IsDeltaEncodable(column.type_id());
  const int64_t end = begin + std::min(length, kSampleRows);
  const int64_t row_count = end - begin;
  int64_t distinct_count = 0;
  switch (column.type_id()) {
    case arrow::Type::DICTIONARY:
    case arrow::Type::BOOL:
      return column.type_id() == arrow::Type::DICTIONARY;
    case arrow::Type::STRING:
    case arrow::Type::BINARY: {
      const auto& texts = static_cast<const arrow::BinaryArray&>(column);
      distinct_count = DistinctCount<std::string_view>(column, begin, end,
                                                       [&](int64_t i) { return texts.GetView(i); });
      return distinct_count * 2 <= row_count;
    }
    case arrow::Type::INT32:
    case arrow::Type::DATE32:
    case arrow::Type::FLOAT: {
      const auto* bits = column.data()->GetValues<uint32_t>(1);
      distinct_count =
          DistinctCount<uint32_t>(column, begin, end, [bits](int64_t i) { return bits[i]; });
      return distinct_count * 4 <= row_count;
    }
    case arrow::Type::INT64:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DOUBLE: {
      const auto* bits = column.data()->GetValues<uint64_t>(1);
      distinct_count =
          DistinctCount<uint64_t>(column, begin, end, [bits](int64_t i) { return bits[i]; });
      return distinct_count * 2 <= row_count;
    }
    default:
      return true;
  }
}

class Writer final : public ParquetFileWriter {
 public:
  Writer(std::shared_ptr<WritableFile> file, std::shared_ptr<arrow::Schema> schema,
         ParquetWriterOptions options)
      : file_(std::move(file)), schema_(std::move(schema)), options_(std::move(options)) {
    if (options_.compressor == nullptr) {
      options_.compressor = MakePageCompressor(options_.compression_level);
    }
  }

  arrow::Status Write(const arrow::RecordBatch& rows, int64_t offset, int64_t length) override {
    CATCHWATER_CHECK(rows.num_columns() == schema_->num_fields(), "columns are the schema's");
    return Guarded([&] {
      if (metadata_ == nullptr) ARROW_RETURN_NOT_OK(Start(rows, offset, length));
      ARROW_RETURN_NOT_OK(CheckRequired(rows, offset, length));
      while (length > 0) {
        const int64_t room = options_.row_group_rows_max - group_row_count_;
        const int64_t count = std::min({length, room, kRowsPerCall});
        buffered_bytes_ = 0;
        for (size_t c = 0; c < columns_.size(); ++c) {
          columns_[c]->Append(*rows.column(static_cast<int>(c)), offset, count);
          buffered_bytes_ += columns_[c]->buffered_bytes();
        }
        offset += count;
        length -= count;
        row_count_ += count;
        group_row_count_ += count;
        if (group_row_count_ >= options_.row_group_rows_max ||
            buffered_bytes_ >= options_.row_group_bytes_max) {
          CloseGroup();
        }
      }
      return arrow::Status::OK();
    });
  }

  arrow::Status FlushRowGroup() override {
    return Guarded([&] {
      CloseGroup();
      return arrow::Status::OK();
    });
  }

  arrow::Result<ParquetMetrics> Finish() override {
    ParquetMetrics metrics;
    ARROW_RETURN_NOT_OK(Guarded([&] {
      if (metadata_ == nullptr) {  // No row came: a file with a schema only.
        ARROW_ASSIGN_OR_RAISE(auto empty, arrow::RecordBatch::MakeEmpty(schema_));
        ARROW_RETURN_NOT_OK(Start(*empty, 0, 0));
      }
      CloseGroup();
      const auto footer = metadata_->Finish();
      parquet::WriteFileMetaData(*footer, file_.get());
      ARROW_ASSIGN_OR_RAISE(const int64_t file_byte_count, file_->Tell());
      metrics = MetricsOfFooter(*footer, file_byte_count);
      return arrow::Status::OK();
    }));
    // Readers find columns by id; without one DuckDB shows nulls and says nothing.
    for (const ParquetColumnMetrics& column : metrics.columns) {
      if (column.field_id <= 0) return Internal("Parquet column has no field id: ", column.name);
    }
    if (metrics.row_count != row_count_) {
      return Internal("Parquet footer has another row count than was written: ", metrics.row_count,
                      " ", row_count_);
    }
    return metrics;
  }

  int64_t row_count() const override { return row_count_; }
  int64_t buffered_bytes() const override { return buffered_bytes_; }
  int64_t encoded_bytes() const override { return file_->Tell().ValueOr(0) + buffered_bytes_; }

 private:
  arrow::Status Start(const arrow::RecordBatch& rows, int64_t offset, int64_t length) {
    parquet::WriterProperties::Builder builder;
    builder.compression(parquet::Compression::ZSTD)
        ->version(parquet::ParquetVersion::PARQUET_2_6)
        ->enable_store_decimal_as_integer()
        ->created_by("catchwater");
    std::vector<parquet::SortingColumn> sorting;
    for (const int column : options_.sorted_by) sorting.push_back({column, false, true});
    builder.set_sorting_columns(std::move(sorting));
    const auto properties = builder.build();
    const auto arrow_properties = parquet::ArrowWriterProperties::Builder().build();
    ARROW_RETURN_NOT_OK(parquet::arrow::ToParquetSchema(schema_.get(), *properties,
                                                        *arrow_properties, &descriptor_));
    for (int c = 0; c < rows.num_columns(); ++c) {
      ARROW_ASSIGN_OR_RAISE(
          auto column,
          ColumnChunk::Make(*descriptor_->Column(c), *schema_->field(c)->type(),
                            IsRepetitive(*rows.column(c), offset, length), options_.compressor));
      columns_.push_back(std::move(column));
    }
    ARROW_RETURN_NOT_OK(file_->Write(kMagic.data(), static_cast<int64_t>(kMagic.size())));
    metadata_ = parquet::FileMetaDataBuilder::Make(descriptor_.get(), properties);
    return arrow::Status::OK();
  }

  arrow::Status CheckRequired(const arrow::RecordBatch& rows, int64_t offset,
                              int64_t length) const {
    for (int c = 0; c < rows.num_columns(); ++c) {
      if (schema_->field(c)->nullable() || rows.column(c)->null_count() == 0) continue;
      if (rows.column(c)->Slice(offset, length)->null_count() == 0) continue;
      return Internal("Required column has a null: ", schema_->field(c)->name());
    }
    return arrow::Status::OK();
  }

  void CloseGroup() {
    if (group_row_count_ == 0) return;
    parquet::RowGroupMetaDataBuilder* group = metadata_->AppendRowGroup();
    group->set_num_rows(group_row_count_);
    int64_t byte_count = 0;
    for (const auto& column : columns_) {
      parquet::ColumnChunkMetaDataBuilder* metadata = group->NextColumnChunk();
      const auto pages = parquet::PageWriter::Open(
          file_, parquet::Compression::ZSTD, metadata, /*row_group_ordinal=*/-1,
          /*column_chunk_ordinal=*/-1, arrow::default_memory_pool(), /*buffered_row_group=*/false,
          /*header_encryptor=*/nullptr, /*data_encryptor=*/nullptr,
          /*page_write_checksum_enabled=*/false, /*column_index_builder=*/nullptr,
          /*offset_index_builder=*/nullptr, arrow::util::CodecOptions(options_.compression_level));
      byte_count += column->Finish(*pages, *metadata);
    }
    group->Finish(byte_count, static_cast<int16_t>(group_count_++));
    group_row_count_ = 0;
    buffered_bytes_ = 0;
  }

  const std::shared_ptr<WritableFile> file_;
  const std::shared_ptr<arrow::Schema> schema_;
  ParquetWriterOptions options_;
  std::shared_ptr<parquet::SchemaDescriptor> descriptor_;
  std::unique_ptr<parquet::FileMetaDataBuilder> metadata_;
  std::vector<std::unique_ptr<ColumnChunk>> columns_;
  int group_count_ = 0;
  int64_t group_row_count_ = 0;
  int64_t buffered_bytes_ = 0;
  int64_t row_count_ = 0;
};

}  // namespace

std::shared_ptr<PageCompressor> MakePageCompressor(int compression_level) {
  return std::make_shared<PageCompressor>(compression_level);
}

arrow::Result<std::unique_ptr<ParquetFileWriter>> ParquetFileWriter::Make(
    std::shared_ptr<WritableFile> file, std::shared_ptr<arrow::Schema> schema,
    ParquetWriterOptions options) {
  for (const auto& field : schema->fields()) {
    if (field->metadata() == nullptr || !field->metadata()->Contains("PARQUET:field_id")) {
      return Internal("Schema field has no field id: ", field->name());
    }
  }
  CATCHWATER_CHECK(options.row_group_rows_max > 0 && options.row_group_bytes_max > 0,
                   "a row group holds something");
  return std::make_unique<Writer>(std::move(file), std::move(schema), std::move(options));
}

}  // namespace catchwater
