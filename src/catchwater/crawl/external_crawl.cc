#include "catchwater/crawl/external_crawl.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

#include <arrow/scalar.h>
#include <arrow/table.h>

#include "catchwater/base/error.h"
#include "catchwater/base/text.h"
#include "catchwater/crawl/path_columns.h"
#include "catchwater/sql/sql_text.h"

namespace catchwater {
namespace {

constexpr char kEmptySetting[] = "(empty)";  // As sniff_csv writes it.

std::string JoinedType(const std::string& a, const std::string& b) {
  if (a == b) return a;
  constexpr std::array<std::string_view, 4> kNumbers = {"BIGINT", "UBIGINT", "HUGEINT", "DOUBLE"};
  const auto is_number = [&](const std::string& type) {
    return std::ranges::find(kNumbers, type) != kNumbers.end();
  };
  const auto is_nested = [](const std::string& type) {
    return type == "JSON" || type.starts_with("STRUCT") || type.starts_with("MAP") ||
           type.ends_with("[]");
  };
  if (is_number(a) && is_number(b)) return "DOUBLE";
  return is_nested(a) || is_nested(b) ? "JSON" : "VARCHAR";
}

/// The rows of a statement as texts.
arrow::Result<std::vector<std::vector<std::string>>> Texts(SqlConnection& sql,
                                                           const std::string& statement) {
  ARROW_ASSIGN_OR_RAISE(SqlResult result, sql.QueryOnly(statement));
  ARROW_ASSIGN_OR_RAISE(const auto table, result.ReadAll());
  std::vector<std::vector<std::string>> rows(static_cast<size_t>(table->num_rows()));
  for (int64_t row = 0; row < table->num_rows(); ++row) {
    for (const auto& column : table->columns()) {
      ARROW_ASSIGN_OR_RAISE(const auto value, column->GetScalar(row));
      rows[static_cast<size_t>(row)].push_back(value->is_valid ? value->ToString() : "");
    }
  }
  return rows;
}

arrow::Result<FileShape> CsvShape(SqlConnection& sql, const std::string& path) {
  // The settings stand beside each column: a look at the whole file is dear, one is enough.
  ARROW_ASSIGN_OR_RAISE(
      const auto columns,
      Texts(sql,
            "SELECT Delimiter, Quote, Escape, Comment, SkipRows::VARCHAR, HasHeader::VARCHAR, "
            "DateFormat, TimestampFormat, c.name, c.type FROM (SELECT *, unnest(Columns) AS c FROM "
            "sniff_csv(" +
                QuoteSqlText(path) + ", sample_size = -1))"));
  if (columns.empty()) return BadData("CSV file cannot be understood: ", path);
  FileShape shape;
  constexpr std::array<std::string_view, 8> kNames = {
      "delim", "quote", "escape", "comment", "skip", "header", "dateformat", "timestampformat"};
  for (size_t i = 0; i < kNames.size(); ++i) {
    std::string value = columns.front()[i];
    if (value == kEmptySetting) value.clear();
    const bool is_format = i >= 6;
    if (is_format && value.empty()) continue;
    const bool is_word = kNames[i] == "skip" || kNames[i] == "header";
    shape.options +=
        std::string(kNames[i]) + " = " + (is_word ? value : QuoteSqlText(value)) + ", ";
  }
  for (const auto& column : columns) {
    shape.columns.emplace_back(column[kNames.size()], column[kNames.size() + 1]);
  }
  return shape;
}

arrow::Result<FileShape> JsonShape(SqlConnection& sql, const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(
      const auto columns,
      Texts(sql,
            "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM "
            "read_json(" +
                QuoteSqlText(path) + ", sample_size = -1, hive_partitioning = false))"));
  FileShape shape;
  for (const auto& column : columns) shape.columns.emplace_back(column[0], column[1]);
  return shape;
}

arrow::Result<FileShape> ShapeOf(SqlConnection& sql, CrawlFormat format, const std::string& path) {
  const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  if (name.find_first_of("*?") != name.npos) {
    return BadData("Name of the file has a wildcard (`*` or `?`); rename it: ", path);
  }
  auto shape = format == CrawlFormat::kCsv ? CsvShape(sql, path) : JsonShape(sql, path);
  if (shape.ok()) return shape;
  const std::string message = shape.status().message();
  return shape.status().WithMessage("File cannot be read as ", FormatName(format), ": ", path, ": ",
                                    message.substr(0, message.find('\n')));
}

std::string SqlTypeOf(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::INT32:
      return "INTEGER";
    case arrow::Type::INT64:
      return "BIGINT";
    case arrow::Type::DATE32:
      return "DATE";
    default:
      return "VARCHAR";
  }
}

void AddColumn(const std::string& name, const std::string& type, SqlColumns* columns) {
  const auto found = std::ranges::find_if(
      *columns, [&](const auto& column) { return IsSameIgnoringCase(column.first, name); });
  if (found == columns->end()) {
    columns->emplace_back(name, type);
  } else {
    found->second = JoinedType(found->second, type);
  }
}

SqlColumns FileColumns(const CrawlRecord& record) {
  SqlColumns columns;
  for (const auto& [path, shape] : record.shapes) {
    for (const auto& [name, type] : shape.columns) AddColumn(name, type, &columns);
  }
  // The folder says it of all rows of a file.
  for (const auto& [name, type] : record.path_columns) {
    std::erase_if(columns,
                  [&](const auto& column) { return IsSameIgnoringCase(column.first, name); });
  }
  return columns;
}

/// `{'a': 'BIGINT', 'b': 'VARCHAR'}`
std::string StructOf(const SqlColumns& columns) {
  std::string text = "{";
  for (const auto& [name, type] : columns) {
    text += (text.size() > 1 ? ", " : "") + QuoteSqlText(name) + ": " + QuoteSqlText(type);
  }
  return text + "}";
}

std::string Names(const SqlColumns& columns) {
  std::string text;
  for (const auto& [name, type] : columns) text += (text.empty() ? "" : ", ") + QuoteSqlName(name);
  return text;
}

/// Reads files of one shape.
std::string SelectFrom(const CrawlRecord& record, const std::vector<std::string>& paths,
                       const std::string& options, const SqlColumns& columns) {
  std::string files;
  for (const std::string& path : paths) files += (files.empty() ? "" : ", ") + QuoteSqlText(path);
  const bool is_csv = record.format == CrawlFormat::kCsv;
  std::string reader = std::string(is_csv ? "read_csv([" : "read_json([") + files + "], " +
                       (is_csv ? "auto_detect = false, " : "format = 'auto', ") + options +
                       "columns = " + StructOf(columns);
  SqlColumns wanted = columns;
  for (const auto& [name, type] : record.path_columns) {
    std::erase_if(wanted,
                  [&](const auto& column) { return IsSameIgnoringCase(column.first, name); });
  }
  wanted.insert(wanted.end(), record.path_columns.begin(), record.path_columns.end());
  if (record.path_columns.empty()) {
    reader += ", hive_partitioning = false)";
  } else {
    reader += ", hive_partitioning = true, hive_types = " + StructOf(record.path_columns) + ")";
  }
  return "SELECT " + Names(wanted) + " FROM " + reader;
}

}  // namespace

