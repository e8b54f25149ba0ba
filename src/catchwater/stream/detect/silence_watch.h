/// \file
/// `missing`: a key that is silent while its source sends; a source that is silent itself is one
/// `pipeline_stalled`, not one alarm for each of its keys.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "catchwater/config/detect_config.h"
#include "catchwater/stream/detect/cadence.h"
#include "catchwater/stream/detect/detector.h"

namespace catchwater {

/// Over all keys; sees their readings in one order of event time. Pure. One thread at a time.
/// Invariants:
/// 1. A key is due `factor` of its cadences after its last reading, or after its source came back.
/// 2. A key that is due is missing if its source sent anything for at least two of the key's
///    cadences after its last reading; else the source is stalled, once for all its keys.
class SilenceWatch {
 public:
  struct Found {
    bool is_source = false;
    uint32_t index = 0;  ///< Of the key, or of the source.
    Finding finding;
  };

  explicit SilenceWatch(const MissingConfig& config) : factor_(config.factor) {}

  /// \param key dense numbers, a new one is the next; it stays with its source
  void Add(uint32_t key, uint32_t source, int64_t time_us, std::vector<Found>* found);
  void AdvanceTo(int64_t now_us, std::vector<Found>* found);

  void Save(StateWriter* state) const;
  void Load(StateReader* state);

 private:
  struct Key {
    Cadence cadence;
    uint32_t source = 0;
    bool is_missing = false;
    int64_t due_us = 0;
  };
  struct Source {
    bool is_known = false;
    bool is_stalled = false;
    int64_t last_us = 0;
    int64_t stalled_us = 0;  // Last reading before it stalled.
    int64_t back_us = 0;     // First one after the last stall.
  };
  using Due = std::pair<int64_t, uint32_t>;  // Time, key.

  void Schedule(uint32_t key, int64_t from_us);
  void Judge(uint32_t key, std::vector<Found>* found);
  void Return(uint32_t source, int64_t time_us, std::vector<Found>* found);

  const double factor_;
  std::vector<Key> keys_;
  std::vector<Source> sources_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;  // Old entries are skipped.
};

}  // namespace catchwater
