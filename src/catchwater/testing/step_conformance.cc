#include "catchwater/testing/step_conformance.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "catchwater/batch/column_builder.h"
#include "catchwater/batch/column_of_type.h"
#include "catchwater/batch/select_rows.h"
#include "catchwater/config/environment.h"
#include "catchwater/config/yaml_tree.h"

namespace catchwater {
namespace {

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::vector<std::string_view> SplitAt(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

template <typename Builder, typename Value>
std::shared_ptr<arrow::Array> ArrayOf(const std::vector<Value>& values) {
  Builder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  return builder.Finish().ValueOrDie();
}

Batch Part(const Batch& batch, int64_t row, int64_t row_end) {
  return SliceBatch(batch, row, row_end - row);
}

/// The buckets that steps may count in.
std::string BucketWord(Bucket bucket) {
  if (bucket == Bucket::kFiltered) return "filtered";
  if (bucket == Bucket::kDropped) return "dropped";
  EXPECT_EQ(bucket, Bucket::kDeduplicated) << "a step counts in no other bucket";
  return "deduplicated";
}

/// Applies the parts between the cuts, with fresh state.
StepOutcome ApplyCut(const StepConformance& checked, int64_t part_rows) {
  auto step = checked.make().ValueOrDie();
  StepOutcome outcome;
  const int64_t row_count = checked.batch.rows->num_rows();
  for (int64_t row = 0; row < row_count; row += part_rows) {
    ApplyInto(*step, Part(checked.batch, row, std::min(row_count, row + part_rows)), outcome);
    step->Committed();
  }
  return outcome;
}

void CheckRollBack(const StepConformance& checked, const StepOutcome& whole) {
  const int64_t row_count = checked.batch.rows->num_rows();
  for (const int64_t committed : {int64_t{0}, row_count / 3, row_count / 2}) {
    SCOPED_TRACE("rolled back to row " + std::to_string(committed));
    auto step = checked.make().ValueOrDie();
    StepOutcome outcome;
    ApplyInto(*step, Part(checked.batch, 0, committed), outcome);
    step->Committed();
    ApplyOnce(*step, Part(checked.batch, committed, row_count));  // Abandoned.
    step->RollBack();
    ApplyInto(*step, Part(checked.batch, committed, row_count), outcome);
    EXPECT_TRUE(outcome == whole) << outcome.rows << "\nwant\n" << whole.rows;
  }
}

}  // namespace

StepBench::StepBench(arrow::Status (*register_step)(Registry&),
                     std::shared_ptr<arrow::Schema> schema)
    : input_schema(std::move(schema)) {
  for (const auto& field : input_schema->fields()) {
    columns.push_back(ColumnOfType(field->name(), *field->type()));
  }
  EXPECT_TRUE(register_step(registry_).ok());
}

arrow::Result<std::unique_ptr<Step>> StepBench::Make(std::string_view yaml) {
  Diagnostics diagnostics;
  const ConfigNode node = ParseYamlText("step.yaml", yaml, Environment::FromMap({}), diagnostics);
  ARROW_RETURN_NOT_OK(diagnostics.ToStatus());
  const auto chosen = registry_.ChooseStep(node, diagnostics);
  ARROW_RETURN_NOT_OK(diagnostics.ToStatus());
  return chosen->make(StepContext{.input_schema = input_schema,
                                  .columns = columns,
                                  .name = chosen->name + "[0]",
                                  .files = files,
                                  .clock = clock,
                                  .project_folder = "",
                                  .table_reader = table_reader});
}

Batch BatchFromText(const std::shared_ptr<arrow::Schema>& schema, std::string_view text) {
  std::vector<std::unique_ptr<ColumnBuilder>> builders;
  for (const auto& field : schema->fields()) {
    builders.push_back(
        ColumnBuilder::Make(ColumnOfType(field->name(), *field->type())).ValueOrDie());
  }
  std::string raw;
  std::vector<uint64_t> ordinals;
  std::vector<uint32_t> begins;
  std::vector<uint32_t> lengths;
  for (const std::string_view line : SplitAt(text, '\n')) {
    if (Trim(line).empty()) continue;
    const auto values = SplitAt(line, '|');
    EXPECT_EQ(values.size(), builders.size()) << line;
    for (size_t i = 0; i < builders.size(); ++i) {
      const std::string_view value = Trim(values[i]);
      if (value.empty()) {
        builders[i]->AppendNull();
      } else {
        EXPECT_TRUE(builders[i]->AppendText(value == "\"\"" ? "" : value)) << builders[i]->reason();
      }
    }
    ordinals.push_back(100 + ordinals.size());
    begins.push_back(static_cast<uint32_t>(raw.size()));
    lengths.push_back(static_cast<uint32_t>(line.size()));
    raw += std::string(line) + "\n";
  }
  arrow::ArrayVector arrays;
  for (auto& builder : builders) arrays.push_back(builder->Finish().ValueOrDie());
  Batch batch;
  batch.rows =
      arrow::RecordBatch::Make(schema, static_cast<int64_t>(ordinals.size()), std::move(arrays));
  batch.frame_ordinals = ArrayOf<arrow::UInt64Builder>(ordinals);
  batch.raw_begin = ArrayOf<arrow::UInt32Builder>(begins);
  batch.raw_length = ArrayOf<arrow::UInt32Builder>(lengths);
  batch.raw = arrow::Buffer::FromString(std::move(raw));
  return batch;
}

std::string TextOf(const arrow::RecordBatch& rows) {
  std::string text;
  for (int64_t row = 0; row < rows.num_rows(); ++row) {
    for (int i = 0; i < rows.num_columns(); ++i) {
      text += (i == 0 ? "" : " | ") + rows.column(i)->GetScalar(row).ValueOrDie()->ToString();
    }
    text += "\n";
  }
  return text;
}

std::string ReadExample(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void ApplyInto(Step& step, const Batch& batch, StepOutcome& outcome) {
  auto applied = step.Apply(batch);
  ASSERT_TRUE(applied.ok()) << applied.status();
  const arrow::RecordBatch& good = *applied->good.rows;
  ASSERT_TRUE(good.schema()->Equals(*step.output_schema()))
      << good.schema()->ToString() << "\nbut output_schema()\n"
      << step.output_schema()->ToString();
  ASSERT_TRUE(good.ValidateFull().ok()) << good.ValidateFull();
  int64_t total = good.num_rows() + static_cast<int64_t>(applied->dead.size());
  for (const Tally& tally : applied->tallies) {
    EXPECT_GT(tally.row_count, 0) << tally.reason;
    total += tally.row_count;
    outcome.tallies[BucketWord(tally.bucket) + " " + tally.reason] += tally.row_count;
  }
  EXPECT_EQ(total, batch.rows->num_rows()) << "good + dead + tallies = rows in";
  outcome.rows += TextOf(good);
  for (const auto& origins : {applied->good.frame_ordinals, applied->good.row_in_frame,
                              applied->good.raw_begin, applied->good.raw_length}) {
    if (origins == nullptr) continue;
    ASSERT_EQ(origins->length(), good.num_rows());
  }
  if (applied->good.frame_ordinals != nullptr) {
    const auto& ordinals = static_cast<const arrow::UInt64Array&>(*applied->good.frame_ordinals);
    for (int64_t i = 0; i < ordinals.length(); ++i) outcome.ordinals.push_back(ordinals.Value(i));
  }
  std::stable_sort(
      applied->dead.begin(), applied->dead.end(),
      [](const DeadLetter& a, const DeadLetter& b) { return a.frame_ordinal < b.frame_ordinal; });
  for (const DeadLetter& letter : applied->dead) {
    outcome.dead.push_back(std::to_string(letter.frame_ordinal) + " " + letter.rule + " " +
                           letter.field + ": " + letter.reason);
  }
}

StepOutcome ApplyOnce(Step& step, const Batch& batch) {
  StepOutcome outcome;
  ApplyInto(step, batch, outcome);
  return outcome;
}

void CheckStepConformance(const StepConformance& checked) {
  auto step = checked.make().ValueOrDie();
  const StepOutcome whole = ApplyOnce(*step, checked.batch);
  auto fresh = checked.make().ValueOrDie();
  EXPECT_EQ(ApplyOnce(*fresh, Part(checked.batch, 0, 0)).rows, "");
  EXPECT_EQ(fresh->is_stateful(), step->is_stateful());
  for (const int64_t part_rows : {1, 2, 3, 7}) {
    SCOPED_TRACE("cut into parts of rows: " + std::to_string(part_rows));
    const StepOutcome cut = ApplyCut(checked, part_rows);
    EXPECT_EQ(cut.rows, whole.rows);
    EXPECT_EQ(cut.ordinals, whole.ordinals);
    EXPECT_EQ(cut.dead, whole.dead);
    EXPECT_EQ(cut.tallies, whole.tallies);
  }
  CheckRollBack(checked, whole);
}

}  // namespace catchwater
