#include "catchwater/batch/text_table.h"

#include <algorithm>
#include <string_view>

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <arrow/type_traits.h>

#include "catchwater/base/number.h"
#include "catchwater/base/timestamp.h"

namespace catchwater {
namespace {

void AppendSafe(std::string_view text, std::string* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      out->push_back(c);
    } else {
      *out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
}

/// Number of characters, taking every code point as one column wide.
int64_t Width(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

std::string Shorten(std::string text, int64_t width_max) {
  if (Width(text) <= width_max) return text;
  size_t end = 0;
  for (int64_t left = width_max - 1; end < text.size(); ++end) {
    const bool begins_character = (static_cast<unsigned char>(text[end]) & 0xc0) != 0x80;
    if (begins_character && left-- == 0) break;
  }
  return text.substr(0, end) + "…";
}

bool IsNumber(const arrow::DataType& type) {
  return arrow::is_numeric(type.id()) || arrow::is_decimal(type.id());
}

struct TextColumn {
  std::vector<std::string> cells;  ///< The first is the name.
  int64_t width = 0;
  bool is_right = false;
};

void AppendRule(const std::vector<TextColumn>& columns, const char* left, const char* middle,
                const char* right, std::string* out) {
  *out += left;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) *out += middle;
    for (int64_t n = 0; n < columns[i].width + 2; ++n) *out += "─";
  }
  *out += right;
  *out += '\n';
}

void AppendRow(const std::vector<TextColumn>& columns, size_t row, std::string* out) {
  for (const TextColumn& column : columns) {
    const std::string& cell = column.cells[row];
    const std::string padding(static_cast<size_t>(column.width - Width(cell)), ' ');
    *out += "│ ";
    *out += column.is_right ? padding + cell : cell + padding;
    *out += ' ';
  }
  *out += "│\n";
}

}  // namespace

void AppendCell(const arrow::Array& column, int64_t row, std::string* text) {
  if (column.IsNull(row)) return;
  switch (column.type_id()) {
    case arrow::Type::STRING:
      return AppendSafe(static_cast<const arrow::StringArray&>(column).GetView(row), text);
    case arrow::Type::BOOL:
      *text += static_cast<const arrow::BooleanArray&>(column).Value(row) ? "true" : "false";
      return;
    case arrow::Type::INT32:
      return AppendNumber(int64_t{static_cast<const arrow::Int32Array&>(column).Value(row)}, text);
    case arrow::Type::INT64:
      return AppendNumber(static_cast<const arrow::Int64Array&>(column).Value(row), text);
    case arrow::Type::FLOAT:
      return AppendNumber(static_cast<const arrow::FloatArray&>(column).Value(row), text);
    case arrow::Type::DOUBLE:
      return AppendNumber(static_cast<const arrow::DoubleArray&>(column).Value(row), text);
    case arrow::Type::DATE32:
      return AppendDate(static_cast<const arrow::Date32Array&>(column).Value(row), text);
    case arrow::Type::TIMESTAMP: {
      const auto& type = static_cast<const arrow::TimestampType&>(*column.type());
      if (type.unit() == arrow::TimeUnit::MICRO) {
        return AppendTimestamp(static_cast<const arrow::TimestampArray&>(column).Value(row),
                               !type.timezone().empty(), text);
      }
      break;
    }
    default:
      break;
  }
  const auto scalar = column.GetScalar(row);
  if (scalar.ok()) AppendSafe((*scalar)->ToString(), text);
}

std::string DrawTable(const arrow::Schema& schema,
                      const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches,
                      const TextTableOptions& options) {
  std::vector<TextColumn> columns(static_cast<size_t>(schema.num_fields()));
  for (int i = 0; i < schema.num_fields(); ++i) {
    TextColumn& column = columns[static_cast<size_t>(i)];
    column.is_right = IsNumber(*schema.field(i)->type());
    std::string name;
    AppendSafe(schema.field(i)->name(), &name);
    column.cells.push_back(Shorten(std::move(name), options.width_max));
  }
  int64_t row_count = 0;
  for (const auto& batch : batches) {
    const int64_t shown = std::clamp<int64_t>(options.rows_max - row_count, 0, batch->num_rows());
    for (size_t i = 0; i < columns.size(); ++i) {
      for (int64_t row = 0; row < shown; ++row) {
        std::string cell;
        AppendCell(*batch->column(static_cast<int>(i)), row, &cell);
        columns[i].cells.push_back(Shorten(std::move(cell), options.width_max));
      }
    }
    row_count += batch->num_rows();
  }
  for (TextColumn& column : columns) {
    for (const std::string& cell : column.cells) column.width = std::max(column.width, Width(cell));
  }
  std::string out;
  AppendRule(columns, "┌", "┬", "┐", &out);
  AppendRow(columns, 0, &out);
  AppendRule(columns, "├", "┼", "┤", &out);
  const size_t cell_count = columns.empty() ? 0 : columns[0].cells.size();
  for (size_t row = 1; row < cell_count; ++row) AppendRow(columns, row, &out);
  AppendRule(columns, "└", "┴", "┘", &out);
  if (row_count > options.rows_max) {
    out += std::to_string(row_count) + " rows, the first " + std::to_string(options.rows_max) +
           " shown\n";
  }
  return out;
}

}  // namespace catchwater
