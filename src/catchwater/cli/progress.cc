#include "catchwater/cli/progress.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include <unistd.h>

namespace catchwater {
namespace {

constexpr int64_t kDrawEveryUs = 500'000;

struct Totals {
  int64_t rows = 0;
  int64_t committed = 0;
  int64_t dead_letters = 0;
  int64_t commits = 0;
};

Totals AddUp(const std::vector<RunnerReport>& reports) {
  Totals totals;
  for (const RunnerReport& report : reports) {
    totals.rows += report.rows;
    totals.committed += report.rows_committed;
    totals.dead_letters += report.dead_letters;
    totals.commits += report.commits;
  }
  return totals;
}

std::string Line(const Totals& totals, double rows_per_second) {
  char text[160];
  std::snprintf(
      text, sizeof(text), "%lld rows committed, %.0f rows/s, %lld dead letters, %lld commits",
      static_cast<long long>(totals.committed), rows_per_second,
      static_cast<long long>(totals.dead_letters), static_cast<long long>(totals.commits));
  return text;
}

}  // namespace

Progress::Progress(const Clock& clock, const ProjectRun& run) : clock_(clock), run_(run) {
  if (isatty(STDERR_FILENO) == 0) return;
  thread_ = std::jthread([this](std::stop_token stop) { Draw(stop); });
}

void Progress::Draw(std::stop_token stop) const {
  Totals before;
  int64_t before_us = clock_.MonotonicMicros();
  while (clock_.SleepMicros(kDrawEveryUs, stop)) {
    const Totals now = AddUp(run_.Reports());
    const int64_t now_us = clock_.MonotonicMicros();
    const double seconds = static_cast<double>(std::max<int64_t>(1, now_us - before_us)) / 1e6;
    const std::string line = Line(now, static_cast<double>(now.rows - before.rows) / seconds);
    std::fprintf(stderr, "\r\033[K%s", line.c_str());
    std::fflush(stderr);
    before = now;
    before_us = now_us;
  }
  std::fprintf(stderr, "\r\033[K");
  std::fflush(stderr);
}

}  // namespace catchwater
