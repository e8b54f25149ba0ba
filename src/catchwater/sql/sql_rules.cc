#include "catchwater/sql/sql_rules.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/batch/select_rows.h"
#include "catchwater/sql/simple_condition.h"
#include "catchwater/sql/sql_batch_program.h"

namespace catchwater {
namespace {

/// One condition, or a program of several rules.
struct Stage {
  size_t first_rule = 0;
  std::optional<SimpleCondition> condition;
  std::unique_ptr<SqlBatchProgram> program;
};

/// Rows on their way through the stages. Rows that are gone are taken out as late as possible.
struct Passage {
  Batch batch;
  std::vector<uint8_t> keep;  // Of the batch; empty: all.
  std::vector<DeadLetter> dead;
  std::vector<int64_t> filtered;  // By rule.

  arrow::Status TakeOut() {
    if (keep.empty()) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(batch, FilterBatch(std::move(batch), keep));
    keep.clear();
    return arrow::Status::OK();
  }
};

int64_t CountKept(std::span<const uint8_t> keep) {
  int64_t count = 0;
  for (const uint8_t flag : keep) count += flag;
  return count;
}

/// Replaces and adds the derived columns.
std::shared_ptr<arrow::RecordBatch> WithDerived(const arrow::RecordBatch& rows,
                                                const arrow::RecordBatch& derived,
                                                const std::shared_ptr<arrow::Schema>& schema) {
  arrow::ArrayVector columns = rows.columns();
  columns.resize(static_cast<size_t>(schema->num_fields()));
  for (int i = 0; i < derived.num_columns(); ++i) {
    const int place = schema->GetFieldIndex(derived.column_name(i));
    columns[static_cast<size_t>(place)] = derived.column(i);
  }
  return arrow::RecordBatch::Make(schema, rows.num_rows(), std::move(columns));
}

/// Makes dead letters of the rows of which an expression cannot be computed.
arrow::Status RefuseRows(SqlBatchProgram& program, Passage& passage) {
  ARROW_ASSIGN_OR_RAISE(const auto failures, program.Explain(passage.batch.rows));
  if (failures.empty()) return Internal("SQL rules fail on a batch, but on none of its rows");
  passage.keep.assign(static_cast<size_t>(passage.batch.rows->num_rows()), 1);
  for (const SqlBatchProgram::Failure& failure : failures) {
    const SqlRule& rule = program.rules()[failure.rule];
    passage.dead.push_back(
        MakeDeadLetter(passage.batch, failure.row,
                       {.rule = rule.name, .field = rule.column, .reason = failure.message}));
    passage.keep[static_cast<size_t>(failure.row)] = 0;
  }
  return passage.TakeOut();
}

arrow::Status RunProgram(Stage& stage, Passage& passage) {
  ARROW_RETURN_NOT_OK(passage.TakeOut());
  if (passage.batch.rows->num_rows() == 0) {
    ARROW_ASSIGN_OR_RAISE(passage.batch.rows,
                          arrow::RecordBatch::MakeEmpty(stage.program->output_schema()));
    return arrow::Status::OK();
  }
  auto ran = stage.program->Run(passage.batch.rows);
  if (!ran.ok() && KindOf(ran.status()) == ErrorKind::kBadData) {
    ARROW_RETURN_NOT_OK(RefuseRows(*stage.program, passage));
    ran = stage.program->Run(passage.batch.rows);
  }
  ARROW_ASSIGN_OR_RAISE(const SqlBatchProgram::Outcome outcome, std::move(ran));
  passage.batch.rows =
      WithDerived(*passage.batch.rows, *outcome.derived, stage.program->output_schema());
  if (outcome.verdicts == nullptr) return arrow::Status::OK();
  const std::span<const uint8_t> verdicts(outcome.verdicts->raw_values(),
                                          static_cast<size_t>(outcome.verdicts->length()));
  passage.keep.resize(verdicts.size());
  std::array<int64_t, 256> counts{};
  for (size_t i = 0; i < verdicts.size(); ++i) {
    ++counts[verdicts[i]];
    passage.keep[i] = verdicts[i] == 0 ? 1 : 0;
  }
  for (size_t rule = 0; rule < stage.program->rules().size(); ++rule) {
    passage.filtered[stage.first_rule + rule] += counts[rule + 1];
  }
  return arrow::Status::OK();
}

void RunCondition(Stage& stage, std::vector<uint8_t>& is_true, Passage& passage) {
  const auto row_count = static_cast<size_t>(passage.batch.rows->num_rows());
  is_true.resize(row_count);
  stage.condition->Evaluate(*passage.batch.rows, is_true);
  if (passage.keep.empty()) {
    passage.filtered[stage.first_rule] += static_cast<int64_t>(row_count) - CountKept(is_true);
    passage.keep.swap(is_true);
    return;
  }
  const int64_t kept_before = CountKept(passage.keep);
  for (size_t i = 0; i < row_count; ++i) passage.keep[i] = passage.keep[i] & is_true[i];
  passage.filtered[stage.first_rule] += kept_before - CountKept(passage.keep);
}

}  // namespace

struct SqlRules::State {
  std::vector<SqlRule> rules;
  std::vector<Stage> stages;
  std::shared_ptr<arrow::Schema> output_schema;
  std::shared_ptr<SqlDatabase> database;  // Null: no statement needs one.
  std::vector<uint8_t> is_true;           // Kept for its memory.

