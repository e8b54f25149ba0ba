/// \file
/// What the detectors find on the base stations of the seeds 1 to 100, and how fast.
///   stations_bench [SEED_FIRST SEED_LAST]
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "catchwater/source/simulate/base_station_model.h"
#include "catchwater/testing/station_proof.h"

int main(int argc, char** argv) {
  using namespace catchwater;
  const uint64_t first = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : kBaseStationSeedFirst;
  const uint64_t last = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : kBaseStationSeedLast;
  StationProof all;
  const auto begin = std::chrono::steady_clock::now();
  for (uint64_t seed = first; seed <= last; ++seed) {
    const auto proof = ProveOnStations({.seed = seed});
    if (!proof.ok()) {
      std::fprintf(stderr, "seed %llu: %s\n", static_cast<unsigned long long>(seed),
                   proof.status().ToString().c_str());
      return 1;
    }
    all.Add(*proof);
    const bool is_good = proof->predicted_count == proof->episode_count &&
                         proof->spike_removed_count == proof->spike_count;
    if (!is_good) {
      std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed),
                  proof->ToText().c_str());
    }
  }
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
  std::printf("seeds %llu to %llu: %s; %.0f readings/s, simulation included\n",
              static_cast<unsigned long long>(first), static_cast<unsigned long long>(last),
              all.ToText().c_str(), static_cast<double>(all.reading_count) / passed.count());
  return 0;
}
