#include "catchwater/cli/reload.h"

#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <utility>
#include <vector>

#include <sys/stat.h>

#include "catchwater/base/error.h"
#include "catchwater/cli/step_findings.h"
#include "catchwater/pipeline/build_plan.h"

namespace catchwater {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kSettingsBytesMax = 1 << 20;

/// What the tree says, with variables and secrets put in; places and comments do not matter.
void AppendText(const ConfigNode& node, std::string* text) {
  *text += static_cast<char>('0' + static_cast<int>(node.kind()));
  const auto append = [text](const std::string& part) {
    *text += std::to_string(part.size()) + ":" + part;
  };
  if (node.is_scalar()) append(node.text());
  for (const ConfigNode& item : node.items()) AppendText(item, text);
  for (const ConfigEntry& entry : node.entries()) {
    append(entry.key);
    AppendText(entry.value, text);
  }
  *text += ';';
}

uint64_t FingerprintOf(const ConfigNode& document) {
  std::string text;
  AppendText(document, &text);
  return std::hash<std::string>()(text);
}

std::string SettingsText(Files& files, const std::string& project_folder) {
  return files.ReadAll(project_folder + "/catchwater.yaml", kSettingsBytesMax).ValueOr("");
}

bool IsYaml(const fs::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml";
}

}  // namespace

arrow::Result<Plans> BuildPlans(const std::vector<BoundPipeline>& pipelines,
                                const std::string& project_folder) {
  Plans plans;
  for (const BoundPipeline& bound : pipelines) {
    ARROW_ASSIGN_OR_RAISE(PipelinePlan plan, BuildPlan(bound, project_folder));
    plan.fingerprint = FingerprintOf(bound.config.document);
    plans.push_back(std::make_shared<const PipelinePlan>(std::move(plan)));
  }
  return plans;
}

ProjectWatch::ProjectWatch(std::string path) : path_(std::move(path)), loaded_(Look()) {
  last_ = loaded_;
}

ProjectWatch::Looks ProjectWatch::Look() const {
  std::vector<std::string> paths = {path_};
  std::error_code error;
  if (fs::is_directory(path_, error)) {
    paths = {path_ + "/catchwater.yaml"};
    for (fs::directory_iterator it(path_ + "/pipelines", error), end; !error && it != end;
         it.increment(error)) {
      if (IsYaml(it->path())) paths.push_back(it->path().string());
    }
  }
  Looks looks;
  for (const std::string& path : paths) {
    struct stat found {};
    if (stat(path.c_str(), &found) != 0) continue;
    looks[path] = {found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec, found.st_size,
                   found.st_ino};
  }
  return looks;
}

bool ProjectWatch::HasChanged() {
  Looks now = Look();
  const bool is_settled = now == last_;
  last_ = std::move(now);
  if (!is_settled || last_ == loaded_) return false;
  loaded_ = last_;
  return true;
}

Reloader::Reloader(Workspace& workspace, const GlobalOptions& globals, ProjectRun& run, Log& log,
                   ControlDesk* desk)
    : workspace_(workspace),
      globals_(globals),
      run_(run),
      log_(log),
      desk_(desk),
      settings_(SettingsText(workspace.files(), workspace.project().folder)) {}

arrow::Status Reloader::Try() {
  Diagnostics diagnostics;
  auto project = LoadBoundProject({.path = globals_.project, .overrides = globals_.overrides},
                                  workspace_.registry(), diagnostics);
  if (project) {
    ARROW_ASSIGN_OR_RAISE(const StepFindings found,
                          FindBadSteps(workspace_, globals_, project->pipelines));
    diagnostics.Append(found.diagnostics);
  }
  if (!diagnostics.all().empty()) {
    std::cerr << Render(diagnostics, RenderOptionsFor(STDERR_FILENO));
  }
  if (!project || diagnostics.has_errors()) return ConfigError("The files have errors");
  ARROW_ASSIGN_OR_RAISE(Plans plans, BuildPlans(project->pipelines, project->folder));
  for (const auto& plan : plans) {
    if (!plan->lake || workspace_.has_data()) continue;
    return ConfigError("The run began without a lake; start it anew for the pipeline: ",
                       plan->name);
  }
  if (SettingsText(workspace_.files(), project->folder) != settings_) {
    std::cerr << "catchwater.yaml: its changes come with the next start\n";
  }
  if (desk_ != nullptr) ARROW_RETURN_NOT_OK(desk_->Set(project->pipelines, project->folder));
  workspace_.SetPipelines(std::move(project->pipelines));
  run_.Reload(std::move(plans));
  return arrow::Status::OK();
}

void Reloader::Reload() {
  const arrow::Status status = Try();
  if (status.ok()) return;
  std::cerr << "not reloaded, everything runs on as it was: " << status.message() << "\n";
  log_.Warning("project.reload_refused", {{"reason", status}});
}

void PrintReload(const ReloadReport& report) {
  std::cerr << "reloaded";
  const char* before = ": ";
  for (const auto& [what, names] :
       {std::pair{"restarted", &report.restarted}, std::pair{"started", &report.started},
        std::pair{"ended", &report.ended}}) {
    if (names->empty()) continue;
    std::cerr << before << what;
    for (const std::string& name : *names) std::cerr << " " << name;
    before = ", ";
  }
  std::cerr << (*before == ':' ? ": nothing changed\n" : "\n");
}

}  // namespace catchwater
