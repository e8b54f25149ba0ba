#include "catchwater/codec/json/json_plan.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

bool IsAll(const JsonStep& step) { return step.kind == JsonStep::Kind::kAll; }

/// Cuts the steps at each `[*]`: one part per level.
std::vector<JsonSteps> SplitAtAll(const JsonSteps& steps) {
  std::vector<JsonSteps> parts(1);
  for (const JsonStep& step : steps) {
    if (IsAll(step)) {
      parts.emplace_back();
    } else {
      parts.back().push_back(step);
    }
  }
  return parts;
}

struct Place {
  size_t level = 0;
  JsonSteps steps;
};

arrow::Result<Place> PlaceOf(const Column& column, const std::vector<JsonSteps>& path_parts) {
  const size_t record_level = path_parts.size() - 1;
  Place place{.level = record_level, .steps = path_parts.back()};
  if (column.from.empty()) {
    place.steps.push_back({.kind = JsonStep::Kind::kKey, .key = column.name});
    return place;
  }
  ARROW_ASSIGN_OR_RAISE(JsonPath from, ParseJsonPath(column.from));
  if (!from.is_absolute) {
    if (std::any_of(from.steps.begin(), from.steps.end(), IsAll)) {
      return ConfigError("Column takes one value, `[*]` belongs into `path`, column and from: ",
                         column.name, " ", column.from);
    }
    place.steps.insert(place.steps.end(), from.steps.begin(), from.steps.end());
    return place;
  }
  std::vector<JsonSteps> parts = SplitAtAll(from.steps);
  place.level = parts.size() - 1;
  if (place.level > record_level ||
      !std::equal(parts.begin(), parts.end() - 1, path_parts.begin())) {
    return ConfigError("Column with `[*]` must go along `path`, column and from: ", column.name,
                       " ", column.from);
  }
  place.steps = std::move(parts.back());
  return place;
}

}  // namespace

int32_t JsonPlan::value_begin(size_t level) const {
  if (level == record_level()) return 0;
  int32_t begin = own_value_count();
  for (size_t i = 0; i < level; ++i) begin += levels[i].tree.target_count();
  return begin;
}

arrow::Result<JsonPlan> JsonPlan::Make(const JsonPath& path, const std::vector<Column>& columns) {
  const std::vector<JsonSteps> parts = SplitAtAll(path.steps);
  JsonPlan plan;
  plan.levels.resize(parts.size());
  std::vector<std::pair<size_t, int32_t>> places;
  for (const Column& column : columns) {
    ARROW_ASSIGN_OR_RAISE(const Place place, PlaceOf(column, parts));
    places.emplace_back(place.level, plan.levels[place.level].tree.Add(place.steps));
    plan.levels[place.level].has_columns = true;
  }
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    plan.levels[i].array_steps = parts[i];
    plan.levels[i].array_target = plan.levels[i].tree.Add(parts[i]);
  }
  FieldTree& record_tree = plan.levels.back().tree;
  if (!parts.back().empty()) plan.record_target = record_tree.Add(parts.back());
  const int32_t record = record_tree.Find(parts.back());
  plan.needs_object = record != FieldTree::kNone && record_tree.has_members(record);
  for (const auto& [level, target] : places) {
    plan.value_of_column.push_back(plan.value_begin(level) + target);
  }
  for (const auto& level : plan.levels) plan.value_count += level.tree.target_count();
  return plan;
}

}  // namespace catchwater
