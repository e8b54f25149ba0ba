#include "catchwater/transform/derive/derive_step.h"

#include <memory>

#include "catchwater/base/error.h"
#include "catchwater/sql/sql_rules.h"

namespace catchwater {
namespace {

class DeriveStep final : public Step {
 public:
  explicit DeriveStep(std::unique_ptr<SqlRules> rules) : rules_(std::move(rules)) {}

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
    "Columns are computed from top to bottom; a column of the same name is replaced where it "
    "stands, another one is added at the end. The expression is DuckDB's SQL over one row. Its "
    "type "
    "becomes the column's: whole numbers int32 or int64, HUGEINT decimal(38, 0), times timestamp "
    "in "
    "UTC; lists, structs and intervals must be cast. A row for which it cannot be computed is a "
    "dead letter.";

}  // namespace

arrow::Status DeriveConfig::Check() const {
  if (!columns.empty()) return arrow::Status::OK();
  return ConfigError("`derive` needs at least one column: `name: SQL expression`");
}

std::vector<std::string> DeriveConfig::ColumnsAdded() const {
  std::vector<std::string> names;
  for (const auto& [name, expression] : columns) names.push_back(name);
  return names;
}

arrow::Status RegisterDeriveStep(Registry& registry) {
  return registry.AddStep<DeriveConfig>(
      {.name = "derive",
       .summary = "Adds or replaces columns by SQL expressions.",
       .details = kDetails},
      [](const DeriveConfig& config,
         const StepContext& context) -> arrow::Result<std::unique_ptr<Step>> {
        std::vector<SqlRule> rules;
        for (const auto& [name, expression] : config.columns) {
          rules.push_back({context.name + "." + name, expression, name});
        }
        ARROW_ASSIGN_OR_RAISE(auto made, SqlRules::Make(context.input_schema, std::move(rules)));
        return std::make_unique<DeriveStep>(std::move(made));
      });
}

}  // namespace catchwater
