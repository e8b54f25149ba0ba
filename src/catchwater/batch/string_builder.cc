#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "catchwater/batch/typed_builders_internal.h"
#include "catchwater/batch/value_builder_internal.h"

namespace catchwater {
namespace {

/// Accepts every text that is valid UTF-8.
struct AnyText {
  static bool Accepts(std::string_view text, bool is_ascii) {
    return is_ascii || IsValidUtf8(text);
  }
  static std::string Explain(std::string_view text) { return "not valid UTF-8: " + Excerpt(text); }
};

/// Accepts the declared words. \pre there is one
class AllowedWords {
 public:
  explicit AllowedWords(const std::vector<std::string>& words) : words_(words), sorted_(words) {
    std::sort(sorted_.begin(), sorted_.end());
  }

  bool Accepts(std::string_view text, bool) {
    // Readings often repeat the word of the row before.
    if (sorted_[last_] == text) return true;
    const auto found = std::lower_bound(sorted_.begin(), sorted_.end(), text);
    if (found == sorted_.end() || *found != text) return false;
    last_ = static_cast<size_t>(found - sorted_.begin());
    return true;
  }
  std::string Explain(std::string_view text) const {
    constexpr size_t kWordsShownMax = 20;
    std::string reason = "not one of the allowed words ";
    for (size_t i = 0; i < std::min(words_.size(), kWordsShownMax); ++i) {
      reason += (i == 0 ? "" : ", ") + Excerpt(words_[i], 40);
    }
    if (words_.size() > kWordsShownMax) reason += ", ...";
    return reason + ": " + Excerpt(text);
  }

 private:
  std::vector<std::string> words_;  // As declared, for messages.
  std::vector<std::string> sorted_;
  size_t last_ = 0;
};

template <typename Rule>
class StringBuilder final : public ColumnBuilder {
 public:
  StringBuilder(const Column& column, Rule rule)
      : rule_(std::move(rule)), is_required_(column.is_required) {}

  arrow::Status Reserve(int64_t row_count) override {
    const int64_t needed = row_count_ + row_count;
    if (needed <= capacity_) return arrow::Status::OK();
    const int64_t capacity = std::max(needed, capacity_ * 2);
    ARROW_RETURN_NOT_OK(Grow(offsets_, (capacity + 1) * static_cast<int64_t>(sizeof(int32_t))));
    ARROW_RETURN_NOT_OK(validity_.Grow(capacity));
    capacity_ = capacity;
    if (row_count_ == 0) offsets()[0] = 0;
    return arrow::Status::OK();
  }

  bool AppendText(std::string_view text) override {
    if (!rule_.Accepts(text, /*is_ascii=*/false)) return Refuse(rule_.Explain(text));
    MakeRoom(1, static_cast<int64_t>(text.size()));
    if (!text.empty()) std::memcpy(bytes() + byte_count_, text.data(), text.size());
    byte_count_ += static_cast<int64_t>(text.size());
    offsets()[++row_count_] = static_cast<int32_t>(byte_count_);
    return true;
  }

  std::vector<TextFailure> AppendTexts(const TextRun& run) override {
    if (run.row_count == 0) return {};
    MakeRoom(run.row_count, run.byte_count_max);
    run_bytes_max_ = std::max(run_bytes_max_, run.byte_count_max);
    TextRunReport report(run, is_required_);
    const int64_t padded_count = run.PaddedRowCount();
    int32_t* const ends = offsets() + row_count_ + 1;
    char* out = bytes() + byte_count_;
    const char* const out_begin = bytes();
    for (int64_t row = 0; row < run.row_count; ++row) {
      const char* text = run.base + run.begin(row);
      const uint32_t length = run.end(row) - run.begin(row);
      const bool may_be_null = run.null_tokens->MayMatch(text, length);
      if (may_be_null && IsNull(run, row, report)) [[unlikely]] {
        SetNull(row);
        report.AddNull(row);
      } else if (!rule_.Accepts({text, length}, run.is_ascii)) [[unlikely]] {
        SetNull(row);
        report.AddFailure(row, rule_.Explain({text, length}));
      } else {
        out = Copy(text, length, row < padded_count, out);
      }
      ends[row] = static_cast<int32_t>(out - out_begin);
    }
    byte_count_ = out - out_begin;
    row_count_ += run.row_count;
    return report.Take();
  }

  void AppendNull() override {
    MakeRoom(1, 0);
    SetNull(0);
    offsets()[++row_count_] = static_cast<int32_t>(byte_count_);
  }
  bool AppendBool(bool value) override { return AppendText(value ? "true" : "false"); }
  bool AppendInt64(int64_t value) override { return AppendNumberText(value); }
  bool AppendDouble(double value) override { return AppendNumberText(value); }

  const std::string& reason() const override { return reason_; }
  int64_t row_count() const override { return row_count_; }

