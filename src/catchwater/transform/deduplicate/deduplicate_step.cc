#include "catchwater/transform/deduplicate/deduplicate_step.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include <arrow/array.h>

#include "catchwater/base/error.h"
#include "catchwater/batch/recent_keys.h"
#include "catchwater/batch/row_hash.h"
#include "catchwater/batch/select_rows.h"

namespace catchwater {
namespace {

constexpr const char* kDetails =
    "The first row of a key wins; the order is the source's. The state is one hash of 128 bits a "
    "key. Time is event time: a key is remembered until the greatest event time seen is more than "
    "`within` later than the key's own. A row that is older than what is remembered passes, since "
    "nobody knows, and is counted as `too_old` among the step's metrics. Nulls equal each other. "
    "Without a column declared `event_time: true` the order of arrival stands for time, and "
    "`within` cannot be given.\n\n"
    "At start the state is rebuilt from the rows in the lake, so the key columns must reach the "
    "table unchanged. Rows whose commit failed are forgotten.";

class DeduplicateStep final : public Step {
 public:
  static arrow::Result<std::unique_ptr<Step>> Make(const DeduplicateConfig& config,
                                                   const StepContext& context) {
    ARROW_ASSIGN_OR_RAISE(auto hasher, RowHasher::Make(*context.input_schema, config.key));
    const std::string event_time = EventTimeColumn(context);
    if (config.within.has_value() && event_time.empty()) {
      return ConfigError("`within` needs a column with `event_time: true`: ", context.name);
    }
    return std::unique_ptr<Step>(new DeduplicateStep(  // NOLINT: private constructor
        config, context, std::move(hasher), event_time));
  }

  arrow::Result<Split> Apply(Batch batch) override {
    LookUp(*batch.rows, hasher_);
    keep_.resize(answers_.size());
    int64_t kept = 0;
    for (size_t i = 0; i < answers_.size(); ++i) {
      keep_[i] = answers_[i] == RecentKeys::Answer::kAgain ? 0 : 1;
      kept += keep_[i];
      too_old_count_ += answers_[i] == RecentKeys::Answer::kTooOld ? 1 : 0;
    }
    Split split;
    if (const int64_t again = batch.rows->num_rows() - kept; again > 0) {
      split.tallies.push_back({Bucket::kDeduplicated, name_, again});
    }
    ARROW_ASSIGN_OR_RAISE(split.good, FilterBatch(std::move(batch), keep_));
    return split;
  }

  const std::shared_ptr<arrow::Schema>& output_schema() const override { return schema_; }
  bool is_stateful() const override { return true; }
  void RollBack() override { keys_.RollBack(); }
  void Committed() override { keys_.Commit(); }

  std::optional<SeedRequest> seed_request() const override {
    SeedRequest request{
        .columns = config_.key, .within_us = WithinUs(config_), .row_count_max = config_.keys_max};
    const auto& columns = config_.key;
    if (!event_time_.empty() &&
        std::find(columns.begin(), columns.end(), event_time_) == columns.end()) {
      request.columns.push_back(event_time_);
    }
    return request;
  }

  arrow::Status Seed(const arrow::RecordBatch& rows) override {
    ARROW_ASSIGN_OR_RAISE(auto hasher, RowHasher::Make(*rows.schema(), config_.key));
    if (!event_time_.empty() && rows.schema()->GetFieldIndex(event_time_) < 0) {
      return ConfigError("Event time is missing among the rows of the lake: ", event_time_);
    }
    LookUp(rows, hasher);
    keys_.Commit();
    return arrow::Status::OK();
  }

  std::vector<StepCounter> counters() const override {
    return {{name_ + ".too_old", too_old_count_}};
  }

 private:
  DeduplicateStep(const DeduplicateConfig& config, const StepContext& context, RowHasher hasher,
                  std::string event_time)
      : config_(config),
        name_(context.name),
        schema_(context.input_schema),
        event_time_(std::move(event_time)),
        hasher_(std::move(hasher)),
        keys_({.within_us = WithinUs(config), .key_count_max = config.keys_max}) {}

  static int64_t WithinUs(const DeduplicateConfig& config) {
    return config.within.has_value() ? config.within->us() : std::numeric_limits<int64_t>::max();
  }

  static std::string EventTimeColumn(const StepContext& context) {
    for (const Column& column : context.columns) {
      if (!column.is_event_time) continue;
      const auto field = context.input_schema->GetFieldByName(column.name);
      if (field != nullptr && field->type()->id() == arrow::Type::TIMESTAMP) return column.name;
    }
    return "";
  }

  void LookUp(const arrow::RecordBatch& rows, RowHasher& hasher) {
    hasher.Hash(rows, hashes_);
    answers_.resize(hashes_.size());
    ReadTimes(rows);
    keys_.Add(hashes_, times_us_, {}, answers_);
  }

  /// A null event time counts as the greatest so far; without a column every row is 1 later.
  void ReadTimes(const arrow::RecordBatch& rows) {
    const auto row_count = static_cast<size_t>(rows.num_rows());
    times_us_.resize(row_count);
    int64_t greatest_us = keys_.greatest_us();
    if (event_time_.empty()) {
      greatest_us = std::max<int64_t>(greatest_us, 0);
      for (size_t i = 0; i < row_count; ++i) times_us_[i] = ++greatest_us;
      return;
    }
    const auto& array =
        static_cast<const arrow::TimestampArray&>(*rows.GetColumnByName(event_time_));
    std::copy_n(array.raw_values(), row_count, times_us_.begin());
    if (array.null_count() == 0) return;
    greatest_us = std::max<int64_t>(greatest_us, 0);
    for (size_t i = 0; i < row_count; ++i) {
      if (array.IsNull(static_cast<int64_t>(i))) times_us_[i] = greatest_us;
      greatest_us = std::max(greatest_us, times_us_[i]);
    }
  }

  const DeduplicateConfig config_;
  const std::string name_;
  const std::shared_ptr<arrow::Schema> schema_;
  const std::string event_time_;  // Empty: none.
  RowHasher hasher_;
  RecentKeys keys_;
  int64_t too_old_count_ = 0;
  // Per row of the batch at hand; kept for their memory.
  std::vector<Hash128> hashes_;
  std::vector<int64_t> times_us_;
  std::vector<RecentKeys::Answer> answers_;
  std::vector<uint8_t> keep_;
};

}  // namespace

arrow::Status RegisterDeduplicateStep(Registry& registry) {
  return registry.AddStep<DeduplicateConfig>(
      {.name = "deduplicate",
       .summary = "Lets the first row of a key pass and counts the others.",
       .details = kDetails},
      [](const DeduplicateConfig& config, const StepContext& context) {
        return DeduplicateStep::Make(config, context);
      });
}

}  // namespace catchwater
