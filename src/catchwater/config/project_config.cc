#include "catchwater/config/project_config.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <system_error>
#include <utility>

#include "catchwater/config/config_reader.h"
#include "catchwater/config/overrides.h"
#include "catchwater/config/yaml_tree.h"

namespace catchwater {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSettingsFile = "catchwater.yaml";
constexpr std::string_view kPipelinesFolder = "pipelines";

bool IsYamlPath(const fs::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml";
}

// "." and an empty path join without a prefix: `pipelines/a.yaml`, not `./pipelines/a.yaml`.
std::string Joined(const fs::path& folder, const fs::path& name) {
  return folder.empty() || folder == "." ? name.string() : (folder / name).string();
}

class ProjectReader {
 public:
  ProjectReader(const LoadRequest& request, Diagnostics& diagnostics)
      : request_(request), diagnostics_(diagnostics) {}

  Project Read() {
    if (!FindFiles()) return std::move(project_);
    environment_ = request_.environment.value_or(Environment::FromProcess(project_.folder));
    const int64_t errors_before = diagnostics_.error_count();
    ReadSettings();
    project_.has_settings = diagnostics_.error_count() == errors_before;
    for (const std::string& file : pipeline_files_) documents_.push_back(ReadTree(file));
    ApplyOverrides();
    for (const ConfigNode& document : documents_) {
      if (document.is_missing()) continue;  // Not YAML: reported.
      project_.pipelines.push_back(ReadPipeline(document, diagnostics_));
    }
    CheckNames();
    CheckTables();
    std::stable_sort(
        project_.pipelines.begin(), project_.pipelines.end(),
        [](const PipelineConfig& a, const PipelineConfig& b) { return a.name < b.name; });
    return std::move(project_);
  }

 private:
  // Finds the folder and the pipeline files. \return false if there is nothing to read
  bool FindFiles() {
    fs::path path(request_.path.empty() ? "." : request_.path);
    std::error_code error;
    if (!fs::exists(path, error)) {
      diagnostics_
          .Error("E1012", {}, "there is no project or pipeline file at `" + path.string() + "`")
          .helps.emplace_back("`catchwater init` makes a project");
      return false;
    }
    if (path.filename() == kSettingsFile) path = path.has_parent_path() ? path.parent_path() : ".";
    if (!fs::is_directory(path, error)) {
      pipeline_files_.push_back(path.string());
      project_.folder = FolderOf(path).string();
      return true;
    }
    project_.folder = path.string();
    fs::directory_iterator entries(path / kPipelinesFolder, error), end;
    for (; !error && entries != end; entries.increment(error)) {
      if (!IsYamlPath(entries->path())) continue;
      pipeline_files_.push_back(
          Joined(path, fs::path(kPipelinesFolder) / entries->path().filename()));
    }
    std::sort(pipeline_files_.begin(), pipeline_files_.end());
    if (!pipeline_files_.empty()) return true;
    diagnostics_.Error("E1308", {}, "the project `" + path.string() + "` has no pipelines")
        .helps.emplace_back("put a file into its folder `pipelines`, or run `catchwater init`");
    return true;
  }

  // The project that a single pipeline file belongs to, else the file's own folder.
  static fs::path FolderOf(const fs::path& file) {
    const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
    std::error_code error;
    if (fs::absolute(folder, error).lexically_normal().filename() == kPipelinesFolder) {
      const fs::path above = folder == kPipelinesFolder ? fs::path(".") : folder / "..";
      if (fs::exists(above / kSettingsFile, error)) return above.lexically_normal();
    }
    return folder;
  }

  // Of a file of which nothing can be shown.
  static Place PlaceOf(const std::string& file) {
    Place place;
    place.source = std::make_shared<const SourceText>(file, "");
    return place;
  }

  ConfigNode ReadTree(const std::string& file) {
    const YamlLimits limits;
    std::error_code error;
    const auto byte_count = fs::file_size(file, error);
    if (error || !fs::is_regular_file(file, error)) {
      diagnostics_.Error("E1012", PlaceOf(file), "`" + file + "` is no file that can be read");
      return {};
    }
    // One byte more than allowed is enough to be refused.
    std::string text(
        std::min<uintmax_t>(byte_count, static_cast<uintmax_t>(limits.byte_count_max) + 1), '\0');
    std::ifstream in(file, std::ios::binary);
    if (!in.is_open()) {
      diagnostics_.Error("E1012", PlaceOf(file), "`" + file + "` cannot be opened")
          .helps.emplace_back("check who may read it: `ls -l`");
      return {};
    }
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(in.gcount()));
    return ParseYaml(std::make_shared<const SourceText>(file, std::move(text)), environment_,
                     diagnostics_, limits);
  }

