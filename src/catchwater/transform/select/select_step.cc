#include "catchwater/transform/select/select_step.h"

#include <memory>
#include <utility>
#include <vector>

#include "catchwater/sql/sql_rules.h"

namespace catchwater {
namespace {

class SelectStep final : public Step {
 public:
  explicit SelectStep(std::unique_ptr<SqlRules> rules) : rules_(std::move(rules)) {}

  arrow::Result<Split> Apply(Batch batch) override { return rules_->Apply(std::move(batch)); }
  const std::shared_ptr<arrow::Schema>& output_schema() const override {
    return rules_->output_schema();
  }
  bool needs_row_origins() const override { return rules_->may_refuse_rows(); }
  std::vector<SqlRule> sql_rules() const override { return rules_->rules(); }

 private:
  const std::unique_ptr<SqlRules> rules_;
};

constexpr const char* kDetails =
    "The condition is DuckDB's SQL. It sees one row: aggregates, window functions, subqueries and "
    "`random()` are refused. A row for which the condition is false or null is counted under the "
    "step's name. A row for which it cannot be computed (`CAST('abc' AS INTEGER)`) is a dead "
    "letter.\n\n"
    "Comparisons of columns with literals, `IS [NOT] NULL`, `IN`, `BETWEEN`, `AND`, `OR` and `NOT` "
    "run without the SQL engine; all else runs in one prepared statement together with the "
    "neighbouring `select` and `derive` steps.";

}  // namespace

arrow::Status RegisterSelectStep(Registry& registry) {
  return registry.AddStep<SelectConfig>(
      {.name = "select",
       .summary = "Keeps the rows for which a SQL condition is true.",
       .details = kDetails},
      [](const SelectConfig& config,
         const StepContext& context) -> arrow::Result<std::unique_ptr<Step>> {
        ARROW_ASSIGN_OR_RAISE(auto rules, SqlRules::Make(context.input_schema,
                                                         {{context.name, config.condition, ""}}));
        return std::make_unique<SelectStep>(std::move(rules));
      });
}

}  // namespace catchwater
