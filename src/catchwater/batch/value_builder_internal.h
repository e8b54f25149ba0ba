/// \file
/// A column of values of fixed width. What the type is, is the Reader's matter:
///
///   struct Reader {
///     using Value = ...;
///     std::optional<Value> TryPadded(const char* padded, size_t length);  usual texts, quickly
///     std::optional<Value> Read(std::string_view text);                   every text
///     std::string Explain(std::string_view text);                         why Read gave nothing
///     std::optional<Value> FromBool(bool), FromInt64(int64_t), FromDouble(double);
///     std::string Refusal() const;     why From... gave nothing, without the value
///   };
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/memory_pool.h>
#include <arrow/util/bit_util.h>

#include "catchwater/base/error.h"
#include "catchwater/base/number.h"
#include "catchwater/base/utf8.h"
#include "catchwater/batch/builder_parts_internal.h"
#include "catchwater/batch/column_builder.h"

namespace catchwater {

template <typename Reader>
class ValueBuilder final : public ColumnBuilder {
 public:
  using Value = typename Reader::Value;

  ValueBuilder(const Column& column, Reader reader)
      : reader_(std::move(reader)), type_(ArrowType(column)), is_required_(column.is_required) {}

  arrow::Status Reserve(int64_t row_count) override {
    const int64_t needed = row_count_ + row_count;
    if (needed <= capacity_) return arrow::Status::OK();
    const int64_t capacity = std::max(needed, capacity_ * 2);
    const int64_t bytes = capacity * static_cast<int64_t>(sizeof(Value));
    if (values_ == nullptr) {
      ARROW_ASSIGN_OR_RAISE(values_, arrow::AllocateResizableBuffer(bytes));
    } else {
      ARROW_RETURN_NOT_OK(values_->Resize(bytes));
    }
    ARROW_RETURN_NOT_OK(validity_.Grow(capacity));
    capacity_ = capacity;
    return arrow::Status::OK();
  }

  bool AppendText(std::string_view text) override {
    if (text.size() <= PaddedCopy::kLengthMax) {
      const PaddedCopy copy(text);
      if (const auto value = reader_.TryPadded(copy.data(), text.size())) return Append(*value);
    }
    if (const auto value = reader_.Read(text)) return Append(*value);
    return Refuse(reader_.Explain(text));
  }

  std::vector<TextFailure> AppendTexts(const TextRun& run) override {
    if (run.row_count == 0) return {};
    MakeRoom(run.row_count);
    TextRunReport report(run, is_required_);
    const int64_t padded_count = run.PaddedRowCount();
    Value* const values = this->values() + row_count_;
    for (int64_t row = 0; row < padded_count; ++row) {
      const char* text = run.base + run.begin(row);
      const uint32_t length = run.end(row) - run.begin(row);
      if (!run.null_tokens->MayMatch(text, length)) [[likely]] {
        if (const std::optional<Value> value = reader_.TryPadded(text, length)) [[likely]] {
          values[row] = *value;
          continue;
        }
      }
      values[row] = ReadSlowly(row, {text, length}, report);
    }
    for (int64_t row = padded_count; row < run.row_count; ++row) {
      const uint32_t length = run.end(row) - run.begin(row);
      values[row] = ReadSlowly(row, {run.base + run.begin(row), length}, report);
    }
    row_count_ += run.row_count;
    return report.Take();
  }

  void AppendNull() override {
    MakeRoom(1);
    values()[row_count_] = Value{};
    validity_.SetNull(row_count_++);
  }
  bool AppendBool(bool value) override {
    if (const auto own = reader_.FromBool(value)) return Append(*own);
    return Refuse(reader_.Refusal() + (value ? "true" : "false"));
  }
  bool AppendInt64(int64_t value) override {
    if (const auto own = reader_.FromInt64(value)) return Append(*own);
    std::string reason = reader_.Refusal();
    AppendNumber(value, &reason);
    return Refuse(std::move(reason));
  }
  bool AppendDouble(double value) override {
    if (const auto own = reader_.FromDouble(value)) return Append(*own);
    std::string reason = reader_.Refusal();
    AppendNumber(value, &reason);
    return Refuse(std::move(reason));
  }

  const std::string& reason() const override { return reason_; }
  int64_t row_count() const override { return row_count_; }

  arrow::Result<std::shared_ptr<arrow::Array>> Finish() override {
    ARROW_RETURN_NOT_OK(Reserve(1));  // An empty column has buffers too.
    const int64_t null_count = validity_.null_count();
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> data, TakeValues());
    auto array = arrow::MakeArray(
        arrow::ArrayData::Make(type_, row_count_, {validity_.Take(), std::move(data)}, null_count));
    row_count_ = 0;
    capacity_ = 0;
    return array;
  }

 private:
  Value* values() { return reinterpret_cast<Value*>(values_->mutable_data()); }

  // Memory that cannot be had ends the process, as everywhere.
  void MakeRoom(int64_t row_count) {
    if (row_count_ + row_count <= capacity_) return;
    const arrow::Status status = Reserve(std::max<int64_t>(row_count, 64));
    CATCHWATER_CHECK(status.ok(), "no memory for a column");
  }

  bool Append(Value value) {
    MakeRoom(1);
    values()[row_count_++] = value;
    return true;
  }

  bool Refuse(std::string reason) {
    AppendNull();
    reason_ = std::move(reason);
    return false;
  }

  [[gnu::noinline]] Value ReadSlowly(int64_t row, std::string_view text, TextRunReport& report) {
    // An absent text has the greatest length of 32 bits and no bytes.
    if (report.IsNull(text)) {
      validity_.SetNull(row_count_ + row);
      report.AddNull(row);
      return Value{};
    }
    if (const std::optional<Value> value = reader_.Read(text)) return *value;
    validity_.SetNull(row_count_ + row);
    report.AddFailure(row, reader_.Explain(text));
    return Value{};
  }

  arrow::Result<std::shared_ptr<arrow::Buffer>> TakeValues() {
    if constexpr (std::is_same_v<Value, bool>) {
      // Arrow keeps eight of them in a byte.
      ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> bits,
                            arrow::AllocateBuffer(arrow::bit_util::BytesForBits(row_count_)));
      std::memset(bits->mutable_data(), 0, static_cast<size_t>(bits->size()));
      for (int64_t row = 0; row < row_count_; ++row) {
        const auto bit = static_cast<uint8_t>(static_cast<uint8_t>(values()[row]) << (row & 7));
        bits->mutable_data()[row / 8] = static_cast<uint8_t>(bits->mutable_data()[row / 8] | bit);
      }
      values_.reset();
      return bits;
    } else {
      ARROW_RETURN_NOT_OK(values_->Resize(row_count_ * static_cast<int64_t>(sizeof(Value)),
                                          /*shrink_to_fit=*/false));
      return std::shared_ptr<arrow::Buffer>(std::move(values_));
    }
  }

  Reader reader_;
  const std::shared_ptr<arrow::DataType> type_;
  const bool is_required_;
  std::unique_ptr<arrow::ResizableBuffer> values_;
  ValidityBits validity_;
  int64_t row_count_ = 0;
  int64_t capacity_ = 0;  // Rows.
  std::string reason_;
};

}  // namespace catchwater
