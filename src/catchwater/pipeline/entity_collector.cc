#include "catchwater/pipeline/entity_collector.h"

#include <limits>
#include <string_view>
#include <unordered_set>
#include <utility>

#include <arrow/array.h>
#include <arrow/scalar.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

void CollectEventTime(const arrow::Array& column, PartitionFlow* flow) {
  const auto& times = static_cast<const arrow::TimestampArray&>(column);
  if (times.null_count() == times.length()) return;
  int64_t us_min = std::numeric_limits<int64_t>::max();
  int64_t us_max = std::numeric_limits<int64_t>::min();
  const int64_t* values = times.raw_values();
  const bool has_nulls = times.null_count() > 0;
  for (int64_t i = 0; i < times.length(); ++i) {
    if (has_nulls && times.IsNull(i)) continue;
    us_min = std::min(us_min, values[i]);
    us_max = std::max(us_max, values[i]);
  }
  flow->WidenEventTime(us_min, us_max);
}

/// Most rows repeat one of a few names, often the one before: those cost one comparison or one
/// look-up, never an allocation.
void CollectStrings(const arrow::StringArray& names, PartitionFlow* flow) {
  std::unordered_set<std::string_view> seen;
  std::string_view last;
  bool has_last = false;
  for (int64_t i = 0; i < names.length() && flow->has_room_for_entities(); ++i) {
    if (names.IsNull(i)) continue;
    const std::string_view name = names.GetView(i);
    if (has_last && name == last) continue;
    last = name;
    has_last = true;
    if (seen.insert(name).second) flow->AddEntity(std::string(name));
  }
}

}  // namespace

EntityCollector::EntityCollector(std::string event_time_column, std::string entity_column)
    : event_time_column_(std::move(event_time_column)), entity_column_(std::move(entity_column)) {}

arrow::Status EntityCollector::Collect(const arrow::RecordBatch& rows, PartitionFlow* flow) const {
  if (!event_time_column_.empty()) {
    if (auto column = rows.GetColumnByName(event_time_column_);
        column != nullptr && column->type_id() == arrow::Type::TIMESTAMP) {
      CollectEventTime(*column, flow);
    }
  }
  if (entity_column_.empty() || !flow->has_room_for_entities()) return arrow::Status::OK();
  auto column = rows.GetColumnByName(entity_column_);
  if (column == nullptr) return arrow::Status::OK();
  if (column->type_id() == arrow::Type::STRING) {
    CollectStrings(static_cast<const arrow::StringArray&>(*column), flow);
    return arrow::Status::OK();
  }
  for (int64_t i = 0; i < column->length() && flow->has_room_for_entities(); ++i) {
    if (column->IsNull(i)) continue;
    ARROW_ASSIGN_OR_RAISE(auto scalar, column->GetScalar(i));
    flow->AddEntity(scalar->ToString());
  }
  return arrow::Status::OK();
}

}  // namespace catchwater
