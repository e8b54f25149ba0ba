#include "catchwater/source/file/line_count.h"

#include <algorithm>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace catchwater {

int64_t CountLineEnds(std::string_view bytes) {
  int64_t count = 0;
#if defined(__SSE2__)
  // Equal bytes are -1: 255 rounds of subtracting fit into a byte, then the bytes are summed up.
  constexpr size_t kRoundBytes = 64;
  const __m128i line_end = _mm_set1_epi8('\n');
  while (bytes.size() >= kRoundBytes) {
    __m128i sums[4] = {};
    const size_t rounds = std::min<size_t>(bytes.size() / kRoundBytes, 255);
    for (size_t round = 0; round < rounds; ++round) {
      const auto* lanes = reinterpret_cast<const __m128i*>(bytes.data() + round * kRoundBytes);
      for (int lane = 0; lane < 4; ++lane) {
        sums[lane] =
            _mm_sub_epi8(sums[lane], _mm_cmpeq_epi8(_mm_loadu_si128(lanes + lane), line_end));
      }
    }
    for (const __m128i& sum : sums) {
      const __m128i halves = _mm_sad_epu8(sum, _mm_setzero_si128());
      count += _mm_cvtsi128_si64(halves) + _mm_cvtsi128_si64(_mm_srli_si128(halves, 8));
    }
    bytes.remove_prefix(rounds * kRoundBytes);
  }
#endif
  return count + std::count(bytes.begin(), bytes.end(), '\n');
}

}  // namespace catchwater
