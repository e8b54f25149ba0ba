#include "catchwater/transform/enrich/reference_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/initialize.h>
#include <arrow/csv/api.h>
#include <arrow/io/interfaces.h>
#include <arrow/table.h>
#include <parquet/arrow/reader.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

const auto kTimestamp = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");

/// The declared column's type that holds the values of a type.
arrow::Result<std::shared_ptr<arrow::DataType>> ColumnTypeFor(const arrow::Field& field) {
  switch (field.type()->id()) {
    case arrow::Type::BOOL:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::DECIMAL128:
    case arrow::Type::STRING:
    case arrow::Type::DATE32:
      return field.type();
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::UINT8:
    case arrow::Type::UINT16:
      return arrow::int32();
    case arrow::Type::UINT32:
      return arrow::int64();
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
    case arrow::Type::DICTIONARY:
    case arrow::Type::NA:  // Nothing but nulls.
      return arrow::utf8();
    case arrow::Type::TIMESTAMP:
      return kTimestamp;
    default:
      return ConfigError("Column has a type that a pipeline cannot have, name and type: ",
                         field.name(), " ", field.type()->ToString());
  }
}

arrow::Result<std::shared_ptr<arrow::Array>> OneArray(const arrow::ChunkedArray& chunks,
                                                      const arrow::Field& wanted) {
  std::shared_ptr<arrow::Array> array;
  if (chunks.num_chunks() == 1) {
    array = chunks.chunk(0);
  } else if (chunks.num_chunks() == 0) {
    ARROW_ASSIGN_OR_RAISE(array, arrow::MakeEmptyArray(chunks.type()));
  } else {
    ARROW_ASSIGN_OR_RAISE(array, arrow::Concatenate(chunks.chunks()));
  }
  if (array->type()->Equals(*wanted.type())) return array;
  auto cast = arrow::compute::Cast(*array, wanted.type());
  if (cast.ok()) return cast;
  return ConfigError("Column cannot be read as ", wanted.type()->ToString(),
                     ", name and reason: ", wanted.name(), ": ", cast.status().message());
}

/// Puts the wanted columns of a table together.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> Pick(const arrow::Table& table,
                                                        const ReferenceRequest& request) {
  ARROW_RETURN_NOT_OK(arrow::compute::Initialize());  // For casts.
  if (table.num_rows() > request.row_count_max) {
    return ConfigError("Reference has more rows than rows_max, rows: ", table.num_rows());
  }
  arrow::FieldVector fields = request.typed;
  std::vector<std::string> others = request.others;
  const auto is_typed = [&](const std::string& name) {
    return std::any_of(request.typed.begin(), request.typed.end(),
                       [&](const auto& field) { return field->name() == name; });
  };
  if (others.empty() && !request.is_closed) {
    for (const auto& field : table.schema()->fields()) {
      if (!is_typed(field->name())) others.push_back(field->name());
    }
  }
  for (const std::string& name : others) {
    const auto field = table.schema()->GetFieldByName(name);
    if (field == nullptr) return ConfigError("Reference has no such column: ", name);
    ARROW_ASSIGN_OR_RAISE(auto type, ColumnTypeFor(*field));
    fields.push_back(arrow::field(name, std::move(type)));
  }
  arrow::ArrayVector arrays;
  for (const auto& field : fields) {
    const auto column = table.GetColumnByName(field->name());
    if (column == nullptr) return ConfigError("Reference has no such column: ", field->name());
    ARROW_ASSIGN_OR_RAISE(auto array, OneArray(*column, *field));
    arrays.push_back(std::move(array));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), table.num_rows(),
                                  std::move(arrays));
}

arrow::Status AsConfigError(const arrow::Status& status, const std::string& name) {
  if (status.ok() || KindOf(status) != ErrorKind::kBadData) return status;
  return ConfigError("Reference cannot be read, name and reason: ", name, ": ", status.message());
}

class FileReference final : public ReferenceReader {
 public:
  enum class Format { kCsv, kTsv, kParquet };

