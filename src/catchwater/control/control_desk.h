/// \file
/// The control queues of a program that runs pipelines: a thread each, which goes on whatever
/// happens to its broker.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <arrow/status.h>
#include <nlohmann/json_fwd.hpp>

#include "catchwater/base/random.h"
#include "catchwater/component/bind_pipeline.h"
#include "catchwater/control/amqp_control.h"
#include "catchwater/control/tenant_control.h"
#include "catchwater/lake/catalog.h"
#include "catchwater/pipeline/project_run.h"
#include "catchwater/telemetry/telemetry.h"

namespace catchwater {

/// What a queue was asked since the start; a copy.
struct ControlReport {
  std::string pipeline;
  std::string tenant;
  std::string queue;
  std::string state;  ///< waiting (the pipeline does not run here) | answering | down | blocked
  std::string last_error;
  int64_t done = 0;
  int64_t refused = 0;
};

struct ControlDeskContext {
  ProjectRun& run;
  Lake& lake;
  const Clock& clock;
  Telemetry& telemetry;
};

/// One queue. Run: one thread. Report: any thread.
class ControlFeed {
 public:
  ControlFeed(ControlReport report, AmqpControlOptions options, TenantControl control,
              const ControlDeskContext& context)
      : options_(std::move(options)),
        control_(std::move(control)),
        context_(context),
        report_(std::move(report)) {}

  void Run(std::stop_token stop);
  ControlReport Report() const;

 private:
  bool IsRunningHere() const;
  arrow::Result<std::string> Answer(std::string_view request);
  void Count(const char* outcome) const;
  void NoteFailure(const arrow::Status& failure);
  void SetState(const char* state);

  const AmqpControlOptions options_;
  const TenantControl control_;
  const ControlDeskContext context_;
  Random random_ = Random::FromSystem();
  int failures_ = 0;  // In a row.
  mutable std::mutex mutex_;
  ControlReport report_;  // Guarded by mutex_.
};

/// Any thread.
class ControlDesk {
 public:
  explicit ControlDesk(ControlDeskContext context) : context_(context) {}

  /// Says what is wrong with the settings of a pipeline's queues, each at its place.
  static void Check(const BoundPipeline& pipeline, Diagnostics& diagnostics);
  /// Reads these queues from now on, and no others.
  arrow::Status Set(const std::vector<BoundPipeline>& pipelines, const std::string& project_folder);
  /// Those of a pipeline, for `status`.
  nlohmann::ordered_json Reports(const std::string& pipeline) const;
  /// Answers nothing more.
  void Stop();

 private:
  arrow::Result<std::unique_ptr<ControlFeed>> Make(const ControlConfig& config,
                                                   const std::string& pipeline,
                                                   const std::string& project_folder) const;

  const ControlDeskContext context_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<ControlFeed>> feeds_;  // Guarded by mutex_, as below.
  std::vector<std::jthread> threads_;
};

}  // namespace catchwater