  arrow::Result<std::shared_ptr<arrow::Array>> Finish() override {
    MakeRoom(1, 0);  // An empty column has buffers too.
    const int64_t null_count = validity_.null_count();
    ARROW_RETURN_NOT_OK(bytes_->Resize(byte_count_, /*shrink_to_fit=*/false));
    ARROW_RETURN_NOT_OK(offsets_->Resize((row_count_ + 1) * static_cast<int64_t>(sizeof(int32_t)),
                                         /*shrink_to_fit=*/false));
    auto array = arrow::MakeArray(arrow::ArrayData::Make(
        arrow::utf8(), row_count_,
        {validity_.Take(), std::shared_ptr<arrow::Buffer>(std::move(offsets_)),
         std::shared_ptr<arrow::Buffer>(std::move(bytes_))},
        null_count));
    // The next batch is likely to need as much, and the last run asked for more than it used.
    byte_capacity_hint_ = byte_count_ + byte_count_ / 8 + run_bytes_max_;
    row_count_ = capacity_ = byte_count_ = byte_capacity_ = run_bytes_max_ = 0;
    return array;
  }

 private:
  // Short texts are copied with all that stands behind them: quicker than to count.
  static constexpr int64_t kSlackBytes = 16;
  static_assert(kSlackBytes <= static_cast<int64_t>(kTextPaddingBytes));

  static char* Copy(const char* text, uint32_t length, bool is_padded, char* out) {
    if (is_padded) [[likely]] {
      std::memcpy(out, text, kSlackBytes);
      if (length > kSlackBytes) [[unlikely]] {
        std::memcpy(out + kSlackBytes, text + kSlackBytes, length - kSlackBytes);
      }
    } else if (length > 0) {
      std::memcpy(out, text, length);
    }
    return out + length;
  }

  static arrow::Status Grow(std::unique_ptr<arrow::ResizableBuffer>& buffer, int64_t byte_count) {
    if (buffer != nullptr) return buffer->Resize(byte_count);
    return arrow::AllocateResizableBuffer(byte_count).Value(&buffer);
  }

  // Memory that cannot be had ends the process, as everywhere.
  void MakeRoom(int64_t row_count, int64_t byte_count) {
    arrow::Status status;
    if (row_count_ + row_count > capacity_) status = Reserve(std::max<int64_t>(row_count, 64));
    const int64_t needed = byte_count_ + byte_count + kSlackBytes;
    CATCHWATER_CHECK(needed <= std::numeric_limits<int32_t>::max(),
                     "a batch is made of one block, which is far below 2 GiB");
    if (status.ok() && needed > byte_capacity_) {
      byte_capacity_ = std::max({needed, byte_capacity_ * 2, byte_capacity_hint_});
      status = Grow(bytes_, byte_capacity_);
    }
    CATCHWATER_CHECK(status.ok(), "no memory for a column");
  }

  // Text that was quoted is a word, not a null token.
  [[gnu::noinline]] static bool IsNull(const TextRun& run, int64_t row,
                                       const TextRunReport& report) {
    const uint32_t begin = run.begin(row);
    const uint32_t length = run.end(row) - begin;
    if (!report.IsNull({run.base + begin, length})) return false;
    const bool is_quoted = run.quote != '\0' && begin > 0 && length != TextRun::kAbsent &&
                           run.base[begin - 1] == run.quote;
    return !is_quoted;
  }

  void SetNull(int64_t row) { validity_.SetNull(row_count_ + row); }

  template <typename Number>
  bool AppendNumberText(Number value) {
    number_text_.clear();
    AppendNumber(value, &number_text_);
    return AppendText(number_text_);
  }

  bool Refuse(std::string reason) {
    AppendNull();
    reason_ = std::move(reason);
    return false;
  }

  int32_t* offsets() { return reinterpret_cast<int32_t*>(offsets_->mutable_data()); }
  char* bytes() { return reinterpret_cast<char*>(bytes_->mutable_data()); }

  Rule rule_;
  const bool is_required_;
  std::unique_ptr<arrow::ResizableBuffer> offsets_;
  std::unique_ptr<arrow::ResizableBuffer> bytes_;
  ValidityBits validity_;
  int64_t row_count_ = 0;
  int64_t capacity_ = 0;  // Rows.
  int64_t byte_count_ = 0;
  int64_t byte_capacity_ = 0;
  int64_t byte_capacity_hint_ = 0;
  int64_t run_bytes_max_ = 0;  // Of this batch.
  std::string number_text_;
  std::string reason_;
};

}  // namespace

arrow::Result<std::unique_ptr<ColumnBuilder>> MakeStringBuilder(const Column& column) {
  if (column.type == ColumnType::kString) {
    return std::make_unique<StringBuilder<AnyText>>(column, AnyText{});
  }
  if (column.values.empty()) {
    return ConfigError("Enum column needs its allowed words under `values`, column: ", column.name);
  }
  for (const std::string& word : column.values) {
    if (!IsValidUtf8(word)) {
      return ConfigError("Enum word is not valid UTF-8, column and word: ", column.name, " ",
                         Excerpt(word));
    }
  }
  return std::make_unique<StringBuilder<AllowedWords>>(column, AllowedWords(column.values));
}

}  // namespace catchwater
