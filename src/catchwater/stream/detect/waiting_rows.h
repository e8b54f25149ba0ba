/// \file
/// Rows that wait until nothing before them can come any more, by event time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "catchwater/stream/state_bytes.h"

namespace catchwater {

struct WaitingRow {
  int64_t time_us = 0;
  uint32_t key = 0;
  uint32_t source = 0;
  std::span<const double> numbers;  ///< NaN: null. Valid until the next call.
};

/// Gives rows back in the order of event time, those of one moment in the order of arrival. Pure.
/// One thread at a time.
class WaitingRows {
 public:
  explicit WaitingRows(size_t number_count) : number_count_(number_count) {}

  void Add(const WaitingRow& row);
  /// Calls `take` for each row before the time and forgets them.
  template <class Take>
  void ReleaseBefore(int64_t time_us, const Take& take) {
    while (!moments_.empty() && moments_.begin()->first < time_us) {
      const auto& [moment_us, moment] = *moments_.begin();
      for (size_t i = 0; i < moment.keys.size(); ++i) {
        take(WaitingRow{
            .time_us = moment_us,
            .key = moment.keys[i],
            .source = moment.sources[i],
            .numbers = std::span(moment.numbers).subspan(i * number_count_, number_count_)});
      }
      byte_count_ -= BytesOf(moment);
      moments_.erase(moments_.begin());
    }
  }
  int64_t byte_count() const { return byte_count_; }

  void Save(StateWriter* state) const;
  void Load(StateReader* state);

 private:
  struct Moment {
    std::vector<uint32_t> keys, sources;
    std::vector<double> numbers;
  };

  int64_t BytesOf(const Moment& moment) const {
    const size_t row_bytes = 2 * sizeof(uint32_t) + number_count_ * sizeof(double);
    return static_cast<int64_t>(moment.keys.size() * row_bytes);
  }

  const size_t number_count_;
  std::map<int64_t, Moment> moments_;
  int64_t byte_count_ = 0;
};

}  // namespace catchwater