  void ReadSettings() {
    const std::string file = Joined(project_.folder, fs::path(kSettingsFile));
    std::error_code error;
    if (fs::exists(file, error)) {
      const ConfigNode tree = ReadTree(file);
      const Where where{.owner = "the project", .path = {}, .is_owner_implied = true};
      if (!tree.is_missing()) ReadConfig(tree, where, diagnostics_, project_.settings);
    }
    if (!project_.settings.name.empty()) return;
    project_.settings.name = fs::weakly_canonical(project_.folder, error).filename().string();
  }

  void ApplyOverrides() {
    for (const std::string& flag : request_.overrides) {
      Override parsed;
      if (!ParseOverride(flag, environment_, diagnostics_, parsed)) continue;
      if (documents_.size() == 1) {
        documents_[0] = ApplyOverride(documents_[0], parsed, 0, diagnostics_);
        continue;
      }
      ApplyToNamed(parsed);
    }
  }

  void ApplyToNamed(const Override& parsed) {
    const PathPart& first = parsed.path.front();
    std::vector<std::string> names;
    for (ConfigNode& document : documents_) {
      names.push_back(document.At("pipeline").text());
      if (names.back() != first.key) continue;
      document = ApplyOverride(document, parsed, 1, diagnostics_);
      return;
    }
    Diagnostic& error =
        diagnostics_.Error("E1310", first.place, "there is no pipeline `" + first.key + "`");
    if (const std::string_view near = Nearest(first.key, names); !near.empty()) {
      error.label = "did you mean `" + std::string(near) + "`?";
    }
    std::string known;
    for (const std::string& name : names) known.append(known.empty() ? "" : ", ").append(name);
    error.notes.push_back("with several pipelines the path begins with a pipeline's name: " +
                          known);
  }

  void CheckNames() {
    std::map<std::string, const PipelineConfig*> first;
    for (const PipelineConfig& pipeline : project_.pipelines) {
      if (pipeline.name.empty()) continue;
      const auto [found, is_new] = first.emplace(pipeline.name, &pipeline);
      if (is_new) continue;
      diagnostics_
          .Error("E1306", pipeline.document.At("pipeline").place(),
                 "two pipelines have the name `" + pipeline.name + "`")
          .notes.push_back("the other one is in " + found->second->file);
    }
  }

  void CheckTables() {
    std::map<std::string, std::string> user;  // Table -> "pipeline `a`".
    const auto claim = [&](const std::string& table, const Place& place, const std::string& who) {
      if (table.empty()) return;
      const auto [found, is_new] = user.emplace(table, who);
      if (is_new) return;
      diagnostics_.Error("E1305", place, "the table `" + table + "` has two writers")
          .notes.push_back("the other one is " + found->second);
    };
    for (const PipelineConfig& pipeline : project_.pipelines) {
      const std::string who = "pipeline `" + pipeline.name + "`";
      if (pipeline.lake) {
        claim(pipeline.lake->table, pipeline.document.At("lake").At("table").place(), who);
      }
      for (const StreamConfig& stream : pipeline.streams) {
        if (stream.late && !stream.late->table.empty()) {
          const ConfigNode late = pipeline.document.At("streams").At(stream.name).At("late");
          claim(stream.late->table, late.At("table").place(),
                "stream `" + stream.name + "` of " + who);
        }
        for (const ConfigNode& sink : stream.to) {
          const ConfigNode table = sink.At("table");
          if (table.is_scalar()) {
            claim(table.text(), table.place(), "stream `" + stream.name + "` of " + who);
          }
        }
      }
    }
  }

  const LoadRequest& request_;
  Diagnostics& diagnostics_;
  Environment environment_;
  Project project_;
  std::vector<std::string> pipeline_files_;
  std::vector<ConfigNode> documents_;
};

}  // namespace

const PipelineConfig* Project::FindPipeline(std::string_view name) const {
  for (const PipelineConfig& pipeline : pipelines) {
    if (pipeline.name == name) return &pipeline;
  }
  return nullptr;
}

Project ReadProject(const LoadRequest& request, Diagnostics& diagnostics) {
  return ProjectReader(request, diagnostics).Read();
}

std::optional<Project> LoadProject(const LoadRequest& request, Diagnostics& diagnostics) {
  const int64_t errors_before = diagnostics.error_count();
  Project project = ReadProject(request, diagnostics);
  if (diagnostics.error_count() != errors_before) return std::nullopt;
  return project;
}

}  // namespace catchwater
