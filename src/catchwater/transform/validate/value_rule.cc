#include "catchwater/transform/validate/value_rule.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string_view>
#include <unordered_set>
#include <utility>

#include <arrow/scalar.h>
#include <arrow/util/bit_util.h>
#include <re2/re2.h>

#include "catchwater/base/error.h"
#include "catchwater/batch/column_builder.h"
#include "catchwater/batch/column_of_type.h"

namespace catchwater {
namespace {

constexpr size_t kShownBytesMax = 200;
// Of a compiled expression.
constexpr int64_t kRegexBytesMax = 8 << 20;

/// A null breaks nothing.
void ClearNulls(const arrow::Array& values, std::span<uint8_t> is_broken) {
  if (values.null_count() == 0) return;
  const uint8_t* bits = values.null_bitmap_data();
  if (bits == nullptr) {  // The type is null.
    std::fill(is_broken.begin(), is_broken.end(), uint8_t{0});
    return;
  }
  for (size_t i = 0; i < is_broken.size(); ++i) {
    const bool is_valid = arrow::bit_util::GetBit(bits, values.offset() + static_cast<int64_t>(i));
    is_broken[i] = is_broken[i] & (is_valid ? 1 : 0);
  }
}

class NotNullRule final : public ValueRule {
 public:
  void Check(const arrow::Array& values, std::span<uint8_t> is_broken) override {
    std::fill(is_broken.begin(), is_broken.end(), uint8_t{0});
    if (values.null_count() == 0) return;
    for (size_t i = 0; i < is_broken.size(); ++i) {
      is_broken[i] = values.IsNull(static_cast<int64_t>(i)) ? 1 : 0;
    }
  }
  const char* word() const override { return "not_null"; }
  std::string Reason(const arrow::Array&, int64_t) const override { return "Value is missing"; }
};

/// Fixed-width values in their order. Bounds that are open are the type's own ends.
template <typename ArrayType>
class RangeRule final : public ValueRule {
 public:
  using Value = typename ArrayType::value_type;

  RangeRule(const arrow::Array* least, const arrow::Array* greatest, std::string text)
      : text_(std::move(text)) {
    if (least != nullptr) least_ = static_cast<const ArrayType&>(*least).Value(0);
    if (greatest != nullptr) greatest_ = static_cast<const ArrayType&>(*greatest).Value(0);
  }

  void Check(const arrow::Array& values, std::span<uint8_t> is_broken) override {
    const Value* numbers = static_cast<const ArrayType&>(values).raw_values();
    for (size_t i = 0; i < is_broken.size(); ++i) {  // Written so that NaN breaks it.
      is_broken[i] = numbers[i] >= least_ && numbers[i] <= greatest_ ? 0 : 1;
    }
    ClearNulls(values, is_broken);
  }
  const char* word() const override { return "range"; }
  std::string Reason(const arrow::Array& values, int64_t row) const override {
    return "Value is out of range " + text_ + ": " + ShownValue(values, row);
  }
  bool is_empty() const { return !(least_ <= greatest_); }

 private:
  static constexpr bool kIsReal = std::numeric_limits<Value>::has_infinity;
  Value least_ =
      kIsReal ? -std::numeric_limits<Value>::infinity() : std::numeric_limits<Value>::lowest();
  Value greatest_ =
      kIsReal ? std::numeric_limits<Value>::infinity() : std::numeric_limits<Value>::max();
  const std::string text_;  // "[-40, 85]"
};

using Int128 = __int128;

Int128 DecimalAt(const arrow::Array& values, int64_t row) {
  Int128 value = 0;  // Arrow's layout on a little-endian machine.
  std::memcpy(&value, static_cast<const arrow::Decimal128Array&>(values).GetValue(row),
              sizeof(value));
  return value;
}

class DecimalRangeRule final : public ValueRule {
 public:
  DecimalRangeRule(const arrow::Array* least, const arrow::Array* greatest, std::string text)
      : text_(std::move(text)) {
    if (least != nullptr) least_ = DecimalAt(*least, 0);
    if (greatest != nullptr) greatest_ = DecimalAt(*greatest, 0);
  }
  void Check(const arrow::Array& values, std::span<uint8_t> is_broken) override {
    for (size_t i = 0; i < is_broken.size(); ++i) {
      const Int128 value = DecimalAt(values, static_cast<int64_t>(i));
      is_broken[i] = value >= least_ && value <= greatest_ ? 0 : 1;
    }
    ClearNulls(values, is_broken);
  }
  const char* word() const override { return "range"; }
  std::string Reason(const arrow::Array& values, int64_t row) const override {
    return "Value is out of range " + text_ + ": " + ShownValue(values, row);
  }
  bool is_empty() const { return least_ > greatest_; }

