#include "catchwater/stream/quantile_digest.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace catchwater {
namespace {

/// The scale function k1: its steps are narrow at both ends.
double Scale(double share, double compression) {
  return compression / (2 * std::numbers::pi) * std::asin(2 * std::clamp(share, 0.0, 1.0) - 1);
}

}  // namespace

void QuantileDigest::Add(double value) {
  min_ = count_ == 0 ? value : std::min(min_, value);
  max_ = count_ == 0 ? value : std::max(max_, value);
  ++count_;
  buffer_.push_back({value, 1});
  if (buffer_.size() >= kBufferMax) Flush();
}

void QuantileDigest::Merge(const QuantileDigest& other) {
  if (other.count_ == 0) return;
  if (count_ == 0) {
    *this = other;
    return;
  }
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = count_ == 0 ? other.max_ : std::max(max_, other.max_);
  count_ += other.count_;
  buffer_.insert(buffer_.end(), other.centroids_.begin(), other.centroids_.end());
  buffer_.insert(buffer_.end(), other.buffer_.begin(), other.buffer_.end());
  if (buffer_.size() >= kBufferMax) Flush();
}

std::vector<QuantileDigest::Centroid> QuantileDigest::Sorted() const {
  std::vector<Centroid> all = centroids_;
  all.insert(all.end(), buffer_.begin(), buffer_.end());
  std::sort(all.begin(), all.end(),
            [](const Centroid& a, const Centroid& b) { return a.mean < b.mean; });
  return all;
}

void QuantileDigest::Flush() {
  centroids_ = Compress(Sorted(), static_cast<double>(count_));
  buffer_.clear();
}

std::vector<QuantileDigest::Centroid> QuantileDigest::Compress(std::vector<Centroid> sorted,
                                                               double total) {
  std::vector<Centroid> merged;
  double before = 0;  // Weight of all finished centroids.
  for (const Centroid& next : sorted) {
    if (merged.empty()) {
      merged.push_back(next);
      continue;
    }
    Centroid& last = merged.back();
    const double weight = last.weight + next.weight;
    const double step =
        Scale((before + weight) / total, kCompression) - Scale(before / total, kCompression);
    if (step <= 1) {
      last.mean += (next.mean - last.mean) * next.weight / weight;
      last.weight = weight;
    } else {
      before += last.weight;
      merged.push_back(next);
    }
  }
  return merged;
}

double QuantileDigest::Quantile(double share) const {
  const std::vector<Centroid> all = Sorted();
  // Interpolates linearly between the middles of neighbouring centroids; the ends are exact. For
  // single values this is the usual "continuous" percentile.
  const double rank = share * static_cast<double>(count_ - 1);
  // After a merge the extreme value may hide in a centroid that is not the outermost.
  if (rank <= 0) return min_;
  if (rank >= static_cast<double>(count_ - 1)) return max_;
  double before = 0;
  double last_middle = 0;
  double last_mean = min_;
  for (const Centroid& centroid : all) {
    const double middle = before + (centroid.weight - 1) / 2;
    if (rank <= middle) {
      const double width = middle - last_middle;
      const double part = width <= 0 ? 1 : (rank - last_middle) / width;
      return last_mean + (centroid.mean - last_mean) * part;
    }
    before += centroid.weight;
    last_middle = middle;
    last_mean = centroid.mean;
  }
  const double width = static_cast<double>(count_ - 1) - last_middle;
  return width <= 0 ? max_ : last_mean + (max_ - last_mean) * (rank - last_middle) / width;
}

void QuantileDigest::Save(StateWriter* writer) const {
  writer->Put(count_);
  writer->Put(min_);
  writer->Put(max_);
  for (const auto* list : {&centroids_, &buffer_}) {
    writer->Put(uint64_t{list->size()});
    for (const Centroid& centroid : *list) {
      writer->Put(centroid.mean);
      writer->Put(centroid.weight);
    }
  }
}

void QuantileDigest::Load(StateReader* reader) {
  count_ = reader->Get<int64_t>();
  min_ = reader->Get<double>();
  max_ = reader->Get<double>();
  for (auto* list : {&centroids_, &buffer_}) {
    list->resize(reader->GetCount(sizeof(Centroid)));
    for (Centroid& centroid : *list) {
      centroid.mean = reader->Get<double>();
      centroid.weight = reader->Get<double>();
    }
  }
}

}  // namespace catchwater
