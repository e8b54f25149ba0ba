#include "catchwater/codec/json/row_stage.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "catchwater/base/decimal.h"
#include "catchwater/base/number.h"
#include "catchwater/batch/select_rows.h"
#include "catchwater/codec/json/json_scan.h"

namespace catchwater {
namespace {

// What is gathered should stay in the first-level cache together with its text.
constexpr int32_t kStageBytes = 16 << 10;
constexpr int32_t kStageRowsMin = 8;
constexpr int32_t kStageRowsMax = 256;

constexpr std::string_view kRuleJsonType = "json.type";

// A run of texts takes the staged values as they lie: `begin` and `end` of every third word.
static_assert(sizeof(JsonValue) == 3 * sizeof(uint32_t));
static_assert(offsetof(JsonValue, begin) == 0 && offsetof(JsonValue, end) == sizeof(uint32_t));
constexpr size_t kWordsPerValue = sizeof(JsonValue) / sizeof(uint32_t);

constexpr uint32_t Bit(JsonKind kind) { return uint32_t{1} << static_cast<uint32_t>(kind); }
constexpr uint32_t kNulls = Bit(JsonKind::kMissing) | Bit(JsonKind::kNull);
constexpr uint32_t kNumbers = Bit(JsonKind::kInteger) | Bit(JsonKind::kNumber);
constexpr uint32_t kWords = Bit(JsonKind::kFalse) | Bit(JsonKind::kTrue);

bool IsText(ColumnType type) { return type == ColumnType::kString || type == ColumnType::kEnum; }
bool IsInteger(ColumnType type) { return type == ColumnType::kInt32 || type == ColumnType::kInt64; }
bool IsTime(ColumnType type) { return type == ColumnType::kTimestamp || type == ColumnType::kDate; }
bool IsEpoch(const Column& column) { return column.format.starts_with("epoch"); }

uint32_t PlainKinds(const Column& column) {
  const uint32_t kinds = kNulls | Bit(JsonKind::kString);
  if (IsText(column.type)) return kinds | kNumbers | kWords;
  if (column.type == ColumnType::kBool) return kinds | kWords;
  if (IsInteger(column.type)) return kinds | Bit(JsonKind::kInteger);
  if (IsTime(column.type) && !IsEpoch(column)) return kinds;
  return kinds | kNumbers;
}

/// Also of 21.0 and 2.1e1. \return false if it is no int64
bool ToInteger(std::string_view number, int64_t& result) {
  const DecimalParse parse = ParseDecimal(number, kDecimalPrecisionMax, /*scale=*/0);
  if (parse.fault != DecimalFault::kNone) return false;
  if (parse.value < std::numeric_limits<int64_t>::min()) return false;
  if (parse.value > std::numeric_limits<int64_t>::max()) return false;
  result = static_cast<int64_t>(parse.value);
  return true;
}

template <typename T>
std::shared_ptr<arrow::Buffer> Wrap(std::vector<T>& values) {
  return arrow::Buffer::FromVector(std::exchange(values, {}));
}

}  // namespace

arrow::Result<RowStage> RowStage::Make(const DecodeOptions& options,
                                       const std::vector<std::string>& null_tokens) {
  RowStage stage(options.row_origins);
  stage.schema_ = ArrowSchema(options.columns);
  for (const Column& column : options.columns) {
    ARROW_ASSIGN_OR_RAISE(auto builder, ColumnBuilder::Make(column));
    stage.targets_.push_back({
        .column = column,
        .builder = std::move(builder),
        .null_tokens = NullTokens(column.null_tokens.empty() ? null_tokens : column.null_tokens),
        .plain_kinds = PlainKinds(column),
    });
  }
  return stage;
}

void RowStage::SetLayout(int32_t value_count, int32_t constant_count,
                         const std::vector<int32_t>& value_of_column) {
  Flush();
  value_count_ = value_count;
  const auto row_bytes = static_cast<int32_t>(sizeof(JsonValue)) * std::max(value_count, 1);
  capacity_ = std::clamp(kStageBytes / row_bytes, kStageRowsMin, kStageRowsMax);
  values_.resize(static_cast<size_t>(capacity_) * static_cast<size_t>(value_count));
  places_.resize(static_cast<size_t>(capacity_));
  constants_.assign(static_cast<size_t>(constant_count), {});
  for (size_t i = 0; i < targets_.size(); ++i) targets_[i].value = value_of_column[i];
}

void RowStage::SetText(std::string_view text) {
  Flush();
  text_ = text;
}

void RowStage::SetConstants(int32_t first, std::string_view text,
                            std::span<const JsonValue> values) {
  Flush();
  for (const JsonValue& value : values) {
    constants_[static_cast<size_t>(first++)] = {.text = text, .value = value};
  }
}

arrow::Status RowStage::Reserve(int64_t row_count) {
  for (const Target& target : targets_) ARROW_RETURN_NOT_OK(target.builder->Reserve(row_count));
  keep_.reserve(static_cast<size_t>(row_count));
  return arrow::Status::OK();
}

void RowStage::Flush() {
  if (staged_count_ == 0) return;
  is_refused_.assign(static_cast<size_t>(staged_count_), 0);
  for (const Target& target : targets_) AppendColumn(target);
  for (const uint8_t is_refused : is_refused_) keep_.push_back(is_refused == 0);
  if (has_origins_) NoteOrigins();
  staged_count_ = 0;
}

void RowStage::AppendColumn(const Target& target) {
  Values values{.text = text_, .first = nullptr, .stride = static_cast<size_t>(value_count_)};
  if (target.value < value_count_) {
    values.first = values_.data() + target.value;
  } else {
    Constant& constant = constants_[static_cast<size_t>(target.value - value_count_)];
    values = {.text = constant.text, .first = &constant.value, .stride = 0};
  }
  uint32_t kinds = 0;
  for (int32_t i = 0; i < staged_count_; ++i) {
    kinds |= Bit(values.first[static_cast<size_t>(i) * values.stride].kind);
  }
  if ((kinds & ~target.plain_kinds) == 0) [[likely]] {
    AppendPlain(target, values, (kinds & kNulls) != 0);
  } else {
    AppendOneByOne(target, values);
  }
}

void RowStage::AppendPlain(const Target& target, const Values& values, bool has_nulls) {
  if (has_nulls) {
    const size_t count = values.stride == 0 ? 1 : static_cast<size_t>(staged_count_);
    for (size_t i = 0; i < count; ++i) {
      JsonValue& value = values.first[i * values.stride];
      if ((Bit(value.kind) & kNulls) != 0) value.end = value.begin + TextRun::kAbsent;
    }
  }
  const auto last = static_cast<size_t>(staged_count_ - 1);
  const int64_t byte_count_max =
      values.stride == 0
          ? int64_t{values.first->end - values.first->begin} * staged_count_
          : places_[last].text.data() + places_[last].text.size() - places_.front().text.data();
  const auto failures = target.builder->AppendTexts({
      .base = values.text.data(),
      .readable_end = values.text.data() + values.text.size(),
      .begins = &values.first->begin,
      .ends = &values.first->end,
      .stride = values.stride * kWordsPerValue,
      .row_count = staged_count_,
      .byte_count_max = has_nulls && values.stride == 0 ? 0 : byte_count_max,
      .null_tokens = &target.null_tokens,
  });
  for (const TextFailure& failure : failures) {
    Refuse(failure.row, target, failure.is_missing ? kRuleColumnRequired : kRuleColumnType,
           failure.is_missing ? "Required value is missing" : "Value is " + failure.reason);
  }
}

void RowStage::AppendOneByOne(const Target& target, const Values& values) {
  for (int32_t i = 0; i < staged_count_; ++i) {
    const JsonValue& value = values.first[static_cast<size_t>(i) * values.stride];
    const bool is_null = (Bit(value.kind) & kNulls) != 0;
    const std::string_view text = is_null ? std::string_view() : value.view(values.text.data());
    rule_ = {};
    if (AppendValue(target, text, value.kind)) [[likely]]
      continue;
    if (rule_.empty()) {
      rule_ = kRuleColumnType;
      reason_ = "Value is " + target.builder->reason();
    }
    Refuse(i, target, rule_, std::move(reason_));
  }
}

// Appends exactly one value or null. \return false if the row is refused; then `rule_` and
// `reason_` say why, or the builder does.
bool RowStage::AppendValue(const Target& target, std::string_view text, JsonKind kind) {
  ColumnBuilder& builder = *target.builder;
  switch (kind) {
    case JsonKind::kMissing:
    case JsonKind::kNull:
      return AppendNull(target);
    case JsonKind::kFalse:
    case JsonKind::kTrue:
      if (IsText(target.column.type)) return builder.AppendText(text);
      return builder.AppendBool(kind == JsonKind::kTrue);
    case JsonKind::kEscapedString:
      UnescapeJson(text, unescaped_);
      text = unescaped_;
      [[fallthrough]];
    case JsonKind::kString:
    case JsonKind::kInteger:
    case JsonKind::kNumber:
      if (target.null_tokens.Matches(text)) return AppendNull(target);
      if (kind == JsonKind::kInteger || kind == JsonKind::kNumber) {
        return AppendNumber(target, text, kind);
      }
      return builder.AppendText(text);
    case JsonKind::kObject:
    case JsonKind::kArray:
      break;
  }
  if (target.column.type == ColumnType::kString) return builder.AppendText(text);
  builder.AppendNull();
  rule_ = kRuleJsonType;
  reason_ = kind == JsonKind::kObject ? "Value is an object, the column's type is: "
                                      : "Value is an array, the column's type is: ";
  reason_ += ColumnTypeName(target.column.type);
  return false;
}

bool RowStage::AppendNull(const Target& target) {
  target.builder->AppendNull();
  if (!target.column.is_required) return true;
  rule_ = kRuleColumnRequired;
  reason_ = "Required value is missing";
  return false;
}

bool RowStage::AppendNumber(const Target& target, std::string_view text, JsonKind kind) {
  ColumnBuilder& builder = *target.builder;
  const ColumnType type = target.column.type;
  int64_t integer = 0;
  if (IsInteger(type) && kind == JsonKind::kNumber && ToInteger(text, integer)) {
    return builder.AppendInt64(integer);
  }
  // A number is not the ISO text of a time, even if it has the digits of one.
  const bool is_native = type == ColumnType::kBool || (IsTime(type) && !IsEpoch(target.column));
  if (is_native) {
    if (ToInteger(text, integer)) return builder.AppendInt64(integer);
    const std::optional<double> number = ParseDouble(text);
    return builder.AppendDouble(number.value_or(std::numeric_limits<double>::max()));
  }
  return builder.AppendText(text);
}

void RowStage::Refuse(int64_t staged_row, const Target& target, std::string_view rule,
                      std::string reason) {
  uint8_t& is_refused = is_refused_[static_cast<size_t>(staged_row)];
  if (is_refused != 0) return;  // The first column says why.
  is_refused = 1;
  has_refused_ = true;
  const RowPlace& place = places_[static_cast<size_t>(staged_row)];
  faults_.Add({.frame_ordinal = place.frame_ordinal,
               .row_in_frame = place.row_in_frame,
               .text = place.text,
               .reason = std::move(reason),
               .rule = rule,
               .field = target.column.name});
}

void RowStage::NoteOrigins() {
  for (int32_t i = 0; i < staged_count_; ++i) {
    const RowPlace& place = places_[static_cast<size_t>(i)];
    frame_ordinals_.push_back(place.frame_ordinal);
    rows_in_frame_.push_back(place.row_in_frame);
    raw_begins_.push_back(place.text.data());
    raw_lengths_.push_back(static_cast<uint32_t>(place.text.size()));
  }
}

void RowStage::AddOrigins(const Block& block, Batch& batch) {
  const auto row_count = static_cast<int64_t>(frame_ordinals_.size());
  const char* const base = reinterpret_cast<const char*>(block.bytes->data());
  std::vector<uint32_t> begins;
  begins.reserve(raw_begins_.size());
  for (const char* begin : raw_begins_) begins.push_back(static_cast<uint32_t>(begin - base));
  raw_begins_.clear();
  batch.frame_ordinals = std::make_shared<arrow::UInt64Array>(row_count, Wrap(frame_ordinals_));
  batch.row_in_frame = std::make_shared<arrow::UInt32Array>(row_count, Wrap(rows_in_frame_));
  batch.raw_begin = std::make_shared<arrow::UInt32Array>(row_count, Wrap(begins));
  batch.raw_length = std::make_shared<arrow::UInt32Array>(row_count, Wrap(raw_lengths_));
  batch.raw = block.bytes;
}

arrow::Result<Batch> RowStage::Finish(const Block& block) {
  Flush();
  Batch batch;
  batch.origin = block.origin;
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  for (const Target& target : targets_) {
    ARROW_ASSIGN_OR_RAISE(auto array, target.builder->Finish());
    arrays.push_back(std::move(array));
  }
  batch.rows =
      arrow::RecordBatch::Make(schema_, static_cast<int64_t>(keep_.size()), std::move(arrays));
  if (has_origins_) AddOrigins(block, batch);
  const std::vector<uint8_t> keep = std::exchange(keep_, {});
  if (!std::exchange(has_refused_, false)) return batch;
  return FilterBatch(std::move(batch), keep);
}

}  // namespace catchwater
