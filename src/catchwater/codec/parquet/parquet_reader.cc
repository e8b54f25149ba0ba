#include "catchwater/codec/parquet/parquet_reader.h"

#include <algorithm>
#include <charconv>
#include <exception>
#include <utility>

#include <arrow/array/util.h>
#include <arrow/compute/cast.h>
#include <arrow/util/byte_size.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>
#include <parquet/schema.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

int32_t FieldIdIn(const arrow::Field& field) {
  int32_t id = -1;
  if (field.metadata() == nullptr) return id;
  const auto text = field.metadata()->Get("PARQUET:field_id");
  if (text.ok()) std::from_chars(text->data(), text->data() + text->size(), id);
  return id;
}

/// The widenings that old files of an evolved table need.
bool CanWiden(const arrow::DataType& from, const arrow::DataType& to) {
  if (from.Equals(to)) return true;
  if (from.id() == arrow::Type::INT32) return to.id() == arrow::Type::INT64;
  if (from.id() == arrow::Type::FLOAT) return to.id() == arrow::Type::DOUBLE;
  if (from.id() == arrow::Type::DECIMAL128 && to.id() == arrow::Type::DECIMAL128) {
    const auto& narrow = static_cast<const arrow::Decimal128Type&>(from);
    const auto& wide = static_cast<const arrow::Decimal128Type&>(to);
    return narrow.scale() == wide.scale() && narrow.precision() <= wide.precision();
  }
  if (from.id() == arrow::Type::TIMESTAMP && to.id() == arrow::Type::TIMESTAMP) {
    // The name of the zone may differ (UTC, Etc/UTC); whether there is one may not.
    const auto& a = static_cast<const arrow::TimestampType&>(from);
    const auto& b = static_cast<const arrow::TimestampType&>(to);
    return a.timezone().empty() == b.timezone().empty();
  }
  return from.id() == arrow::Type::LARGE_STRING && to.id() == arrow::Type::STRING;
}

// Until a batch has told how long rows are: repeated texts are far longer than their encoding.
constexpr int64_t kFirstRowsMax = 4'096;
constexpr int64_t kBatchRowsMin = 64;

class Reader final : public arrow::RecordBatchReader {
 public:
  Reader(Files& files, std::vector<std::string> paths, std::shared_ptr<arrow::Schema> schema,
         ParquetReadOptions options)
      : files_(files), paths_(std::move(paths)), schema_(std::move(schema)), options_(options) {}

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    try {
      return Next(*batch);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {
      return BadData("Parquet file cannot be read, path and cause: ", paths_[file_next_ - 1], " ",
                     error.what());
    }
  }

 private:
  arrow::Status Next(std::shared_ptr<arrow::RecordBatch>& batch) {
    batch = nullptr;
    for (;;) {
      if (rows_ == nullptr && group_next_ == group_count_) {
        if (file_next_ == paths_.size()) return arrow::Status::OK();
        ARROW_RETURN_NOT_OK(OpenFile(paths_[file_next_++]));
        continue;
      }
      if (rows_ == nullptr) ARROW_RETURN_NOT_OK(OpenGroup(group_next_++));
      std::shared_ptr<arrow::RecordBatch> raw;
      ARROW_RETURN_NOT_OK(rows_->ReadNext(&raw));
      if (raw != nullptr && raw->num_rows() > 0) {
        ARROW_ASSIGN_OR_RAISE(batch, Convert(*raw));
        ARROW_ASSIGN_OR_RAISE(const int64_t byte_count, arrow::util::ReferencedBufferSize(*batch));
        row_bytes_seen_ = std::max(row_bytes_seen_, 1 + byte_count / batch->num_rows());
        return arrow::Status::OK();
      }
      if (raw == nullptr) rows_ = nullptr;
    }
  }

  arrow::Status OpenFile(const std::string& path) {
    ARROW_ASSIGN_OR_RAISE(auto input, files_.OpenInput(path));
    auto raw = parquet::ParquetFileReader::Open(std::move(input));
    const parquet::SchemaDescriptor& descriptor = *raw->metadata()->schema();
    ARROW_ASSIGN_OR_RAISE(const std::vector<int> leaf_of_field, MapFields(descriptor, path));
    std::vector<int> leaves;
    column_of_field_.assign(leaf_of_field.size(), -1);
    for (size_t f = 0; f < leaf_of_field.size(); ++f) {
      if (leaf_of_field[f] < 0) continue;
      column_of_field_[f] = static_cast<int>(leaves.size());
      leaves.push_back(leaf_of_field[f]);
    }
    // Column chunks in file order, whatever the order of the schema: the reader sorts by leaf.
    std::vector<int> sorted = leaves;
    std::ranges::sort(sorted);
    for (int& column : column_of_field_) {
      if (column < 0) continue;
      const int leaf = leaves[static_cast<size_t>(column)];
      column = static_cast<int>(std::ranges::lower_bound(sorted, leaf) - sorted.begin());
    }
    group_next_ = 0;
    group_count_ = raw->metadata()->num_row_groups();
    leaves_ = std::move(sorted);
    parquet::ArrowReaderProperties properties(/*use_threads=*/false);
    properties.set_pre_buffer(false);
    ARROW_ASSIGN_OR_RAISE(reader_, parquet::arrow::FileReader::Make(arrow::default_memory_pool(),
                                                                    std::move(raw), properties));
    return arrow::Status::OK();
  }

