#include "catchwater/transform/validate/validate_step.h"

#include <algorithm>
#include <limits>
#include <memory>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/bitmap_ops.h>

#include "catchwater/base/error.h"
#include "catchwater/base/number.h"
#include "catchwater/base/timestamp.h"
#include "catchwater/batch/recent_keys.h"
#include "catchwater/batch/row_hash.h"
#include "catchwater/batch/select_rows.h"
#include "catchwater/transform/validate/value_rule.h"

namespace catchwater {
namespace {

constexpr const char* kDetails =
    "Rules are looked at column by column as written, `unique_within` after all others; the first "
    "one that is broken decides about the row. A null breaks no rule but `not_null`. "
    "`on_fail` says what happens, for all columns or for one:\n\n"
    "- `dead_letter`: the row goes to the dead letters with the rule (`validate.range`), the "
    "column and the value.\n"
    "- `null`: the value becomes null, the row goes on; counted among the step's metrics.\n"
    "- `drop`: the row is left out and counted under the rule's name.\n\n"
    "A rule about a column that is called like an option (`on_fail`) cannot be written.";

/// A rule with its place and what follows from it.
struct PlacedRule {
  std::string column;
  int index = 0;  // Of the column.
  OnFail on_fail = OnFail::kDeadLetter;
  std::unique_ptr<ValueRule> rule;     // Null: unique_within.
  std::unique_ptr<RecentKeys> recent;  // unique_within.
  std::unique_ptr<RowHasher> hasher;   // unique_within.
  Duration within;                     // unique_within.
  std::string name;                    // "validate[1].temperature.range"
  std::string letter_rule;             // "validate.range"
  int64_t nulled_count = 0;

  std::string Reason(const arrow::Array& values, int64_t row) const {
    if (rule != nullptr) return rule->Reason(values, row);
    return "Value came again within " + FormatDuration(within) + ": " + ShownValue(values, row);
  }
};

/// The array with nulls where is_broken is set.
arrow::Result<std::shared_ptr<arrow::Array>> WithNulls(const arrow::Array& values,
                                                       std::span<const uint8_t> is_broken) {
  ARROW_ASSIGN_OR_RAISE(auto bits, arrow::AllocateEmptyBitmap(values.length()));
  uint8_t* valid = bits->mutable_data();
  if (values.null_bitmap_data() != nullptr) {
    arrow::internal::CopyBitmap(values.null_bitmap_data(), values.offset(), values.length(), valid,
                                0);
  } else {
    arrow::bit_util::SetBitsTo(valid, 0, values.length(), true);
  }
  for (size_t i = 0; i < is_broken.size(); ++i) {
    if (is_broken[i] != 0) arrow::bit_util::ClearBit(valid, static_cast<int64_t>(i));
  }
  // Values keep their offset, so the mask needs the same one.
  if (values.offset() > 0) {
    ARROW_ASSIGN_OR_RAISE(bits, arrow::internal::CopyBitmap(arrow::default_memory_pool(), valid, 0,
                                                            values.length(), values.offset()));
  }
  auto data = values.data()->Copy();
  data->buffers[0] = std::move(bits);
  data->SetNullCount(arrow::kUnknownNullCount);
  return arrow::MakeArray(std::move(data));
}

class ValidateStep final : public Step {
 public:
  static arrow::Result<std::unique_ptr<Step>> Make(const ValidateConfig& config,
                                                   const StepContext& context);

  arrow::Result<Split> Apply(Batch batch) override {
    const auto row_count = static_cast<size_t>(batch.rows->num_rows());
    breaker_.assign(row_count, 0);
    is_broken_.resize(row_count);
    Split split;
    for (size_t i = 0; i < rules_.size(); ++i) {
      ARROW_RETURN_NOT_OK(ApplyRule(i, batch, split));
    }
    if (!batch.rows->schema()->Equals(*schema_)) {  // A column that may now have nulls.
      batch.rows = arrow::RecordBatch::Make(schema_, batch.rows->num_rows(), batch.rows->columns());
    }
    for (size_t i = 0; i < row_count; ++i) is_broken_[i] = breaker_[i] == 0 ? 1 : 0;
    ARROW_ASSIGN_OR_RAISE(split.good, FilterBatch(std::move(batch), is_broken_));
    return split;
  }

