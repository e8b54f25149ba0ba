#include "catchwater/sql/simple_condition.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/util/bit_util.h>

#include "catchwater/base/error.h"
#include "catchwater/sql/condition_tree_internal.h"
#include "catchwater/sql/literal_internal.h"

namespace catchwater {
namespace {

using condition_internal::Compare;
using condition_internal::Node;

constexpr int64_t kBlockRows = 2'048;

/// Per row of a block: is it true, is it false; neither means null.
struct Truth {
  std::array<uint8_t, kBlockRows> yes;
  std::array<uint8_t, kBlockRows> no;
};

/// The rows of a block that a leaf looks at.
struct Block {
  const arrow::RecordBatch& rows;
  int64_t row;
  int64_t row_count;
};

// Written so that NaN is greater than every number: !(v <= c) is true for it.
template <Compare kCompare, typename Value>
uint8_t Holds(Value value, Value constant) {
  if constexpr (kCompare == Compare::kEqual) return value == constant ? 1 : 0;
  if constexpr (kCompare == Compare::kNotEqual) return value == constant ? 0 : 1;
  if constexpr (kCompare == Compare::kLess) return value < constant ? 1 : 0;
  if constexpr (kCompare == Compare::kLessOrEqual) return value <= constant ? 1 : 0;
  if constexpr (kCompare == Compare::kGreater) return value <= constant ? 0 : 1;
  return value < constant ? 0 : 1;
}

/// Calls `call.template operator()<kCompare>()` for the comparison.
template <typename Call>
void WithCompare(Compare compare, Call call) {
  switch (compare) {
    case Compare::kEqual:
      return call.template operator()<Compare::kEqual>();
    case Compare::kNotEqual:
      return call.template operator()<Compare::kNotEqual>();
    case Compare::kLess:
      return call.template operator()<Compare::kLess>();
    case Compare::kLessOrEqual:
      return call.template operator()<Compare::kLessOrEqual>();
    case Compare::kGreater:
      return call.template operator()<Compare::kGreater>();
    case Compare::kGreaterOrEqual:
      return call.template operator()<Compare::kGreaterOrEqual>();
  }
}

/// A node with its literal in the column's type.
struct Step {
  Node::Kind kind = Node::Kind::kAnd;
  std::vector<Step> children;
  int column = -1;
  arrow::Type::type type = arrow::Type::NA;  // kCompare: of the column.
  Compare compare = Compare::kEqual;
  int64_t integer = 0;
  double real = 0;
  float real32 = 0;
  std::string text;
  std::optional<uint8_t> constant;  // kCompare: the same for all values that are not null.
};

template <typename ArrayType>
void CompareNumbers(const Step& step, const Block& block, typename ArrayType::value_type constant,
                    Truth& truth) {
  using Value = typename ArrayType::value_type;
  const auto& array = static_cast<const ArrayType&>(*block.rows.column(step.column));
  const Value* values = array.raw_values() + block.row;
  WithCompare(step.compare, [&]<Compare kCompare>() {
    for (int64_t i = 0; i < block.row_count; ++i) {
      truth.yes[static_cast<size_t>(i)] = Holds<kCompare, Value>(values[i], constant);
    }
  });
}

void CompareTexts(const Step& step, const Block& block, Truth& truth) {
  const auto& array = static_cast<const arrow::StringArray&>(*block.rows.column(step.column));
  WithCompare(step.compare, [&]<Compare kCompare>() {
    for (int64_t i = 0; i < block.row_count; ++i) {
      truth.yes[static_cast<size_t>(i)] =
          Holds<kCompare, std::string_view>(array.GetView(block.row + i), step.text);
    }
  });
}

void CompareBools(const Step& step, const Block& block, Truth& truth) {
  const auto& array = static_cast<const arrow::BooleanArray&>(*block.rows.column(step.column));
  const bool wanted = (step.integer != 0) == (step.compare == Compare::kEqual);
  for (int64_t i = 0; i < block.row_count; ++i) {
    truth.yes[static_cast<size_t>(i)] = array.Value(block.row + i) == wanted ? 1 : 0;
  }
}

/// Writes 1 for rows that are not null. \return false if there are no nulls: nothing was written
bool ValidRows(const arrow::Array& array, const Block& block,
               std::array<uint8_t, kBlockRows>& valid) {
  if (array.null_count() == 0) return false;
  const uint8_t* bits = array.null_bitmap_data();
  const int64_t offset = array.offset() + block.row;
  for (int64_t i = 0; i < block.row_count; ++i) {
    valid[static_cast<size_t>(i)] = arrow::bit_util::GetBit(bits, offset + i) ? 1 : 0;
  }
  return true;
}

void EvaluateCompare(const Step& step, const Block& block, Truth& truth) {
  const auto row_count = static_cast<size_t>(block.row_count);
  if (step.constant.has_value()) {
    std::memset(truth.yes.data(), *step.constant, row_count);
  } else if (step.type == arrow::Type::INT32) {
    CompareNumbers<arrow::Int32Array>(step, block, static_cast<int32_t>(step.integer), truth);
  } else if (step.type == arrow::Type::DATE32) {
    CompareNumbers<arrow::Date32Array>(step, block, static_cast<int32_t>(step.integer), truth);
  } else if (step.type == arrow::Type::INT64) {
    CompareNumbers<arrow::Int64Array>(step, block, step.integer, truth);
  } else if (step.type == arrow::Type::TIMESTAMP) {
    CompareNumbers<arrow::TimestampArray>(step, block, step.integer, truth);
  } else if (step.type == arrow::Type::DOUBLE) {
    CompareNumbers<arrow::DoubleArray>(step, block, step.real, truth);
  } else if (step.type == arrow::Type::FLOAT) {
    CompareNumbers<arrow::FloatArray>(step, block, step.real32, truth);
  } else if (step.type == arrow::Type::STRING) {
    CompareTexts(step, block, truth);
  } else {
    CompareBools(step, block, truth);
  }
  std::array<uint8_t, kBlockRows> valid;
  const bool has_nulls = ValidRows(*block.rows.column(step.column), block, valid);
  for (size_t i = 0; i < row_count; ++i) truth.no[i] = truth.yes[i] ^ 1;
  if (!has_nulls) return;
  for (size_t i = 0; i < row_count; ++i) {
    truth.yes[i] = truth.yes[i] & valid[i];
    truth.no[i] = truth.no[i] & valid[i];
  }
}

void EvaluateIsNull(const Step& step, const Block& block, Truth& truth) {
  auto& is_not_null = step.kind == Node::Kind::kIsNotNull ? truth.yes : truth.no;
  auto& is_null = step.kind == Node::Kind::kIsNotNull ? truth.no : truth.yes;
  const auto row_count = static_cast<size_t>(block.row_count);
  if (!ValidRows(*block.rows.column(step.column), block, is_not_null)) {
    std::memset(is_not_null.data(), 1, row_count);
  }
  for (size_t i = 0; i < row_count; ++i) is_null[i] = is_not_null[i] ^ 1;
}

// ---- Literals in the column's type

/// An integer column against a number with a fraction: no value equals it, and the order of the
/// column's values around it is that around its floor.
void BindFraction(int64_t floor, Step& step) {
  step.integer = floor;
  if (step.compare == Compare::kEqual) step.constant = uint8_t{0};
  if (step.compare == Compare::kNotEqual) step.constant = uint8_t{1};
  if (step.compare == Compare::kLess) step.compare = Compare::kLessOrEqual;
  if (step.compare == Compare::kGreaterOrEqual) step.compare = Compare::kGreater;
}

bool BindNumber(const condition_internal::Literal& literal, Step& step) {
  using condition_internal::Literal;
  if (literal.kind != Literal::Kind::kNumber) return false;
  const auto number = literal_internal::ParseNumber(literal.text);
  if (!number.has_value()) return false;
  if (step.type == arrow::Type::DOUBLE || step.type == arrow::Type::FLOAT) {
    step.real = number->real;
    step.real32 = static_cast<float>(number->real);
    // So many digits come out alike, by whichever way they are read.
    return number->digit_count <= (step.type == arrow::Type::DOUBLE ? 15 : 6);
  }
  step.integer = number->floor;
  if (!number->is_integer) BindFraction(number->floor, step);
  return step.type != arrow::Type::INT32 ||
         (number->floor >= INT32_MIN && number->floor <= INT32_MAX);
}

bool BindTime(const condition_internal::Literal& literal, Step& step) {
  using condition_internal::Literal;
  if (literal.kind != Literal::Kind::kText) return false;
  const auto time = literal_internal::ParseUtcTime(literal.text);
  if (!time.has_value()) return false;
  if (step.type == arrow::Type::DATE32) {
    step.integer = time->day;
    return time->is_date && (literal.prefix.empty() || literal.prefix == "DATE");
  }
  step.integer = time->micros;
  if (literal.prefix == "TIMESTAMP" && time->has_zone) return false;
  return literal.prefix != "DATE" || time->is_date;
}

bool BindLiteral(const condition_internal::Literal& literal, const arrow::DataType& type,
                 Step& step) {
  using condition_internal::Literal;
  step.type = type.id();
  switch (type.id()) {
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
      return BindNumber(literal, step);
    case arrow::Type::STRING:
      step.text = literal.text;
      return literal.kind == Literal::Kind::kText && literal.prefix.empty();
    case arrow::Type::BOOL:
      step.integer = literal.is_true ? 1 : 0;
      return literal.kind == Literal::Kind::kBool &&
             (step.compare == Compare::kEqual || step.compare == Compare::kNotEqual);
    case arrow::Type::DATE32:
      return BindTime(literal, step);
    case arrow::Type::TIMESTAMP:
      return type.Equals(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")) &&
             BindTime(literal, step);
    default:
      return false;
  }
}

bool Bind(const Node& node, const arrow::Schema& schema, Step& step) {
  step.kind = node.kind;
  step.column = node.column;
  step.compare = node.compare;
  for (const Node& child : node.children) {
    if (!Bind(child, schema, step.children.emplace_back())) return false;
  }
  return node.kind != Node::Kind::kCompare ||
         BindLiteral(node.literal, *schema.field(node.column)->type(), step);
}

size_t Depth(const Step& step) {
  size_t depth = 0;
  for (const Step& child : step.children) depth = std::max(depth, Depth(child));
  return depth + 1;
}

}  // namespace

struct SimpleCondition::Program {
  Step root;
  std::vector<Truth> truths;  // One for each level of the tree.

