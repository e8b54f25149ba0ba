/// \file
/// A project with its opened data folder: what most verbs begin with.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/clock.h"
#include "catchwater/cli/open_store.h"
#include "catchwater/cli/verb.h"
#include "catchwater/component/bind_pipeline.h"
#include "catchwater/component/registry.h"
#include "catchwater/config/diagnostic.h"
#include "catchwater/io/files.h"
#include "catchwater/lake/catalog.h"
#include "catchwater/ledger/ledger.h"

namespace catchwater {

/// What a verb wants of the pipelines of the project.
enum class ProjectUse {
  kRuns,   ///< All of them without an error.
  kReads,  ///< It only looks at what is in the lake: an error in a pipeline file is a warning.
};

/// Owns everything that verbs and pipelines refer to. One thread.
class Workspace {
 public:
  /// Registers the components and reads the project. Prints what is wrong with it.
  /// \return the exit code to end with, if there were errors that stand in the way
  std::optional<ExitCode> LoadProject(const GlobalOptions& globals,
                                      ProjectUse use = ProjectUse::kRuns);

  /// Opens ledger and lake, once. A verb that only reads does not create them.
  /// \retval kNotFound if they are not there and may not be created
  arrow::Status OpenData(const GlobalOptions& globals, bool may_create);

  const BoundProject& project() const { return *project_; }
  /// After a reload.
  void SetPipelines(std::vector<BoundPipeline> pipelines) {
    project_->pipelines = std::move(pipelines);
  }
  /// Some were left out because of errors in their files.
  bool lacks_pipelines() const { return diagnostics_.has_errors(); }
  bool has_data() const { return ledger_ != nullptr; }
  /// What loading the project found.
  const Diagnostics& diagnostics() const { return diagnostics_; }
  const Registry& registry() const { return registry_; }
  Files& files() { return *files_; }
  const Clock& clock() const { return clock_; }
  Ledger& ledger() { return *ledger_; }
  Lake& lake() { return *lake_; }
  const std::string& data_folder() const { return data_folder_; }
  /// Where the tables lie: a folder or `s3://bucket/prefix`.
  std::string warehouse() const;
  S3Client& store() { return *store_; }
  std::string control_socket() const { return data_folder_ + "/control.sock"; }
  /// Of DuckDB's avro, httpfs and iceberg.
  static std::string ExtensionFolder();

 private:
  std::string ResolveDataFolder(const GlobalOptions& globals) const;

  SystemClock clock_;
  std::unique_ptr<Files> local_files_ = MakeLocalFiles();
  std::shared_ptr<S3Client> store_;
  std::unique_ptr<Files> store_files_;
  std::unique_ptr<Files> files_;
  Registry registry_;
  Diagnostics diagnostics_;
  std::optional<BoundProject> project_;
  std::string data_folder_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Lake> lake_;
};

/// Prints a failed status in the form of all errors and returns its exit code.
ExitCode ReportFailure(const arrow::Status& status);

/// Opens the project with its data, which must be there, and calls.
ExitCode WithData(const GlobalOptions& globals, ProjectUse use,
                  const std::function<arrow::Status(Workspace&)>& call);

}  // namespace catchwater
