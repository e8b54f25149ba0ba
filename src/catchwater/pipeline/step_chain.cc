#include "catchwater/pipeline/step_chain.h"

#include <string>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/transform/select/fuse_sql_steps.h"

namespace catchwater {

namespace {

/// "select[0]": for tallies and messages.
std::string NameOfStep(const PipelinePlan& plan, size_t index) {
  return plan.steps[index].name + "[" + std::to_string(index) + "]";
}

}  // namespace

arrow::Result<std::unique_ptr<Step>> BuildStep(const PipelinePlan& plan, size_t index,
                                               std::shared_ptr<arrow::Schema> input_schema,
                                               Files& files, const Clock& clock,
                                               TableReader* table_reader) {
  return plan.steps[index].make({.input_schema = std::move(input_schema),
                                 .columns = plan.columns,
                                 .name = NameOfStep(plan, index),
                                 .files = files,
                                 .clock = clock,
                                 .project_folder = plan.project_folder,
                                 .table_reader = table_reader});
}

arrow::Result<StepChain> BuildStepChain(const PipelinePlan& plan, int lane_count, Files& files,
                                        const Clock& clock, TableReader* table_reader) {
  StepChain chain;
  chain.lanes.resize(static_cast<size_t>(lane_count));
  chain.output_schema = ArrowSchema(plan.columns);
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const auto input_schema = chain.output_schema;
    auto make = [&]() -> arrow::Result<std::unique_ptr<Step>> {
      auto made = BuildStep(plan, i, input_schema, files, clock, table_reader);
      if (made.ok()) return made;
      return WithContext(made.status(),
                         "pipeline `" + plan.name + "`, step " + NameOfStep(plan, i));
    };
    ARROW_ASSIGN_OR_RAISE(std::unique_ptr<Step> first, make());
    chain.output_schema = first->output_schema();
    chain.needs_row_origins |= first->needs_row_origins();
    if (first->is_stateful() || chain.tail != nullptr) {
      if (chain.tail == nullptr) chain.tail = std::make_shared<StatefulTail>();
      chain.tail->steps.push_back(std::move(first));
      continue;
    }
    chain.lanes[0].push_back(std::move(first));
    for (size_t lane = 1; lane < chain.lanes.size(); ++lane) {
      ARROW_ASSIGN_OR_RAISE(auto step, make());
      chain.lanes[lane].push_back(std::move(step));
    }
  }
  for (auto& steps : chain.lanes) {
    ARROW_ASSIGN_OR_RAISE(steps, FuseSqlSteps(std::move(steps), ArrowSchema(plan.columns)));
  }
  return chain;
}

}  // namespace catchwater
