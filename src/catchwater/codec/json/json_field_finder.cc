#include "catchwater/codec/json/json_field_finder.h"

#include <algorithm>
#include <utility>

#include <arrow/array.h>

#include "catchwater/base/error.h"
#include "catchwater/codec/json/json_scan.h"

namespace catchwater {
namespace {

/// The steps behind the last `[*]`: from the text of a row to its record.
JsonSteps StepsToRecord(const JsonPath& path, JsonFormat format) {
  const auto is_all = [](const JsonStep& step) { return step.kind == JsonStep::Kind::kAll; };
  const bool has_all = std::any_of(path.steps.begin(), path.steps.end(), is_all);
  if (format == JsonFormat::kArray && !has_all) return {};  // The path leads to the array.
  const auto last = std::find_if(path.steps.rbegin(), path.steps.rend(), is_all);
  return {last.base(), path.steps.end()};
}

/// The member of the record that the column reads or reads a part of; null: of another place.
arrow::Result<const JsonStep*> MemberOf(const Column& column, const JsonPath& path,
                                        JsonPath& from) {
  if (column.from.empty()) {
    from.steps = {{.kind = JsonStep::Kind::kKey, .key = column.name}};
    return from.steps.data();
  }
  ARROW_ASSIGN_OR_RAISE(from, ParseJsonPath(column.from));
  size_t place = 0;
  if (from.is_absolute) {
    place = path.steps.size();
    if (from.steps.size() <= place ||
        !std::equal(path.steps.begin(), path.steps.end(), from.steps.begin())) {
      return nullptr;
    }
  }
  if (place >= from.steps.size() || from.steps[place].kind != JsonStep::Kind::kKey) return nullptr;
  return &from.steps[place];
}

FoundKind NumberKind(std::string_view text) {
  return text.find_first_of(".eE") == text.npos ? FoundKind::kInteger : FoundKind::kNumber;
}

}  // namespace

arrow::Result<std::unique_ptr<JsonFieldFinder>> JsonFieldFinder::Make(
    const JsonOptions& options, const std::vector<Column>& columns) {
  FieldTree to_record;
  to_record.Add(StepsToRecord(options.path, options.format));
  FieldTree known;
  for (const Column& column : columns) {
    JsonPath from;
    ARROW_ASSIGN_OR_RAISE(const JsonStep* member, MemberOf(column, options.path, from));
    if (member != nullptr) known.Add({*member});
  }
  return std::unique_ptr<JsonFieldFinder>(
      new JsonFieldFinder(std::move(to_record), std::move(known), options));
}

JsonFieldFinder::JsonFieldFinder(FieldTree to_record, FieldTree known, const JsonOptions& options)
    : to_record_(std::move(to_record), options.depth_max, JsonReader::Learning::kOff),
      any_(FieldTree(), options.depth_max, JsonReader::Learning::kOff),
      known_(std::move(known)),
      null_tokens_(options.null_tokens),
      record_(1) {}

arrow::Result<std::span<const FoundField>> JsonFieldFinder::Find(const Block& /*block*/,
                                                                 const Batch& rows) {
  found_.clear();
  texts_.clear();
  const auto& begins = static_cast<const arrow::UInt32Array&>(*rows.raw_begin);
  const auto& lengths = static_cast<const arrow::UInt32Array&>(*rows.raw_length);
  const std::string_view raw(*rows.raw);
  for (int64_t row = 0; row < rows.rows->num_rows(); ++row) {
    FindMembers(row, raw.substr(begins.Value(row), lengths.Value(row)));
  }
  return found_;
}

void JsonFieldFinder::FindMembers(int64_t row, std::string_view text) {
  const char* const base = text.data();
  const char* const text_end = base + text.size();
  const char* const first = SkipJsonBlanks(base, text_end);
  record_[0] = {};
  if (to_record_.Read(base, first, text_end, record_.data()) == nullptr) return;
  if (record_[0].kind != JsonKind::kObject) return;
  const char* const end = base + record_[0].end;
  uint32_t hint = 0;
  const char* at = SkipJsonBlanks(base + record_[0].begin + 1, end);
  while (at < end && *at != '}') {
    at = TakeMember(row, at, end, hint);
    CATCHWATER_CHECK(at != nullptr, "a record that was read has readable members");
    at = SkipJsonBlanks(at, end);
    if (*at == ',') at = SkipJsonBlanks(at + 1, end);
  }
}

const char* JsonFieldFinder::TakeMember(int64_t row, const char* at, const char* end,
                                        uint32_t& hint) {
  JsonFaultPlace fault;
  bool has_escape = false;
  const char* const key_end = ScanJsonString(at + 1, end, has_escape, fault);
  if (key_end == nullptr) return nullptr;
  std::string_view key(at + 1, static_cast<size_t>(key_end - at - 1));
  const char* const colon = SkipJsonBlanks(key_end + 1, end);
  const char* const begin = SkipJsonBlanks(colon + 1, end);
  const char* const behind = any_.Read(begin, begin, end, nullptr);
  if (behind == nullptr) return nullptr;
  if (has_escape) key = Unescaped(key);
  if (known_.Member(FieldTree::kRoot, key, hint) == FieldTree::kNone) {
    Note(row, key, begin, behind);
  }
  return behind;
}

void JsonFieldFinder::Note(int64_t row, std::string_view name, const char* begin, const char* end) {
  std::string_view text(begin, static_cast<size_t>(end - begin));
  FoundKind kind = FoundKind::kString;
  switch (*begin) {
    case 'n':
      return;
    case 't':
    case 'f':
      kind = FoundKind::kBool;
      break;
    case '{':
    case '[':
      kind = FoundKind::kNested;
      break;
    case '"':
      text = text.substr(1, text.size() - 2);
      if (text.find('\\') != text.npos) text = Unescaped(text);
      break;
    default:
      kind = NumberKind(text);
  }
  const bool is_null =
      kind != FoundKind::kNested && kind != FoundKind::kBool && null_tokens_.Matches(text);
  if (!is_null) found_.push_back({.row = row, .name = name, .text = text, .kind = kind});
}

std::string_view JsonFieldFinder::Unescaped(std::string_view text) {
  UnescapeJson(text, texts_.emplace_back());
  return texts_.back();
}

}  // namespace catchwater
