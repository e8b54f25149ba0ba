#include "catchwater/lake/iceberg/literal.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <type_traits>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int kBoundCodePointsMax = 16;
constexpr int64_t kMicrosPerDay = 86'400'000'000;

template <typename T>
std::string Raw(T value) {
  std::string bytes(sizeof(value), '\0');
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes;
}

template <typename T>
T FromRaw(std::string_view bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), sizeof(value));
  return value;
}

arrow::Status WrongLength(const IcebergType& type, std::string_view bytes) {
  return BadData("Bound has the wrong length for its type, type and bytes: ", TypeText(type), " ",
                 bytes.size());
}

arrow::Result<Literal> DecimalFromBytes(const IcebergType& type, std::string_view bytes) {
  if (bytes.empty() || bytes.size() > 16) return WrongLength(type, bytes);
  ARROW_ASSIGN_OR_RAISE(
      auto value, arrow::Decimal128::FromBigEndian(reinterpret_cast<const uint8_t*>(bytes.data()),
                                                   static_cast<int32_t>(bytes.size())));
  return Literal(value);
}

/// Bytes of the first `count_max` code points.
size_t PrefixBytes(std::string_view utf8, int count_max) {
  size_t at = 0;
  for (int count = 0; at < utf8.size(); ++at) {
    const bool is_start = (static_cast<uint8_t>(utf8[at]) & 0xC0) != 0x80;
    if (is_start && count++ == count_max) break;
  }
  return at;
}

uint32_t DecodeCodePoint(std::string_view bytes) {
  const auto lead = static_cast<uint8_t>(bytes[0]);
  uint32_t point = bytes.size() == 1 ? lead : lead & (0xFFU >> (bytes.size() + 1));
  for (size_t i = 1; i < bytes.size(); ++i) {
    point = point << 6 | (static_cast<uint8_t>(bytes[i]) & 0x3FU);
  }
  return point;
}

void AppendCodePoint(std::string& out, uint32_t point) {
  if (point < 0x80) {
    out.push_back(static_cast<char>(point));
    return;
  }
  const int tail_count = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  static constexpr std::array<uint32_t, 4> kLead{0, 0xC0, 0xE0, 0xF0};
  out.push_back(
      static_cast<char>(kLead[static_cast<size_t>(tail_count)] | point >> (6 * tail_count)));
  for (int i = tail_count - 1; i >= 0; --i) {
    out.push_back(static_cast<char>(0x80 | (point >> (6 * i) & 0x3F)));
  }
}

/// Days since 1970 as year, month, day. Source: Hinnant, chrono-compatible date algorithms.
std::string DateText(int64_t days) {
  days += 719'468;
  const int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const int64_t day_of_era = days - era * 146'097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted = (5 * day_of_year + 2) / 153;
  const int64_t day = day_of_year - (153 * shifted + 2) / 5 + 1;
  const int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  const int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04lld-%02lld-%02lld", static_cast<long long>(year),
                static_cast<long long>(month), static_cast<long long>(day));
  return text.data();
}

template <typename T>
std::string NumberText(T value) {
  std::array<char, 64> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  CATCHWATER_CHECK(error == std::errc(), "64 characters hold any number");
  return {text.data(), end};
}

}  // namespace

std::string LiteralToBytes(const Literal& value) {
  struct Visitor {
    std::string operator()(std::monostate) const {
      CATCHWATER_CHECK(false, "a null has no bytes");
      return {};
    }
    std::string operator()(bool v) const { return std::string(1, v ? '\1' : '\0'); }
    std::string operator()(const std::string& v) const { return v; }
    std::string operator()(const arrow::Decimal128& v) const { return DecimalToBytes(v); }
    std::string operator()(int32_t v) const { return Raw(v); }
    std::string operator()(int64_t v) const { return Raw(v); }
    std::string operator()(float v) const { return Raw(v); }
    std::string operator()(double v) const { return Raw(v); }
  };
  return std::visit(Visitor{}, value);
}

