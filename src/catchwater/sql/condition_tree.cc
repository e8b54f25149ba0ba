#include <algorithm>
#include <cctype>
#include <utility>

#include "catchwater/sql/condition_tree_internal.h"

namespace catchwater::condition_internal {
namespace {

bool IsWordStart(char character) {
  return std::isalpha(static_cast<unsigned char>(character)) != 0 || character == '_';
}
bool IsDigit(char character) { return character >= '0' && character <= '9'; }
bool IsWordPart(char character) { return IsWordStart(character) || IsDigit(character); }

std::string Capitals(std::string_view text) {
  std::string capitals(text);
  for (char& character : capitals) {
    character = static_cast<char>(std::toupper(static_cast<unsigned char>(character)));
  }
  return capitals;
}

struct Token {
  enum class Kind { kWord, kQuotedName, kNumber, kText, kSymbol, kEnd };
  Kind kind = Kind::kEnd;
  std::string text;  // Words as written; quoted ones without their quotes.
};

/// Reads 'it''s' or "a name". \return false if it does not end
bool ReadQuoted(std::string_view sql, size_t& i, std::string& text) {
  const char quote = sql[i++];
  while (i < sql.size()) {
    if (sql[i] == quote) {
      if (i + 1 >= sql.size() || sql[i + 1] != quote) return ++i, true;
      ++i;
    }
    text += sql[i++];
  }
  return false;
}

/// 12, 12.5, .5, 1.; an exponent or anything else that follows is not simple.
bool ReadNumber(std::string_view sql, size_t& i, std::string& text) {
  bool has_point = false;
  bool has_digit = false;
  for (; i < sql.size() && (IsDigit(sql[i]) || (sql[i] == '.' && !has_point)); ++i) {
    has_point = has_point || sql[i] == '.';
    has_digit = has_digit || IsDigit(sql[i]);
    text += sql[i];
  }
  return has_digit && (i == sql.size() || (!IsWordPart(sql[i]) && sql[i] != '.'));
}

bool ReadSymbol(std::string_view sql, size_t& i, std::string& text) {
  for (const std::string_view symbol :
       {"<>", "<=", ">=", "!=", "==", "<", ">", "=", "(", ")", ",", "-"}) {
    if (!sql.substr(i).starts_with(symbol)) continue;
    if (sql.substr(i).starts_with("--")) return false;  // A comment.
    text = symbol;
    i += symbol.size();
    // Signs in a row may be another operator: `<->`. A `-` ends one only if there is a `!`: `!=-`.
    if (symbol == "!=" && sql.substr(i).starts_with('-')) return false;
    static constexpr std::string_view kOperatorSigns = "<>=!+*/%^&|~@#`?";
    return symbol == "(" || symbol == ")" || symbol == "," || i == sql.size() ||
           kOperatorSigns.find(sql[i]) == std::string_view::npos;
  }
  return false;
}

std::optional<std::vector<Token>> Tokens(std::string_view sql) {
  std::vector<Token> tokens;
  size_t i = 0;
  while (true) {
    while (i < sql.size() &&
           (sql[i] == ' ' || sql[i] == '\n' || sql[i] == '\t' || sql[i] == '\r')) {
      ++i;
    }
    if (i == sql.size()) break;
    Token token;
    bool is_read = true;
    if (IsWordStart(sql[i])) {
      token.kind = Token::Kind::kWord;
      while (i < sql.size() && IsWordPart(sql[i])) token.text += sql[i++];
    } else if (sql[i] == '\'' || sql[i] == '"') {
      token.kind = sql[i] == '"' ? Token::Kind::kQuotedName : Token::Kind::kText;
      is_read = ReadQuoted(sql, i, token.text);
    } else if (IsDigit(sql[i]) || sql[i] == '.') {
      token.kind = Token::Kind::kNumber;
      is_read = ReadNumber(sql, i, token.text);
    } else {
      token.kind = Token::Kind::kSymbol;
      is_read = ReadSymbol(sql, i, token.text);
    }
    if (!is_read) return std::nullopt;
    tokens.push_back(std::move(token));
  }
  tokens.emplace_back();
  return tokens;
}

Compare Mirrored(Compare compare) {
  switch (compare) {
    case Compare::kLess:
      return Compare::kGreater;
    case Compare::kLessOrEqual:
      return Compare::kGreaterOrEqual;
    case Compare::kGreater:
      return Compare::kLess;
    case Compare::kGreaterOrEqual:
      return Compare::kLessOrEqual;
    default:
      return compare;
  }
}

Node Join(Node::Kind kind, std::vector<Node> children) {
  if (children.size() == 1) return std::move(children.front());
  Node node;
  node.kind = kind;
  node.children = std::move(children);
  return node;
}

Node Not(Node child) {
  Node node;
  node.kind = Node::Kind::kNot;
  node.children.push_back(std::move(child));
  return node;
}

Node Comparison(int column, Compare compare, Literal literal) {
  Node node;
  node.kind = Node::Kind::kCompare;
  node.column = column;
  node.compare = compare;
  node.literal = std::move(literal);
  return node;
}

/// Recursive descent; every method returns nullopt for what is not simple.
///   or := and {OR and}   and := not {AND not}   not := NOT not | test
///   test := ( or ) | column compare literal | literal compare column | column [NOT] IN (...)
///         | column [NOT] BETWEEN literal AND literal | column IS [NOT] NULL | column
class Parser {
 public:
  Parser(std::vector<Token> tokens, const arrow::Schema& schema)
      : tokens_(std::move(tokens)), schema_(schema) {}

