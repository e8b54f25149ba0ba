/// \file
/// The text of a simple condition -> a tree over the schema's columns. Private to sql/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type.h>

namespace catchwater::condition_internal {

enum class Compare { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };

struct Literal {
  enum class Kind { kNumber, kText, kBool };
  Kind kind = Kind::kNumber;
  std::string text;      // kNumber: as written, with its sign; kText: without quotes.
  std::string prefix;    // kText: DATE, TIMESTAMP or TIMESTAMPTZ in capitals, or empty.
  bool is_true = false;  // kBool.
};

struct Node {
  enum class Kind {
    kAnd,        // Of children.
    kOr,         // Of children.
    kNot,        // Of the only child.
    kIsNull,     // Of the column.
    kIsNotNull,  // Of the column.
    kCompare,    // The column with the literal.
  };
  Kind kind = Kind::kAnd;
  std::vector<Node> children;
  int column = -1;
  Compare compare = Compare::kEqual;
  Literal literal;
};

/// IN lists up to this become an OR of comparisons; longer ones are not simple.
inline constexpr size_t kListItemsMax = 16;
/// How deep NOT and brackets may go.
inline constexpr int kDepthMax = 32;

/// Returns nullopt for what is not simple or not SQL. Names are found without regard to case.
std::optional<Node> ParseCondition(std::string_view sql, const arrow::Schema& schema);

}  // namespace catchwater::condition_internal
