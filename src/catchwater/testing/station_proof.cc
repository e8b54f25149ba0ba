#include "catchwater/testing/station_proof.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>

#include "catchwater/source/simulate/base_station_model.h"
#include "catchwater/stream/detect/detect_operator.h"
#include "catchwater/stream/timed_stream.h"

namespace catchwater {
namespace {

constexpr int64_t kMinuteUs = 60'000'000;
constexpr int64_t kAllowUs = 3 * kMinuteUs;
constexpr int64_t kLeadUs = 5 * kMinuteUs;

const std::vector<std::string> kAnalog{"111", "112", "113", "114", "115", "116", "121", "122",
                                       "123", "124", "125", "126", "141", "143", "144", "161"};

bool IsAnalog(int32_t datapoint) {
  return std::ranges::find(kAnalog, std::to_string(datapoint)) != kAnalog.end();
}

std::shared_ptr<arrow::Schema> InputSchema() {
  return arrow::schema(
      {arrow::field("station_id", arrow::int64()), arrow::field("datapoint_id", arrow::int32()),
       arrow::field("event_time", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
       arrow::field("value", arrow::float64()), arrow::field("valueThreshold", arrow::float64()),
       arrow::field("isActive", arrow::boolean())});
}

DetectOptions Detectors() {
  SpikeConfig spike;
  spike.only = {{"datapoint_id", {kAnalog}}};
  ThresholdTrendConfig above;
  above.threshold = "valueThreshold";
  above.only = {{"datapoint_id", {{"111"}}}};
  above.unit = "°C";
  ThresholdTrendConfig below = above;
  below.side = TrendSide::kBelow;
  below.only = {{"datapoint_id", {{"141"}}}};
  below.unit = "V";
  ActiveAlarmConfig active;
  active.only = {{"datapoint_id", {{"111", "141"}}}};
  DetectOptions options{.key = {"station_id", "datapoint_id"}, .event_time_column = "event_time"};
  options.detect.resize(4);
  options.detect[0].spike = spike;
  options.detect[1].trend_to_threshold = above;
  options.detect[2].trend_to_threshold = below;
  options.detect[3].active_alarm = active;
  options.alarms.raises_per_hour_max = 1'000'000;
  return options;
}

arrow::Result<std::unique_ptr<TimedStream>> MakeStream() {
  ARROW_ASSIGN_OR_RAISE(auto op, DetectOperator::Make(Detectors(), InputSchema()));
  EventTimeOptions time{.column = "event_time"};
  time.allow_us = kAllowUs;
  time.future_us = int64_t{1} << 60;
  std::vector<std::unique_ptr<OrderedOperator>> ops;
  ops.push_back(std::move(op));
  return std::make_unique<TimedStream>(time, std::move(ops), KeyClasses(), false);
}

struct Rows {
  arrow::Int64Builder station;
  arrow::Int32Builder datapoint;
  arrow::TimestampBuilder time{arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
                               arrow::default_memory_pool()};
  arrow::DoubleBuilder value, threshold;
  arrow::BooleanBuilder active;

  arrow::Status Add(const StationReading& reading) {
    ARROW_RETURN_NOT_OK(station.Append(reading.station));
    ARROW_RETURN_NOT_OK(datapoint.Append(reading.datapoint));
    ARROW_RETURN_NOT_OK(time.Append(reading.time_us));
    ARROW_RETURN_NOT_OK(value.Append(reading.value));
    ARROW_RETURN_NOT_OK(threshold.Append(reading.threshold.value_or(999'999)));
    return active.Append(reading.is_active);
  }
  arrow::Result<Batch> Take() {
    arrow::ArrayVector arrays;
    for (arrow::ArrayBuilder* builder : std::initializer_list<arrow::ArrayBuilder*>{
             &station, &datapoint, &time, &value, &threshold, &active}) {
      ARROW_ASSIGN_OR_RAISE(auto array, builder->Finish());
      arrays.push_back(std::move(array));
    }
    Batch batch;
    const int64_t row_count = arrays.front()->length();
    batch.rows = arrow::RecordBatch::Make(InputSchema(), row_count, std::move(arrays));
    return batch;
  }
};

using Sensor = std::pair<int64_t, int32_t>;

/// An alarm as the result rows tell it.
struct Told {
  Sensor sensor;
  std::string kind;
  int64_t raised_us = 0;  // At the clock of the stream: the newest event time when it was told.
  int64_t since_us = 0;
  int64_t until_us = 0;
};

class Run {
 public:
  explicit Run(const StationProofOptions& options)
      : options_(options),
        model_options_{.station_count = options.stations,
                       .slot_count = options.days * 1'440 * options.stations *
                                     static_cast<int64_t>(BaseStationModel::kDatapoints.size()),
                       .from_us = 1'767'225'600'000'000,
                       .seed = options.seed,
                       .traits = {}},
        model_(model_options_) {}

  arrow::Result<StationProof> Prove() {
    ARROW_ASSIGN_OR_RAISE(stream_, MakeStream());
    const int64_t slots_per_batch = model_.slots_per_tick() * options_.ticks_per_batch;
    int64_t batch_count = 0;
    for (int64_t slot = 0; slot < model_.slot_count(); slot += slots_per_batch) {
      Rows rows;
      for (int64_t i = slot; i < std::min(slot + slots_per_batch, model_.slot_count()); ++i) {
        ARROW_RETURN_NOT_OK(Deliver(i, &rows));
      }
      ARROW_ASSIGN_OR_RAISE(const Batch batch, rows.Take());
      if (batch.rows->num_rows() == 0) continue;
      ARROW_RETURN_NOT_OK(stream_->Add(batch).status());
      ARROW_RETURN_NOT_OK(Read());
      if (options_.restart_every > 0 && ++batch_count % options_.restart_every == 0) {
        ARROW_RETURN_NOT_OK(Restart());
      }
    }
    ARROW_RETURN_NOT_OK(stream_->End());
    ARROW_RETURN_NOT_OK(Read());
    proof_.station_months = static_cast<double>(options_.days * options_.stations) / 30;
    Judge();
    return proof_;
  }

 private:
  arrow::Status Restart() {
    ARROW_ASSIGN_OR_RAISE(const std::string state, stream_->Save());
    ARROW_ASSIGN_OR_RAISE(stream_, MakeStream());
    return stream_->Load(state);
  }

  arrow::Status Deliver(int64_t slot, Rows* rows) {
    for (const int64_t made : model_.DeliveredIn(slot)) {
      if (made < 0) continue;
      const StationReading reading = model_.ReadingOf(made);
      ARROW_RETURN_NOT_OK(rows->Add(reading));
      ++proof_.reading_count;
      const bool is_late = reading.time_us < newest_us_ - kAllowUs;
      newest_us_ = std::max(newest_us_, reading.time_us);
      if (is_late) {
        ++proof_.late_count;
        continue;
      }
      if (!IsAnalog(reading.datapoint)) continue;
      if (!reading.is_spike) {
        ++proof_.clean_count;
      } else if (HasNeighbours(made)) {
        spikes_.insert({{reading.station, reading.datapoint}, reading.time_us});
      } else {
        bare_spikes_.insert({{reading.station, reading.datapoint}, reading.time_us});
      }
    }
    return arrow::Status::OK();
  }

  /// The noise is known, and nothing is silent around it.
  bool HasNeighbours(int64_t slot) const {
    const int64_t step = model_.slots_per_tick();
    if (slot < 30 * step || slot + 4 * step >= model_options_.slot_count) return false;
    for (int64_t offset = -8; offset <= 4; ++offset) {
      if (model_.IsSilent(slot + offset * step)) return false;
    }
    return true;
  }

  arrow::Status Read() {
    for (const auto& batch : stream_->TakeResults()) {
      const auto& stations = static_cast<const arrow::Int64Array&>(*batch->column(0));
      const auto& datapoints = static_cast<const arrow::Int32Array&>(*batch->column(1));
      const auto text = [&](const char* name, int64_t row) {
        return static_cast<const arrow::StringArray&>(*batch->GetColumnByName(name)).GetString(row);
      };
      const auto time = [&](const char* name, int64_t row) {
        return static_cast<const arrow::TimestampArray&>(*batch->GetColumnByName(name)).Value(row);
      };
      for (int64_t row = 0; row < batch->num_rows(); ++row) {
        const auto [place, is_new] = told_.try_emplace(text("id", row));
        Told& told = place->second;
        if (is_new) {
          told.sensor = {stations.Value(row), datapoints.Value(row)};
          told.kind = text("kind", row);
          told.raised_us = newest_us_;
        }
        told.since_us = time("since", row);
        if (text("state", row) == "cleared") told.until_us = time("until", row);
      }
    }
    return arrow::Status::OK();
  }

  void Judge() {
    proof_.spike_count = static_cast<int64_t>(spikes_.size());
    for (const auto& [id, told] : told_) {
      if (told.kind != "spike") continue;
      const std::pair<Sensor, int64_t> place{told.sensor, told.since_us};
      proof_.spike_removed_count += static_cast<int64_t>(spikes_.count(place));
      const bool is_planted = spikes_.count(place) + bare_spikes_.count(place) > 0;
      proof_.clean_removed_count += is_planted ? 0 : 1;
    }
    std::set<std::string> matched;
    const int64_t end_us = model_.TimeOfSlot(model_options_.slot_count);
    for (const PlantedEpisode& episode : model_.Episodes()) {
      const Sensor sensor{episode.station, episode.datapoint};
      int64_t told_us = INT64_MAX;
      for (const auto& [id, told] : told_) {
        const bool is_of_it = told.kind == "trend_to_threshold" && told.sensor == sensor &&
                              told.since_us >= episode.start_us &&
                              (episode.alarm_us == 0 || told.since_us <= episode.alarm_us);
        if (!is_of_it) continue;
        matched.insert(id);
        told_us = std::min(told_us, told.raised_us);
      }
      if (episode.alarm_us == 0 || episode.clear_us == 0 || episode.clear_us >= end_us) continue;
      ++proof_.episode_count;
      if (told_us <= episode.alarm_us - kLeadUs) ++proof_.predicted_count;
      if (told_us != INT64_MAX) {
        const double lead = static_cast<double>(episode.alarm_us - told_us) / 6e7;
        proof_.lead_minutes_min = std::min(proof_.lead_minutes_min, lead);
      }
      JudgeActive(sensor, episode);
    }
    for (const auto& [id, told] : told_) {
      if (told.kind == "trend_to_threshold" && matched.count(id) == 0) ++proof_.false_alarm_count;
    }
  }

  void JudgeActive(const Sensor& sensor, const PlantedEpisode& episode) {
    ++proof_.active_count;
    for (const auto& [id, told] : told_) {
      // A reading at the edge may be one of those that came too late.
      const bool is_right = told.kind == "active_alarm" && told.sensor == sensor &&
                            std::abs(told.since_us - episode.alarm_us) <= kMinuteUs &&
                            std::abs(told.until_us - episode.clear_us) <= kMinuteUs;
      if (!is_right) continue;
      ++proof_.active_right_count;
      return;
    }
  }

  const StationProofOptions options_;
  const BaseStationOptions model_options_;
  const BaseStationModel model_;
  std::unique_ptr<TimedStream> stream_;
  StationProof proof_;
  int64_t newest_us_ = INT64_MIN / 2;
  std::set<std::pair<Sensor, int64_t>> spikes_, bare_spikes_;
  std::map<std::string, Told> told_;
};

}  // namespace

void StationProof::Add(const StationProof& other) {
  for (const auto field :
       {&StationProof::reading_count, &StationProof::late_count, &StationProof::episode_count,
        &StationProof::predicted_count, &StationProof::false_alarm_count,
        &StationProof::spike_count, &StationProof::spike_removed_count, &StationProof::clean_count,
        &StationProof::clean_removed_count, &StationProof::active_count,
        &StationProof::active_right_count}) {
    this->*field += other.*field;
  }
  station_months += other.station_months;
  lead_minutes_min = std::min(lead_minutes_min, other.lead_minutes_min);
}

std::string StationProof::ToText() const {
  char text[600];
  const auto number = [](int64_t value) { return static_cast<long long>(value); };
  std::snprintf(text, sizeof(text),
                "%lld readings (%lld too late), %.1f station-months: "
                "%lld of %lld alarms predicted >= 5 min before (least lead %.1f min), "
                "%lld false alarms (%.2f a station-month); "
                "%lld of %lld peaks removed, and %lld of %lld clean readings (%.4f %%); "
                "%lld of %lld reported alarms told with their times",
                number(reading_count), number(late_count), station_months, number(predicted_count),
                number(episode_count), lead_minutes_min, number(false_alarm_count),
                static_cast<double>(false_alarm_count) / station_months,
                number(spike_removed_count), number(spike_count), number(clean_removed_count),
                number(clean_count),
                100 * static_cast<double>(clean_removed_count) /
                    static_cast<double>(std::max<int64_t>(clean_count, 1)),
                number(active_right_count), number(active_count));
  return text;
}

arrow::Result<StationProof> ProveOnStations(const StationProofOptions& options) {
  return Run(options).Prove();
}

}  // namespace catchwater