arrow::Result<CrawlReport> CrawlExternal(SqlConnection& sql, const std::vector<CrawledFile>& found,
                                         CrawlRecord* record) {
  const FileChanges changes = ChangesSince(record->files, found);
  CrawlReport report{.table_key = record->table_key,
                     .files = static_cast<int64_t>(found.size()),
                     .added = static_cast<int64_t>(changes.added.size()),
                     .changed = static_cast<int64_t>(changes.changed.size()),
                     .gone = static_cast<int64_t>(changes.gone.size()),
                     .format = record->format};
  ARROW_ASSIGN_OR_RAISE(const auto path_columns, PathColumnsOf(found));
  record->path_columns.clear();
  for (const auto& column : path_columns) {
    record->path_columns.emplace_back(column->name(), SqlTypeOf(*column->type()));
  }
  for (const std::string& path : changes.gone) {
    record->files.erase(path);
    record->shapes.erase(path);
  }
  for (const auto& [files, count] :
       {std::pair(&changes.added, &report.added), std::pair(&changes.changed, &report.changed)}) {
    for (const CrawledFile& file : *files) {
      const std::string& path = file.entry.path;
      record->files.erase(path);
      record->shapes.erase(path);
      auto shape = ShapeOf(sql, record->format, path);
      if (!shape.ok()) {
        report.refused.push_back({.path = path, .reason = shape.status().message()});
        --*count;
        --report.files;
        if (files == &changes.changed) ++report.gone;  // What it held before is.
        continue;
      }
      record->files[path] = {.byte_count = file.entry.byte_count,
                             .modified_us = file.entry.modified_us};
      record->shapes[path] = *std::move(shape);
    }
  }
  return report;
}

SqlColumns ExternalColumns(const CrawlRecord& record) {
  SqlColumns columns = FileColumns(record);
  columns.insert(columns.end(), record.path_columns.begin(), record.path_columns.end());
  return columns;
}

std::string ExternalSelect(const CrawlRecord& record) {
  CATCHWATER_CHECK(!record.shapes.empty(), "a table without files is no table");
  const SqlColumns table = FileColumns(record);
  std::map<std::string, std::pair<FileShape, std::vector<std::string>>> groups;
  for (const auto& [path, shape] : record.shapes) {
    FileShape read = shape;
    if (record.format == CrawlFormat::kJson) read.columns = table;  // By name, in any order.
    for (auto& [name, type] : read.columns) {
      const auto known = std::ranges::find_if(
          table, [&](const auto& column) { return IsSameIgnoringCase(column.first, name); });
      if (known == table.end()) continue;
      name = known->first;
      type = known->second;
    }
    auto& group = groups[read.options + StructOf(read.columns)];
    group.first = std::move(read);
    group.second.push_back(path);
  }
  std::string select;
  for (const auto& [key, group] : groups) {
    if (!select.empty()) select += " UNION ALL BY NAME ";
    select += SelectFrom(record, group.second, group.first.options, group.first.columns);
  }
  return select;
}

}  // namespace catchwater
