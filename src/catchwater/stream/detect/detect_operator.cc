#include "catchwater/stream/detect/detect_operator.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <arrow/array.h>
#include <arrow/scalar.h>

#include "catchwater/base/error.h"
#include "catchwater/stream/keyed_aggregate.h"
#include "catchwater/stream/state_bytes.h"

namespace catchwater {
namespace {

constexpr std::string_view kMagic = "detect.2";
constexpr int64_t kSweepUs = 1'000'000;  // Silence is looked for no more often, in event time.

std::vector<std::string> SourceOf(const DetectorPlan& plan) {
  return plan.missing() == nullptr ? std::vector<std::string>{} : plan.missing()->source;
}

}  // namespace

DetectOperator::DetectOperator(DetectOptions options, DetectorPlan plan, AlarmRows rows,
                               GroupIndex keys, GroupIndex sources)
    : options_(std::move(options)),
      plan_(std::move(plan)),
      rows_(std::move(rows)),
      keys_(std::move(keys)),
      sources_(std::move(sources)),
      waiting_(plan_.number_count()),
      book_(options_.alarms),
      source_book_(options_.alarms),
      silence_(plan_.missing() == nullptr ? MissingConfig{} : *plan_.missing()) {}

arrow::Result<std::unique_ptr<OrderedOperator>> DetectOperator::Make(
    DetectOptions options, const std::shared_ptr<arrow::Schema>& input) {
  if (options.event_time_column.empty()) {
    return ConfigError("Detectors need the time of each row: mark a column `event_time: true`");
  }
  ARROW_ASSIGN_OR_RAISE(DetectorPlan plan, DetectorPlan::Make(options.detect, options.key, *input));
  ARROW_ASSIGN_OR_RAISE(const auto key, KeyFields(options.key, *input));
  ARROW_ASSIGN_OR_RAISE(const auto source, KeyFields(SourceOf(plan), *input));
  ARROW_ASSIGN_OR_RAISE(AlarmRows rows, AlarmRows::Make(key, SourceOf(plan)));
  return std::unique_ptr<OrderedOperator>(
      new DetectOperator(std::move(options), std::move(plan), std::move(rows),
                         GroupIndex(TypesOf(key)), GroupIndex(TypesOf(source))));
}

int64_t DetectOperator::byte_count() const {
  return keys_.byte_count() + waiting_.byte_count() + book_.byte_count() +
         static_cast<int64_t>(sets_.size()) * plan_.key_bytes();
}

arrow::Status DetectOperator::GrowTo(uint32_t key_count) {
  if (sets_.size() >= key_count) return arrow::Status::OK();
  std::vector<uint32_t> added(key_count - sets_.size());
  std::iota(added.begin(), added.end(), static_cast<uint32_t>(sets_.size()));
  ARROW_ASSIGN_OR_RAISE(const auto columns, keys_.KeyColumns(added));
  for (size_t row = 0; row < added.size(); ++row) {
    std::vector<std::pair<std::string, std::string>> texts;
    for (size_t i = 0; i < columns.size(); ++i) {
      ARROW_ASSIGN_OR_RAISE(const auto value, columns[i]->GetScalar(static_cast<int64_t>(row)));
      texts.emplace_back(options_.key[i], value->ToString());
    }
    sets_.emplace_back(plan_, texts);
  }
  return arrow::Status::OK();
}

uint32_t DetectOperator::AdmitKeys(uint32_t known) {
  const uint32_t count = keys_.group_count();
  if (count == known) return count;
  auto limit = static_cast<uint32_t>(std::min<int64_t>(options_.keys_max, UINT32_MAX));
  const int64_t free_bytes = std::max<int64_t>(0, options_.state_bytes_max - byte_count());
  const int64_t more = free_bytes / plan_.key_bytes();
  if (more < count - known) limit = std::min(limit, known + static_cast<uint32_t>(more));
  if (count > limit) keys_.Truncate(limit);
  return std::min(count, limit);
}

arrow::Result<StreamTally> DetectOperator::Add(const Batch& batch) {
  const arrow::RecordBatch& rows = *batch.rows;
  const uint32_t known = keys_.group_count();
  ARROW_ASSIGN_OR_RAISE(const auto keys, keys_.Assign(rows, options_.key));
  const uint32_t key_count = AdmitKeys(known);
  ARROW_RETURN_NOT_OK(GrowTo(key_count));
  std::vector<uint32_t> sources(keys.size(), 0);
  if (plan_.missing() != nullptr) {
    ARROW_ASSIGN_OR_RAISE(sources, sources_.Assign(rows, plan_.missing()->source));
    key_of_source_.resize(sources_.group_count(), UINT32_MAX);
  }
  ARROW_ASSIGN_OR_RAISE(const std::vector<double> numbers, plan_.NumbersOf(rows));
  const auto times = rows.GetColumnByName(options_.event_time_column);
  const int64_t* times_us = static_cast<const arrow::TimestampArray&>(*times).raw_values();
  int64_t refused_count = 0;
  int64_t late_count = 0;
  std::vector<FoundBy> found;
  for (size_t i = 0; i < keys.size(); ++i) {
    const WaitingRow row{
        .time_us = times_us[i],
        .key = keys[i],
        .source = sources[i],
        .numbers = std::span(numbers).subspan(i * plan_.number_count(), plan_.number_count())};
    if (row.key >= key_count) {
      ++refused_count;
      continue;
    }
    if (row.time_us < released_us_) {
      ++late_count;
      continue;
    }
    if (plan_.missing() != nullptr && key_of_source_[row.source] == UINT32_MAX) {
      key_of_source_[row.source] = row.key;
    }
    found.clear();
    const size_t told_before = told_.size();
    sets_[row.key].AddOnArrival(row.time_us, row.numbers, &found);
    TakeFindings(row.key, found);
    CountResultRows(told_.size() > told_before ? 1 : 0);
    waiting_.Add(row);
  }
  StreamTally tally{.used = rows.num_rows() - refused_count - late_count};
  tally.Count(Bucket::kFiltered, "new_key_over_bound", refused_count);
  tally.Count(Bucket::kLate, "after_the_end", late_count);
  return tally;
}

void DetectOperator::TakeFindings(uint32_t key, const std::vector<FoundBy>& findings) {
  for (const FoundBy& found : findings) {
    std::vector<AlarmEvent> events;
    book_.Take(key, keys_.encoded(key), static_cast<uint32_t>(found.part), found.finding, &events);
    const size_t value = plan_.parts()[found.part]->value;
    for (AlarmEvent& event : events) {
      told_.push_back({.event = std::move(event),
                       .key = key,
                       .column = value == DetectorPlan::kNone ? "" : plan_.column_name(value)});
    }
  }
}

void DetectOperator::TakeSilence(std::vector<SilenceWatch::Found>* found) {
  for (SilenceWatch::Found& one : *found) {
    std::vector<AlarmEvent> events;
    const auto part = static_cast<uint32_t>(plan_.missing_part());
    if (one.is_source) {
      // A prefix that no key has: the id of a source is not that of a key.
      const std::string name = "source\n" + std::string(sources_.encoded(one.index));
      source_book_.Take(one.index, name, part, std::move(one.finding), &events);
    } else {
      book_.Take(one.index, keys_.encoded(one.index), part, std::move(one.finding), &events);
    }
    for (AlarmEvent& event : events) {
      told_.push_back({.event = std::move(event),
                       .key = one.is_source ? key_of_source_[one.index] : one.index,
                       .is_of_source = one.is_source,
                       .column = ""});
    }
  }
  found->clear();
}

void DetectOperator::Take(const WaitingRow& row) {
  const size_t told_before = told_.size();
  if (plan_.missing() != nullptr) {
    std::vector<SilenceWatch::Found> silent;
    silence_.Add(row.key, row.source, row.time_us, &silent);
    TakeSilence(&silent);
  }
  std::vector<FoundBy> found;
  sets_[row.key].Add(row.time_us, row.numbers, &found);
  TakeFindings(row.key, found);
  CountResultRows(told_.size() > told_before ? 1 : 0);
}

void DetectOperator::ReleaseBefore(int64_t time_us) {
  waiting_.ReleaseBefore(time_us, [this](const WaitingRow& row) {
    released_us_ = std::max(released_us_, row.time_us);
    Take(row);
  });
}

void DetectOperator::Sweep(int64_t now_us) {
  if (now_us < swept_us_ + kSweepUs && swept_us_ != INT64_MIN) return;
  swept_us_ = now_us;
  if (plan_.missing() != nullptr) {
    std::vector<SilenceWatch::Found> silent;
    silence_.AdvanceTo(now_us, &silent);
    TakeSilence(&silent);
  }
  if (!plan_.needs_time()) return;
  std::vector<FoundBy> found;
  for (uint32_t key = 0; key < sets_.size(); ++key) {
    found.clear();
    sets_[key].AdvanceTo(now_us, &found);
    TakeFindings(key, found);
  }
}

arrow::Result<arrow::RecordBatchVector> DetectOperator::AdvanceTo(int64_t watermark_us) {
  if (watermark_us == kEndOfInputUs) return End();
  ReleaseBefore(watermark_us);
  // A reading at the watermark itself may still come.
  if (watermark_us != INT64_MIN) Sweep(watermark_us - 1);
  return TakeRows();
}

arrow::Result<arrow::RecordBatchVector> DetectOperator::End() {
  ReleaseBefore(INT64_MAX);
  return TakeRows();
}

arrow::Result<arrow::RecordBatchVector> DetectOperator::TakeRows() {
  arrow::RecordBatchVector batches;
  if (told_.empty()) return batches;
  ARROW_ASSIGN_OR_RAISE(auto batch, rows_.ToBatch(told_, keys_, revision_base_));
  told_.clear();
  batches.push_back(std::move(batch));
  return batches;
}

arrow::Result<std::string> DetectOperator::Save() const {
  CATCHWATER_CHECK(told_.empty(), "results are taken before the state is saved");
  StateWriter state;
  state.PutText(kMagic);
  state.Put(released_us_);
  state.Put(swept_us_);
  state.Put(revision_base_);
  keys_.Save(/*from=*/0, &state);
  sources_.Save(/*from=*/0, &state);
  for (const uint32_t key : key_of_source_) state.Put(key);
  waiting_.Save(&state);
  for (uint32_t key = 0; key < sets_.size(); ++key) {
    sets_[key].Save(&state);
    book_.Save(key, &state);
  }
  for (uint32_t source = 0; source < sources_.group_count(); ++source) {
    source_book_.Save(source, &state);
  }
  silence_.Save(&state);
  return state.Take();
}

arrow::Status DetectOperator::Load(std::string_view bytes) {
  StateReader state(bytes);
  if (state.GetText() != kMagic) return BadData("Operator state is of another kind");
  released_us_ = state.Get<int64_t>();
  swept_us_ = state.Get<int64_t>();
  revision_base_ = state.Get<int64_t>();
  keys_.Load(&state);
  sources_.Load(&state);
  key_of_source_.clear();
  if (plan_.missing() != nullptr) {
    for (uint32_t i = 0; i < sources_.group_count(); ++i) {
      key_of_source_.push_back(state.Get<uint32_t>());
      if (key_of_source_.back() >= keys_.group_count()) state.Fail();
    }
  }
  waiting_.Load(&state);
  sets_.clear();
  ARROW_RETURN_NOT_OK(GrowTo(keys_.group_count()));
  for (uint32_t key = 0; key < sets_.size(); ++key) {
    sets_[key].Load(&state);
    book_.Load(key, &state);
  }
  for (uint32_t source = 0; source < sources_.group_count(); ++source) {
    source_book_.Load(source, &state);
  }
  silence_.Load(&state);
  ARROW_RETURN_NOT_OK(state.status());
  return state.is_at_end() ? arrow::Status::OK() : BadData("Operator state is too long");
}

}  // namespace catchwater
