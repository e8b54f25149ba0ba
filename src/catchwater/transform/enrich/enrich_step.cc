#include "catchwater/transform/enrich/enrich_step.h"

#include <memory>
#include <optional>

#include <arrow/array.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/initialize.h>
#include <arrow/scalar.h>

#include "catchwater/base/error.h"
#include "catchwater/batch/select_rows.h"
#include "catchwater/io/store_path.h"
#include "catchwater/transform/enrich/lookup.h"
#include "catchwater/transform/enrich/reference_reader.h"

namespace catchwater {
namespace {

constexpr int64_t kCheckIntervalUs = 1'000'000;

constexpr const char* kDetails =
    "The reference is held in memory and looked up by a hash of the key. It is looked at once a "
    "second and read again when the file (time, size) or the table (snapshot) has changed. If that "
    "fails, the rows read before stay in use and `reload_failures` among the step's metrics grows. "
    "A key that comes twice is an error. Key columns of a CSV file are read in the type of the "
    "pipeline's columns, so `007` stays a text; the others get the type that all their values "
    "have. "
    "Added columns keep their types while the pipeline runs.";

class EnrichStep final : public Step {
 public:
  static arrow::Result<std::unique_ptr<Step>> Make(const EnrichConfig& config,
                                                   const StepContext& context);

  arrow::Result<Split> Apply(Batch batch) override {
    ReloadIfChanged();
    hasher_->Hash(*batch.rows, hashes_);
    found_.resize(hashes_.size());
    const int64_t missing_count = lookup_->Find(hashes_, found_);
    Split split;
    if (missing_count > 0 && on_missing_ != OnMissing::kNull) {
      ARROW_RETURN_NOT_OK(RemoveMissing(missing_count, batch, split));
    }
    ARROW_ASSIGN_OR_RAISE(batch.rows, WithAdded(*batch.rows));
    split.good = std::move(batch);
    return split;
  }

  const std::shared_ptr<arrow::Schema>& output_schema() const override { return schema_; }
  bool needs_row_origins() const override { return on_missing_ == OnMissing::kDeadLetter; }
  std::vector<StepCounter> counters() const override {
    return {{name_ + ".reloads", reload_count_}, {name_ + ".reload_failures", failure_count_}};
  }

 private:
  explicit EnrichStep(const StepContext& context) : clock_(context.clock), name_(context.name) {}

  arrow::Result<std::shared_ptr<const Lookup>> Load(const ReferenceRequest& request) {
    auto rows = reader_->Read(request);
    if (!rows.ok()) return WithContext(rows.status(), "Reference " + reader_->name());
    auto lookup = Lookup::Make(*rows, reference_key_);
    if (!lookup.ok()) return WithContext(lookup.status(), "Reference " + reader_->name());
    return lookup;
  }

  void ReloadIfChanged() {
    const int64_t now_us = clock_.MonotonicMicros();
    if (now_us - checked_us_ < kCheckIntervalUs) return;
    checked_us_ = now_us;
    const auto version = reader_->Version();
    if (version.ok() && *version == version_) return;
    const auto lookup = version.ok() ? Load(request_) : version.status();
    if (!lookup.ok()) {
      ++failure_count_;
      return;
    }
    version_ = *version;
    lookup_ = *lookup;
    ++reload_count_;
  }

  arrow::Status RemoveMissing(int64_t missing_count, Batch& batch, Split& split) {
    keep_.resize(found_.size());
    size_t kept = 0;
    for (size_t i = 0; i < found_.size(); ++i) {
      keep_[i] = found_[i] == Lookup::kMissing ? 0 : 1;
      if (keep_[i] == 0 && on_missing_ == OnMissing::kDeadLetter) {
        const auto row = static_cast<int64_t>(i);
        split.dead.push_back(MakeDeadLetter(
            batch, row,
            {.rule = "enrich.missing",
             .field = key_.front(),
             .reason = "Key is not in " + reader_->name() + ": " + KeyText(*batch.rows, row)}));
      }
      found_[kept] = found_[i];
      kept += keep_[i];
    }
    found_.resize(kept);
    if (on_missing_ == OnMissing::kDrop) {
      split.tallies.push_back({Bucket::kDropped, name_ + ".missing", missing_count});
    }
    ARROW_ASSIGN_OR_RAISE(batch, FilterBatch(std::move(batch), keep_));
    return arrow::Status::OK();
  }

  std::string KeyText(const arrow::RecordBatch& rows, int64_t row) const {
    std::string text;
    for (const std::string& column : key_) {
      if (!text.empty()) text += ", ";
      const auto scalar = rows.GetColumnByName(column)->GetScalar(row);
      text += scalar.ok() ? (*scalar)->ToString() : "?";
    }
    constexpr size_t kShownBytesMax = 200;
    return text.size() <= kShownBytesMax ? text : text.substr(0, kShownBytesMax) + "...";
  }

  /// A missing key takes a null.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> WithAdded(const arrow::RecordBatch& rows) {
    arrow::Int64Builder builder;
    ARROW_RETURN_NOT_OK(builder.Reserve(static_cast<int64_t>(found_.size())));
    for (const int64_t row : found_) {
      if (row == Lookup::kMissing) {
        builder.UnsafeAppendNull();
      } else {
        builder.UnsafeAppend(row);
      }
    }
    ARROW_ASSIGN_OR_RAISE(auto indices, builder.Finish());
    arrow::ArrayVector columns = rows.columns();
    const auto options = arrow::compute::TakeOptions::NoBoundsCheck();
    for (int i = rows.num_columns(); i < schema_->num_fields(); ++i) {
      const auto column = lookup_->rows()->GetColumnByName(schema_->field(i)->name());
      ARROW_ASSIGN_OR_RAISE(auto taken, arrow::compute::Take(*column, *indices, options));
      columns.push_back(std::move(taken));
    }
    return arrow::RecordBatch::Make(schema_, rows.num_rows(), std::move(columns));
  }

