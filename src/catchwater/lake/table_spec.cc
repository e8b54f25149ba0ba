#include "catchwater/lake/table_spec.h"

#include <array>
#include <charconv>
#include <set>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr size_t kTableKeyCharactersMax = 128;
constexpr int32_t kParameterMax = 1'000'000;

struct Call {
  std::string_view word;
  TransformKind kind;
  bool has_parameter;
  std::string_view suffix;  ///< Of the partition field's name.
};

constexpr std::array<Call, 7> kCalls{{
    {"day", TransformKind::kDay, false, "_day"},
    {"hour", TransformKind::kHour, false, "_hour"},
    {"month", TransformKind::kMonth, false, "_month"},
    {"year", TransformKind::kYear, false, "_year"},
    {"identity", TransformKind::kIdentity, false, ""},
    {"bucket", TransformKind::kBucket, true, "_bucket"},
    {"truncate", TransformKind::kTruncate, true, "_trunc"},
}};

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

arrow::Status Expected(std::string_view text) {
  return ConfigError(
      "Partition field must be a column, day(column), hour(column), month(column), year(column), "
      "bucket(number, column) or truncate(width, column), not: ",
      text);
}

bool IsKeyCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

arrow::Status CheckTableKey(std::string_view key) {
  const size_t dot = key.rfind('.');
  bool is_good = dot != std::string_view::npos && dot > 0 && dot + 1 < key.size() &&
                 key.size() <= kTableKeyCharactersMax && key.find("..") == std::string_view::npos &&
                 key.front() != '.';
  for (const char c : key) is_good = is_good && (IsKeyCharacter(c) || c == '.');
  if (is_good) return arrow::Status::OK();
  return ConfigError("Table must be namespace.name of letters, digits and _, not: ", key);
}

arrow::Status CheckColumns(const arrow::Schema& schema, const std::string& table_key) {
  std::set<std::string> names;
  if (schema.num_fields() == 0) return ConfigError("Table has no columns: ", table_key);
  for (const auto& field : schema.fields()) {
    const auto type = TypeFromArrow(*field->type());
    if (!type.ok()) return WithContext(type.status(), "Column " + field->name());
    if (field->name().empty() || !names.insert(field->name()).second) {
      return ConfigError("Table has a column name twice or an empty one, table and name: ",
                         table_key, " ", field->name());
    }
  }
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<PartitionTerm> ParsePartitionTerm(std::string_view text) {
  const std::string_view whole = Trim(text);
  const size_t open = whole.find('(');
  if (open == std::string_view::npos) {
    if (whole.empty() || whole.find_first_of("),[]") != std::string_view::npos) {
      return Expected(text);
    }
    return PartitionTerm{.transform = {}, .column = std::string(whole), .name = std::string(whole)};
  }
  if (whole.back() != ')') return Expected(text);
  const std::string_view word = Trim(whole.substr(0, open));
  std::string_view inside = Trim(whole.substr(open + 1, whole.size() - open - 2));
  for (const Call& call : kCalls) {
    if (call.word != word) continue;
    Transform transform{.kind = call.kind};
    if (call.has_parameter) {
      const auto [rest, error] =
          std::from_chars(inside.data(), inside.data() + inside.size(), transform.parameter);
      inside.remove_prefix(static_cast<size_t>(rest - inside.data()));
      inside = Trim(inside);
      if (error != std::errc() || transform.parameter < 1 || transform.parameter > kParameterMax ||
          inside.empty() || inside.front() != ',') {
        return Expected(text);
      }
      inside = Trim(inside.substr(1));
    }
    if (inside.empty() || inside.find_first_of("(),") != std::string_view::npos) {
      return Expected(text);
    }
    return PartitionTerm{.transform = transform,
                         .column = std::string(inside),
                         .name = std::string(inside) + std::string(call.suffix)};
  }
  return Expected(text);
}

arrow::Result<SortTerm> ParseSortTerm(std::string_view text) {
  std::string_view column = Trim(text);
  const size_t space = column.find(' ');
  std::string_view direction = "asc";
  if (space != std::string_view::npos) {
    direction = Trim(column.substr(space));
    column = column.substr(0, space);
  }
  if (column.empty() || (direction != "asc" && direction != "desc")) {
    return ConfigError("Sort field must be a column, or a column and asc or desc, not: ", text);
  }
  return SortTerm{.column = std::string(column), .is_descending = direction == "desc"};
}

std::vector<SortTerm> DefaultSort(const std::vector<std::string>& entity_columns,
                                  const std::string& event_time_column) {
  std::vector<SortTerm> terms;
  for (const std::string& column : entity_columns) {
    if (!column.empty()) terms.push_back({.column = column});
  }
  if (!event_time_column.empty()) terms.push_back({.column = event_time_column});
  return terms;
}

arrow::Status CheckTableSpec(const TableSpec& spec) {
  ARROW_RETURN_NOT_OK(CheckTableKey(spec.table_key));
  CATCHWATER_CHECK(spec.schema != nullptr, "a table spec has a schema");
  ARROW_RETURN_NOT_OK(CheckColumns(*spec.schema, spec.table_key));
  std::set<std::string> names;
  for (const PartitionTerm& term : spec.partition) {
    const auto field = spec.schema->GetFieldByName(term.column);
    if (field == nullptr) return ConfigError("Partition column is not there: ", term.column);
    ARROW_ASSIGN_OR_RAISE(const IcebergType type, TypeFromArrow(*field->type()));
    const auto result = TransformResultType(term.transform, type);
    if (!result.ok()) return WithContext(result.status(), "Partition column " + term.column);
    if (!names.insert(term.name).second) {
      return ConfigError("Partition field is there twice: ", term.name);
    }
    // Java refuses a partition field with the name of another column.
    if (term.name != term.column && spec.schema->GetFieldByName(term.name) != nullptr) {
      return ConfigError("Partition field has the name of a column: ", term.name);
    }
  }
  for (const SortTerm& term : spec.sort) {
    if (spec.schema->GetFieldByName(term.column) == nullptr) {
      return ConfigError("Sort column is not there: ", term.column);
    }
  }
  if (spec.event_time_column.empty()) return arrow::Status::OK();
  const auto event_time = spec.schema->GetFieldByName(spec.event_time_column);
  if (event_time == nullptr || event_time->type()->id() != arrow::Type::TIMESTAMP) {
    return ConfigError("Event time column must be a timestamp column: ", spec.event_time_column);
  }
  return arrow::Status::OK();
}

}  // namespace catchwater
