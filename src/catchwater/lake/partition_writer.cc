#include "catchwater/lake/partition_writer.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <arrow/compute/cast.h>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"
#include "catchwater/codec/parquet/parquet_writer.h"
#include "catchwater/lake/file_names.h"
#include "catchwater/lake/partition_split.h"
#include "catchwater/lake/sortedness.h"

namespace catchwater {
namespace {

constexpr int64_t kUnsyncedBytesMax = 64LL << 20;

/// How batches of one schema become batches of the file's schema.
struct BatchLayout {
  std::shared_ptr<arrow::Schema> input;
  std::shared_ptr<arrow::Schema> file;  ///< Table columns that the input has, with field ids.
  std::vector<int> input_of_file;       ///< Position in the input of each file column.
  std::vector<bool> is_cast;
  bool is_identity = false;  ///< Input columns are the file's, in order and type.
};

bool FitsByCast(const arrow::DataType& from, const arrow::DataType& to) {
  const auto wanted = TypeFromArrow(to);
  const auto given = TypeFromArrow(from);
  return wanted.ok() && given.ok() && CanPromote(*given, *wanted);
}

bool IsText(const arrow::DataType& type) {
  if (type.id() != arrow::Type::DICTIONARY) return false;
  return static_cast<const arrow::DictionaryType&>(type).value_type()->id() == arrow::Type::STRING;
}

arrow::Result<BatchLayout> MakeLayout(const TableState& table,
                                      const std::shared_ptr<arrow::Schema>& input) {
  BatchLayout layout{.input = input};
  for (const auto& field : input->fields()) {
    if (table.schema->GetFieldIndex(field->name()) < 0) {
      return ConfigError("Column is not in the table, table and column: ", table.table_key, " ",
                         field->name());
    }
  }
  arrow::FieldVector fields;
  layout.is_identity = true;
  for (const auto& field : table.schema->fields()) {
    const int index = input->GetFieldIndex(field->name());
    if (index < 0) {
      if (!field->nullable()) {
        return ConfigError("Required column is missing, table and column: ", table.table_key, " ",
                           field->name());
      }
      continue;
    }
    const arrow::DataType& given = *input->field(index)->type();
    const bool is_same = given.Equals(*field->type()) ||
                         (IsText(given) && field->type()->id() == arrow::Type::STRING);
    if (!is_same && !FitsByCast(given, *field->type())) {
      return ConfigError(
          "Column has another type than the table, table, column and types: ", table.table_key, " ",
          field->name(), " ", given.ToString(), " ", field->type()->ToString());
    }
    layout.is_identity =
        layout.is_identity && is_same && index == static_cast<int>(layout.input_of_file.size());
    layout.input_of_file.push_back(index);
    layout.is_cast.push_back(!is_same);
    fields.push_back(field);
  }
  layout.file = arrow::schema(std::move(fields));
  return layout;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> ApplyLayout(
    const BatchLayout& layout, const std::shared_ptr<arrow::RecordBatch>& rows) {
  if (layout.is_identity) return rows;
  arrow::ArrayVector columns;
  for (size_t c = 0; c < layout.input_of_file.size(); ++c) {
    std::shared_ptr<arrow::Array> column = rows->column(layout.input_of_file[c]);
    if (layout.is_cast[c]) {
      ARROW_ASSIGN_OR_RAISE(
          column, arrow::compute::Cast(*column, layout.file->field(static_cast<int>(c))->type()));
    }
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(layout.file, rows->num_rows(), std::move(columns));
}

/// Bytes that no two partitions share.
std::string KeyOf(const PartitionValues& values) {
  std::string key;
  for (const Literal& value : values) {
    key.push_back(static_cast<char>(value.index()));
    if (IsNull(value)) continue;
    const std::string bytes = LiteralToBytes(value);
    key += std::to_string(bytes.size()) + ":" + bytes;
  }
  return key;
}

struct OpenFile {
  std::string path;
  PartitionValues values;
  std::string partition_key;
  std::shared_ptr<WritableFile> file;
  std::unique_ptr<ParquetFileWriter> parquet;
  Sortedness sortedness{{}};
  int64_t used_at = 0;  ///< Counts additions: the smallest is the least recently used.
};

class Writer final : public PartitionWriter {
 public:
  Writer(Lake& lake, std::shared_ptr<const TableState> table, PartitionWriterOptions options,
         std::vector<IcebergType> partition_types, std::string data_folder)
      : files_(lake.files()),
        table_(std::move(table)),
        options_(std::move(options)),
        partition_types_(std::move(partition_types)),
        data_folder_(std::move(data_folder)),
        uuid_(lake.NewUuid()),
        tag_(MakeWriterTag(options_.lease, options_.epoch)) {}

  ~Writer() override { static_cast<void>(Abandon()); }

  arrow::Status Add(const std::shared_ptr<arrow::RecordBatch>& rows) override {
    if (rows->num_rows() == 0) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(UseSchema(rows->schema()));
    ARROW_ASSIGN_OR_RAISE(const auto fitted, ApplyLayout(layout_, rows));
    ARROW_ASSIGN_OR_RAISE(const auto slices, SplitByPartition(fitted, spec(), partition_columns_));
    for (const PartitionSlice& slice : slices) ARROW_RETURN_NOT_OK(AddSlice(slice));
    row_count_ += rows->num_rows();
    return arrow::Status::OK();
  }

  arrow::Status UseTable(std::shared_ptr<const TableState> table) override {
    if (table->location == table_->location) return arrow::Status::OK();
    if (table->metadata->default_spec_id != table_->metadata->default_spec_id) {
      return Conflict("Table was partitioned anew: ", table->table_key);
    }
    // Open files have the schema of before.
    while (!open_.empty()) ARROW_RETURN_NOT_OK(FinishFile(open_.begin()));
    table_ = std::move(table);
    layout_ = {};
    return arrow::Status::OK();
  }

  arrow::Result<std::vector<WrittenFile>> Close() override {
    while (!open_.empty()) ARROW_RETURN_NOT_OK(FinishFile(open_.begin()));
    ARROW_RETURN_NOT_OK(Reach(FailPoint::kAppendDataFileWritten));
    ARROW_RETURN_NOT_OK(SyncFinished());
    for (const std::string& folder : folders_) ARROW_RETURN_NOT_OK(files_.SyncDirectory(folder));
    ARROW_RETURN_NOT_OK(Reach(FailPoint::kAppendDataFileSynced));
    std::vector<WrittenFile> written = std::move(written_);
    Reset();
    return written;
  }

  arrow::Status Abandon() override {
    arrow::Status first;
    auto remove = [&](const std::string& path) {
      const arrow::Status status = files_.Remove(path);
      if (first.ok()) first = status;
    };
    for (auto& [key, open] : open_) {
      open.parquet = nullptr;  // May still write; nobody will read it.
      static_cast<void>(open.file->Abort());
      remove(open.path);
    }
    for (const auto& file : unsynced_) static_cast<void>(file->Abort());
    for (const std::string& path : finished_paths_) remove(path);
    Reset();
    return first;
  }

  int64_t buffered_bytes() const override { return buffered_bytes_; }
  int64_t encoded_bytes() const override {
    int64_t byte_count = finished_bytes_;
    for (const auto& [key, open] : open_) byte_count += open.parquet->encoded_bytes();
    return byte_count;
  }
  int64_t row_count() const override { return row_count_; }

 private:
  using OpenFiles = std::map<std::string, OpenFile>;

  const PartitionSpec& spec() const { return table_->metadata->spec(); }

  arrow::Status UseSchema(const std::shared_ptr<arrow::Schema>& input) {
    if (layout_.input == input || (layout_.input != nullptr && layout_.input->Equals(*input))) {
      return arrow::Status::OK();
    }
    ARROW_ASSIGN_OR_RAISE(BatchLayout layout, MakeLayout(*table_, input));
    // Open files have the columns of the batches before.
    if (layout_.file != nullptr && !layout_.file->Equals(*layout.file, /*check_metadata=*/true)) {
      while (!open_.empty()) ARROW_RETURN_NOT_OK(FinishFile(open_.begin()));
    }
    layout_ = std::move(layout);
    partition_columns_.clear();
    for (const PartitionField& field : spec().fields) {
      const IcebergField* source = table_->metadata->schema().FieldById(field.source_id);
      partition_columns_.push_back(source == nullptr ? -1
                                                     : layout_.file->GetFieldIndex(source->name));
    }
    sort_keys_.clear();
    for (const SortField& field : table_->metadata->sort_order().fields) {
      const IcebergField* source = table_->metadata->schema().FieldById(field.source_id);
      const int column = source == nullptr ? -1 : layout_.file->GetFieldIndex(source->name);
      const bool is_usable = column >= 0 && field.transform.kind == TransformKind::kIdentity &&
                             field.is_nulls_first != field.is_descending;
      if (!is_usable) {
        sort_keys_.clear();
        break;
      }
      sort_keys_.push_back({.column = column, .is_descending = field.is_descending});
    }
    return arrow::Status::OK();
  }

  arrow::Status AddSlice(const PartitionSlice& slice) {
    ARROW_ASSIGN_OR_RAISE(const auto found, FindFile(slice.values));
    OpenFile& open = found->second;
    open.used_at = ++use_count_;
    open.sortedness.Add(*slice.rows, slice.offset, slice.length);
    buffered_bytes_ -= open.parquet->buffered_bytes();
    const arrow::Status written = open.parquet->Write(*slice.rows, slice.offset, slice.length);
    buffered_bytes_ += open.parquet->buffered_bytes();
    ARROW_RETURN_NOT_OK(written);
    if (open.parquet->encoded_bytes() >= options_.target_file_bytes) {
      return FinishFile(found);
    }
    return KeepWithinMemory();
  }

  arrow::Result<OpenFiles::iterator> FindFile(const PartitionValues& values) {
    const std::string key = KeyOf(values);
    const auto found = open_.find(key);
    if (found != open_.end()) return found;
    if (static_cast<int>(open_.size()) >= options_.open_files_max) {
      ARROW_RETURN_NOT_OK(FinishFile(std::ranges::min_element(
          open_, {}, [](const auto& item) { return item.second.used_at; })));
    }
    OpenFile open{.values = values,
                  .partition_key = PartitionKeyText(spec(), partition_types_, values)};
    ARROW_ASSIGN_OR_RAISE(const std::string folder,
                          MakeFolder(PartitionFolder(open.partition_key)));
    open.path = folder + "/" + DataFileName(tag_, uuid_, file_count_++);
    ARROW_ASSIGN_OR_RAISE(open.file, files_.CreateNew(open.path));
    // What is already there must not be forgotten by Abandon, should the next step fail.
    finished_paths_.push_back(open.path);
    ParquetWriterOptions parquet_options;
    parquet_options.compressor = compressor_;
    parquet_options.row_group_bytes_max =
        std::min(parquet_options.row_group_bytes_max, options_.buffered_bytes_max);
    ARROW_ASSIGN_OR_RAISE(open.parquet,
                          ParquetFileWriter::Make(open.file, layout_.file, parquet_options));
    open.sortedness = Sortedness(sort_keys_);
    return open_.emplace(key, std::move(open)).first;
  }

  arrow::Result<std::string> MakeFolder(const std::string& relative) {
    const std::string folder = relative.empty() ? data_folder_ : data_folder_ + "/" + relative;
    if (folders_.contains(folder)) return folder;
    ARROW_RETURN_NOT_OK(files_.CreateDirectories(folder));
    // Each level may be new, and its name lies in the one above.
    for (std::string level = folder; level.size() >= data_folder_.size();
         level = level.substr(0, level.rfind('/'))) {
      folders_.insert(level);
    }
    folders_.insert(data_folder_.substr(0, data_folder_.rfind('/')));
    return folder;
  }

  arrow::Status KeepWithinMemory() {
    while (buffered_bytes_ > options_.buffered_bytes_max) {
      const auto largest = std::ranges::max_element(
          open_, {}, [](const auto& item) { return item.second.parquet->buffered_bytes(); });
      const int64_t before = largest->second.parquet->buffered_bytes();
      ARROW_RETURN_NOT_OK(largest->second.parquet->FlushRowGroup());
      buffered_bytes_ -= before;
    }
    return arrow::Status::OK();
  }

  arrow::Status FinishFile(OpenFiles::iterator found) {
    OpenFile& open = found->second;
    buffered_bytes_ -= open.parquet->buffered_bytes();
    ARROW_ASSIGN_OR_RAISE(const ParquetMetrics metrics, open.parquet->Finish());
    WrittenFile written;
    written.spec_id = spec().spec_id;
    written.entry = ManifestFileOf(metrics, table_->metadata->schema());
    written.entry.path = UriOfPath(open.path);
    written.entry.partition = open.values;
    written.entry.sort_order_id =
        open.sortedness.is_sorted() ? table_->metadata->default_sort_order_id : 0;
    written.data_file = {.path = written.entry.path,
                         .partition_key = open.partition_key,
                         .tier = SizeTier(metrics.file_byte_count, options_.target_file_bytes),
                         .row_count = metrics.row_count,
                         .byte_count = metrics.file_byte_count};
    SetEventTimes(metrics, written.data_file);
    written_.push_back(std::move(written));
    finished_bytes_ += metrics.file_byte_count;
    unsynced_bytes_ += metrics.file_byte_count;
    unsynced_.push_back(std::move(open.file));
    open_.erase(found);
    // File descriptors are few, and an object store's file holds its end in memory.
    const bool are_many = static_cast<int>(unsynced_.size()) >= options_.open_files_max;
    if (are_many || unsynced_bytes_ >= kUnsyncedBytesMax) return SyncFinished();
    return arrow::Status::OK();
  }

  void SetEventTimes(const ParquetMetrics& metrics, DataFile& file) const {
    if (table_->event_time_column.empty()) return;
    for (const ParquetColumnMetrics& column : metrics.columns) {
      if (column.name != table_->event_time_column || !column.min || !column.max) continue;
      if (const auto* low = std::get_if<int64_t>(&*column.min)) file.event_us_min = *low;
      if (const auto* high = std::get_if<int64_t>(&*column.max)) file.event_us_max = *high;
    }
  }

  arrow::Status SyncFinished() {
    for (const auto& file : unsynced_) {
      ARROW_RETURN_NOT_OK(file->Sync());
      ARROW_RETURN_NOT_OK(file->Close());
    }
    unsynced_.clear();
    unsynced_bytes_ = 0;
    return arrow::Status::OK();
  }

  void Reset() {
    open_.clear();
    unsynced_.clear();
    unsynced_bytes_ = 0;
    finished_paths_.clear();
    folders_.clear();
    written_.clear();
    buffered_bytes_ = 0;
    finished_bytes_ = 0;
    row_count_ = 0;
  }

  Files& files_;
  std::shared_ptr<const TableState> table_;
  const PartitionWriterOptions options_;
  const std::vector<IcebergType> partition_types_;
  const std::string data_folder_;
  const std::string uuid_;
  const WriterTag tag_;
  const std::shared_ptr<PageCompressor> compressor_ = MakePageCompressor();
  BatchLayout layout_;
  std::vector<int> partition_columns_;  // In the file's schema, of each partition field.
  std::vector<SortKey> sort_keys_;      // Empty: files never count as sorted.
  OpenFiles open_;                      // By partition; at most open_files_max.
  std::vector<std::shared_ptr<WritableFile>> unsynced_;  // Finished, not yet synced.
  std::vector<std::string> finished_paths_;              // All files of this flush.
  std::set<std::string> folders_;                        // To be synced.
  std::vector<WrittenFile> written_;
  int64_t file_count_ = 0;
  int64_t use_count_ = 0;
  int64_t buffered_bytes_ = 0;
  int64_t finished_bytes_ = 0;
  int64_t unsynced_bytes_ = 0;
  int64_t row_count_ = 0;
};

std::string BoundBytes(const ParquetValue& value, bool is_long) {
  if (const auto* number = std::get_if<int32_t>(&value); number != nullptr && is_long) {
    return LiteralToBytes(static_cast<int64_t>(*number));
  }
  return std::visit([](const auto& typed) { return LiteralToBytes(Literal(typed)); }, value);
}

void AddBounds(const ParquetColumnMetrics& column, const IcebergType& type,
               ManifestDataFile& file) {
  if (!column.min || !column.max) return;
  if (type.kind == TypeKind::kString) {
    file.lower_bounds.emplace_back(column.field_id,
                                   TruncateLowerBound(std::get<std::string>(*column.min)));
    const Literal upper = TruncateUpperBound(std::get<std::string>(*column.max));
    if (!IsNull(upper)) file.upper_bounds.emplace_back(column.field_id, LiteralToBytes(upper));
    return;
  }
  const bool is_long = type.kind == TypeKind::kLong;
  file.lower_bounds.emplace_back(column.field_id, BoundBytes(*column.min, is_long));
  file.upper_bounds.emplace_back(column.field_id, BoundBytes(*column.max, is_long));
}

}  // namespace

ManifestDataFile ManifestFileOf(const ParquetMetrics& metrics, const IcebergSchema& schema) {
  ManifestDataFile file;
  file.record_count = metrics.row_count;
  file.file_byte_count = metrics.file_byte_count;
  file.split_offsets = metrics.split_offsets;
  std::vector<const ParquetColumnMetrics*> columns;
  for (const ParquetColumnMetrics& column : metrics.columns) columns.push_back(&column);
  std::ranges::sort(columns, {}, [](const auto* column) { return column->field_id; });
  for (const ParquetColumnMetrics* column : columns) {
    const IcebergField* field = schema.FieldById(column->field_id);
    if (field == nullptr) continue;
    file.column_byte_counts.emplace_back(field->id, column->byte_count);
    file.value_counts.emplace_back(field->id, column->value_count);
    if (column->null_count) file.null_counts.emplace_back(field->id, *column->null_count);
    AddBounds(*column, field->type, file);
  }
  return file;
}

arrow::Result<std::unique_ptr<PartitionWriter>> PartitionWriter::Make(
    Lake& lake, std::shared_ptr<const TableState> table, PartitionWriterOptions options) {
  CATCHWATER_CHECK(
      options.target_file_bytes > 0 && options.buffered_bytes_max > 0 && options.open_files_max > 0,
      "bounds are positive");
  ARROW_ASSIGN_OR_RAISE(auto types,
                        PartitionTypes(table->metadata->spec(), table->metadata->schema()));
  ARROW_ASSIGN_OR_RAISE(const std::string folder, PathOfUri(table->metadata->location));
  return std::make_unique<Writer>(lake, std::move(table), std::move(options), std::move(types),
                                  folder + "/data");
}

arrow::Status RemoveWritten(Files& files, const std::vector<WrittenFile>& written) {
  arrow::Status first;
  for (const WrittenFile& file : written) {
    ARROW_ASSIGN_OR_RAISE(const std::string path, PathOfUri(file.entry.path));
    const arrow::Status removed = files.Remove(path);
    if (first.ok()) first = removed;
  }
  return first;
}

int SizeTier(int64_t byte_count, int64_t target_file_bytes) {
  constexpr int kTierMax = 6;
  if (byte_count >= target_file_bytes / 4 * 3) return -1;
  int tier = 0;
  for (int64_t limit = target_file_bytes / 8; tier < kTierMax && byte_count < limit; limit /= 8) {
    ++tier;
  }
  return tier;
}

}  // namespace catchwater
