/// \file
/// What the source `simulate` delivers: records of numbered slots, each a pure function of the seed
/// and its number, so that delivery can resume anywhere at no cost.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "catchwater/io/read_buffer_pool.h"

namespace catchwater {

/// Slots are numbered along time: slot = tick * slots_per_tick + sensor. A slot has up to four
/// records with the ordinals 4*slot to 4*slot + 3. One thread at a time.
class SlotModel {
 public:
  /// The most bytes that the records of one slot take.
  static constexpr int64_t kSlotBytesMax = 1024;

  virtual ~SlotModel() = default;

  /// Slots until everything is delivered, also what is late; INT64_MAX without end.
  virtual int64_t slot_count() const = 0;
  virtual int64_t slots_per_tick() const = 0;
  virtual int64_t TimeOfSlot(int64_t slot) const = 0;

  struct Record {
    uint64_t ordinal = 0;
    int64_t end = 0;  ///< Behind it in the buffer.
  };
  /// Appends the records of a slot whose ordinals are >= ordinal_min, each with its line end.
  /// \pre buffer.free_count() >= kSlotBytesMax
  virtual void AppendSlot(int64_t slot, uint64_t ordinal_min, ReadBuffer& buffer,
                          std::vector<Record>& records) = 0;

  /// With its line end.
  virtual std::string_view csv_header() const = 0;
};

}  // namespace catchwater
