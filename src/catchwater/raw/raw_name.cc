#include "catchwater/raw/raw_name.h"

#include <array>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <vector>

#include "catchwater/base/civil.h"
#include "catchwater/base/murmur3.h"

namespace catchwater {
namespace {

constexpr int64_t kMicrosPerHour = 3'600'000'000;
constexpr size_t kTimeCharacters = 22;
constexpr size_t kHashDigits = 8;

std::string Digits(int64_t number, int width) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "%0*" PRId64, width, number);
  return text.data();
}

template <typename T>
bool ReadNumber(std::string_view text, int base, T* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number, base);
  return error == std::errc() && end == text.data() + text.size() && !text.starts_with('-');
}

std::string TimeText(int64_t us) {
  const CivilDate date = CivilFromDays(us / kMicrosPerDay);
  const int64_t in_day_us = us % kMicrosPerDay;
  const int64_t seconds = in_day_us / 1'000'000;
  return Digits(date.year, 4) + Digits(date.month, 2) + Digits(date.day, 2) + "T" +
         Digits(seconds / 3'600, 2) + Digits(seconds / 60 % 60, 2) + Digits(seconds % 60, 2) +
         Digits(in_day_us % 1'000'000, 6) + "Z";
}

std::optional<int64_t> DayOf(uint32_t year, uint32_t month, uint32_t day) {
  if (year < 1970 || year > 9999 || month < 1 || month > 12) return std::nullopt;
  if (day < 1 || day > DaysInMonth(year, month)) return std::nullopt;
  return DaysFromCivil(year, month, day);
}

std::optional<int64_t> ReadTime(std::string_view text) {
  if (text.size() != kTimeCharacters || text[8] != 'T' || text.back() != 'Z') return std::nullopt;
  uint32_t year = 0, month = 0, day = 0;
  int64_t hour = 0, minute = 0, second = 0, us = 0;
  const bool is_read =
      ReadNumber(text.substr(0, 4), 10, &year) && ReadNumber(text.substr(4, 2), 10, &month) &&
      ReadNumber(text.substr(6, 2), 10, &day) && ReadNumber(text.substr(9, 2), 10, &hour) &&
      ReadNumber(text.substr(11, 2), 10, &minute) && ReadNumber(text.substr(13, 2), 10, &second) &&
      ReadNumber(text.substr(15, 6), 10, &us);
  const auto days = is_read ? DayOf(year, month, day) : std::nullopt;
  if (!days || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return *days * kMicrosPerDay + ((hour * 60 + minute) * 60 + second) * 1'000'000 + us;
}

bool IsExtension(std::string_view text) {
  if (text.ends_with(".zst")) text.remove_suffix(4);
  return text == "raw" || text == "lines" || text == "frames";
}

}  // namespace

std::string RawName::ToString() const {
  std::array<char, 16> hash{};
  std::snprintf(hash.data(), hash.size(), "%08" PRIx32, lease_hash);
  return TimeText(first_us) + "-" + hash.data() + "-" + std::to_string(epoch) + "-" + uuid + "-" +
         Digits(number, 6) + "." + extension;
}

std::optional<RawName> ReadRawName(std::string_view name) {
  const size_t dot = name.find('.');
  if (dot == name.npos || !IsExtension(name.substr(dot + 1))) return std::nullopt;
  std::vector<std::string_view> parts;
  std::string_view rest = name.substr(0, dot);
  for (size_t dash = rest.find('-'); dash != rest.npos; dash = rest.find('-')) {
    parts.push_back(rest.substr(0, dash));
    rest.remove_prefix(dash + 1);
  }
  parts.push_back(rest);
  if (parts.size() != 5 || parts[1].size() != kHashDigits || parts[3].size() != kHashDigits) {
    return std::nullopt;
  }
  RawName read{.uuid = std::string(parts[3]), .extension = std::string(name.substr(dot + 1))};
  const auto first_us = ReadTime(parts[0]);
  if (!first_us || !ReadNumber(parts[1], 16, &read.lease_hash) ||
      !ReadNumber(parts[2], 10, &read.epoch) || !ReadNumber(parts[4], 10, &read.number)) {
    return std::nullopt;
  }
  read.first_us = *first_us;
  return read;
}

uint32_t RawLeaseHash(std::string_view lease) { return Murmur3(lease); }

std::string HourFolder(int64_t receive_us) {
  const CivilDate date = CivilFromDays(receive_us / kMicrosPerDay);
  return "date=" + Digits(date.year, 4) + "-" + Digits(date.month, 2) + "-" + Digits(date.day, 2) +
         "/hour=" + Digits(receive_us % kMicrosPerDay / kMicrosPerHour, 2);
}

std::optional<int64_t> EndOfHourFolder(std::string_view date, std::string_view hour) {
  if (date.size() != 15 || !date.starts_with("date=") || date[9] != '-' || date[12] != '-') {
    return std::nullopt;
  }
  uint32_t year = 0, month = 0, day = 0;
  const bool is_read = ReadNumber(date.substr(5, 4), 10, &year) &&
                       ReadNumber(date.substr(10, 2), 10, &month) &&
                       ReadNumber(date.substr(13, 2), 10, &day);
  const auto days = is_read ? DayOf(year, month, day) : std::nullopt;
  if (!days) return std::nullopt;
  if (hour.empty()) return (*days + 1) * kMicrosPerDay;
  int64_t number = 0;
  if (hour.size() != 7 || !hour.starts_with("hour=") || !ReadNumber(hour.substr(5), 10, &number) ||
      number > 23) {
    return std::nullopt;
  }
  return *days * kMicrosPerDay + (number + 1) * kMicrosPerHour;
}

}  // namespace catchwater