arrow::Result<Literal> LiteralFromBytes(const IcebergType& type, std::string_view bytes) {
  switch (type.kind) {
    case TypeKind::kBool:
      if (bytes.size() != 1) return WrongLength(type, bytes);
      return Literal(bytes[0] != 0);
    case TypeKind::kInt:
    case TypeKind::kDate:
      if (bytes.size() != 4) return WrongLength(type, bytes);
      return Literal(FromRaw<int32_t>(bytes));
    case TypeKind::kLong:
    case TypeKind::kTime:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz:
      if (bytes.size() == 4) return Literal(static_cast<int64_t>(FromRaw<int32_t>(bytes)));
      if (bytes.size() != 8) return WrongLength(type, bytes);
      return Literal(FromRaw<int64_t>(bytes));
    case TypeKind::kFloat:
      if (bytes.size() != 4) return WrongLength(type, bytes);
      return Literal(FromRaw<float>(bytes));
    case TypeKind::kDouble:
      if (bytes.size() == 4) return Literal(static_cast<double>(FromRaw<float>(bytes)));
      if (bytes.size() != 8) return WrongLength(type, bytes);
      return Literal(FromRaw<double>(bytes));
    case TypeKind::kDecimal:
      return DecimalFromBytes(type, bytes);
    case TypeKind::kString:
    case TypeKind::kBinary:
    case TypeKind::kUuid:
    case TypeKind::kFixed:
      return Literal(std::string(bytes));
    case TypeKind::kNested:
      break;
  }
  return WrongLength(type, bytes);
}

bool LiteralLess(const Literal& a, const Literal& b) {
  CATCHWATER_CHECK(a.index() == b.index() && !IsNull(a), "only values of one type have an order");
  return std::visit(
      [&b](const auto& left) {
        using T = std::decay_t<decltype(left)>;
        if constexpr (std::is_same_v<T, std::monostate>) {
          return false;
        } else {
          return left < std::get<T>(b);
        }
      },
      a);
}

std::string TruncateLowerBound(std::string_view utf8) {
  return std::string(utf8.substr(0, PrefixBytes(utf8, kBoundCodePointsMax)));
}

Literal TruncateUpperBound(std::string_view utf8) {
  size_t end = PrefixBytes(utf8, kBoundCodePointsMax);
  if (end == utf8.size()) return std::string(utf8);
  while (end > 0) {
    size_t begin = end - 1;
    while (begin > 0 && (static_cast<uint8_t>(utf8[begin]) & 0xC0) == 0x80) --begin;
    if (end - begin > 4) return std::monostate{};  // Not UTF-8.
    uint32_t point = DecodeCodePoint(utf8.substr(begin, end - begin)) + 1;
    if (point == 0xD800) point = 0xE000;  // Surrogates are no characters.
    if (point <= 0x10FFFF) {
      std::string bound(utf8.substr(0, begin));
      AppendCodePoint(bound, point);
      return bound;
    }
    end = begin;
  }
  return std::monostate{};
}

std::string DecimalToBytes(const arrow::Decimal128& value) {
  std::array<uint8_t, 16> little = value.ToBytes();
  size_t byte_count = little.size();
  const uint8_t sign = (little[15] & 0x80) != 0 ? 0xFF : 0x00;
  while (byte_count > 1 && little[byte_count - 1] == sign &&
         (little[byte_count - 2] & 0x80) == (sign & 0x80)) {
    --byte_count;
  }
  std::string bytes;
  for (size_t i = byte_count; i > 0; --i) bytes.push_back(static_cast<char>(little[i - 1]));
  return bytes;
}

std::string LiteralToText(const IcebergType& type, const Literal& value) {
  if (IsNull(value)) return "null";
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* decimal = std::get_if<arrow::Decimal128>(&value)) {
    return decimal->ToString(type.scale);
  }
  if (const auto* number = std::get_if<int32_t>(&value)) {
    return type.kind == TypeKind::kDate ? DateText(*number) : NumberText(*number);
  }
  if (const auto* number = std::get_if<int64_t>(&value)) {
    const bool is_time = type.kind == TypeKind::kTimestamp || type.kind == TypeKind::kTimestampTz;
    if (is_time && *number % kMicrosPerDay == 0) return DateText(*number / kMicrosPerDay);
    return NumberText(*number);
  }
  if (const auto* number = std::get_if<float>(&value)) return NumberText(*number);
  return NumberText(std::get<double>(value));
}

}  // namespace catchwater
