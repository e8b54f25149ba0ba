/// \file
/// For tests of codecs: columns and options in one line, results as text.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/scalar.h>
#include <arrow/table.h>

#include "catchwater/batch/column.h"
#include "catchwater/testing/codec_conformance.h"

namespace catchwater {

inline Column MakeColumn(std::string name, ColumnType type, std::string from = "") {
  Column column;
  column.name = std::move(name);
  column.type = type;
  column.from = std::move(from);
  return column;
}

inline DecodeOptions MakeOptions(std::vector<Column> columns) {
  DecodeOptions options;
  options.columns = std::move(columns);
  options.row_origins = true;
  return options;
}

/// Rows as `1|a|null; 2|b|x`.
inline std::string RowsAsText(const arrow::Table& table) {
  std::string text;
  for (int64_t row = 0; row < table.num_rows(); ++row) {
    if (row > 0) text += "; ";
    for (int i = 0; i < table.num_columns(); ++i) {
      if (i > 0) text += '|';
      text += table.column(i)->GetScalar(row).ValueOrDie()->ToString();
    }
  }
  return text;
}

}  // namespace catchwater