  std::optional<SimpleCondition> Simple(const SqlRule& rule, const SqlRulesOptions& options) {
    if (!rule.is_select() || !options.simple_conditions) return std::nullopt;
    return SimpleCondition::Compile(rule.expression, *output_schema);
  }

  /// One behind the last rule that belongs into the statement that begins at `first`: conditions
  /// behind it can run natively, those before it would cut it in two.
  size_t ProgramEnd(size_t first, const SqlRulesOptions& options) {
    size_t end = first + 1;
    const size_t limit = std::min(rules.size(), first + SqlBatchProgram::kRuleCountMax);
    for (size_t i = first + 1; i < limit; ++i) {
      if (!Simple(rules[i], options).has_value()) end = i + 1;
    }
    return end;
  }
};

SqlRules::SqlRules(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqlRules::~SqlRules() = default;

arrow::Result<std::unique_ptr<SqlRules>> SqlRules::Make(std::shared_ptr<arrow::Schema> input_schema,
                                                        std::vector<SqlRule> rules,
                                                        const SqlRulesOptions& options) {
  CATCHWATER_CHECK(!rules.empty(), "there is a rule");
  auto state = std::make_unique<State>();
  state->rules = std::move(rules);
  state->output_schema = std::move(input_schema);
  for (size_t i = 0; i < state->rules.size();) {
    Stage stage{
        .first_rule = i, .condition = state->Simple(state->rules[i], options), .program = {}};
    size_t end = i + 1;
    if (!stage.condition.has_value()) {
      end = state->ProgramEnd(i, options);
      if (state->database == nullptr) {
        ARROW_ASSIGN_OR_RAISE(state->database, OpenProgramDatabase());
      }
      const auto begin = state->rules.begin();
      ARROW_ASSIGN_OR_RAISE(stage.program,
                            SqlBatchProgram::Make(state->database, state->output_schema,
                                                  {begin + static_cast<std::ptrdiff_t>(i),
                                                   begin + static_cast<std::ptrdiff_t>(end)}));
      state->output_schema = stage.program->output_schema();
    }
    state->stages.push_back(std::move(stage));
    i = end;
  }
  return std::unique_ptr<SqlRules>(new SqlRules(std::move(state)));  // NOLINT: private
}

arrow::Result<Split> SqlRules::Apply(Batch batch) {
  Passage passage;
  passage.batch = std::move(batch);
  passage.filtered.resize(state_->rules.size());
  for (Stage& stage : state_->stages) {
    if (stage.condition.has_value()) {
      RunCondition(stage, state_->is_true, passage);
    } else {
      ARROW_RETURN_NOT_OK(RunProgram(stage, passage));
    }
  }
  ARROW_RETURN_NOT_OK(passage.TakeOut());
  Split split;
  split.good = std::move(passage.batch);
  split.dead = std::move(passage.dead);
  for (size_t i = 0; i < state_->rules.size(); ++i) {
    if (passage.filtered[i] == 0) continue;
    split.tallies.push_back({Bucket::kFiltered, state_->rules[i].name, passage.filtered[i]});
  }
  return split;
}

const std::shared_ptr<arrow::Schema>& SqlRules::output_schema() const {
  return state_->output_schema;
}
const std::vector<SqlRule>& SqlRules::rules() const { return state_->rules; }
bool SqlRules::may_refuse_rows() const { return statement_count() > 0; }
size_t SqlRules::statement_count() const {
  return static_cast<size_t>(
      std::count_if(state_->stages.begin(), state_->stages.end(),
                    [](const Stage& stage) { return stage.program != nullptr; }));
}

}  // namespace catchwater