 private:
  static constexpr Int128 kGreatest = static_cast<Int128>(~static_cast<unsigned __int128>(0) >> 1);
  Int128 least_ = -kGreatest - 1;
  Int128 greatest_ = kGreatest;
  const std::string text_;
};

class RegexRule final : public ValueRule {
 public:
  RegexRule(const std::string& regex, const re2::RE2::Options& options) : regex_(regex, options) {}

  const re2::RE2& regex() const { return regex_; }

  void Check(const arrow::Array& values, std::span<uint8_t> is_broken) override {
    const auto& texts = static_cast<const arrow::StringArray&>(values);
    std::string_view before;  // Values repeat: a sensor's rows stand together.
    bool has_before = false;
    uint8_t is_before_broken = 0;
    for (size_t i = 0; i < is_broken.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      is_broken[i] = 0;
      if (texts.IsNull(row)) continue;
      const std::string_view text = texts.GetView(row);
      if (!has_before || text != before) {
        is_before_broken =
            re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), regex_) ? 0 : 1;
        before = text;
        has_before = true;
      }
      is_broken[i] = is_before_broken;
    }
  }
  const char* word() const override { return "regex"; }
  std::string Reason(const arrow::Array& values, int64_t row) const override {
    return "Value does not match " + regex_.pattern() + ": " + ShownValue(values, row);
  }

 private:
  const re2::RE2 regex_;
};

/// The bytes that make a value: the text, or the fixed-width value as it lies in memory.
class ValueBytes {
 public:
  explicit ValueBytes(const arrow::Array& values) : values_(values) {
    if (values.type_id() == arrow::Type::STRING) {
      texts_ = &static_cast<const arrow::StringArray&>(values);
    } else if (values.type_id() == arrow::Type::BOOL) {
      bools_ = &static_cast<const arrow::BooleanArray&>(values);
    } else {
      width_ = static_cast<size_t>(values.type()->byte_width());
      // NOLINTNEXTLINE: the set compares plain bytes.
      bytes_ = reinterpret_cast<const char*>(values.data()->buffers[1]->data()) +
               static_cast<size_t>(values.offset()) * width_;
    }
  }
  std::string_view At(int64_t row) const {
    if (texts_ != nullptr) return texts_->GetView(row);
    if (bools_ != nullptr) return bools_->Value(row) ? "1" : "0";
    return {bytes_ + static_cast<size_t>(row) * width_, width_};
  }

 private:
  const arrow::Array& values_;
  const arrow::StringArray* texts_ = nullptr;
  const arrow::BooleanArray* bools_ = nullptr;
  const char* bytes_ = nullptr;
  size_t width_ = 0;
};

class OneOfRule final : public ValueRule {
 public:
  explicit OneOfRule(std::shared_ptr<arrow::Array> allowed) : allowed_(std::move(allowed)) {
    const ValueBytes bytes(*allowed_);
    for (int64_t i = 0; i < allowed_->length(); ++i) set_.insert(bytes.At(i));
  }

  void Check(const arrow::Array& values, std::span<uint8_t> is_broken) override {
    std::fill(is_broken.begin(), is_broken.end(), uint8_t{0});
    if (is_broken.empty() || values.null_count() == values.length()) return;
    const ValueBytes bytes(values);
    std::string_view before;
    bool has_before = false;
    uint8_t is_before_broken = 0;
    for (size_t i = 0; i < is_broken.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      if (values.IsNull(row)) continue;
      const std::string_view value = bytes.At(row);
      if (!has_before || value != before) {
        is_before_broken = set_.contains(value) ? 0 : 1;
        before = value;
        has_before = true;
      }
      is_broken[i] = is_before_broken;
    }
  }
  const char* word() const override { return "one_of"; }
  std::string Reason(const arrow::Array& values, int64_t row) const override {
    constexpr int64_t kShownCount = 5;
    std::string list;
    for (int64_t i = 0; i < std::min(kShownCount, allowed_->length()); ++i) {
      list += (i == 0 ? "" : ", ") + ShownValue(*allowed_, i);
    }
    if (allowed_->length() > kShownCount) list += ", ...";
    return "Value is not one of " + list + ": " + ShownValue(values, row);
  }

