/// \file
/// How far a run is, on a terminal: one line on standard error, drawn again twice a second.
#pragma once

#include <cstdint>
#include <stop_token>
#include <thread>

#include "catchwater/base/clock.h"
#include "catchwater/pipeline/project_run.h"

namespace catchwater {

/// Draws from its construction to its destruction, which wipes the line. Draws nothing when
/// standard error is no terminal. Owns a thread.
class Progress {
 public:
  Progress(const Clock& clock, const ProjectRun& run);

 private:
  void Draw(std::stop_token stop) const;

  const Clock& clock_;
  const ProjectRun& run_;
  std::jthread thread_;
};

}  // namespace catchwater