  const std::shared_ptr<arrow::Schema>& output_schema() const override { return schema_; }
  bool is_stateful() const override { return is_stateful_; }
  bool needs_row_origins() const override {
    return std::any_of(rules_.begin(), rules_.end(),
                       [](const PlacedRule& rule) { return rule.on_fail == OnFail::kDeadLetter; });
  }
  void RollBack() override {
    for (PlacedRule& rule : rules_) {
      if (rule.recent != nullptr) rule.recent->RollBack();
    }
  }
  void Committed() override {
    for (PlacedRule& rule : rules_) {
      if (rule.recent != nullptr) rule.recent->Commit();
    }
  }
  std::optional<SeedRequest> seed_request() const override;
  arrow::Status Seed(const arrow::RecordBatch& rows) override;

  std::vector<StepCounter> counters() const override {
    std::vector<StepCounter> counters;
    for (const PlacedRule& rule : rules_) {
      if (rule.on_fail == OnFail::kNull) {
        counters.push_back({rule.name + ".nulled", rule.nulled_count});
      }
    }
    return counters;
  }

 private:
  ValidateStep() = default;

  arrow::Status AddRule(std::unique_ptr<ValueRule> rule, const std::string& column, OnFail on_fail);
  arrow::Status AddValueRules(const ColumnRulesConfig& rules, const std::string& column,
                              OnFail on_fail);
  arrow::Status AddUniqueRule(Duration within, int64_t keys_max, const std::string& column,
                              OnFail on_fail, const StepContext& context);

  /// Marks what the rule breaks; rows that another rule broke before are not looked at.
  arrow::Status ApplyRule(size_t index, Batch& batch, Split& split) {
    PlacedRule& rule = rules_[index];
    const std::shared_ptr<arrow::Array> values = batch.rows->column(rule.index);
    if (rule.rule != nullptr) {
      rule.rule->Check(*values, is_broken_);
    } else {
      CheckUnique(rule, *batch.rows, *values);
    }
    int64_t broken_count = 0;
    for (size_t i = 0; i < is_broken_.size(); ++i) {
      is_broken_[i] = breaker_[i] == 0 ? is_broken_[i] : 0;
      broken_count += is_broken_[i];
    }
    if (broken_count == 0) return arrow::Status::OK();
    if (rule.on_fail == OnFail::kNull) {
      rule.nulled_count += broken_count;
      ARROW_ASSIGN_OR_RAISE(auto nulled, WithNulls(*values, is_broken_));
      return batch.rows->SetColumn(rule.index, schema_->field(rule.index), std::move(nulled))
          .Value(&batch.rows);
    }
    for (size_t i = 0; i < is_broken_.size(); ++i) {
      if (is_broken_[i] == 0) continue;
      breaker_[i] = 1;
      if (rule.on_fail == OnFail::kDrop) continue;
      const auto row = static_cast<int64_t>(i);
      split.dead.push_back(MakeDeadLetter(
          batch, row,
          {.rule = rule.letter_rule, .field = rule.column, .reason = rule.Reason(*values, row)}));
    }
    if (rule.on_fail == OnFail::kDrop) {
      split.tallies.push_back({Bucket::kDropped, rule.name, broken_count});
    }
    return arrow::Status::OK();
  }

  /// Nulls and rows that are gone are neither looked up nor remembered.
  void CheckUnique(PlacedRule& rule, const arrow::RecordBatch& rows, const arrow::Array& values) {
    rule.hasher->Hash(rows, hashes_);
    skip_.resize(hashes_.size());
    for (size_t i = 0; i < skip_.size(); ++i) {
      skip_[i] = breaker_[i] != 0 || values.IsNull(static_cast<int64_t>(i)) ? 1 : 0;
    }
    ReadTimes(*rule.recent, *rows.GetColumnByName(event_time_));
    answers_.resize(hashes_.size());
    rule.recent->Add(hashes_, times_us_, skip_, answers_);
    for (size_t i = 0; i < answers_.size(); ++i) {
      is_broken_[i] = answers_[i] == RecentKeys::Answer::kAgain ? 1 : 0;
    }
  }