 private:
  const std::shared_ptr<arrow::Array> allowed_;
  std::unordered_set<std::string_view> set_;  // Points into allowed_.
};

template <typename Rule>
arrow::Result<std::unique_ptr<ValueRule>> MakeRange(const arrow::Array* least,
                                                    const arrow::Array* greatest,
                                                    std::string text) {
  auto rule = std::make_unique<Rule>(least, greatest, text);
  if (rule->is_empty()) return ConfigError("No value can be in the range: ", text);
  return rule;
}

}  // namespace

std::string ShownValue(const arrow::Array& values, int64_t row) {
  const auto scalar = values.GetScalar(row);
  std::string text = scalar.ok() ? (*scalar)->ToString() : "?";
  if (text.size() <= kShownBytesMax) return text;
  size_t end = kShownBytesMax;  // Not within a character.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "...";
}

arrow::Result<std::shared_ptr<arrow::Array>> ValuesOf(const std::shared_ptr<arrow::DataType>& type,
                                                      const std::vector<std::string>& texts) {
  ARROW_ASSIGN_OR_RAISE(auto builder, ColumnBuilder::Make(ColumnOfType("value", *type)));
  for (const std::string& text : texts) {
    if (!builder->AppendText(text)) return ConfigError("Value is ", builder->reason());
  }
  ARROW_ASSIGN_OR_RAISE(auto values, builder->Finish());
  if (!values->type()->Equals(*type)) {
    return ConfigError("Values of this type cannot be compared: ", type->ToString());
  }
  return values;
}

std::unique_ptr<ValueRule> MakeNotNullRule() { return std::make_unique<NotNullRule>(); }

arrow::Result<std::unique_ptr<ValueRule>> MakeRangeRule(
    const std::shared_ptr<arrow::DataType>& type, const std::optional<std::string>& least,
    const std::optional<std::string>& greatest) {
  if (!least.has_value() && !greatest.has_value()) {
    return ConfigError("A range needs at least one end");
  }
  std::shared_ptr<arrow::Array> low;
  std::shared_ptr<arrow::Array> high;
  if (least.has_value()) {
    ARROW_ASSIGN_OR_RAISE(low, ValuesOf(type, {*least}));
  }
  if (greatest.has_value()) {
    ARROW_ASSIGN_OR_RAISE(high, ValuesOf(type, {*greatest}));
  }
  std::string text = "[" + least.value_or("null") + ", " + greatest.value_or("null") + "]";
  switch (type->id()) {
    case arrow::Type::INT32:
      return MakeRange<RangeRule<arrow::Int32Array>>(low.get(), high.get(), std::move(text));
    case arrow::Type::INT64:
      return MakeRange<RangeRule<arrow::Int64Array>>(low.get(), high.get(), std::move(text));
    case arrow::Type::FLOAT:
      return MakeRange<RangeRule<arrow::FloatArray>>(low.get(), high.get(), std::move(text));
    case arrow::Type::DOUBLE:
      return MakeRange<RangeRule<arrow::DoubleArray>>(low.get(), high.get(), std::move(text));
    case arrow::Type::DATE32:
      return MakeRange<RangeRule<arrow::Date32Array>>(low.get(), high.get(), std::move(text));
    case arrow::Type::TIMESTAMP:
      return MakeRange<RangeRule<arrow::TimestampArray>>(low.get(), high.get(), std::move(text));
    case arrow::Type::DECIMAL128:
      return MakeRange<DecimalRangeRule>(low.get(), high.get(), std::move(text));
    default:
      return ConfigError("A range is for numbers, dates and timestamps, not for: ",
                         type->ToString());
  }
}

arrow::Result<std::unique_ptr<ValueRule>> MakeRegexRule(
    const std::shared_ptr<arrow::DataType>& type, const std::string& regex) {
  if (type->id() != arrow::Type::STRING) {
    return ConfigError("A regex is for texts, not for: ", type->ToString());
  }
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(kRegexBytesMax);
  auto rule = std::make_unique<RegexRule>(regex, options);
  if (!rule->regex().ok()) {
    return ConfigError("Regex is not valid: ", rule->regex().error(), ": ", regex);
  }
  return rule;
}

arrow::Result<std::unique_ptr<ValueRule>> MakeOneOfRule(
    const std::shared_ptr<arrow::DataType>& type, const std::vector<std::string>& values) {
  ARROW_ASSIGN_OR_RAISE(auto allowed, ValuesOf(type, values));
  return std::make_unique<OneOfRule>(std::move(allowed));
}

}  // namespace catchwater
