#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <system_error>

#include "catchwater/base/error.h"
#include "catchwater/base/utf8.h"
#include "catchwater/codec/csv/csv_header_internal.h"
#include "catchwater/config/diagnostic.h"

namespace catchwater {
namespace {

constexpr size_t kPlaceMax = 1'000'000;
constexpr size_t kNamesShownMax = 20;

// Reads `#3` as 2. \return nothing if the text is no place
std::optional<size_t> FieldOfPlace(std::string_view from) {
  if (from.size() < 2 || from.front() != '#') return std::nullopt;
  size_t place = 0;
  const auto [end, error] = std::from_chars(from.data() + 1, from.data() + from.size(), place);
  if (error != std::errc{} || end != from.data() + from.size()) return std::nullopt;
  if (place < 1 || place > kPlaceMax) return std::nullopt;
  return place - 1;
}

std::string Shown(const std::vector<std::string>& names) {
  std::string shown;
  for (size_t i = 0; i < std::min(names.size(), kNamesShownMax); ++i) {
    shown += (i == 0 ? "" : ", ") + Excerpt(names[i], 40);
  }
  return names.size() > kNamesShownMax ? shown + ", ..." : shown;
}

arrow::Status NotInHeader(const std::string& name, const std::vector<std::string>& names) {
  const std::string_view nearest = Nearest(name, names);
  const std::string hint = nearest.empty() ? "" : " (did you mean " + Excerpt(nearest, 40) + "?)";
  return BadData("CSV header has no such column: ", name, hint, "; it has: ", Shown(names));
}

void AddColumn(size_t field, CsvLayout& layout) {
  layout.fields.push_back(field);
  layout.field_max = std::max(layout.field_max, field);
}

}  // namespace

arrow::Result<CsvLayout> LayoutOfHeader(const std::vector<std::string>& names,
                                        const std::vector<Column>& columns) {
  CsvLayout layout;
  layout.field_count = names.size();
  layout.names = names;
  for (const Column& column : columns) {
    const std::string& wanted = column.from.empty() ? column.name : column.from;
    const auto found = std::find(names.begin(), names.end(), wanted);
    if (found == names.end()) {
      const std::optional<size_t> place = FieldOfPlace(wanted);
      if (!place || *place >= names.size()) return NotInHeader(wanted, names);
      AddColumn(*place, layout);
      continue;
    }
    if (std::find(found + 1, names.end(), wanted) != names.end()) {
      return BadData("CSV header has a column twice, write its place (`from: \"#3\"`): ", wanted);
    }
    AddColumn(static_cast<size_t>(found - names.begin()), layout);
  }
  return layout;
}

arrow::Result<CsvLayout> LayoutOfOrder(const std::vector<Column>& columns, size_t field_count) {
  const auto has_place = [](const Column& column) { return !column.from.empty(); };
  const bool by_place = std::any_of(columns.begin(), columns.end(), has_place);
  CsvLayout layout;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (!by_place) {
      AddColumn(i, layout);
      continue;
    }
    const std::optional<size_t> place = FieldOfPlace(columns[i].from);
    if (!place) {
      return ConfigError(
          "CSV without a header needs a place (`from: \"#3\"`) for all columns or "
          "for none, column and `from`: ",
          columns[i].name, " ", columns[i].from);
    }
    AddColumn(*place, layout);
  }
  layout.field_count = by_place ? field_count : columns.size();
  return layout;
}

}  // namespace catchwater
