#include "catchwater/source/mqtt/mqtt_record.h"

#include <algorithm>
#include <charconv>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr char kVersion = 1;
constexpr size_t kHeadBytes = 12;  // Version, flags, time, length of the topic.
constexpr size_t kTopicBytesMax = 65'535;

}  // namespace

std::string EncodeMqttRecord(const MqttRecord& record) {
  CATCHWATER_CHECK(record.topic.size() <= kTopicBytesMax, "MQTT has no longer topics");
  std::string bytes;
  bytes.reserve(kHeadBytes + record.topic.size() + record.payload.size());
  bytes.push_back(kVersion);
  bytes.push_back(static_cast<char>(record.qos | (record.is_retained ? 4 : 0)));
  const auto time = static_cast<uint64_t>(record.receive_us);
  for (int i = 0; i < 8; ++i)
    bytes.push_back(static_cast<char>(static_cast<uint8_t>(time >> (8 * i))));
  bytes.push_back(static_cast<char>(static_cast<uint8_t>(record.topic.size())));
  bytes.push_back(static_cast<char>(static_cast<uint8_t>(record.topic.size() >> 8)));
  bytes += record.topic;
  bytes += record.payload;
  return bytes;
}

arrow::Result<MqttRecord> DecodeMqttRecord(std::string_view bytes) {
  const auto byte = [&](size_t at) { return static_cast<uint8_t>(bytes[at]); };
  if (bytes.size() < kHeadBytes || bytes[0] != kVersion || byte(1) > 7) {
    return BadData("Record of the spool is of a version that this program does not know, bytes: ",
                   bytes.size());
  }
  MqttRecord record{.qos = byte(1) & 3, .is_retained = (byte(1) & 4) != 0};
  uint64_t time = 0;
  for (size_t i = 8; i-- > 0;) time = time << 8 | byte(2 + i);
  record.receive_us = static_cast<int64_t>(time);
  const size_t topic_bytes = byte(10) | static_cast<size_t>(byte(11)) << 8;
  if (topic_bytes > bytes.size() - kHeadBytes) {
    return BadData("Record of the spool is cut short, bytes: ", bytes.size());
  }
  record.topic = bytes.substr(kHeadBytes, topic_bytes);
  record.payload = bytes.substr(kHeadBytes + topic_bytes);
  return record;
}

std::optional<std::string_view> MqttField(const MqttRecord& record, std::string_view field) {
  if (field == "topic") return record.topic;
  if (field == "retained") return record.is_retained ? "true" : "false";
  if (field == "qos") return record.qos == 0 ? "0" : record.qos == 1 ? "1" : "2";
  const size_t begin = field.find('[') + 1;
  size_t level = 0;
  const char* const number_end = field.data() + field.size() - 1;
  const auto [end, error] = std::from_chars(field.data() + begin, number_end, level);
  if (error != std::errc() || end != number_end) return std::nullopt;
  std::string_view rest = record.topic;
  for (size_t i = 0; i < level; ++i) {
    const size_t slash = rest.find('/');
    if (slash == rest.npos) return std::nullopt;
    rest.remove_prefix(slash + 1);
  }
  return rest.substr(0, rest.find('/'));
}

bool IsTopicFilter(std::string_view filter) {
  if (filter.empty() || filter.size() > kTopicBytesMax) return false;
  while (true) {
    const size_t slash = filter.find('/');
    const std::string_view level = filter.substr(0, slash);
    const bool is_last = slash == filter.npos;
    if (level.find('#') != level.npos && (level != "#" || !is_last)) return false;
    if (level.find('+') != level.npos && level != "+") return false;
    if (is_last) return true;
    filter.remove_prefix(slash + 1);
  }
}

}  // namespace catchwater
