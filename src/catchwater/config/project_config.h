/// \file
/// A project: `catchwater.yaml` and the pipeline files beside it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catchwater/config/describe.h"
#include "catchwater/config/diagnostic.h"
#include "catchwater/config/environment.h"
#include "catchwater/config/pipeline_config.h"
#include "catchwater/config/store_config.h"

namespace catchwater {

/// Budgets in bytes; in sum 512 MiB by default.
struct MemoryConfig {
  ByteSize queues = ByteSize::MiB(48);
  ByteSize arrow = ByteSize::MiB(96);
  ByteSize writer = ByteSize::MiB(128);
  ByteSize parquet = ByteSize::MiB(64);
  ByteSize sql = ByteSize::MiB(96);
  ByteSize ledger = ByteSize::MiB(8);
  ByteSize streams = ByteSize::MiB(72);

  template <class Visitor>
  void Describe(Visitor& field) {
    const Bounds bounds{ByteSize::MiB(1), ByteSize::GiB(1024)};
    field.Optional("queues", queues, "Blocks and batches between threads.", bounds);
    field.Optional("arrow", arrow, "Columns being decoded.", bounds);
    field.Optional("writer", writer, "Rows that wait for a flush.", bounds);
    field.Optional("parquet", parquet, "Pages being encoded.", bounds);
    field.Optional("sql", sql, "The SQL engine.", bounds);
    field.Optional("ledger", ledger, "The ledger's page cache.", bounds);
    field.Optional("streams", streams, "State of stream windows.", bounds);
  }
};

/// `catchwater.yaml`. Everything has a default; the file may be missing.
struct ProjectSettings {
  int32_t version = 1;
  std::string name;                  ///< Default: the folder's name.
  std::string data = ".catchwater";  ///< Relative to the project folder.
  LakeLocationConfig lake;
  S3Config s3;
  std::string log_level = "info";
  MemoryConfig memory;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("version", version, "Version of the configuration's form.", Bounds{1, 1});
    field.Optional("name", name, "Name of the project. Default: the folder's name.");
    field.Optional("data", data,
                   "Folder of the ledger, the lake and the spool, relative to the project.");
    field.Optional("lake", lake, "Where the tables lie.");
    field.Optional("s3", s3, "The object store behind paths that begin with `s3://`.");
    field.Optional("log_level", log_level, "Least severity of log records.",
                   OneOf{{"debug", "info", "warning", "error"}});
    field.Optional("memory", memory, "Ceilings of the memory budgets.");
  }
};

struct Project {
  std::string folder;  ///< Of `catchwater.yaml`, or of the one pipeline file.
  ProjectSettings settings;
  bool has_settings = false;              ///< The folder is there, its settings have no error.
  std::vector<PipelineConfig> pipelines;  ///< By name.

  const PipelineConfig* FindPipeline(std::string_view name) const;
};

struct LoadRequest {
  /// A project folder, or one pipeline file (*.yaml, *.yml).
  std::string path = ".";
  /// `source.file.path=x` each; with several pipelines the first part is the pipeline's name.
  std::vector<std::string> overrides;
  /// Default: the process, with secret files relative to the project folder.
  std::optional<Environment> environment;
};

/// Reads all files and reports everything that is wrong in all of them; with errors the result is
/// what could be read. Components are not looked at: programs call LoadBoundProject
/// (component/bind_project.h), which calls this.
Project ReadProject(const LoadRequest& request, Diagnostics& diagnostics);

/// ReadProject, or nothing if there were errors.
std::optional<Project> LoadProject(const LoadRequest& request, Diagnostics& diagnostics);

}  // namespace catchwater
