#include "catchwater/component/pick_columns.h"

#include <utility>

#include <arrow/type.h>

#include "catchwater/base/error.h"

namespace catchwater {

arrow::Result<PickColumns> PickColumns::Make(const std::vector<std::string>& names,
                                             const std::shared_ptr<arrow::Schema>& schema) {
  PickColumns pick;
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (const std::string& name : names) {
    const int index = schema->GetFieldIndex(name);
    if (index < 0) {
      std::string known;
      for (const auto& field : schema->fields()) known += " " + field->name();
      return ConfigError("Sink names a column that does not arrive, column: ", name,
                         "; columns:", known);
    }
    pick.indices_.push_back(index);
    fields.push_back(schema->field(index));
  }
  if (names.empty()) {
    for (int i = 0; i < schema->num_fields(); ++i) pick.indices_.push_back(i);
    fields = schema->fields();
  }
  pick.schema_ = arrow::schema(std::move(fields));
  return pick;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> PickColumns::Apply(
    const arrow::RecordBatch& rows) const {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  columns.reserve(indices_.size());
  for (const int index : indices_) columns.push_back(rows.column(index));
  return arrow::RecordBatch::Make(schema_, rows.num_rows(), std::move(columns));
}

}  // namespace catchwater
