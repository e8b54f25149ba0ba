#include "catchwater/pipeline/attribute_columns.h"

#include <algorithm>
#include <utility>

#include <arrow/array/util.h>
#include <arrow/scalar.h>

#include "catchwater/base/error.h"
#include "catchwater/batch/column_builder.h"

namespace catchwater {
namespace {

arrow::Result<std::shared_ptr<arrow::Array>> Constant(const Column& column,
                                                      const Attributes* attributes,
                                                      int64_t row_count) {
  const std::string* text = nullptr;
  if (attributes != nullptr) {
    for (const auto& [name, value] : *attributes) {
      if (name == column.from) text = &value;
    }
  }
  if (text == nullptr) {
    return BadData("Path has no such part, column and attribute: ", column.name, " ", column.from);
  }
  ARROW_ASSIGN_OR_RAISE(auto builder, ColumnBuilder::Make(column));
  ARROW_RETURN_NOT_OK(builder->Reserve(1));
  if (!builder->AppendText(*text)) {
    return BadData("Attribute of the path is ", builder->reason(), ", column: ", column.name);
  }
  ARROW_ASSIGN_OR_RAISE(auto one, builder->Finish());
  ARROW_ASSIGN_OR_RAISE(auto scalar, one->GetScalar(0));
  return arrow::MakeArrayFromScalar(*scalar, row_count);
}

}  // namespace

bool IsFrameColumn(const Column& column) { return column.from.starts_with(kFramePrefix); }

bool IsAttributeColumn(const Column& column) { return column.from.starts_with("path."); }

AttributeColumns::AttributeColumns(std::vector<Column> declared)
    : declared_(std::move(declared)), schema_(ArrowSchema(declared_)) {
  for (const Column& column : declared_) {
    if (IsFrameColumn(column)) {
      frame_.push_back(column);
      frame_.back().from.erase(0, kFramePrefix.size());
    } else if (!IsAttributeColumn(column)) {
      payload_.push_back(column);
    }
  }
}

std::vector<std::string> AttributeColumns::attribute_names() const {
  std::vector<std::string> names;
  for (const Column& column : declared_) {
    if (IsAttributeColumn(column)) names.push_back(column.from);
  }
  return names;
}

std::vector<std::string> AttributeColumns::frame_column_names() const {
  std::vector<std::string> names;
  for (const Column& column : frame_) {
    if (std::find(names.begin(), names.end(), column.from) == names.end()) {
      names.push_back(column.from);
    }
  }
  return names;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> AttributeColumns::Attach(
    const std::shared_ptr<arrow::RecordBatch>& decoded, const Attributes* attributes,
    const arrow::ArrayVector& of_frame) const {
  if (payload_.size() == declared_.size()) return decoded;
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  arrays.reserve(declared_.size());
  int next = 0;
  size_t next_of_frame = 0;
  for (const Column& column : declared_) {
    if (IsFrameColumn(column)) {
      arrays.push_back(of_frame[next_of_frame++]);
    } else if (IsAttributeColumn(column)) {
      ARROW_ASSIGN_OR_RAISE(auto array, Constant(column, attributes, decoded->num_rows()));
      arrays.push_back(std::move(array));
    } else {
      arrays.push_back(decoded->column(next++));
    }
  }
  return arrow::RecordBatch::Make(schema_, decoded->num_rows(), std::move(arrays));
}

}  // namespace catchwater