  void Evaluate(const Step& step, const Block& block, size_t level) {
    Truth& truth = truths[level];
    if (step.kind == Node::Kind::kCompare) return EvaluateCompare(step, block, truth);
    if (step.kind == Node::Kind::kIsNull || step.kind == Node::Kind::kIsNotNull) {
      return EvaluateIsNull(step, block, truth);
    }
    const auto row_count = static_cast<size_t>(block.row_count);
    const Truth& other = truths[level + 1];
    for (size_t child = 0; child < step.children.size(); ++child) {
      Evaluate(step.children[child], block, level + 1);
      if (step.kind == Node::Kind::kNot) {
        std::memcpy(truth.yes.data(), other.no.data(), row_count);
        std::memcpy(truth.no.data(), other.yes.data(), row_count);
      } else if (child == 0) {
        std::memcpy(truth.yes.data(), other.yes.data(), row_count);
        std::memcpy(truth.no.data(), other.no.data(), row_count);
      } else if (step.kind == Node::Kind::kAnd) {
        for (size_t i = 0; i < row_count; ++i) truth.yes[i] = truth.yes[i] & other.yes[i];
        for (size_t i = 0; i < row_count; ++i) truth.no[i] = truth.no[i] | other.no[i];
      } else {
        for (size_t i = 0; i < row_count; ++i) truth.yes[i] = truth.yes[i] | other.yes[i];
        for (size_t i = 0; i < row_count; ++i) truth.no[i] = truth.no[i] & other.no[i];
      }
    }
  }
};

SimpleCondition::SimpleCondition(std::unique_ptr<Program> program) : program_(std::move(program)) {}
SimpleCondition::SimpleCondition(SimpleCondition&&) noexcept = default;
SimpleCondition& SimpleCondition::operator=(SimpleCondition&&) noexcept = default;
SimpleCondition::~SimpleCondition() = default;

std::optional<SimpleCondition> SimpleCondition::Compile(std::string_view sql,
                                                        const arrow::Schema& schema) {
  const std::optional<Node> tree = condition_internal::ParseCondition(sql, schema);
  if (!tree.has_value()) return std::nullopt;
  auto program = std::make_unique<Program>();
  if (!Bind(*tree, schema, program->root)) return std::nullopt;
  program->truths.resize(Depth(program->root));
  return SimpleCondition(std::move(program));
}

void SimpleCondition::Evaluate(const arrow::RecordBatch& rows, std::span<uint8_t> is_true) {
  CATCHWATER_CHECK(static_cast<int64_t>(is_true.size()) == rows.num_rows(), "one flag a row");
  for (int64_t row = 0; row < rows.num_rows(); row += kBlockRows) {
    const Block block{rows, row, std::min(kBlockRows, rows.num_rows() - row)};
    program_->Evaluate(program_->root, block, 0);
    std::memcpy(is_true.data() + row, program_->truths[0].yes.data(),
                static_cast<size_t>(block.row_count));
  }
}

}  // namespace catchwater
