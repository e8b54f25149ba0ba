/// \file
/// What a message leaves in the spool, and the fields that columns take of it. Source:
/// docs/formats/spool.md, section 4. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <arrow/result.h>

namespace catchwater {

struct MqttRecord {
  int64_t receive_us = 0;
  int qos = 0;
  bool is_retained = false;
  std::string_view topic;
  std::string_view payload;
};

std::string EncodeMqttRecord(const MqttRecord& record);
/// Topic and payload are views into the bytes. \retval kBadData
arrow::Result<MqttRecord> DecodeMqttRecord(std::string_view bytes);

/// The value of `topic`, `topic[1]` (levels count from 0), `retained` or `qos`. Nothing: the topic
/// has no such level.
std::optional<std::string_view> MqttField(const MqttRecord& record, std::string_view field);

/// Whether a topic filter is well formed (MQTT 3.1.1, section 4.7): `+` is a whole level, `#` the
/// last one.
bool IsTopicFilter(std::string_view filter);

}  // namespace catchwater
