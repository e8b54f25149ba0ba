/// \file
/// Where a record stands in its source: positions, ranges, origins. Source: docs/formats/ledger.md.
#pragma once

#include <cstdint>
#include <string>

namespace catchwater {

/// A boundary between frames of one source partition. Order and equality: ordinal only; strictly
/// increasing within an incarnation. File: uncompressed byte offset. `token` helps the source to
/// resume, is at most 1 KiB and is never compared.
struct Position {
  uint64_t ordinal = 0;
  std::string token;

  bool operator==(const Position& other) const { return ordinal == other.ordinal; }
  bool operator<(const Position& other) const { return ordinal < other.ordinal; }
};

/// Identity of a source partition. incarnation: content hash of a file, topic id, spool uuid.
struct PartitionKey {
  std::string pipeline;
  std::string source;
  std::string name;
  std::string incarnation;

  bool operator==(const PartitionKey&) const = default;
  auto operator<=>(const PartitionKey&) const = default;
};

/// Frames with from <= ordinal < to of one partition.
struct Range {
  int64_t partition_id = 0;
  Position from;
  Position to;
};

/// A batch comes from one partition, in order.
struct Origin {
  Range range;
  int64_t receive_us = 0;
};

}  // namespace catchwater
