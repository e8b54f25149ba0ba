#include "catchwater/codec/json/json_options.h"

#include <algorithm>
#include <utility>

namespace catchwater {

arrow::Result<JsonPlans> JsonPlans::Make(const JsonOptions& options,
                                         const std::vector<Column>& columns) {
  const JsonStep all{.kind = JsonStep::Kind::kAll};
  JsonPath path = options.path;
  const bool has_all = std::find(path.steps.begin(), path.steps.end(), all) != path.steps.end();
  if (options.format == JsonFormat::kArray && !has_all) path.steps.push_back(all);
  JsonPlans plans;
  ARROW_ASSIGN_OR_RAISE(plans.main, JsonPlan::Make(path, columns));
  if (options.format == JsonFormat::kAuto && path.steps.empty()) {
    ARROW_ASSIGN_OR_RAISE(JsonPlan array, JsonPlan::Make({.steps = {all}}, columns));
    plans.array = std::make_shared<const JsonPlan>(std::move(array));
  }
  return plans;
}

}  // namespace catchwater
