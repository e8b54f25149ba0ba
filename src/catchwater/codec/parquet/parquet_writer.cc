#include "catchwater/codec/parquet/parquet_writer.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <string_view>
#include <unordered_set>
#include <utility>

#include <arrow/array.h>
#include <arrow/util/bitmap_reader.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/schema.h>
#include <parquet/arrow/writer.h>
#include <parquet/column_writer.h>
#include <parquet/file_writer.h>
#include <parquet/properties.h>
#include <parquet/schema.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int64_t kSampleRows = 2'048;
constexpr int64_t kSampleRowsMin = 512;
constexpr int64_t kRowsPerCall = 32 << 10;  // Between looks at the size of the row group.
constexpr int64_t kDictionaryPageBytes = 512 << 10;

/// Runs what may throw; exceptions end here.
template <typename Action>
arrow::Status Guarded(Action&& action) {
  try {
    return action();
  } catch (const std::bad_alloc&) {
    throw;
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
      : file_(std::move(file)), schema_(std::move(schema)), options_(std::move(options)) {}

  arrow::Status Write(const arrow::RecordBatch& rows, int64_t offset, int64_t length) override {
    CATCHWATER_CHECK(rows.num_columns() == schema_->num_fields(), "columns are the schema's");
    return Guarded([&] {
      if (writer_ == nullptr) ARROW_RETURN_NOT_OK(Start(rows, offset, length));
      while (length > 0) {
        if (group_ == nullptr) {
          group_ = writer_->AppendBufferedRowGroup();
          group_row_count_ = 0;
        }
        const int64_t room = options_.row_group_rows_max - group_row_count_;
        const int64_t count = std::min({length, room, kRowsPerCall});
        for (int c = 0; c < rows.num_columns(); ++c) {
          ARROW_RETURN_NOT_OK(WriteColumn(c, *rows.column(c), offset, count));
        }
        offset += count;
        length -= count;
        row_count_ += count;
        group_row_count_ += count;
        buffered_bytes_ = GroupBytes();
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
      if (writer_ == nullptr) {  // No row came: a file with a schema only.
        ARROW_ASSIGN_OR_RAISE(auto empty, arrow::RecordBatch::MakeEmpty(schema_));
        ARROW_RETURN_NOT_OK(Start(*empty, 0, 0));
      }
      CloseGroup();
      writer_->Close();
      ARROW_ASSIGN_OR_RAISE(const int64_t file_byte_count, file_->Tell());
      metrics = MetricsOfFooter(*writer_->metadata(), file_byte_count);
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
        ->compression_level(options_.compression_level)
        ->version(parquet::ParquetVersion::PARQUET_2_6)
        ->data_page_version(parquet::ParquetDataPageVersion::V1)
        ->dictionary_pagesize_limit(kDictionaryPageBytes)
        ->write_batch_size(kRowsPerCall)
        ->max_rows_per_page(1 << 20)
        ->max_row_group_length(options_.row_group_rows_max)
        ->enable_store_decimal_as_integer()
        ->disable_page_checksum()
        ->disable_write_page_index()
        ->set_size_statistics_level(parquet::SizeStatisticsLevel::None)
        ->created_by("catchwater");
    for (int c = 0; c < rows.num_columns(); ++c) {
      const std::string& name = schema_->field(c)->name();
      const auto path = std::make_shared<parquet::schema::ColumnPath>(std::vector{name});
      if (IsRepetitive(*rows.column(c), offset, length)) continue;
      builder.disable_dictionary(path);
      if (IsDeltaEncodable(schema_->field(c)->type()->id())) {
        builder.encoding(path, parquet::Encoding::DELTA_BINARY_PACKED);
      }
    }
    std::vector<parquet::SortingColumn> sorting;
    for (const int column : options_.sorted_by) sorting.push_back({column, false, true});
    builder.set_sorting_columns(std::move(sorting));
    const auto properties = builder.build();
    arrow_properties_ = parquet::ArrowWriterProperties::Builder().build();
    std::shared_ptr<parquet::SchemaDescriptor> descriptor;
    ARROW_RETURN_NOT_OK(parquet::arrow::ToParquetSchema(schema_.get(), *properties,
                                                        *arrow_properties_, &descriptor));
    context_ = std::make_unique<parquet::ArrowWriteContext>(arrow::default_memory_pool(),
                                                            arrow_properties_.get());
    writer_ = parquet::ParquetFileWriter::Open(
        file_, std::static_pointer_cast<parquet::schema::GroupNode>(descriptor->schema_root()),
        properties);
    levels_.resize(kRowsPerCall);
    return arrow::Status::OK();
  }

  arrow::Status WriteColumn(int c, const arrow::Array& column, int64_t offset, int64_t count) {
    const auto slice = column.Slice(offset, count);
    const bool is_nullable = schema_->field(c)->nullable();
    if (is_nullable) {
      FillLevels(*slice);
    } else if (slice->null_count() > 0) {
      return Internal("Required column has a null: ", schema_->field(c)->name());
    }
    return group_->column(c)->WriteArrow(is_nullable ? levels_.data() : nullptr, nullptr, count,
                                         *slice, context_.get(), is_nullable);
  }

  /// Definition levels of a flat optional column: 1 for a value, 0 for a null.
  void FillLevels(const arrow::Array& column) {
    const auto count = static_cast<size_t>(column.length());
    if (column.null_count() == 0) {
      std::fill_n(levels_.begin(), count, int16_t{1});
      return;
    }
    arrow::internal::BitmapReader bits(column.null_bitmap_data(), column.offset(), column.length());
    for (size_t i = 0; i < count; ++i, bits.Next()) levels_[i] = bits.IsSet() ? 1 : 0;
  }

  int64_t GroupBytes() const {
    const auto stats = group_->estimated_buffered_stats();
    return group_->total_compressed_bytes() + group_->total_compressed_bytes_written() +
           stats.def_level_bytes + stats.rep_level_bytes + stats.value_bytes + stats.dict_bytes;
  }

  void CloseGroup() {
    if (group_ == nullptr) return;
    group_->Close();
    group_ = nullptr;
    buffered_bytes_ = 0;
  }

  const std::shared_ptr<WritableFile> file_;
  const std::shared_ptr<arrow::Schema> schema_;
  const ParquetWriterOptions options_;
  std::shared_ptr<parquet::ArrowWriterProperties> arrow_properties_;
  std::unique_ptr<parquet::ArrowWriteContext> context_;
  std::unique_ptr<parquet::ParquetFileWriter> writer_;
  parquet::RowGroupWriter* group_ = nullptr;  // Owned by writer_.
  std::vector<int16_t> levels_;               // Scratch of one call.
  int64_t group_row_count_ = 0;
  int64_t buffered_bytes_ = 0;
  int64_t row_count_ = 0;
};

}  // namespace

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
