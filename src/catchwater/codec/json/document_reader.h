/// \file
/// Turns JSON documents into staged rows, along the path of a plan.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catchwater/codec/json/json_plan.h"
#include "catchwater/codec/json/json_reader.h"
#include "catchwater/codec/json/row_stage.h"

namespace catchwater {

/// A frame while its rows are made.
struct FrameRows {
  uint64_t ordinal = 0;
  uint32_t row_count = 0;  ///< Rows and dead letters so far.
};

/// One thread at a time. All values of a block stand in the text given to SetText.
class DocumentReader {
 public:
  /// The plan and the stage outlive this.
  DocumentReader(const JsonPlan& plan, int32_t depth_max, JsonReader::Learning learning,
                 RowStage& stage);

  /// Makes the stage expect the rows of this plan.
  void Activate() {
    stage_->SetLayout(plan_->own_value_count(), plan_->value_count - plan_->own_value_count(),
                      plan_->value_of_column);
  }
  void SetText(std::string_view text) {
    base_ = text.data();
    text_ = text;
  }
  void ForgetLayouts() {
    for (Level& level : levels_) level.reader.ForgetLayouts();
  }

  /// Reads a value of a level: 0 is a document, record_level() a record.
  /// \return behind it, or nullptr: see fault()
  const char* Read(size_t level, const char* at, const char* end) {
    return levels_[level].reader.Read(base_, at, end, values(level));
  }
  /// As Read, for a record that looks like an earlier one. \return nullptr: ask Read
  const char* ReadUsualRecord(const char* at, const char* end) {
    return levels_.back().reader.ReadUsual(base_, at, end, stage_->next_row());
  }
  const JsonFaultPlace& fault(size_t level) const { return levels_[level].reader.fault(); }

  /// Stages the rows of the value [at, behind) that was just read.
  void Emit(size_t level, const char* at, const char* behind, FrameRows& frame);
  /// Stages the record that was just read, without looking whether it is one.
  void TakeRecord(const char* at, const char* behind, FrameRows& frame) {
    stage_->Take({.frame_ordinal = frame.ordinal,
                  .row_in_frame = frame.row_count++,
                  .text = {at, static_cast<size_t>(behind - at)}});
  }

  const JsonPlan& plan() const { return *plan_; }

 private:
  struct Level {
    JsonReader reader;
    std::vector<JsonValue> values;  // Not of the records' level: these are staged.
  };

  JsonValue* values(size_t level) {
    return level == plan_->record_level() ? stage_->next_row() : levels_[level].values.data();
  }
  void EmitRecord(const char* at, const char* behind, FrameRows& frame);
  void EmitElements(size_t level, const JsonValue& array, FrameRows& frame);
  void Refuse(const char* at, const char* behind, std::string_view rule, std::string reason,
              FrameRows& frame);

  const JsonPlan* plan_;
  RowStage* stage_;
  std::string_view text_;
  const char* base_ = nullptr;
  std::vector<Level> levels_;
};

}  // namespace catchwater
