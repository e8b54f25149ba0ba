#include "catchwater/codec/json/record_template.h"

#include <cstring>
#include <string_view>

#include "catchwater/base/swar.h"
#include "catchwater/codec/json/field_tree.h"

namespace catchwater {
namespace {

#if defined(__SSE2__)
constexpr uint32_t kWordBytes = 16;

bool AreEqual(const char* a, const char* b, uint32_t byte_count) {
  for (;; a += kWordBytes, b += kWordBytes, byte_count -= kWordBytes) {
    const __m128i equal = _mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a)),
                                         _mm_loadu_si128(reinterpret_cast<const __m128i*>(b)));
    const auto different = static_cast<uint32_t>(_mm_movemask_epi8(equal)) ^ 0xFFFFu;
    // Bits of bytes behind the gap do not count.
    if (byte_count <= kWordBytes) return (different & ((1u << byte_count) - 1)) == 0;
    if (different != 0) return false;
  }
}
#else
bool AreEqual(const char* a, const char* b, uint32_t byte_count) {
  return std::memcmp(a, b, byte_count) == 0;
}
#endif

}  // namespace

RecordTemplate::RecordTemplate(std::string_view record, const LayoutRecorder& layout,
                               int32_t target_count) {
  std::vector<bool> is_there(static_cast<size_t>(target_count));
  const char* gap = record.data();
  const auto add = [&](const char* gap_end, int32_t target) {
    steps_.push_back({.gap_begin = static_cast<uint32_t>(gaps_.size()),
                      .gap_byte_count = static_cast<uint32_t>(gap_end - gap),
                      .target = target});
    gaps_.append(gap, gap_end);
  };
  for (const LayoutRecorder::Scalar& scalar : layout.scalars()) {
    add(scalar.begin, scalar.target);
    if (scalar.target != FieldTree::kNone) is_there[static_cast<size_t>(scalar.target)] = true;
    gap = scalar.end;
  }
  add(record.data() + record.size(), FieldTree::kNone);
  gaps_.append(kTextPaddingBytes, '\0');
  for (int32_t i = 0; i < target_count; ++i) {
    if (!is_there[static_cast<size_t>(i)]) missing_.push_back(i);
  }
}

const char* RecordTemplate::Read(const char* base, const char* at, const char* end,
                                 JsonValue* values) const {
  const auto record_begin = static_cast<uint32_t>(at - base);
  JsonFaultPlace fault;
  JsonValue unwanted;
  const Step* const last = steps_.data() + steps_.size() - 1;
  for (const Step* step = steps_.data();; ++step) {
    if (end - at < static_cast<int64_t>(step->gap_byte_count + kTextPaddingBytes)) return nullptr;
    if (!AreEqual(at, gaps_.data() + step->gap_begin, step->gap_byte_count)) return nullptr;
    at += step->gap_byte_count;
    if (step == last) break;
    JsonValue& value = step->target == FieldTree::kNone ? unwanted : values[step->target];
    if (*at == '"') {
      value.begin = static_cast<uint32_t>(++at - base);
      bool has_escape = false;
      at = ScanJsonString(at, end, has_escape, fault);
      if (at == nullptr) return nullptr;
      value.kind = has_escape ? JsonKind::kEscapedString : JsonKind::kString;
      value.end = static_cast<uint32_t>(at++ - base);
      continue;
    }
    value.begin = static_cast<uint32_t>(at - base);
    if (*at == '-' || static_cast<unsigned char>(*at - '0') <= 9) {
      const char* const usual = TryScanJsonNumber(at, value.kind);
      at = usual != nullptr ? usual : ScanJsonNumber(at, end, value.kind, fault);
    } else if (*at == 't' || *at == 'f' || *at == 'n') {
      at = ScanJsonWord(at, end, value.kind, fault);
    } else {
      return nullptr;
    }
    if (at == nullptr) return nullptr;
    value.end = static_cast<uint32_t>(at - base);
  }
  for (const int32_t target : missing_) values[target] = {.begin = record_begin};
  return at;
}

}  // namespace catchwater