  arrow::Status OpenGroup(int group) {
    const auto metadata = reader_->parquet_reader()->metadata()->RowGroup(group);
    int64_t byte_count = 0;
    for (const int leaf : leaves_) {
      byte_count += metadata->ColumnChunk(leaf)->total_uncompressed_size();
    }
    const int64_t row_bytes = std::max(
        {int64_t{1}, row_bytes_seen_, byte_count / std::max<int64_t>(1, metadata->num_rows())});
    const int64_t rows_max =
        row_bytes_seen_ == 0 ? std::min(options_.batch_rows, kFirstRowsMax) : options_.batch_rows;
    reader_->set_batch_size(
        std::min(rows_max, std::max(kBatchRowsMin, options_.batch_bytes / row_bytes)));
    ARROW_ASSIGN_OR_RAISE(rows_, reader_->GetRecordBatchReader({group}, leaves_));
    return arrow::Status::OK();
  }

  /// The leaf of the file for each field of the schema, -1 if it has none.
  arrow::Result<std::vector<int>> MapFields(const parquet::SchemaDescriptor& descriptor,
                                            const std::string& path) const {
    bool has_ids = false;
    for (int c = 0; c < descriptor.num_columns(); ++c) {
      has_ids = has_ids || descriptor.Column(c)->schema_node()->field_id() > 0;
    }
    if (!has_ids && !options_.allow_names) {
      return BadData("Parquet file has no field ids: ", path);
    }
    std::vector<int> leaf_of_field;
    for (const auto& field : schema_->fields()) {
      const int32_t id = FieldIdIn(*field);
      int leaf = -1;
      for (int c = 0; c < descriptor.num_columns() && leaf < 0; ++c) {
        const parquet::ColumnDescriptor& column = *descriptor.Column(c);
        // A leaf inside a nested column is not the field itself.
        if (column.path()->ToDotVector().size() != 1) continue;
        const bool is_it =
            has_ids ? column.schema_node()->field_id() == id : column.name() == field->name();
        if (is_it) leaf = c;
      }
      leaf_of_field.push_back(leaf);
    }
    return leaf_of_field;
  }

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Convert(const arrow::RecordBatch& raw) const {
    arrow::ArrayVector columns;
    for (int f = 0; f < schema_->num_fields(); ++f) {
      const arrow::Field& field = *schema_->field(f);
      const int column = column_of_field_[static_cast<size_t>(f)];
      if (column < 0) {
        ARROW_ASSIGN_OR_RAISE(auto nulls, arrow::MakeArrayOfNull(field.type(), raw.num_rows()));
        columns.push_back(std::move(nulls));
        continue;
      }
      std::shared_ptr<arrow::Array> values = raw.column(column);
      if (!values->type()->Equals(*field.type())) {
        if (!CanWiden(*values->type(), *field.type())) {
          return BadData("Parquet column has another type than the table, column, types and path: ",
                         field.name(), " ", values->type()->ToString(), " ",
                         field.type()->ToString(), " ", paths_[file_next_ - 1]);
        }
        ARROW_ASSIGN_OR_RAISE(values, arrow::compute::Cast(*values, field.type()));
      }
      columns.push_back(std::move(values));
    }
    return arrow::RecordBatch::Make(schema_, raw.num_rows(), std::move(columns));
  }

  Files& files_;
  const std::vector<std::string> paths_;
  const std::shared_ptr<arrow::Schema> schema_;
  const ParquetReadOptions options_;
  size_t file_next_ = 0;
  int group_next_ = 0;   // Of the current file.
  int group_count_ = 0;  // Of the current file.
  std::vector<int> leaves_;
  int64_t row_bytes_seen_ = 0;  // The longest mean of a batch; 0: there was none yet.
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::shared_ptr<arrow::RecordBatchReader> rows_;  // Of reader_.
  std::vector<int> column_of_field_;                // Of the current file, -1: missing.
};

}  // namespace

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> ReadParquet(
    Files& files, std::vector<std::string> paths, std::shared_ptr<arrow::Schema> schema,
    ParquetReadOptions options) {
  for (const auto& field : schema->fields()) {
    if (FieldIdIn(*field) <= 0) return Internal("Schema field has no field id: ", field->name());
  }
  return std::make_shared<Reader>(files, std::move(paths), std::move(schema), options);
}

}  // namespace catchwater
