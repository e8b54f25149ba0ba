#include "catchwater/cli/workspace.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <utility>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "catchwater/base/error.h"
#include "catchwater/cli/components.h"
#include "catchwater/cli/data_home.h"
#include "catchwater/cli/run_errors.h"
#include "catchwater/config/diagnostic.h"
#include "catchwater/io/s3/s3_files.h"
#include "catchwater/io/store_path.h"

namespace catchwater {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLeftOut =
    "Pipelines of these files are left out; what is in the lake is shown all the same.";

ExitCode ExitCodeOf(const arrow::Status& status) {
  switch (KindOf(status)) {
    case ErrorKind::kConfig:
      return ExitCode::kConfig;
    case ErrorKind::kUnavailable:
    case ErrorKind::kThrottled:
      return ExitCode::kUnreachable;
    case ErrorKind::kInternal:
      return ExitCode::kInternal;
    case ErrorKind::kCancelled:
      return ExitCode::kInterrupted;
    default:
      return ExitCode::kFailed;
  }
}

}  // namespace

ExitCode ReportFailure(const arrow::Status& status) {
  const bool is_coloured = RenderOptionsFor(STDERR_FILENO).is_coloured;
  const std::string_view code = RunErrorCodeOf(status);
  std::cerr << (is_coloured ? "\033[1;31merror\033[0m" : "error");
  if (!code.empty()) std::cerr << "[" << code << "]";
  std::cerr << ": " << status.message() << "\n";
  if (!code.empty()) std::cerr << "  = help: `catchwater doc " << code << "` explains this error\n";
  return ExitCodeOf(status);
}

ExitCode WithData(const GlobalOptions& globals, ProjectUse use,
                  const std::function<arrow::Status(Workspace&)>& call) {
  Workspace workspace;
  if (auto code = workspace.LoadProject(globals, use)) return *code;
  arrow::Status status = workspace.OpenData(globals, /*may_create=*/false);
  if (status.ok()) status = call(workspace);
  return status.ok() ? ExitCode::kOk : ReportFailure(status);
}

std::optional<ExitCode> Workspace::LoadProject(const GlobalOptions& globals, ProjectUse use) {
  if (const auto status = RegisterComponents(registry_); !status.ok()) {
    return ReportFailure(status);
  }
  const LoadRequest request{.path = globals.project, .overrides = globals.overrides};
  project_ = use == ProjectUse::kReads ? LoadReadableProject(request, registry_, diagnostics_)
                                       : LoadBoundProject(request, registry_, diagnostics_);
  if (globals.json && !project_) {
    std::cout << ToJson(diagnostics_).dump(2) << "\n";
  } else if (!diagnostics_.all().empty()) {
    // Standard output is the verb's own document.
    RenderOptions options = RenderOptionsFor(STDERR_FILENO);
    if (project_) options.conclusion = kLeftOut;
    std::cerr << Render(diagnostics_, options);
  }
  if (!project_) return ExitCode::kConfig;
  data_folder_ = ResolveDataFolder(globals);
  store_ = OpenStore(project_->settings.s3, *local_files_, clock_);
  store_files_ = MakeS3Files(store_);
  files_ = MakeRoutedFiles(*local_files_, store_files_.get());
  return std::nullopt;
}

std::string Workspace::warehouse() const {
  const std::string& location = project_->settings.lake.location;
  if (location.empty()) return data_folder_ + "/lake";
  if (IsStorePath(location)) return location;
  return fs::absolute(fs::path(project_->folder) / location).lexically_normal().string();
}

std::string Workspace::ResolveDataFolder(const GlobalOptions& globals) const {
  const fs::path chosen = globals.data.empty()
                              ? fs::path(project_->folder) / project_->settings.data
                              : fs::path(globals.data);
  return fs::absolute(chosen).lexically_normal().string();
}

arrow::Status Workspace::OpenData(const GlobalOptions& globals, bool may_create) {
  if (has_data()) return arrow::Status::OK();
  if (data_folder_.empty()) data_folder_ = ResolveDataFolder(globals);
  const std::string path = data_folder_ + "/ledger.sqlite";
  if (!may_create && !files_->Stat(path).ok()) {
    const bool has_lake = std::ranges::any_of(project_->pipelines, [](const BoundPipeline& bound) {
      return bound.config.lake.has_value();
    });
    if (!has_lake && !lacks_pipelines()) {
      return NotFound(
          "No pipeline of the project has a `lake`, so nothing is kept that could be shown or "
          "verified");
    }
    return NotFound("There is no data yet; start with `catchwater run`. Ledger: ", path);
  }
  ARROW_RETURN_NOT_OK(files_->CreateDirectories(data_folder_));
  ARROW_RETURN_NOT_OK(CheckDataHome(*files_, clock_, data_folder_, warehouse()));
  ARROW_ASSIGN_OR_RAISE(ledger_, Ledger::Open({.path = path}, clock_));
  ARROW_ASSIGN_OR_RAISE(lake_, Lake::Open(*files_, *ledger_, clock_, Random::FromSystem(),
                                          {.warehouse = warehouse()}));
  return arrow::Status::OK();
}

std::string Workspace::ExtensionFolder() {
  if (const char* folder = std::getenv("CATCHWATER_EXTENSIONS")) return folder;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  for (const char* relative : {"extensions", "../lib/catchwater/extensions"}) {
    const fs::path folder = program.parent_path() / relative;
    if (fs::exists(folder / "iceberg.duckdb_extension", error)) return folder.string();
  }
  return CATCHWATER_EXTENSION_FOLDER;
}

}  // namespace catchwater
