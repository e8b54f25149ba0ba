/// \file
/// The dead letters of one block, in the making.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catchwater/batch/batch.h"

namespace catchwater {

/// One thread at a time.
class FaultList {
 public:
  struct Fault {
    uint64_t frame_ordinal = 0;
    uint32_t row_in_frame = 0;
    std::string_view text{};
    std::string reason{};
    std::string_view rule{};
    std::string_view field{};
    bool is_frame = false;
  };
  void Add(Fault fault) { faults_.push_back(std::move(fault)); }

  /// Makes the dead letters, in the order of their places, and forgets them.
  /// \param block whose bytes hold the texts of the faults
  std::vector<DeadLetter> Take(const Block& block);

 private:
  std::vector<Fault> faults_;
};

}  // namespace catchwater
