#include "catchwater/pipeline/needed_columns.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/pipeline/attribute_columns.h"

namespace catchwater {
namespace {

/// A codec that refuses a beginning without the columns' names finds them by name; one that takes
/// it may count them, and a column left out would shift the others.
bool FindsColumnsByName(const PipelinePlan& plan) {
  const DecodeOptions options{.columns = AttributeColumns(plan.columns).payload_columns(),
                              .frame_bytes_max = plan.frame_bytes_max};
  const auto framer = plan.codec->MakeFramer(options);
  if (!framer.ok()) return false;
  const auto head = (*framer)->ReadHead("no name of a column\n", /*is_end=*/true);
  return !head.ok() && KindOf(head.status()) == ErrorKind::kBadData;
}

std::set<std::string> UsedBy(const DetectorConfig& detector) {
  const auto columns = ColumnsOf(detector);
  return {columns.begin(), columns.end()};
}

}  // namespace

std::shared_ptr<const PipelinePlan> WithNeededColumns(std::shared_ptr<const PipelinePlan> plan) {
  if (plan->lake || !plan->steps.empty() || plan->streams.empty()) return plan;
  std::set<std::string> used;
  for (const StreamPlan& stream : plan->streams) {
    if (stream.config.window.over == WindowOver::kNone) return plan;  // Whole records.
    used.insert(stream.config.key.begin(), stream.config.key.end());
    for (const Aggregate& aggregate : stream.config.compute) used.insert(aggregate.column);
    for (const DetectorConfig& detector : stream.config.detect) used.merge(UsedBy(detector));
  }
  const auto is_needed = [&](const Column& column) {
    return used.contains(column.name) || column.is_event_time || column.is_required ||
           IsAttributeColumn(column);
  };
  const auto count = std::ranges::count_if(plan->columns, is_needed);
  if (count == 0 || count == std::ssize(plan->columns) || !FindsColumnsByName(*plan)) return plan;
  auto reduced = std::make_shared<PipelinePlan>(*plan);
  std::erase_if(reduced->columns, [&](const Column& column) { return !is_needed(column); });
  return reduced;
}

}  // namespace catchwater
