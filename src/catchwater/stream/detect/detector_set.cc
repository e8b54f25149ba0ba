#include "catchwater/stream/detect/detector_set.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <arrow/array.h>

#include "catchwater/base/error.h"
#include "catchwater/stream/detect/active_alarm.h"
#include "catchwater/stream/detect/anomaly.h"
#include "catchwater/stream/detect/change_point.h"
#include "catchwater/stream/detect/failure_rate.h"
#include "catchwater/stream/detect/frequency.h"
#include "catchwater/stream/detect/threshold_trend.h"

namespace catchwater {
namespace {

constexpr double kNull = std::numeric_limits<double>::quiet_NaN();

template <class ArrayType>
void Copy(const arrow::Array& array, size_t stride, double* out) {
  const auto& values = static_cast<const ArrayType&>(array);
  for (int64_t i = 0; i < values.length(); ++i, out += stride) {
    *out = values.IsNull(i) ? kNull : static_cast<double>(values.Value(i));
  }
}

using CopyNumbers = void (*)(const arrow::Array&, size_t, double*);

/// Null: the type has no numbers.
CopyNumbers CopierOf(arrow::Type::type type) {
  switch (type) {
    case arrow::Type::BOOL:
      return Copy<arrow::BooleanArray>;
    case arrow::Type::INT32:
      return Copy<arrow::Int32Array>;
    case arrow::Type::INT64:
      return Copy<arrow::Int64Array>;
    case arrow::Type::FLOAT:
      return Copy<arrow::FloatArray>;
    case arrow::Type::DOUBLE:
      return Copy<arrow::DoubleArray>;
    default:
      return nullptr;
  }
}

bool IsChosen(const OnlyKeys* only,
              const std::vector<std::pair<std::string, std::string>>& key_texts) {
  if (only == nullptr) return true;
  return std::ranges::all_of(*only, [&](const auto& rule) {
    const auto column =
        std::ranges::find(key_texts, rule.first, &std::pair<std::string, std::string>::first);
    return column != key_texts.end() &&
           std::ranges::find(rule.second.values, column->second) != rule.second.values.end();
  });
}

std::unique_ptr<Detector> MakeDetector(const DetectorConfig& config) {
  if (config.frequency) return std::make_unique<Frequency>(*config.frequency);
  if (config.change_point) return std::make_unique<ChangePoint>(*config.change_point);
  if (config.anomaly) return std::make_unique<Anomaly>(*config.anomaly);
  if (config.active_alarm) return std::make_unique<ActiveAlarm>(*config.active_alarm);
  if (config.trend_to_threshold)
    return std::make_unique<ThresholdTrend>(*config.trend_to_threshold);
  if (config.failure_rate) return std::make_unique<FailureRate>(*config.failure_rate);
  return nullptr;
}

int64_t BytesOf(const DetectorConfig& config) {
  if (config.spike) return 100 + SpikeFilter::BytesOf(*config.spike);
  if (config.frequency) return 600;
  if (config.change_point) return 200 + 8 * config.change_point->learn;
  if (config.anomaly) return 25'000;
  if (config.trend_to_threshold) {
    return 250 + 12 * static_cast<int64_t>(ReadingHistory::kCountMax);  // Without rhythm.
  }
  return 300;
}

}  // namespace

arrow::Result<size_t> DetectorPlan::NumberIndex(const std::string& column,
                                                const arrow::Schema& input) {
  const auto known = std::ranges::find(columns_, column);
  if (known != columns_.end()) return static_cast<size_t>(known - columns_.begin());
  const auto field = input.GetFieldByName(column);
  if (field == nullptr) return ConfigError("A detector needs a column that is not there: ", column);
  if (CopierOf(field->type()->id()) == nullptr) {
    return ConfigError("A detector needs numbers or booleans, column and type: ", column, " ",
                       field->type()->ToString());
  }
  columns_.push_back(column);
  return columns_.size() - 1;
}

arrow::Status DetectorPlan::AddPart(const DetectorConfig& config, const arrow::Schema& input) {
  Part& part = *parts_.emplace_back(std::make_unique<Part>());
  part.config = config;
  const DetectorConfig& own = part.config;
  key_bytes_ += BytesOf(own);
  needs_time_ = needs_time_ || own.frequency || own.spike;
  const auto take = [&](const auto& of, size_t* number,
                        const std::string& column) -> arrow::Status {
    part.only = &of.only;
    ARROW_ASSIGN_OR_RAISE(*number, NumberIndex(column, input));
    return arrow::Status::OK();
  };
  if (own.spike) return take(*own.spike, &part.value, own.spike->value);
  if (own.change_point) return take(*own.change_point, &part.value, own.change_point->value);
  if (own.anomaly) return take(*own.anomaly, &part.value, own.anomaly->value);
  if (own.active_alarm) return take(*own.active_alarm, &part.active, own.active_alarm->active);
  if (own.failure_rate) return take(*own.failure_rate, &part.active, own.failure_rate->active);
  if (own.frequency) part.only = &own.frequency->only;
  if (own.trend_to_threshold) {
    const ThresholdTrendConfig& trend = *own.trend_to_threshold;
    ARROW_RETURN_NOT_OK(take(trend, &part.value, trend.value));
    if (!trend.threshold.empty()) {
      ARROW_RETURN_NOT_OK(take(trend, &part.threshold, trend.threshold));
    }
  }
  if (own.missing) {
    if (missing_ != nullptr) return ConfigError("`missing` stands twice in `detect`");
    missing_ = &*own.missing;
    missing_part_ = parts_.size() - 1;
  }
  return arrow::Status::OK();
}

arrow::Result<DetectorPlan> DetectorPlan::Make(const std::vector<DetectorConfig>& detect,
                                               const std::vector<std::string>& key,
                                               const arrow::Schema& input) {
  DetectorPlan plan;
  const auto check_key = [&key](const std::string& column) {
    if (std::ranges::find(key, column) != key.end()) return arrow::Status::OK();
    return arrow::Status(ConfigError("A detector names a column that is not in `key`: ", column));
  };
  for (const DetectorConfig& config : detect) {
    ARROW_RETURN_NOT_OK(plan.AddPart(config, input));
    const Part& part = *plan.parts_.back();
    if (part.only != nullptr) {
      for (const auto& [column, values] : *part.only) ARROW_RETURN_NOT_OK(check_key(column));
    }
  }
  if (plan.missing_ != nullptr) {
    for (const std::string& column : plan.missing_->source) ARROW_RETURN_NOT_OK(check_key(column));
  }
  for (const auto& part : plan.parts_) {
    // Readings carry one threshold through the filters of their column.
    for (const auto& other : plan.parts_) {
      const bool is_contrary = part->value == other->value && part->threshold != kNone &&
                               other->threshold != kNone && part->threshold != other->threshold;
      if (is_contrary) {
        return ConfigError("Two detectors have different thresholds for one column: ",
                           plan.columns_[part->value]);
      }
    }
  }
  return plan;
}

arrow::Result<std::vector<double>> DetectorPlan::NumbersOf(const arrow::RecordBatch& rows) const {
  std::vector<double> numbers(static_cast<size_t>(rows.num_rows()) * columns_.size());
  for (size_t i = 0; i < columns_.size(); ++i) {
    const auto column = rows.GetColumnByName(columns_[i]);
    CATCHWATER_CHECK(column != nullptr, "the columns were checked when the plan was made");
    CopierOf(column->type_id())(*column, columns_.size(), numbers.data() + i);
  }
  return numbers;
}

DetectorSet::DetectorSet(const DetectorPlan& plan,
                         const std::vector<std::pair<std::string, std::string>>& key_texts)
    : plan_(&plan), stages_(std::make_unique<Stage[]>(plan.parts().size())) {
  for (size_t i = 0; i < plan.parts().size(); ++i) {
    const DetectorPlan::Part& part = *plan.parts()[i];
    if (!IsChosen(part.only, key_texts)) continue;
    stages_[i].detector = MakeDetector(part.config);
    if (part.config.spike) stages_[i].filter = std::make_unique<SpikeFilter>(*part.config.spike);
  }
}

namespace {

double NumberAt(std::span<const double> numbers, size_t at) {
  return at == DetectorPlan::kNone ? kNull : numbers[at];
}

void TakeAll(size_t part, std::vector<Finding>* findings, std::vector<FoundBy>* found) {
  for (Finding& finding : *findings) found->push_back({part, std::move(finding)});
  findings->clear();
}

}  // namespace

void DetectorSet::AddOnArrival(int64_t time_us, std::span<const double> numbers,
                               std::vector<FoundBy>* found) {
  std::vector<Finding> findings;
  for (size_t i = 0; i < stages().size(); ++i) {
    if (stages_[i].detector == nullptr || !stages_[i].detector->is_in_order_of_arrival()) continue;
    const double active = NumberAt(numbers, plan_->parts()[i]->active);
    if (std::isnan(active)) continue;
    Reading reading{.time_us = time_us, .value = kNull, .is_active = active != 0};
    // For people: what the first detector with a value sees.
    for (const auto& part : plan_->parts()) {
      if (part->value == DetectorPlan::kNone) continue;
      reading.value = numbers[part->value];
      break;
    }
    stages_[i].detector->Add(reading, &findings);
    TakeAll(i, &findings, found);
  }
}

void DetectorSet::Flow(size_t part, size_t value, std::vector<Reading> readings,
                       std::vector<FoundBy>* found) {
  std::vector<Finding> findings;
  for (; part < stages().size() && !readings.empty(); ++part) {
    if (plan_->parts()[part]->value != value) continue;
    if (stages_[part].filter != nullptr) {
      std::vector<Reading> released;
      for (const Reading& reading : readings)
        stages_[part].filter->Add(reading, &released, &findings);
      readings = std::move(released);
    } else if (stages_[part].detector != nullptr) {
      for (const Reading& reading : readings) stages_[part].detector->Add(reading, &findings);
    }
    TakeAll(part, &findings, found);
  }
}

void DetectorSet::Add(int64_t time_us, std::span<const double> numbers,
                      std::vector<FoundBy>* found) {
  std::vector<Finding> findings;
  const auto& parts = plan_->parts();
  for (size_t i = 0; i < stages().size(); ++i) {
    const DetectorPlan::Part& part = *parts[i];
    if (part.value != DetectorPlan::kNone) {
      // The first part of a column takes the reading through all of them.
      const bool is_first =
          std::ranges::none_of(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(i),
                               [&](const auto& other) { return other->value == part.value; });
      if (!is_first || std::isnan(numbers[part.value])) continue;
      Reading reading{.time_us = time_us, .value = numbers[part.value]};
      for (const auto& other : parts) {
        if (other->value == part.value && other->threshold != DetectorPlan::kNone) {
          reading.threshold = numbers[other->threshold];
        }
      }
      Flow(i, part.value, {reading}, found);
      continue;
    }
    if (stages_[i].detector == nullptr || stages_[i].detector->is_in_order_of_arrival()) continue;
    const double active = NumberAt(numbers, part.active);
    if (part.active != DetectorPlan::kNone && std::isnan(active)) continue;
    stages_[i].detector->Add({.time_us = time_us, .value = kNull, .is_active = active == 1},
                             &findings);
    TakeAll(i, &findings, found);
  }
}

void DetectorSet::AdvanceTo(int64_t now_us, std::vector<FoundBy>* found) {
  std::vector<Finding> findings;
  for (size_t i = 0; i < stages().size(); ++i) {
    if (stages_[i].filter != nullptr) {
      std::vector<Reading> released;
      stages_[i].filter->AdvanceTo(now_us, &released, &findings);
      TakeAll(i, &findings, found);
      Flow(i + 1, plan_->parts()[i]->value, std::move(released), found);
    } else if (stages_[i].detector != nullptr) {
      stages_[i].detector->AdvanceTo(now_us, &findings);
      TakeAll(i, &findings, found);
    }
  }
}

void DetectorSet::Save(StateWriter* state) const {
  for (const Stage& stage : stages()) {
    if (stage.detector != nullptr) stage.detector->Save(state);
    if (stage.filter != nullptr) stage.filter->Save(state);
  }
}

void DetectorSet::Load(StateReader* state) {
  for (const Stage& stage : stages()) {
    if (stage.detector != nullptr) stage.detector->Load(state);
    if (stage.filter != nullptr) stage.filter->Load(state);
  }
}

}  // namespace catchwater
