/// \file
/// Approximate quantiles in bounded memory: a merging t-digest.
/// Source: Dunning and Ertl, "Computing extremely accurate quantiles using t-digests", 2019.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "catchwater/stream/state_bytes.h"

namespace catchwater {

/// Holds at most kCentroidsMax centroids and kBufferMax waiting values. Exact up to kBufferMax
/// values; then the error in rank is below one percent, and much less near 0 and 1.
/// One thread at a time.
class QuantileDigest {
 public:
  static constexpr int64_t kBytesMax = 16 * (400 + 512);

  /// \pre value is not NaN
  void Add(double value);
  void Merge(const QuantileDigest& other);
  int64_t count() const { return count_; }
  /// \pre count() > 0 and 0 <= share <= 1
  double Quantile(double share) const;

  void Save(StateWriter* writer) const;
  void Load(StateReader* reader);

 private:
  struct Centroid {
    double mean = 0;
    double weight = 0;
  };
  static constexpr size_t kBufferMax = 512;
  static constexpr double kCompression = 200;

  static std::vector<Centroid> Compress(std::vector<Centroid> sorted, double total);
  std::vector<Centroid> Sorted() const;
  void Flush();

  std::vector<Centroid> centroids_;  ///< By mean.
  std::vector<Centroid> buffer_;
  int64_t count_ = 0;
  double min_ = 0;
  double max_ = 0;
};

}  // namespace catchwater
