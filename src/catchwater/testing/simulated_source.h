/// \file
/// A simulated source with all that it needs around it.
#pragma once

#include <memory>

#include "catchwater/source/simulate/simulate_source.h"
#include "catchwater/testing/fake_clock.h"
#include "catchwater/testing/line_framer.h"
#include "catchwater/testing/memory_files.h"
#include "catchwater/testing/source_conformance.h"

namespace catchwater {

struct SimulatedSource {
  SimulateConfig config;
  MemoryFiles files{};
  FakeClock clock{};

  arrow::Result<std::unique_ptr<Source>> Make() {
    const SourceContext context{
        .files = files,
        .clock = clock,
        .random_seed = 0,
        .project_folder = "",
        .pipeline = "p",
        .make_framer = [this]() -> arrow::Result<std::unique_ptr<Framer>> {
          return std::make_unique<LineFramer>(config.format == SimulateFormat::kCsv ? 1 : 0);
        },
        .frame_bytes_max = 1 << 20};
    ARROW_ASSIGN_OR_RAISE(auto source, SimulateSource::Make(config, context));
    return std::unique_ptr<Source>(std::move(source));
  }
  void CheckConformance(int resume_count_max) {
    CheckSourceConformance(
        {.make = [this] { return Make(); }, .resume_count_max = resume_count_max});
  }
};

}  // namespace catchwater
