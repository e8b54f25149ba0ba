#include "catchwater/codec/json/document_reader.h"

#include <span>
#include <string>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/codec/json/json_scan.h"

namespace catchwater {
namespace {

constexpr std::string_view kRulePath = "json.path";
constexpr std::string_view kRuleType = "json.type";

}  // namespace

DocumentReader::DocumentReader(const JsonPlan& plan, int32_t depth_max,
                               JsonReader::Learning learning, RowStage& stage)
    : plan_(&plan), stage_(&stage) {
  for (const JsonPlan::Level& level : plan.levels) {
    levels_.push_back(
        {.reader = JsonReader(level.tree, depth_max, learning),
         .values = std::vector<JsonValue>(static_cast<size_t>(level.tree.target_count()))});
  }
}

void DocumentReader::Emit(size_t level, const char* at, const char* behind, FrameRows& frame) {
  if (level == plan_->record_level()) {
    EmitRecord(at, behind, frame);
    return;
  }
  const JsonPlan::Level& plan = plan_->levels[level];
  const std::vector<JsonValue>& values = levels_[level].values;
  if (plan.has_columns) {
    stage_->SetConstants(plan_->value_begin(level) - plan_->own_value_count(), text_, values);
  }
  const JsonValue& array = values[static_cast<size_t>(plan.array_target)];
  switch (array.kind) {
    case JsonKind::kArray:
      EmitElements(level, array, frame);
      return;
    case JsonKind::kNull:  // No rows, as an empty array.
      return;
    case JsonKind::kMissing:
      Refuse(at, behind, kRulePath, "Document has nothing at `path`", frame);
      return;
    default:
      Refuse(at, behind, kRulePath, "Value at `path` is no array", frame);
  }
}

void DocumentReader::EmitElements(size_t level, const JsonValue& array, FrameRows& frame) {
  const char* at = base_ + array.begin + 1;
  const char* const end = base_ + array.end;
  for (at = SkipJsonBlanks(at, end); *at != ']'; at = SkipJsonBlanks(at, end)) {
    const char* behind = nullptr;
    if (level + 1 == plan_->record_level()) behind = ReadUsualRecord(at, end);
    if (behind == nullptr) behind = Read(level + 1, at, end);
    CATCHWATER_CHECK(behind != nullptr, "an array that was read has readable elements");
    Emit(level + 1, at, behind, frame);
    at = SkipJsonBlanks(behind, end);
    if (*at == ',') ++at;
  }
}

void DocumentReader::EmitRecord(const char* at, const char* behind, FrameRows& frame) {
  bool is_object = *at == '{';
  if (plan_->record_target != FieldTree::kNone) {
    const JsonKind kind = stage_->next_row()[plan_->record_target].kind;
    if (kind == JsonKind::kMissing) {
      Refuse(at, behind, kRulePath, "Document has nothing at `path`", frame);
      return;
    }
    is_object = kind == JsonKind::kObject;
  }
  if (plan_->needs_object && !is_object) {
    Refuse(at, behind, kRuleType, "Record is no object (`path` leads to the records)", frame);
    return;
  }
  TakeRecord(at, behind, frame);
}

void DocumentReader::Refuse(const char* at, const char* behind, std::string_view rule,
                            std::string reason, FrameRows& frame) {
  stage_->faults().Add({.frame_ordinal = frame.ordinal,
                        .row_in_frame = frame.row_count++,
                        .text = {at, static_cast<size_t>(behind - at)},
                        .reason = std::move(reason),
                        .rule = rule});
}

}  // namespace catchwater