  const Clock& clock_;
  const std::string name_;
  std::vector<std::string> key_;            // Of the rows.
  std::vector<std::string> reference_key_;  // Of the reference, in the same order.
  OnMissing on_missing_ = OnMissing::kNull;
  std::unique_ptr<ReferenceReader> reader_;
  ReferenceRequest request_;  // For reloads: all columns with their types.
  std::unique_ptr<RowHasher> hasher_;
  std::shared_ptr<const Lookup> lookup_;
  std::shared_ptr<arrow::Schema> schema_;
  std::string version_;
  int64_t checked_us_ = 0;  // Monotonic.
  int64_t reload_count_ = 0;
  int64_t failure_count_ = 0;
  // Per row of the batch at hand; kept for their memory.
  std::vector<Hash128> hashes_;
  std::vector<int64_t> found_;
  std::vector<uint8_t> keep_;
};

arrow::Result<std::unique_ptr<ReferenceReader>> MakeReader(const ReferenceConfig& with,
                                                           const StepContext& context) {
  if (with.table.empty()) {
    return MakeFileReference(ResolvePath(context.project_folder, with.file), with.file,
                             context.files);
  }
  if (context.table_reader == nullptr) {
    return ConfigError("A pipeline without a lake cannot read the table: ", with.table);
  }
  return MakeTableReference(with.table, *context.table_reader);
}

arrow::Result<std::unique_ptr<Step>> EnrichStep::Make(const EnrichConfig& config,
                                                      const StepContext& context) {
  ARROW_RETURN_NOT_OK(arrow::compute::Initialize());
  std::unique_ptr<EnrichStep> step(new EnrichStep(context));  // NOLINT: private constructor
  step->on_missing_ = config.on_missing;
  ARROW_ASSIGN_OR_RAISE(const auto key, config.Key());
  ReferenceRequest request{
      .typed = {}, .others = config.add, .is_closed = false, .row_count_max = config.rows_max};
  for (const auto& [ours, theirs] : key) {
    const auto field = context.input_schema->GetFieldByName(ours);
    if (field == nullptr) return ConfigError("Key column is not there: ", ours);
    step->key_.push_back(ours);
    step->reference_key_.push_back(theirs);
    request.typed.push_back(arrow::field(theirs, field->type()));
  }
  ARROW_ASSIGN_OR_RAISE(auto hasher, RowHasher::Make(*context.input_schema, step->key_));
  step->hasher_ = std::make_unique<RowHasher>(std::move(hasher));
  ARROW_ASSIGN_OR_RAISE(step->reader_, MakeReader(config.with, context));
  ARROW_ASSIGN_OR_RAISE(step->version_, step->reader_->Version());
  ARROW_ASSIGN_OR_RAISE(step->lookup_, step->Load(request));
  step->checked_us_ = context.clock.MonotonicMicros();

  step->request_ = {.typed = step->lookup_->rows()->schema()->fields(),
                    .others = {},
                    .is_closed = true,
                    .row_count_max = config.rows_max};
  step->schema_ = context.input_schema;
  for (size_t i = key.size(); i < step->request_.typed.size(); ++i) {
    const auto& field = step->request_.typed[i];
    if (step->schema_->GetFieldIndex(field->name()) >= 0) {
      return ConfigError("Column that `enrich` adds is there already: ", field->name());
    }
    ARROW_ASSIGN_OR_RAISE(step->schema_,
                          step->schema_->AddField(step->schema_->num_fields(), field));
  }
  return step;
}

}  // namespace

arrow::Status ReferenceConfig::Check() const {
  if (file.empty() != table.empty()) return arrow::Status::OK();
  return ConfigError("needs either `file` or `table`");
}

arrow::Result<std::vector<std::pair<std::string, std::string>>> EnrichConfig::Key() const {
  std::vector<std::pair<std::string, std::string>> pairs;
  const auto add_pair = [&pairs](const ConfigNode& ours, const std::string& theirs) {
    if (!ours.is_scalar() || theirs.empty()) return false;
    pairs.emplace_back(ours.text(), theirs);
    return true;
  };
  bool is_good = true;
  if (key.is_scalar()) is_good = add_pair(key, key.text());
  for (const ConfigNode& item : key.items()) is_good = is_good && add_pair(item, item.text());
  for (const ConfigEntry& entry : key.entries()) {
    is_good = is_good && entry.value.is_scalar();
    pairs.emplace_back(entry.key, entry.value.text());
  }
  if (is_good && !pairs.empty()) return pairs;
  return ConfigError("`key` must be a column, a list of columns, or a map of column to column");
}

arrow::Status EnrichConfig::Check() const { return Key().status(); }

std::vector<std::string> EnrichConfig::ColumnsRead() const {
  std::vector<std::string> columns;
  const auto pairs = Key();
  if (!pairs.ok()) return columns;
  for (const auto& [ours, theirs] : *pairs) columns.push_back(ours);
  return columns;
}

arrow::Status RegisterEnrichStep(Registry& registry) {
  return registry.AddStep<EnrichConfig>(
      {.name = "enrich",
       .summary = "Adds columns from a CSV or Parquet file or a lake table.",
       .details = kDetails},
      [](const EnrichConfig& config, const StepContext& context) {
        return EnrichStep::Make(config, context);
      });
}

}  // namespace catchwater