  /// A null event time counts as the greatest so far.
  void ReadTimes(const RecentKeys& recent, const arrow::Array& array) {
    const auto& times = static_cast<const arrow::TimestampArray&>(array);
    times_us_.resize(static_cast<size_t>(array.length()));
    int64_t greatest_us = std::max<int64_t>(recent.greatest_us(), 0);
    for (size_t i = 0; i < times_us_.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      times_us_[i] = times.IsNull(row) ? greatest_us : times.Value(row);
      if (skip_[i] == 0) greatest_us = std::max(greatest_us, times_us_[i]);
    }
  }

  std::vector<PlacedRule> rules_;
  std::shared_ptr<arrow::Schema> schema_;
  std::string name_;
  std::string event_time_;  // Of unique_within.
  bool is_stateful_ = false;
  int64_t keys_max_ = 0;
  // Per row of the batch at hand; kept for their memory.
  std::vector<uint8_t> breaker_;  // 1: a rule was broken and the row goes.
  std::vector<uint8_t> is_broken_;
  std::vector<uint8_t> skip_;
  std::vector<Hash128> hashes_;
  std::vector<int64_t> times_us_;
  std::vector<RecentKeys::Answer> answers_;
};

arrow::Result<std::unique_ptr<Step>> ValidateStep::Make(const ValidateConfig& config,
                                                        const StepContext& context) {
  std::unique_ptr<ValidateStep> step(new ValidateStep());  // NOLINT: private constructor
  step->schema_ = context.input_schema;
  step->name_ = context.name;
  step->keys_max_ = config.keys_max;
  for (const auto& [column, rules] : config.columns) {
    if (context.input_schema->GetFieldIndex(column) < 0) {
      return ConfigError("Column is not there: ", column);
    }
    const OnFail on_fail = rules.on_fail.value_or(config.on_fail);
    if (const auto status = step->AddValueRules(rules, column, on_fail); !status.ok()) {
      return WithContext(status, "Rules of column `" + column + "`");
    }
  }
  for (const auto& [column, rules] : config.columns) {
    if (!rules.unique_within.has_value()) continue;
    const OnFail on_fail = rules.on_fail.value_or(config.on_fail);
    ARROW_RETURN_NOT_OK(
        step->AddUniqueRule(*rules.unique_within, config.keys_max, column, on_fail, context));
  }
  return step;
}

arrow::Status ValidateStep::AddRule(std::unique_ptr<ValueRule> rule, const std::string& column,
                                    OnFail on_fail) {
  const int index = schema_->GetFieldIndex(column);
  const std::string word = rule != nullptr ? rule->word() : "unique_within";
  if (on_fail == OnFail::kNull) {
    if (word == "not_null") {
      return ConfigError("`not_null` cannot be mended by `on_fail: null`");
    }
    ARROW_ASSIGN_OR_RAISE(schema_,
                          schema_->SetField(index, schema_->field(index)->WithNullable(true)));
  }
  PlacedRule placed;
  placed.column = column;
  placed.index = index;
  placed.on_fail = on_fail;
  placed.rule = std::move(rule);
  placed.name = name_ + "." + column + "." + word;
  placed.letter_rule = "validate." + word;
  rules_.push_back(std::move(placed));
  return arrow::Status::OK();
}

arrow::Status ValidateStep::AddValueRules(const ColumnRulesConfig& rules, const std::string& column,
                                          OnFail on_fail) {
  const auto type = schema_->GetFieldByName(column)->type();
  if (rules.is_not_null) ARROW_RETURN_NOT_OK(AddRule(MakeNotNullRule(), column, on_fail));
  if (rules.range.has_value()) {
    const auto end = [](const ConfigNode& node) {
      return node.is_null() ? std::nullopt : std::optional(node.text());
    };
    ARROW_ASSIGN_OR_RAISE(auto rule,
                          MakeRangeRule(type, end(rules.range->front()), end(rules.range->back())));
    ARROW_RETURN_NOT_OK(AddRule(std::move(rule), column, on_fail));
  }
  if (rules.regex.has_value()) {
    ARROW_ASSIGN_OR_RAISE(auto rule, MakeRegexRule(type, *rules.regex));
    ARROW_RETURN_NOT_OK(AddRule(std::move(rule), column, on_fail));
  }
  if (rules.one_of.has_value()) {
    ARROW_ASSIGN_OR_RAISE(auto rule, MakeOneOfRule(type, *rules.one_of));
    ARROW_RETURN_NOT_OK(AddRule(std::move(rule), column, on_fail));
  }
  return arrow::Status::OK();
}

arrow::Status ValidateStep::AddUniqueRule(Duration within, int64_t keys_max,
                                          const std::string& column, OnFail on_fail,
                                          const StepContext& context) {
  for (const Column& declared : context.columns) {
    const auto field = schema_->GetFieldByName(declared.name);
    if (declared.is_event_time && field != nullptr &&
        field->type()->id() == arrow::Type::TIMESTAMP) {
      event_time_ = declared.name;
    }
  }
  if (event_time_.empty()) {
    return ConfigError("`unique_within` needs a column with `event_time: true`: ", column);
  }
  ARROW_ASSIGN_OR_RAISE(auto hasher, RowHasher::Make(*schema_, {column}));
  ARROW_RETURN_NOT_OK(AddRule(nullptr, column, on_fail));
  PlacedRule& rule = rules_.back();
  rule.within = within;
  rule.hasher = std::make_unique<RowHasher>(std::move(hasher));
  rule.recent = std::make_unique<RecentKeys>(
      RecentKeys::Options{.within_us = within.us(), .key_count_max = keys_max});
  is_stateful_ = true;
  return arrow::Status::OK();
}

std::optional<Step::SeedRequest> ValidateStep::seed_request() const {
  if (!is_stateful_) return std::nullopt;
  SeedRequest request{.columns = {event_time_}, .within_us = 0, .row_count_max = keys_max_};
  for (const PlacedRule& rule : rules_) {
    if (rule.recent == nullptr) continue;
    request.within_us = std::max(request.within_us, rule.within.us());
    if (rule.column != event_time_) request.columns.push_back(rule.column);
  }
  return request;
}

arrow::Status ValidateStep::Seed(const arrow::RecordBatch& rows) {
  if (!is_stateful_) return arrow::Status::OK();
  if (rows.schema()->GetFieldIndex(event_time_) < 0) {
    return ConfigError("Event time is missing among the rows of the lake: ", event_time_);
  }
  breaker_.assign(static_cast<size_t>(rows.num_rows()), 0);
  is_broken_.resize(breaker_.size());
  for (PlacedRule& rule : rules_) {
    if (rule.recent == nullptr) continue;
    ARROW_ASSIGN_OR_RAISE(auto hasher, RowHasher::Make(*rows.schema(), {rule.column}));
    std::swap(*rule.hasher, hasher);
    CheckUnique(rule, rows, *rows.GetColumnByName(rule.column));
    std::swap(*rule.hasher, hasher);
    rule.recent->Commit();
  }
  return arrow::Status::OK();
}

/// What can be said before the column's type is known: numbers and times have one order each.
bool IsBackwards(const std::string& least, const std::string& greatest) {
  const auto low = ParseDouble(least);
  const auto high = ParseDouble(greatest);
  if (low && high) return *low > *high;
  const LocalTime from = ToUtc(ParseIso(least));
  const LocalTime to = ToUtc(ParseIso(greatest));
  return from.fault == TimeFault::kNone && to.fault == TimeFault::kNone && from.us > to.us;
}

}  // namespace

arrow::Status ColumnRulesConfig::Check() const {
  if (range.has_value() && !range->front().is_null() && !range->back().is_null() &&
      IsBackwards(range->front().text(), range->back().text())) {
    return ConfigError("No value can be in `range`, its ends are the wrong way round: [",
                       range->front().text(), ", ", range->back().text(), "]");
  }
  if (is_not_null || range.has_value() || regex.has_value() || one_of.has_value() ||
      unique_within.has_value()) {
    return arrow::Status::OK();
  }
  return ConfigError("needs a rule: not_null, range, regex, one_of or unique_within");
}

arrow::Status ValidateConfig::Check() const {
  if (!columns.empty()) return arrow::Status::OK();
  return ConfigError("`validate` needs rules of at least one column");
}

std::vector<std::string> ValidateConfig::ColumnsRead() const {
  std::vector<std::string> names;
  for (const auto& [column, rules] : columns) names.push_back(column);
  return names;
}

arrow::Status RegisterValidateStep(Registry& registry) {
  return registry.AddStep<ValidateConfig>(
      {.name = "validate",
       .summary = "Checks values; rows that break a rule are dead letters, dropped or mended.",
       .details = kDetails},
      [](const ValidateConfig& config, const StepContext& context) {
        return ValidateStep::Make(config, context);
      });
}

}  // namespace catchwater