  FileReference(std::string path, std::string name, Format format, Files& files)
      : path_(std::move(path)), name_(std::move(name)), format_(format), files_(files) {}

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Read(
      const ReferenceRequest& request) override {
    ARROW_ASSIGN_OR_RAISE(auto file, files_.OpenInput(path_));
    auto table = format_ == Format::kParquet ? ReadParquet(std::move(file))
                                             : ReadCsv(std::move(file), request);
    ARROW_RETURN_NOT_OK(AsConfigError(table.status(), name_));
    return Pick(**table, request);
  }

  arrow::Result<std::string> Version() override {
    ARROW_ASSIGN_OR_RAISE(const FileEntry entry, files_.Stat(path_));
    return std::to_string(entry.modified_us) + " " + std::to_string(entry.byte_count) + " " +
           std::to_string(entry.inode);
  }
  const std::string& name() const override { return name_; }

 private:
  arrow::Result<std::shared_ptr<arrow::Table>> ReadCsv(
      std::shared_ptr<arrow::io::RandomAccessFile> file, const ReferenceRequest& request) {
    auto read = arrow::csv::ReadOptions::Defaults();
    read.use_threads = false;
    auto parse = arrow::csv::ParseOptions::Defaults();
    if (format_ == Format::kTsv) parse.delimiter = '\t';
    auto convert = arrow::csv::ConvertOptions::Defaults();
    convert.strings_can_be_null = true;
    convert.quoted_strings_can_be_null = false;
    for (const auto& field : request.typed) convert.column_types[field->name()] = field->type();
    ARROW_ASSIGN_OR_RAISE(
        auto reader, arrow::csv::TableReader::Make(arrow::io::default_io_context(), std::move(file),
                                                   read, parse, convert));
    return reader->Read();
  }

  static arrow::Result<std::shared_ptr<arrow::Table>> ReadParquet(
      std::shared_ptr<arrow::io::RandomAccessFile> file) {
    ARROW_ASSIGN_OR_RAISE(auto reader,
                          parquet::arrow::OpenFile(std::move(file), arrow::default_memory_pool()));
    return reader->ReadTable();
  }

  const std::string path_;
  const std::string name_;
  const Format format_;
  Files& files_;
};

class TableReference final : public ReferenceReader {
 public:
  TableReference(std::string table_key, TableReader& tables)
      : table_key_(std::move(table_key)), tables_(tables) {}

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Read(
      const ReferenceRequest& request) override {
    std::vector<std::string> columns;
    if (!request.others.empty() || request.is_closed) {
      for (const auto& field : request.typed) columns.push_back(field->name());
      columns.insert(columns.end(), request.others.begin(), request.others.end());
    }
    ARROW_ASSIGN_OR_RAISE(auto table, tables_.ReadTable(table_key_, columns));
    return Pick(*table, request);
  }
  arrow::Result<std::string> Version() override { return tables_.Version(table_key_); }
  const std::string& name() const override { return table_key_; }

 private:
  const std::string table_key_;
  TableReader& tables_;
};

}  // namespace

arrow::Result<std::unique_ptr<ReferenceReader>> MakeFileReference(const std::string& path,
                                                                  const std::string& name,
                                                                  Files& files) {
  std::optional<FileReference::Format> format;
  if (path.ends_with(".csv")) format = FileReference::Format::kCsv;
  if (path.ends_with(".tsv")) format = FileReference::Format::kTsv;
  if (path.ends_with(".parquet")) format = FileReference::Format::kParquet;
  if (!format.has_value()) {
    return ConfigError("Reference must end in .csv, .tsv or .parquet: ", name);
  }
  return std::make_unique<FileReference>(path, name, *format, files);
}

std::unique_ptr<ReferenceReader> MakeTableReference(const std::string& table_key,
                                                    TableReader& tables) {
  return std::make_unique<TableReference>(table_key, tables);
}

}  // namespace catchwater
