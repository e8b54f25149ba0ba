#include "catchwater/codec/avro/avro_text.h"

#include <cmath>
#include <cstddef>

#include <arrow/util/decimal.h>
#include <nlohmann/json.hpp>

#include "catchwater/base/number.h"
#include "catchwater/base/timestamp.h"
#include "catchwater/base/utf8.h"

namespace catchwater {
namespace {

using Kind = AvroNode::Kind;

constexpr int kDepthMax = 64;
constexpr int64_t kNanosPerMicro = 1'000;

std::string QuoteJson(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', /*ensure_ascii=*/false,
                                   nlohmann::json::error_handler_t::replace);
}

std::string QuotedBytes(std::string_view bytes) {
  if (IsValidUtf8(bytes)) return QuoteJson(bytes);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "\"";
  for (const char letter : bytes) {
    const auto byte = static_cast<uint8_t>(letter);
    if (byte >= 0x20 && byte < 0x7F && letter != '"' && letter != '\\') {
      text += letter;
    } else {
      text += "\\u00";
      text += {kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return text + '"';
}

/// One value after the other; the depth is bounded.
class JsonWriter {
 public:
  JsonWriter(AvroDecoder& in, std::string& json) : in_(in), json_(json) {}

  void Write(const AvroNode& unresolved, int depth) {
    const AvroNode& node = in_.Resolve(unresolved);
    if (depth > kDepthMax) in_.Fail();
    if (!in_.ok()) return;
    switch (node.kind) {
      case Kind::kRecord:
        return WriteRecord(node, depth);
      case Kind::kArray:
      case Kind::kMap:
        return WriteItems(node, depth);
      case Kind::kFloat:
        return WriteNumber(in_.Float());
      case Kind::kDouble:
        return WriteNumber(in_.Double());
      default:
        return WriteScalar(node);
    }
  }

 private:
  void WriteRecord(const AvroNode& node, int depth) {
    json_ += '{';
    for (size_t i = 0; i < node.fields.size() && in_.ok(); ++i) {
      json_ += (i == 0 ? "" : ",") + QuoteJson(node.fields[i].name) + ":";
      Write(node.fields[i].type, depth + 1);
    }
    json_ += '}';
  }

  void WriteItems(const AvroNode& node, int depth) {
    const bool is_map = node.kind == Kind::kMap;
    json_ += is_map ? '{' : '[';
    bool is_first = true;
    for (int64_t count = in_.BlockCount(); count > 0; count = in_.BlockCount()) {
      for (int64_t i = 0; i < count && in_.ok(); ++i) {
        if (!is_first) json_ += ',';
        is_first = false;
        if (is_map) json_ += QuotedBytes(in_.Bytes()) + ":";
        Write(node.children[0], depth + 1);
      }
    }
    json_ += is_map ? '}' : ']';
  }

  template <typename Number>
  void WriteNumber(Number value) {
    if (!std::isfinite(value)) {
      json_ += "null";
    } else {
      AppendNumber(value, &json_);
    }
  }

  void WriteScalar(const AvroNode& node) {
    switch (node.kind) {
      case Kind::kBool:
        json_ += in_.Bool() ? "true" : "false";
        return;
      case Kind::kInt:
      case Kind::kLong:
        return WriteInteger(node, in_.Long());
      case Kind::kString:
        json_ += QuotedBytes(in_.Bytes());
        return;
      case Kind::kBytes:
      case Kind::kFixed: {
        const std::string_view bytes =
            node.kind == Kind::kBytes ? in_.Bytes() : in_.Fixed(node.fixed_byte_count);
        const auto decimal =
            node.logical == AvroLogical::kDecimal ? DecimalOfAvro(bytes, node.scale) : std::nullopt;
        json_ += decimal ? *decimal : QuotedBytes(bytes);
        return;
      }
      default:
        json_ += "null";
    }
  }

  void WriteInteger(const AvroNode& node, int64_t value) {
    const bool is_symbol = value >= 0 && static_cast<size_t>(value) < node.symbols.size();
    if (is_symbol) {
      json_ += QuoteJson(node.symbols[static_cast<size_t>(value)]);
      return;
    }
    const auto us = MicrosOfAvro(node.logical, value);
    if (node.logical == AvroLogical::kNone || !us) {
      AppendNumber(value, &json_);
      return;
    }
    json_ += '"';
    AppendAvroTime(node.logical, *us, &json_);
    json_ += '"';
  }

  AvroDecoder& in_;
  std::string& json_;
};

}  // namespace

std::optional<int64_t> MicrosOfAvro(AvroLogical logical, int64_t value) {
  int64_t us = 0;
  switch (logical) {
    case AvroLogical::kDate:
      if (__builtin_mul_overflow(value, kMicrosPerDay, &us)) return std::nullopt;
      return us;
    case AvroLogical::kTimestampMillis:
    case AvroLogical::kLocalTimestampMillis:
      if (__builtin_mul_overflow(value, int64_t{1'000}, &us)) return std::nullopt;
      return us;
    case AvroLogical::kTimestampMicros:
    case AvroLogical::kLocalTimestampMicros:
      return value;
    case AvroLogical::kTimestampNanos:
    case AvroLogical::kLocalTimestampNanos:
      return value / kNanosPerMicro - (value % kNanosPerMicro < 0 ? 1 : 0);
    case AvroLogical::kNone:
    case AvroLogical::kDecimal:
      return std::nullopt;
  }
  return std::nullopt;
}

void AppendAvroTime(AvroLogical logical, int64_t us, std::string* text) {
  if (logical == AvroLogical::kDate) {
    AppendDate(us / kMicrosPerDay - (us % kMicrosPerDay < 0 ? 1 : 0), text);
    return;
  }
  const bool is_utc = logical == AvroLogical::kTimestampMillis ||
                      logical == AvroLogical::kTimestampMicros ||
                      logical == AvroLogical::kTimestampNanos;
  AppendTimestamp(us, is_utc, text);
}

std::optional<std::string> DecimalOfAvro(std::string_view bytes, int32_t scale) {
  if (bytes.empty()) return std::nullopt;
  // Bytes in front that only repeat the sign.
  const char sign = static_cast<int8_t>(bytes[0]) < 0 ? '\xFF' : '\0';
  while (bytes.size() > 16 && bytes[0] == sign) bytes.remove_prefix(1);
  if (bytes.size() > 16) return std::nullopt;
  const auto value = arrow::Decimal128::FromBigEndian(
      reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int32_t>(bytes.size()));
  if (!value.ok() || !value->FitsInPrecision(38)) return std::nullopt;
  return value->ToString(scale);
}

void AppendAvroAsJson(const AvroNode& node, AvroDecoder& in, std::string* json) {
  JsonWriter(in, *json).Write(node, 0);
}

}  // namespace catchwater
