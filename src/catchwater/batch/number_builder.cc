#include <cmath>
#include <limits>

#include "catchwater/base/decimal.h"
#include "catchwater/batch/typed_builders_internal.h"
#include "catchwater/batch/value_builder_internal.h"

namespace catchwater {
namespace {

template <typename Integer>
struct IntegerReader {
  using Value = Integer;
  static constexpr std::string_view kName = sizeof(Integer) == 4 ? "int32" : "int64";

  static std::optional<Value> FromInt64(int64_t value) {
    if (value < std::numeric_limits<Value>::min() || value > std::numeric_limits<Value>::max()) {
      return std::nullopt;
    }
    return static_cast<Value>(value);
  }
  static std::optional<Value> TryPadded(const char* padded, size_t length) {
    const std::optional<int64_t> value = TryParseInt64(padded, length);
    if (!value) return std::nullopt;
    return FromInt64(*value);
  }
  static std::optional<Value> Read(std::string_view text) {
    const std::optional<int64_t> value = ParseInt64(text);
    if (!value) return std::nullopt;
    return FromInt64(*value);
  }
  static std::string Explain(std::string_view text) {
    const size_t digits_begin = text.find_first_not_of("+-");
    const bool is_integer =
        digits_begin <= 1 &&
        text.find_first_not_of("0123456789", digits_begin) == std::string_view::npos;
    return std::string(is_integer ? "out of the range of " : "not an ") + std::string(kName) +
           ": " + Excerpt(text);
  }
  static std::optional<Value> FromBool(bool) { return std::nullopt; }
  static std::optional<Value> FromDouble(double value) {
    // 2^63 is a double, the greatest int64 is not.
    if (!(value >= -0x1p63 && value < 0x1p63) || value != std::trunc(value)) return std::nullopt;
    return FromInt64(static_cast<int64_t>(value));
  }
  static std::string Refusal() { return "not an " + std::string(kName) + ": "; }
};

struct Float64Reader {
  using Value = double;
  static std::optional<double> TryPadded(const char* padded, size_t length) {
    return TryParseDouble(padded, length);
  }
  static std::optional<double> Read(std::string_view text) { return ParseDouble(text); }
  static std::string Explain(std::string_view text) { return Refusal() + Excerpt(text); }
  static std::optional<double> FromBool(bool) { return std::nullopt; }
  static std::optional<double> FromInt64(int64_t value) { return static_cast<double>(value); }
  static std::optional<double> FromDouble(double value) { return value; }
  static std::string Refusal() { return "not a float64: "; }
};

struct Float32Reader {
  using Value = float;
  static std::optional<float> TryPadded(const char* padded, size_t length) {
    const std::optional<double> value = TryParseDouble(padded, length);
    if (!value) return std::nullopt;
    return TryNarrow(*value);
  }
  static std::optional<float> Read(std::string_view text) { return ParseFloat(text); }
  static std::string Explain(std::string_view text) { return Refusal() + Excerpt(text); }
  static std::optional<float> FromBool(bool) { return std::nullopt; }
  static std::optional<float> FromInt64(int64_t value) { return static_cast<float>(value); }
  static std::optional<float> FromDouble(double value) {
    const auto narrow = static_cast<float>(value);
    if (std::isinf(narrow) && !std::isinf(value)) return std::nullopt;
    return narrow;
  }
  static std::string Refusal() { return "not a float32: "; }
};

struct DecimalReader {
  using Value = Int128;
  int32_t precision;
  int32_t scale;

