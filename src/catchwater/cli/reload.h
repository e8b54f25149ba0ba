/// \file
/// Takes changed pipeline files into a run that goes on: asked for by SIGHUP, or noticed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include <arrow/result.h>

#include "catchwater/cli/workspace.h"
#include "catchwater/control/control_desk.h"
#include "catchwater/pipeline/project_run.h"

namespace catchwater {

/// The plans of all pipelines of the project, each with its fingerprint.
arrow::Result<Plans> BuildPlans(const std::vector<BoundPipeline>& pipelines,
                                const std::string& project_folder);

/// Notices that files of a project changed: by their names, times and sizes. One thread at a time.
class ProjectWatch {
 public:
  /// path: a project folder or one pipeline file.
  explicit ProjectWatch(std::string path);

  /// True once after a change, when the files have been the same for two calls: they are written.
  bool HasChanged();

 private:
  using Looks = std::map<std::string, std::tuple<int64_t, int64_t, uint64_t>>;
  Looks Look() const;

  const std::string path_;
  Looks loaded_;
  Looks last_;
};

/// One thread at a time; the workspace is not used by another meanwhile.
class Reloader {
 public:
  /// All borrowed. desk null: the run has no lake.
  Reloader(Workspace& workspace, const GlobalOptions& globals, ProjectRun& run, Log& log,
           ControlDesk* desk);

  /// Reads the files anew and hands their pipelines to the run. With an error in any of them
  /// nothing changes, and that is said.
  void Reload();

 private:
  arrow::Status Try();

  Workspace& workspace_;
  const GlobalOptions& globals_;
  ProjectRun& run_;
  Log& log_;
  ControlDesk* const desk_;
  const std::string settings_;  // Text of catchwater.yaml as the run began.
};

/// Says what a reload did, on standard error.
void PrintReload(const ReloadReport& report);

}  // namespace catchwater
