#include "catchwater/config/lake_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

#include "catchwater/base/error.h"
#include "catchwater/config/expression_text.h"

namespace catchwater {
namespace {

constexpr std::array<std::pair<PartitionTransform, std::string_view>, 7> kTransforms{{
    {PartitionTransform::kIdentity, "identity"},
    {PartitionTransform::kYear, "year"},
    {PartitionTransform::kMonth, "month"},
    {PartitionTransform::kDay, "day"},
    {PartitionTransform::kHour, "hour"},
    {PartitionTransform::kBucket, "bucket"},
    {PartitionTransform::kTruncate, "truncate"},
}};

bool TakesParameter(PartitionTransform transform) {
  return transform == PartitionTransform::kBucket || transform == PartitionTransform::kTruncate;
}

bool IsTableWord(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  if (text.empty() || text.size() > 63 || !is_letter(text.front())) return false;
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

arrow::Result<int32_t> ParseParameter(std::string_view text, std::string_view whole) {
  int32_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || rest != text.data() + text.size() || value < 1 || value > 1'000'000) {
    return ConfigError("the first argument must be a whole number, 1 to 1000000: ", whole);
  }
  return value;
}

}  // namespace

std::string_view PartitionTransformName(PartitionTransform transform) {
  return kTransforms[static_cast<size_t>(transform)].second;
}

arrow::Result<PartitionSetting> ParsePartitionField(std::string_view text) {
  ARROW_ASSIGN_OR_RAISE(const CallText call, ParseCallText(text));
  PartitionSetting field;
  if (!call.has_parentheses) {
    field.column = call.function;
    return field;
  }
  const auto found = std::find_if(kTransforms.begin(), kTransforms.end(),
                                  [&](const auto& row) { return row.second == call.function; });
  if (found == kTransforms.end()) {
    return ConfigError("`", call.function,
                       "` is no partition transform; known are identity, year, month, day, hour, "
                       "bucket and truncate");
  }
  field.transform = found->first;
  const size_t argument_count = TakesParameter(field.transform) ? 2 : 1;
  if (call.arguments.size() != argument_count) {
    return ConfigError(
        argument_count == 2 ? "a number and a column are expected: " : "one column is expected: ",
        text);
  }
  if (argument_count == 2) {
    ARROW_ASSIGN_OR_RAISE(field.parameter, ParseParameter(call.arguments[0], text));
  }
  field.column = call.arguments.back();
  return field;
}

std::string FormatPartitionField(const PartitionSetting& field) {
  if (field.transform == PartitionTransform::kIdentity) return field.column;
  std::string text(PartitionTransformName(field.transform));
  text += '(';
  if (TakesParameter(field.transform)) text += std::to_string(field.parameter) + ", ";
  return text + field.column + ")";
}

arrow::Result<SortSetting> ParseSortField(std::string_view text) {
  SortSetting field;
  field.column = std::string(Trimmed(text));
  for (const std::string_view word : {" desc", " asc"}) {
    if (!field.column.ends_with(word)) continue;
    field.is_descending = word == " desc";
    field.column = std::string(
        Trimmed(std::string_view(field.column).substr(0, field.column.size() - word.size())));
    break;
  }
  if (field.column.empty()) return ConfigError("a column is expected: ", text);
  return field;
}

bool IsTableName(std::string_view text) {
  const size_t dot = text.find('.');
  return dot != text.npos && IsTableWord(text.substr(0, dot)) && IsTableWord(text.substr(dot + 1));
}

}  // namespace catchwater
