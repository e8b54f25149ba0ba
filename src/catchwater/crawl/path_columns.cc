#include "catchwater/crawl/path_columns.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <utility>

#include "catchwater/base/civil.h"
#include "catchwater/base/error.h"

namespace catchwater {
namespace {

template <class Number>
std::optional<Number> ParseNumber(const std::string& text) {
  Number number{};
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Days since 1970-01-01 of `YYYY-MM-DD`.
std::optional<int32_t> ParseDays(const std::string& text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = ParseNumber<uint32_t>(text.substr(0, 4));
  const auto month = ParseNumber<uint32_t>(text.substr(5, 2));
  const auto day = ParseNumber<uint32_t>(text.substr(8, 2));
  if (!year || !month || !day || *year < 1 || *month < 1 || *month > 12) return std::nullopt;
  if (*day < 1 || *day > DaysInMonth(*year, *month)) return std::nullopt;
  return DaysFromCivil(*year, *month, *day);
}

std::optional<Literal> TryValue(const std::string& text, TypeKind kind) {
  if (kind == TypeKind::kInt) {
    if (const auto number = ParseNumber<int32_t>(text)) return Literal(*number);
  } else if (kind == TypeKind::kLong) {
    if (const auto number = ParseNumber<int64_t>(text)) return Literal(*number);
  } else if (kind == TypeKind::kDate) {
    if (const auto days = ParseDays(text)) return Literal(*days);
  } else if (kind == TypeKind::kString) {
    return Literal(text);
  }
  return std::nullopt;
}

/// Only numbers that are the same written back: `007` is a text, but `01` of a month is too.
bool IsCanonical(const std::string& text, TypeKind kind) {
  const auto value = TryValue(text, kind);
  return value &&
         (kind == TypeKind::kString || LiteralToText(IcebergType{.kind = kind}, *value) == text);
}

std::shared_ptr<arrow::DataType> TypeOf(const std::vector<CrawledFile>& files, size_t index) {
  const std::array<std::pair<TypeKind, std::shared_ptr<arrow::DataType>>, 3> kinds{
      {{TypeKind::kInt, arrow::int32()},
       {TypeKind::kLong, arrow::int64()},
       {TypeKind::kDate, arrow::date32()}}};
  for (const auto& [kind, type] : kinds) {
    const bool fits = std::ranges::all_of(files, [&](const CrawledFile& file) {
      const auto& value = file.partition[index].second;
      return !value || IsCanonical(*value, kind);
    });
    const bool has_value = std::ranges::any_of(
        files, [&](const CrawledFile& file) { return file.partition[index].second.has_value(); });
    if (fits && has_value) return type;
  }
  return arrow::utf8();
}

}  // namespace

arrow::Result<std::vector<std::shared_ptr<arrow::Field>>> PathColumnsOf(
    const std::vector<CrawledFile>& files) {
  std::vector<std::shared_ptr<arrow::Field>> columns;
  if (files.empty()) return columns;
  const PathPartition& first = files.front().partition;
  for (const CrawledFile& file : files) {
    const bool is_same = std::ranges::equal(
        file.partition, first, {}, [](const auto& part) { return part.first; },
        [](const auto& part) { return part.first; });
    if (!is_same) {
      return ConfigError("Files of one table have different partition folders `k=v`: ",
                         files.front().entry.path, " and ", file.entry.path);
    }
  }
  for (size_t i = 0; i < first.size(); ++i) {
    columns.push_back(arrow::field(first[i].first, TypeOf(files, i)));
  }
  return columns;
}

arrow::Result<Literal> PathValue(const std::optional<std::string>& text, const IcebergType& type) {
  if (!text) return Literal();
  const auto value = TryValue(*text, type.kind);
  if (value) return *value;
  return ConfigError("Value of the path is no ", TypeText(type), ": ", *text);
}

}  // namespace catchwater
