#include "catchwater/lake/iceberg/spec.h"

#include "catchwater/base/error.h"

namespace catchwater {

arrow::Result<std::vector<IcebergType>> PartitionTypes(const PartitionSpec& spec,
                                                       const IcebergSchema& schema) {
  std::vector<IcebergType> types;
  for (const PartitionField& field : spec.fields) {
    const IcebergField* source = schema.FieldById(field.source_id);
    if (source == nullptr && field.transform.kind == TransformKind::kVoid) {
      types.push_back(IcebergType{.kind = TypeKind::kInt});  // Its column was dropped: all null.
      continue;
    }
    if (source == nullptr) {
      return BadData("Partition field has no source column, name and id: ", field.name, " ",
                     field.source_id);
    }
    ARROW_ASSIGN_OR_RAISE(IcebergType type, TransformResultType(field.transform, source->type));
    types.push_back(std::move(type));
  }
  return types;
}

}  // namespace catchwater
