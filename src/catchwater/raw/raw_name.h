/// \file
/// Names of the files that keep bytes as they were received. Source: docs/formats/raw.md, names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace catchwater {

/// `20260105T080000123456Z-<lease hash>-<epoch>-<uuid>-<number>.<extension>`: sorted by name is
/// sorted by the receive time of the first frame. Never used twice.
struct RawName {
  int64_t first_us = 0;  ///< Receive time of the first frame, years 1970 to 9999.
  uint32_t lease_hash = 0;
  int64_t epoch = 0;  ///< Of the lease; 0: a pipeline without a lake.
  std::string uuid;   ///< 8 hexadecimal digits: of the writer, one an attempt.
  int64_t number = 0;
  std::string extension;  ///< raw | lines | frames, with `.zst` when compressed.

  bool operator==(const RawName&) const = default;
  std::string ToString() const;
};

/// Nothing: not one of ours.
std::optional<RawName> ReadRawName(std::string_view name);

uint32_t RawLeaseHash(std::string_view lease);

/// `date=2026-01-05/hour=08`, UTC.
std::string HourFolder(int64_t receive_us);

/// End of the hour that the folder is for; `hour` empty: of the day. Nothing: not such a folder.
std::optional<int64_t> EndOfHourFolder(std::string_view date, std::string_view hour);

}  // namespace catchwater