  std::optional<Value> TryPadded(const char* padded, size_t length) const {
    const auto significand =
        number_internal::ParseSignificand(padded + (*padded == '-'), length - (*padded == '-'));
    if (!significand || significand->fraction_digit_count > scale || scale > 18) {
      return std::nullopt;
    }
    // At most 19 digits, times at most 10^18: no overflow.
    Value value = significand->digits;
    for (int32_t i = significand->fraction_digit_count; i < scale; ++i) value *= 10;
    if (value >= limit) return std::nullopt;
    return *padded == '-' ? -value : value;
  }
  std::optional<Value> Read(std::string_view text) const {
    const DecimalParse parse = ParseDecimal(text, precision, scale);
    if (parse.fault != DecimalFault::kNone) return std::nullopt;
    return parse.value;
  }
  std::string Explain(std::string_view text) const {
    const DecimalFault fault = ParseDecimal(text, precision, scale).fault;
    return Refusal() + Excerpt(text) + " " + std::string(DecimalFaultText(fault));
  }
  static std::optional<Value> FromBool(bool) { return std::nullopt; }
  std::optional<Value> FromInt64(int64_t value) const { return FromNumber(value); }
  std::optional<Value> FromDouble(double value) const { return FromNumber(value); }
  // The shortest text of a double is what its author wrote.
  template <typename Number>
  std::optional<Value> FromNumber(Number value) const {
    std::string text;
    AppendNumber(value, &text);
    return Read(text);
  }
  std::string Refusal() const {
    return "not a decimal(" + std::to_string(precision) + ", " + std::to_string(scale) + "): ";
  }

  Value limit = 0;  // 10^precision
};

struct BoolReader {
  using Value = bool;
  static std::optional<bool> TryPadded(const char* padded, size_t length) {
    if (length != 1) return std::nullopt;
    if (*padded == '1') return true;
    if (*padded == '0') return false;
    return std::nullopt;
  }
  static std::optional<bool> Read(std::string_view text) {
    std::string word;
    if (text.size() > 5) return std::nullopt;
    for (const char letter : text) {
      word += letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
    }
    if (word == "true" || word == "t" || word == "1" || word == "yes") return true;
    if (word == "false" || word == "f" || word == "0" || word == "no") return false;
    return std::nullopt;
  }
  static std::string Explain(std::string_view text) { return Refusal() + Excerpt(text); }
  static std::optional<bool> FromBool(bool value) { return value; }
  static std::optional<bool> FromInt64(int64_t value) {
    if (value != 0 && value != 1) return std::nullopt;
    return value == 1;
  }
  static std::optional<bool> FromDouble(double) { return std::nullopt; }
  static std::string Refusal() { return "not a bool: "; }
};

arrow::Result<DecimalReader> MakeDecimalReader(const Column& column) {
  if (column.precision < 1 || column.precision > kDecimalPrecisionMax || column.scale < 0 ||
      column.scale > column.precision) {
    return ConfigError("Decimal must have 1 <= precision <= 38 and 0 <= scale <= precision: ",
                       column.name, " (", column.precision, ", ", column.scale, ")");
  }
  Int128 limit = 1;
  for (int32_t i = 0; i < column.precision; ++i) limit *= 10;
  return DecimalReader{.precision = column.precision, .scale = column.scale, .limit = limit};
}

template <typename Reader>
std::unique_ptr<ColumnBuilder> MakeBuilder(const Column& column, Reader reader) {
  return std::make_unique<ValueBuilder<Reader>>(column, std::move(reader));
}

}  // namespace

arrow::Result<std::unique_ptr<ColumnBuilder>> MakeNumberBuilder(const Column& column) {
  switch (column.type) {
    case ColumnType::kBool:
      return MakeBuilder(column, BoolReader{});
    case ColumnType::kInt32:
      return MakeBuilder(column, IntegerReader<int32_t>{});
    case ColumnType::kInt64:
      return MakeBuilder(column, IntegerReader<int64_t>{});
    case ColumnType::kFloat32:
      return MakeBuilder(column, Float32Reader{});
    case ColumnType::kFloat64:
      return MakeBuilder(column, Float64Reader{});
    default: {
      ARROW_ASSIGN_OR_RAISE(DecimalReader reader, MakeDecimalReader(column));
      return MakeBuilder(column, reader);
    }
  }
}

}  // namespace catchwater
