#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <arrow/array.h>

#include "catchwater/base/error.h"
#include "catchwater/codec/parquet/column_chunk_internal.h"
#include "catchwater/codec/parquet/value_dictionary_internal.h"

namespace catchwater {
namespace {

constexpr int64_t kDictionaryBytesMax = 512 << 10;
constexpr size_t kPlainPageBytes = 1 << 20;
constexpr uint32_t kNoCode = std::numeric_limits<uint32_t>::max();

void AppendText(std::string_view text, PageBytes* out) {
  const auto length = static_cast<uint32_t>(text.size());
  const size_t begin = out->size();
  out->resize(begin + sizeof(length) + text.size());
  std::memcpy(out->data() + begin, &length, sizeof(length));
  if (length > 0) std::memcpy(out->data() + begin + sizeof(length), text.data(), text.size());
}

/// Texts and bytes; a text column may come dictionary-encoded.
class TextChunk final : public ColumnChunk {
 public:
  TextChunk(const parquet::ColumnDescriptor& descriptor, bool begins_with_dictionary,
            std::shared_ptr<PageCompressor> compressor)
      : ColumnChunk(descriptor, std::move(compressor)), uses_dictionary_(begins_with_dictionary) {}

 private:
  void AppendValues(const arrow::Array& column, int64_t offset, int64_t length) override {
    if (column.type_id() == arrow::Type::DICTIONARY) {
      return AppendEncoded(static_cast<const arrow::DictionaryArray&>(column), offset, length);
    }
    const auto& texts = static_cast<const arrow::BinaryArray&>(column);
    if (!uses_dictionary_) {
      ForEachValid(column, offset, length, [&](int64_t row) { AppendPlain(texts.GetView(row)); });
      return;
    }
    const auto& data = texts.value_data();
    const char* bytes = data == nullptr ? nullptr : data->data_as<char>();
    const int64_t byte_count = data == nullptr ? 0 : data->size();
    const int32_t* ends = texts.raw_value_offsets();
    size_t at = codes_.size();
    codes_.resize(at + static_cast<size_t>(length));
    ForEachValid(column, offset, length, [&](int64_t row) {
      codes_[at++] =
          dictionary_.CodeOf(bytes + ends[row], static_cast<uint32_t>(ends[row + 1] - ends[row]),
                             byte_count - ends[row]);
    });
    codes_.resize(at);
  }

  void AppendEncoded(const arrow::DictionaryArray& column, int64_t offset, int64_t length) {
    const auto& texts = static_cast<const arrow::BinaryArray&>(*column.dictionary());
    // Only what rows refer to may show in the bounds.
    std::vector<uint32_t> codes(static_cast<size_t>(texts.length()), kNoCode);
    ForEachValid(column, offset, length, [&](int64_t row) {
      const int64_t index = column.GetValueIndex(row);
      const std::string_view text = texts.GetView(index);
      if (!uses_dictionary_) return AppendPlain(text);
      uint32_t& code = codes[static_cast<size_t>(index)];
      if (code == kNoCode) {
        const auto text_length = static_cast<uint32_t>(text.size());
        code = dictionary_.CodeOf(text.data(), text_length, text_length);
      }
      codes_.push_back(code);
    });
  }

  void AppendPlain(std::string_view text) {
    AppendText(text, &plain_);
    Widen(text);
  }

  void Widen(std::string_view text) {
    if (!low_ || text < *low_) low_ = text;
    if (!high_ || text > *high_) high_ = text;
  }

  bool IsPageFull() const override {
    return plain_.size() >= kPlainPageBytes ||
           (uses_dictionary_ && dictionary_.byte_count() > kDictionaryBytesMax);
  }

  parquet::Encoding::type FlushValues(PageBytes* out) override {
    if (!uses_dictionary_ || dictionary_.entry_count() == 0) {
      out->insert(out->end(), plain_.begin(), plain_.end());
      plain_.clear();
      return parquet::Encoding::PLAIN;
    }
    const int bit_width = CodeBits(dictionary_.entry_count());
    out->push_back(static_cast<uint8_t>(bit_width));
    AppendHybrid(codes_, bit_width, out);
    codes_.clear();
    uses_dictionary_ = dictionary_.byte_count() <= kDictionaryBytesMax;
    return parquet::Encoding::RLE_DICTIONARY;
  }

  int64_t OpenBytes() const override {
    return dictionary_.byte_count() +
           static_cast<int64_t>(codes_.size() * sizeof(uint32_t) + plain_.size());
  }

  DictionaryEntries TakeDictionary() override {
    DictionaryEntries taken;
    taken.entry_count = static_cast<int32_t>(dictionary_.entry_count());
    for (uint32_t code = 0; code < dictionary_.entry_count(); ++code) {
      AppendText(dictionary_.text_of(code), &taken.bytes);
    }
    dictionary_.Clear();
    codes_ = {};
    plain_ = {};
    return taken;
  }

  void TakeBounds(parquet::EncodedStatistics* statistics) override {
    for (uint32_t code = 0; code < dictionary_.entry_count(); ++code) {
      Widen(dictionary_.text_of(code));
    }
    if (low_) statistics->set_min(*std::exchange(low_, std::nullopt));
    if (high_) statistics->set_max(*std::exchange(high_, std::nullopt));
  }

  bool uses_dictionary_;
  TextDictionary dictionary_;
  std::vector<uint32_t> codes_;
  PageBytes plain_;                 // Each text with its length; with a dictionary: empty.
  std::optional<std::string> low_;  // Of plain texts.
  std::optional<std::string> high_;
};

}  // namespace

std::unique_ptr<ColumnChunk> MakeTextChunk(const parquet::ColumnDescriptor& descriptor,
                                           bool begins_with_dictionary,
                                           std::shared_ptr<PageCompressor> compressor) {
  return std::make_unique<TextChunk>(descriptor, begins_with_dictionary, std::move(compressor));
}

}  // namespace catchwater
