#include "catchwater/lake/file_names.h"

#include <array>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <vector>

#include "catchwater/base/murmur3.h"

namespace catchwater {
namespace {

constexpr size_t kHashDigits = 8;
constexpr size_t kUuidCharacters = 36;
constexpr size_t kFolderCharactersMax = 100;
constexpr int64_t kEpochMax = (int64_t{1} << 48) - 1;

std::string Hex8(uint32_t value) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%08" PRIx32, value);
  return text.data();
}

std::string TagText(const WriterTag& tag) {
  return Hex8(tag.lease_hash) + "-" + std::to_string(tag.epoch);
}

template <typename T>
bool ReadNumber(std::string_view text, int base, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc() && end == text.data() + text.size();
}

/// `<8 hex>-<epoch>-<uuid>...`
std::optional<WriterTag> ReadTagText(std::string_view text) {
  WriterTag tag;
  if (text.size() < kHashDigits + 2 || text[kHashDigits] != '-') return std::nullopt;
  if (!ReadNumber(text.substr(0, kHashDigits), 16, tag.lease_hash)) return std::nullopt;
  text.remove_prefix(kHashDigits + 1);
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  if (!ReadNumber(text.substr(0, dash), 10, tag.epoch)) return std::nullopt;
  if (text.size() < dash + 1 + kUuidCharacters) return std::nullopt;
  return tag;
}

std::string TwoDigits(int64_t number) { return (number < 10 ? "0" : "") + std::to_string(number); }

/// Partition values of the time transforms as people write times.
std::string ValueText(const Transform& transform, const IcebergType& type, const Literal& value) {
  const auto* number = std::get_if<int32_t>(&value);
  if (number == nullptr) return LiteralToText(type, value);
  const IcebergType date{.kind = TypeKind::kDate};
  switch (transform.kind) {
    case TransformKind::kYear:
      return std::to_string(1970 + *number);
    case TransformKind::kMonth: {
      const int64_t year = *number >= 0 ? *number / 12 : (*number - 11) / 12;
      return std::to_string(1970 + year) + "-" + TwoDigits(*number - year * 12 + 1);
    }
    case TransformKind::kDay:
      return LiteralToText(date, *number);
    case TransformKind::kHour: {
      const int32_t day = *number >= 0 ? *number / 24 : (*number - 23) / 24;
      return LiteralToText(date, day) + "-" + TwoDigits(*number - day * 24);
    }
    default:
      return LiteralToText(type, value);
  }
}

/// Keeps `%`, `/` and `=` out of a part of a partition key, so that keys stay apart.
void AppendEscaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '%' || c == '/' || c == '=') {
      out += c == '%' ? "%25" : c == '/' ? "%2F" : "%3D";
    } else {
      out.push_back(c);
    }
  }
}

}  // namespace

WriterTag MakeWriterTag(std::string_view lease, int64_t epoch) {
  return {.lease_hash = lease.empty() ? 0 : Murmur3(lease), .epoch = epoch & kEpochMax};
}

std::string DataFileName(const WriterTag& tag, std::string_view uuid, int64_t number) {
  return TagText(tag) + "-" + std::string(uuid) + "-" + std::to_string(number) + ".parquet";
}

std::string ManifestName(const WriterTag& tag, std::string_view uuid, int64_t number) {
  return TagText(tag) + "-" + std::string(uuid) + "-m" + std::to_string(number) + ".avro";
}

std::string ManifestListName(const WriterTag& tag, int64_t snapshot_id, std::string_view uuid) {
  return "snap-" + std::to_string(snapshot_id) + "-" + TagText(tag) + "-" + std::string(uuid) +
         ".avro";
}

std::string MetadataName(const WriterTag& tag, int64_t version, uint64_t random) {
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(),
                "%05" PRId64 "-%08" PRIx32 "-%04x-8%03x-9%03x-%012" PRIx64 ".metadata.json",
                version, tag.lease_hash, static_cast<unsigned>(random & 0xffff),
                static_cast<unsigned>(random >> 16 & 0xfff),
                static_cast<unsigned>(random >> 28 & 0xfff), static_cast<uint64_t>(tag.epoch));
  return text.data();
}

int64_t MetadataVersion(std::string_view location) {
  const size_t slash = location.rfind('/');
  if (slash != std::string_view::npos) location.remove_prefix(slash + 1);
  int64_t version = 0;
  const size_t dash = location.find('-');
  if (dash == std::string_view::npos || !ReadNumber(location.substr(0, dash), 10, version))
    return 0;
  return version;
}

std::optional<WriterTag> ReadWriterTag(std::string_view name) {
  if (name.ends_with(".metadata.json")) {
    const size_t dash = name.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const std::string_view uuid = name.substr(dash + 1, kUuidCharacters);
    WriterTag tag;
    const bool is_ours = uuid.size() == kUuidCharacters && uuid[14] == '8' && uuid[19] == '9' &&
                         ReadNumber(uuid.substr(0, kHashDigits), 16, tag.lease_hash) &&
                         ReadNumber(uuid.substr(24), 16, tag.epoch);
    return is_ours ? std::optional(tag) : std::nullopt;
  }
  if (name.starts_with("snap-")) {
    const size_t dash = name.find('-', 5);
    return dash == std::string_view::npos ? std::nullopt : ReadTagText(name.substr(dash + 1));
  }
  return ReadTagText(name);
}

std::string PartitionKeyText(const PartitionSpec& spec, const std::vector<IcebergType>& types,
                             const PartitionValues& values) {
  std::string text;
  for (size_t i = 0; i < spec.fields.size(); ++i) {
    if (i > 0) text.push_back('/');
    AppendEscaped(text, spec.fields[i].name);
    text.push_back('=');
    AppendEscaped(text, ValueText(spec.fields[i].transform, types[i], values[i]));
    // A text "null" is not the null.
    const auto* word = std::get_if<std::string>(&values[i]);
    if (word != nullptr && *word == "null") text += "%00";
  }
  return text;
}

std::string PartitionFolder(std::string_view partition_key) {
  std::string folder;
  while (!partition_key.empty()) {
    const std::string_view part = partition_key.substr(0, partition_key.find('/'));
    partition_key.remove_prefix(std::min(part.size() + 1, partition_key.size()));
    std::string name;
    bool is_changed = part.size() > kFolderCharactersMax;
    for (const char c : part.substr(0, kFolderCharactersMax)) {
      const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '=' || c == '-';
      is_changed = is_changed || !is_plain;
      name.push_back(is_plain ? c : '_');
    }
    if (is_changed) name += "-" + Hex8(Murmur3(part));
    if (!folder.empty()) folder.push_back('/');
    folder += name;
  }
  return folder;
}

}  // namespace catchwater
