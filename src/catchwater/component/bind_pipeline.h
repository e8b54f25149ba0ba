/// \file
/// From configuration to components: chooses and checks every component of a pipeline, and that
/// every column that is named exists where it is used.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catchwater/component/registry.h"
#include "catchwater/config/diagnostic.h"
#include "catchwater/config/pipeline_config.h"
#include "catchwater/config/project_config.h"

namespace catchwater {

/// A stream with its destinations.
struct BoundStream {
  StreamConfig config;
  std::vector<std::string> tables;  ///< `to: [{table: ns.name}]`
  std::vector<ChosenSink> sinks;
};

/// A pipeline whose components are chosen and configured, not yet made.
struct BoundPipeline {
  PipelineConfig config;
  ChosenSource source;
  std::optional<ChosenCodec> codec;
  std::vector<ChosenStep> steps;
  std::vector<BoundStream> streams;
  std::vector<ChosenSink> sinks;
};

/// \return nothing if there were errors; they are in the diagnostics, all of them
std::optional<BoundPipeline> BindPipeline(const PipelineConfig& pipeline, const Registry& registry,
                                          Diagnostics& diagnostics);

/// Says that a chosen component refused to be made (E1312: a condition that is no SQL, a file that
/// is not there), at its place in the file. `what` is for example "step `select`".
void ReportMakeFailure(std::string_view what, const ConfigNode& config,
                       const arrow::Status& failure, Diagnostics& diagnostics);

struct BoundProject {
  std::string folder;
  ProjectSettings settings;
  std::vector<BoundPipeline> pipelines;  ///< By name.

  const BoundPipeline* FindPipeline(std::string_view name) const;
};

/// Reads a project (config/project_config.h) and binds all its pipelines: what `validate` and
/// `run` begin with. \return nothing if there were errors in any file
std::optional<BoundProject> LoadBoundProject(const LoadRequest& request, const Registry& registry,
                                             Diagnostics& diagnostics);

/// The same for verbs that only look at what is there: pipelines of files with an error are left
/// out, and what is wrong with them is in the diagnostics. \return nothing if there is no project,
/// or its settings have an error
std::optional<BoundProject> LoadReadableProject(const LoadRequest& request,
                                                const Registry& registry, Diagnostics& diagnostics);

}  // namespace catchwater
