#include "catchwater/codec/json/json_reader.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace catchwater {
namespace {

// Records whose layout changes all the time are not worth learning from: after each layout that
// is learned the pause until the next one grows, up to this many records.
constexpr uint64_t kLearnPauseMax = 64;

}  // namespace

JsonReader::JsonReader(FieldTree tree, int32_t depth_max, Learning learning)
    : tree_(std::move(tree)),
      depth_max_(std::min(depth_max, kDepthLimit)),
      learns_(learning == Learning::kOn),
      met_in_(static_cast<size_t>(tree_.node_count())),
      templates_(kTemplatesMax) {}

const char* JsonReader::Read(const char* base, const char* at, const char* end, JsonValue* values) {
  base_ = base;
  values_ = values;
  fault_ = {};
  const auto begin = static_cast<uint32_t>(at - base);
  for (int32_t i = 0; i < tree_.target_count(); ++i) values[i] = {.begin = begin};
  recorder_.Begin(learns_ && ++read_count_ >= learn_at_);
  const char* const behind = ReadValue(at, end, FieldTree::kRoot, 0);
  if (behind != nullptr && recorder_.is_on() && *at == '{') Learn(at, behind);
  return behind;
}

void JsonReader::Learn(const char* begin, const char* end) {
  const std::string_view record(begin, static_cast<size_t>(end - begin));
  size_t gap_bytes = record.size();
  for (const auto& scalar : recorder_.scalars()) {
    gap_bytes -= static_cast<size_t>(scalar.end - scalar.begin);
  }
  if (gap_bytes > LayoutRecorder::kGapBytesMax) return;
  // The newest layout comes first, the one that was used least lately goes.
  template_count_ = std::min(template_count_ + 1, kTemplatesMax);
  std::rotate(templates_.begin(), templates_.begin() + static_cast<ptrdiff_t>(template_count_) - 1,
              templates_.begin() + static_cast<ptrdiff_t>(template_count_));
  templates_[0] = RecordTemplate(record, recorder_, tree_.target_count());
  const uint64_t pause = ++learned_count_ <= kTemplatesMax ? 0 : kLearnPauseMax;
  learn_at_ = read_count_ + 1 + std::min(pause, learned_count_);
}

const char* JsonReader::ReadValue(const char* at, const char* end, int32_t node, int32_t depth) {
  if (at == end) return fault_.Set(JsonFault::kTruncated, at);
  JsonKind kind = JsonKind::kMissing;
  const char* behind = nullptr;
  switch (*at) {
    case '{':
    case '[':
      if (depth >= depth_max_) return fault_.Set(JsonFault::kTooDeep, at);
      kind = *at == '{' ? JsonKind::kObject : JsonKind::kArray;
      behind =
          *at == '{' ? ReadObject(at, end, node, depth + 1) : ReadArray(at, end, node, depth + 1);
      if (behind != nullptr) Keep(node, at, behind, kind);
      return behind;
    case '"':
      return ReadString(at, end, node);
    case 't':
    case 'f':
    case 'n':
      behind = ScanJsonWord(at, end, kind, fault_);
      break;
    default:
      if (*at != '-' && (*at < '0' || *at > '9')) return fault_.Set(JsonFault::kValueExpected, at);
      behind = ScanJsonNumber(at, end, kind, fault_);
  }
  if (behind == nullptr) return nullptr;
  recorder_.Add(at, behind, TargetOf(node));
  Keep(node, at, behind, kind);
  return behind;
}

void JsonReader::Keep(int32_t node, const char* begin, const char* end, JsonKind kind) {
  const int32_t target = TargetOf(node);
  if (target == FieldTree::kNone) return;
  if (kind == JsonKind::kObject || kind == JsonKind::kArray) recorder_.GiveUp();
  values_[target] = {.begin = static_cast<uint32_t>(begin - base_),
                     .end = static_cast<uint32_t>(end - base_),
                     .kind = kind};
}

const char* JsonReader::ReadString(const char* at, const char* end, int32_t node) {
  bool has_escape = false;
  const char* const close = ScanJsonString(at + 1, end, has_escape, fault_);
  if (close == nullptr) return nullptr;
  recorder_.Add(at, close + 1, TargetOf(node));
  Keep(node, at + 1, close, has_escape ? JsonKind::kEscapedString : JsonKind::kString);
  return close + 1;
}

const char* JsonReader::ReadObject(const char* at, const char* end, int32_t node, int32_t depth) {
  const uint64_t object = ++object_count_;
  uint32_t hint = 0;
  at = SkipJsonBlanks(at + 1, end);
  if (at < end && *at == '}') return at + 1;
  for (;;) {
    int32_t child = FieldTree::kNone;
    at = ReadKey(at, end, node, hint, child);
    if (at == nullptr) return nullptr;
    if (child != FieldTree::kNone) {
      uint64_t& met_in = met_in_[static_cast<size_t>(child)];
      if (met_in == object) child = FieldTree::kNone;  // The first of two equal keys counts.
      met_in = object;
    }
    at = ReadValue(at, end, child, depth);
    if (at == nullptr) return nullptr;
    at = SkipJsonBlanks(at, end);
    if (at == end) return fault_.Set(JsonFault::kTruncated, at);
    if (*at == '}') return at + 1;
    if (*at != ',') return fault_.Set(JsonFault::kCommaOrBraceExpected, at);
    at = SkipJsonBlanks(at + 1, end);
  }
}

const char* JsonReader::ReadKey(const char* at, const char* end, int32_t node, uint32_t& hint,
                                int32_t& child) {
  if (at == end) return fault_.Set(JsonFault::kTruncated, at);
  if (*at != '"') return fault_.Set(JsonFault::kKeyExpected, at);
  bool has_escape = false;
  const char* const close = ScanJsonString(at + 1, end, has_escape, fault_);
  if (close == nullptr) return nullptr;
  if (node != FieldTree::kNone) {
    const std::string_view key(at + 1, static_cast<size_t>(close - at - 1));
    child = FindMember(node, key, has_escape, hint);
  }
  at = SkipJsonBlanks(close + 1, end);
  if (at == end) return fault_.Set(JsonFault::kTruncated, at);
  if (*at != ':') return fault_.Set(JsonFault::kColonExpected, at);
  return SkipJsonBlanks(at + 1, end);
}

int32_t JsonReader::FindMember(int32_t node, std::string_view key, bool has_escape,
                               uint32_t& hint) {
  if (!has_escape) return tree_.Member(node, key, hint);
  UnescapeJson(key, key_);
  return tree_.Member(node, key_, hint);
}

const char* JsonReader::ReadArray(const char* at, const char* end, int32_t node, int32_t depth) {
  if (node != FieldTree::kNone && node == stop_node_) {
    return fault_.Set(JsonFault::kStopped, at + 1);
  }
  const bool has_elements = node != FieldTree::kNone && tree_.has_elements(node);
  at = SkipJsonBlanks(at + 1, end);
  if (at < end && *at == ']') return at + 1;
  for (int64_t index = 0;; ++index) {
    const int32_t child = has_elements ? tree_.Element(node, index) : FieldTree::kNone;
    at = ReadValue(at, end, child, depth);
    if (at == nullptr) return nullptr;
    at = SkipJsonBlanks(at, end);
    if (at == end) return fault_.Set(JsonFault::kTruncated, at);
    if (*at == ']') return at + 1;
    if (*at != ',') return fault_.Set(JsonFault::kCommaOrBracketExpected, at);
    at = SkipJsonBlanks(at + 1, end);
  }
}

}  // namespace catchwater
