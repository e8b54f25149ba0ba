/// \file
/// The layout of a record: the exact bytes between its scalar values. A text with the same bytes
/// between any other scalars is a JSON value of the same structure, so that its fields are known
/// without looking at a key.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catchwater/codec/json/json_scan.h"
#include "catchwater/codec/json/json_value.h"

namespace catchwater {

/// Where the scalars of one record stand, in text order.
class LayoutRecorder {
 public:
  static constexpr size_t kScalarsMax = 512;
  static constexpr size_t kGapBytesMax = 16 << 10;

  struct Scalar {
    const char* begin;
    const char* end;
    int32_t target;  ///< Or FieldTree::kNone.
  };

  void Begin(bool is_on) {
    scalars_.clear();
    is_on_ = is_on;
  }
  void Add(const char* begin, const char* end, int32_t target) {
    if (!is_on_) return;
    if (scalars_.size() == kScalarsMax) {
      is_on_ = false;
      return;
    }
    scalars_.push_back({begin, end, target});
  }
  /// A whole object or array is wanted: its layout is not fixed.
  void GiveUp() { is_on_ = false; }
  bool is_on() const { return is_on_; }
  const std::vector<Scalar>& scalars() const { return scalars_; }

 private:
  std::vector<Scalar> scalars_;
  bool is_on_ = false;
};

/// One thread at a time.
class RecordTemplate {
 public:
  RecordTemplate() = default;
  /// \param record the text in which the recorder's scalars stand
  RecordTemplate(std::string_view record, const LayoutRecorder& layout, int32_t target_count);

  /// Reads a record of this layout; offsets are from `base`. \return behind it, or nullptr if it is
  /// none, if it stands too near to `end` to be compared in whole words, or if anything in it is
  /// unusual; then some values may have been written
  const char* Read(const char* base, const char* at, const char* end, JsonValue* values) const;

 private:
  struct Step {
    uint32_t gap_begin;
    uint32_t gap_byte_count;
    int32_t target;
  };

  // Steps read a gap and the scalar behind it; what follows the last scalar is one more gap.
  std::vector<Step> steps_;
  std::string gaps_;              // With kTextPaddingBytes behind them.
  std::vector<int32_t> missing_;  // Targets that such a record does not have.
};

}  // namespace catchwater