  std::optional<Node> Parse() {
    std::optional<Node> node = Or(0);
    return node.has_value() && here().kind == Token::Kind::kEnd ? std::move(node) : std::nullopt;
  }

 private:
  const Token& here() const { return tokens_[next_]; }

  bool IsWord(std::string_view capitals) const {
    return here().kind == Token::Kind::kWord && Capitals(here().text) == capitals;
  }
  bool TakeWord(std::string_view capitals) {
    if (!IsWord(capitals)) return false;
    ++next_;
    return true;
  }
  bool TakeSymbol(std::string_view symbol) {
    if (here().kind != Token::Kind::kSymbol || here().text != symbol) return false;
    ++next_;
    return true;
  }

  std::optional<Node> Or(int depth) {
    std::vector<Node> children;
    do {
      std::optional<Node> child = And(depth);
      if (!child.has_value()) return std::nullopt;
      children.push_back(std::move(*child));
    } while (TakeWord("OR"));
    return Join(Node::Kind::kOr, std::move(children));
  }

  std::optional<Node> And(int depth) {
    std::vector<Node> children;
    do {
      std::optional<Node> child = Negation(depth);
      if (!child.has_value()) return std::nullopt;
      children.push_back(std::move(*child));
    } while (TakeWord("AND"));
    return Join(Node::Kind::kAnd, std::move(children));
  }

  std::optional<Node> Negation(int depth) {
    if (depth > kDepthMax) return std::nullopt;
    if (!TakeWord("NOT")) return Test(depth);
    std::optional<Node> child = Negation(depth + 1);
    if (!child.has_value()) return std::nullopt;
    return Not(std::move(*child));
  }

  std::optional<Node> Test(int depth) {
    if (TakeSymbol("(")) {
      std::optional<Node> inner = Or(depth + 1);
      if (!inner.has_value() || !TakeSymbol(")") || !IsAtTestEnd()) return std::nullopt;
      return inner;
    }
    std::optional<Node> test;
    if (const std::optional<int> column = TakeColumn(); column.has_value()) {
      test = ColumnTest(*column);
    } else {
      test = LiteralTest();
    }
    // `a = b IS NULL`, `a < b < c`, `a = b + 1`: not simple.
    return test.has_value() && IsAtTestEnd() ? std::move(test) : std::nullopt;
  }

  bool IsAtTestEnd() const {
    return here().kind == Token::Kind::kEnd || IsWord("AND") || IsWord("OR") ||
           (here().kind == Token::Kind::kSymbol && here().text == ")");
  }

  std::optional<Node> LiteralTest() {
    std::optional<Literal> literal = TakeLiteral();
    if (!literal.has_value()) return std::nullopt;
    const std::optional<Compare> compare = TakeCompare();
    if (!compare.has_value()) return std::nullopt;
    const std::optional<int> column = TakeColumn();
    if (!column.has_value()) return std::nullopt;
    return Comparison(*column, Mirrored(*compare), std::move(*literal));
  }

  std::optional<Node> ColumnTest(int column) {
    if (TakeWord("IS")) {
      Node node;
      node.kind = TakeWord("NOT") ? Node::Kind::kIsNotNull : Node::Kind::kIsNull;
      node.column = column;
      return TakeWord("NULL") ? std::optional(std::move(node)) : std::nullopt;
    }
    if (const std::optional<Compare> compare = TakeCompare(); compare.has_value()) {
      std::optional<Literal> literal = TakeLiteral();
      if (!literal.has_value()) return std::nullopt;
      return Comparison(column, *compare, std::move(*literal));
    }
    const bool is_negated = TakeWord("NOT");
    std::optional<Node> node;
    if (TakeWord("IN")) {
      node = InList(column);
    } else if (TakeWord("BETWEEN")) {
      node = Between(column);
    } else if (!is_negated && IsAtTestEnd()) {
      Literal yes{.kind = Literal::Kind::kBool, .text = "", .prefix = "", .is_true = true};
      return Comparison(column, Compare::kEqual, std::move(yes));
    }
    if (!node.has_value()) return std::nullopt;
    return is_negated ? Not(std::move(*node)) : std::move(*node);
  }

