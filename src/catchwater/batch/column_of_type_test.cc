#include "catchwater/batch/column_of_type.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

namespace catchwater {
namespace {

TEST(ColumnOfType, IsDeclaredAsItsArrowTypeIsMade) {
  for (const auto& type :
       {arrow::boolean(), arrow::int32(), arrow::int64(), arrow::float32(), arrow::float64(),
        arrow::utf8(), arrow::date32(), arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
        arrow::decimal128(9, 2)}) {
    const Column column = ColumnOfType("x", *type);
    EXPECT_EQ(column.name, "x");
    EXPECT_TRUE(ArrowType(column)->Equals(*type)) << type->ToString();
  }
  EXPECT_EQ(ColumnOfType("x", *arrow::list(arrow::int32())).type, ColumnType::kString);
}

}  // namespace
}  // namespace catchwater
