#include "catchwater/transform/select/fuse_sql_steps.h"

#include <utility>

#include "catchwater/sql/sql_rules.h"

namespace catchwater {
namespace {

class FusedSqlStep final : public Step {
 public:
  explicit FusedSqlStep(std::unique_ptr<SqlRules> rules) : rules_(std::move(rules)) {}

  arrow::Result<Split> Apply(Batch batch) override { return rules_->Apply(std::move(batch)); }
  const std::shared_ptr<arrow::Schema>& output_schema() const override {
    return rules_->output_schema();
  }
  bool needs_row_origins() const override { return rules_->may_refuse_rows(); }
  std::vector<SqlRule> sql_rules() const override { return rules_->rules(); }

 private:
  const std::unique_ptr<SqlRules> rules_;
};

}  // namespace

arrow::Result<std::vector<std::unique_ptr<Step>>> FuseSqlSteps(
    std::vector<std::unique_ptr<Step>> steps, std::shared_ptr<arrow::Schema> input_schema) {
  std::vector<std::unique_ptr<Step>> fused;
  for (size_t i = 0; i < steps.size();) {
    std::vector<SqlRule> rules = steps[i]->sql_rules();
    size_t end = i + 1;
    while (!rules.empty() && end < steps.size()) {
      const std::vector<SqlRule> more = steps[end]->sql_rules();
      if (more.empty()) break;
      rules.insert(rules.end(), more.begin(), more.end());
      ++end;
    }
    std::shared_ptr<arrow::Schema> output_schema = steps[end - 1]->output_schema();
    if (end - i == 1) {
      fused.push_back(std::move(steps[i]));
    } else {
      ARROW_ASSIGN_OR_RAISE(auto made, SqlRules::Make(input_schema, std::move(rules)));
      fused.push_back(std::make_unique<FusedSqlStep>(std::move(made)));
    }
    input_schema = std::move(output_schema);
    i = end;
  }
  return fused;
}

}  // namespace catchwater