  std::optional<Node> InList(int column) {
    if (!TakeSymbol("(")) return std::nullopt;
    std::vector<Node> children;
    do {
      std::optional<Literal> literal = TakeLiteral();
      if (!literal.has_value() || children.size() == kListItemsMax) return std::nullopt;
      children.push_back(Comparison(column, Compare::kEqual, std::move(*literal)));
    } while (TakeSymbol(","));
    if (!TakeSymbol(")")) return std::nullopt;
    return Join(Node::Kind::kOr, std::move(children));
  }

  std::optional<Node> Between(int column) {
    std::optional<Literal> low = TakeLiteral();
    if (!low.has_value() || !TakeWord("AND")) return std::nullopt;
    std::optional<Literal> high = TakeLiteral();
    if (!high.has_value()) return std::nullopt;
    std::vector<Node> children;
    children.push_back(Comparison(column, Compare::kGreaterOrEqual, std::move(*low)));
    children.push_back(Comparison(column, Compare::kLessOrEqual, std::move(*high)));
    return Join(Node::Kind::kAnd, std::move(children));
  }

  std::optional<Compare> TakeCompare() {
    static const std::vector<std::pair<std::string_view, Compare>> kCompares = {
        {"=", Compare::kEqual},     {"==", Compare::kEqual},
        {"<>", Compare::kNotEqual}, {"!=", Compare::kNotEqual},
        {"<", Compare::kLess},      {"<=", Compare::kLessOrEqual},
        {">", Compare::kGreater},   {">=", Compare::kGreaterOrEqual},
    };
    for (const auto& [symbol, compare] : kCompares) {
      if (TakeSymbol(symbol)) return compare;
    }
    return std::nullopt;
  }

  /// A word that is a column of the schema and not a word of SQL that begins or joins conditions.
  std::optional<int> TakeColumn() {
    const Token& token = here();
    if (token.kind != Token::Kind::kWord && token.kind != Token::Kind::kQuotedName) {
      return std::nullopt;
    }
    const std::string wanted = Capitals(token.text);
    if (token.kind == Token::Kind::kWord) {
      for (const std::string_view word :
           {"TRUE", "FALSE", "NULL", "NOT", "AND", "OR", "CASE", "DATE", "TIMESTAMP", "TIMESTAMPTZ",
            "INTERVAL", "EXISTS"}) {
        // `date > '2024-01-01'` may mean the column; DuckDB knows.
        if (wanted == word) return std::nullopt;
      }
    }
    std::optional<int> column;
    for (int i = 0; i < schema_.num_fields(); ++i) {
      if (Capitals(schema_.field(i)->name()) != wanted) continue;
      if (column.has_value()) return std::nullopt;  // SQL cannot tell the two apart.
      column = i;
    }
    if (column.has_value()) ++next_;
    return column;
  }

  std::optional<Literal> TakeLiteral() {
    Literal literal;
    if (TakeWord("TRUE") || TakeWord("FALSE")) {
      literal.kind = Literal::Kind::kBool;
      literal.is_true = Capitals(tokens_[next_ - 1].text) == "TRUE";
      return literal;
    }
    const bool is_negative = TakeSymbol("-");
    if (here().kind == Token::Kind::kNumber) {
      literal.text = (is_negative ? "-" : "") + here().text;
      ++next_;
      return literal;
    }
    if (is_negative) return std::nullopt;
    for (const std::string_view prefix : {"DATE", "TIMESTAMP", "TIMESTAMPTZ"}) {
      if (TakeWord(prefix)) literal.prefix = prefix;
    }
    if (here().kind != Token::Kind::kText) return std::nullopt;
    literal.kind = Literal::Kind::kText;
    literal.text = here().text;
    ++next_;
    return literal;
  }

  std::vector<Token> tokens_;
  const arrow::Schema& schema_;
  size_t next_ = 0;
};

}  // namespace

std::optional<Node> ParseCondition(std::string_view sql, const arrow::Schema& schema) {
  std::optional<std::vector<Token>> tokens = Tokens(sql);
  if (!tokens.has_value()) return std::nullopt;
  return Parser(std::move(*tokens), schema).Parse();
}

}  // namespace catchwater::condition_internal
