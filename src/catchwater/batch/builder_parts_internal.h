/// \file
/// What all column builders are made of.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/buffer.h>
#include <arrow/memory_pool.h>
#include <arrow/util/bit_util.h>

#include "catchwater/base/swar.h"
#include "catchwater/batch/text_run.h"

namespace catchwater {

/// Which rows are null. All bits are set in advance, so that only nulls cost something.
class ValidityBits {
 public:
  /// \pre room for all rows so far is kept
  arrow::Status Grow(int64_t row_capacity) {
    const int64_t old_bytes = bits_ == nullptr ? 0 : bits_->size();
    const int64_t new_bytes = arrow::bit_util::BytesForBits(row_capacity);
    if (bits_ == nullptr) {
      ARROW_ASSIGN_OR_RAISE(bits_, arrow::AllocateResizableBuffer(new_bytes));
    } else {
      ARROW_RETURN_NOT_OK(bits_->Resize(new_bytes));
    }
    std::memset(bits_->mutable_data() + old_bytes, 0xFF,
                static_cast<size_t>(new_bytes - old_bytes));
    return arrow::Status::OK();
  }
  void SetNull(int64_t row) {
    arrow::bit_util::ClearBit(bits_->mutable_data(), row);
    ++null_count_;
  }
  int64_t null_count() const { return null_count_; }
  /// Gives the bits away and starts anew; null if no row is null.
  std::shared_ptr<arrow::Buffer> Take() {
    std::shared_ptr<arrow::Buffer> taken = null_count_ == 0 ? nullptr : std::move(bits_);
    bits_.reset();
    null_count_ = 0;
    return taken;
  }

 private:
  std::unique_ptr<arrow::ResizableBuffer> bits_;
  int64_t null_count_ = 0;
};

/// A copy of a short text with room to read beyond it.
class PaddedCopy {
 public:
  static constexpr size_t kLengthMax = 40;
  /// \pre text.size() <= kLengthMax
  explicit PaddedCopy(std::string_view text) {
    if (!text.empty()) std::memcpy(bytes_.data(), text.data(), text.size());
  }
  const char* data() const { return bytes_.data(); }

 private:
  std::array<char, kLengthMax + kTextPaddingBytes> bytes_{};
};

/// What all builders do alike with null tokens and failures.
class TextRunReport {
 public:
  TextRunReport(const TextRun& run, bool is_required) : run_(run), is_required_(is_required) {}

  bool IsNull(std::string_view text) const {
    return text.size() == TextRun::kAbsent || run_.null_tokens->Matches(text);
  }
  void AddNull(int64_t row) {
    if (!is_required_) return;
    failures_.push_back({.row = row, .is_missing = true, .reason = "a required value is missing"});
  }
  void AddFailure(int64_t row, std::string reason) {
    failures_.push_back({.row = row, .reason = std::move(reason)});
  }
  std::vector<TextFailure> Take() { return std::move(failures_); }

 private:
  const TextRun& run_;
  const bool is_required_;
  std::vector<TextFailure> failures_;
};

}  // namespace catchwater
