#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "catchwater/base/error.h"
#include "catchwater/cli/templates.h"
#include "catchwater/cli/workspace.h"
#include "catchwater/config/diagnostic.h"

namespace catchwater {
namespace {

namespace fs = std::filesystem;

struct InitArguments {
  std::string template_name;
  std::string folder;
};

struct TemplateInfo {
  const char* name;
  const char* summary;
  const char* next;         ///< Behind the commands that every project has.
  const char* before = "";  ///< Before them.
};

constexpr TemplateInfo kTemplates[] = {
    {"files", "CSV files in a folder, exactly once into a table",
     "  catchwater query --project FOLDER \"SELECT sensor_id, count(*) AS readings FROM "
     "files.readings GROUP BY ALL\"\n  catchwater verify FOLDER\n"},
    {"sensors", "a day of 58 simulated sensors with duplicates, late and broken records",
     "  catchwater query --project FOLDER \"SELECT count(*) FROM sensors.readings\"\n"
     "  catchwater verify FOLDER\n"},
    {"passengers", "totals and means per sensor of a CSV file, no lake needed", ""},
    {"base_stations", "a telecom operator's stations: alarms before they happen, two tenants",
     "  catchwater query --project FOLDER \"SELECT kind, state, station_id, since, why FROM "
     "north.alerts ORDER BY since\"\n"
     "  catchwater query --project FOLDER \"$(cat FOLDER/queries/score.sql)\"\n"
     "  catchwater verify FOLDER\n"},
    {"data_lake", "a shop's four feeds into four tables, with their raw bytes and queries",
     "  catchwater query --project FOLDER \"$(cat FOLDER/queries/sales_by_product.sql)\"\n"
     "  catchwater verify FOLDER\n",
     "  catchwater simulate --profile shop --output FOLDER/feeds\n"},
};

const TemplateInfo* FindTemplate(const std::string& name) {
  for (const TemplateInfo& info : kTemplates) {
    if (name == info.name) return &info;
  }
  return nullptr;
}

void ListTemplates() {
  std::cout << "Templates:\n";
  for (const TemplateInfo& info : kTemplates) {
    std::string name = info.name;
    name.resize(15, ' ');
    std::cout << "  " << name << info.summary << "\n";
  }
  std::cout << "\nNext: catchwater init files my-project\n";
}

arrow::Status UnknownTemplate(const std::string& name) {
  std::vector<std::string> names;
  std::string list;
  for (const TemplateInfo& info : kTemplates) {
    names.emplace_back(info.name);
    list += (list.empty() ? "" : ", ") + names.back();
  }
  const std::string_view nearest = Nearest(name, names);
  const std::string hint =
      nearest.empty() ? "" : "\n  = help: did you mean `" + std::string(nearest) + "`?";
  return ConfigError("There is no such template: ", name, "\n  = note: templates: ", list, hint);
}

/// Nothing is written unless all of it can be.
arrow::Status WriteTemplate(Files& files, const std::string& name, const fs::path& folder) {
  for (const TemplateFile& file : TemplateFiles()) {
    const std::string path = (folder / file.path).string();
    if (file.template_name == name && files.Stat(path).ok()) {
      return AlreadyExists("File exists and is not overwritten: ", path,
                           "\n  = help: choose another folder");
    }
  }
  for (const TemplateFile& file : TemplateFiles()) {
    if (file.template_name != name) continue;
    const fs::path path = folder / file.path;
    ARROW_RETURN_NOT_OK(files.CreateDirectories(path.parent_path().string()));
    ARROW_RETURN_NOT_OK(files.WriteNew(path.string(), file.content));
    std::cerr << "wrote " << path.string() << "\n";
  }
  return arrow::Status::OK();
}

std::string WithFolder(std::string text, const std::string& folder) {
  constexpr std::string_view kMark = "FOLDER";
  for (size_t at = 0; (at = text.find(kMark, at)) != text.npos; at += folder.size()) {
    text.replace(at, kMark.size(), folder);
  }
  return text;
}

ExitCode Init(const InitArguments& arguments) {
  if (arguments.template_name.empty()) {
    ListTemplates();
    return ExitCode::kOk;
  }
  const TemplateInfo* info = FindTemplate(arguments.template_name);
  if (info == nullptr) {
    ReportFailure(UnknownTemplate(arguments.template_name));
    return ExitCode::kUsage;
  }
  const std::string folder = arguments.folder.empty() ? info->name : arguments.folder;
  const auto files = MakeLocalFiles();
  const arrow::Status status = WriteTemplate(*files, info->name, folder);
  if (!status.ok()) return ReportFailure(status);
  std::cout << "Next:\n"
            << WithFolder(info->before + std::string("  catchwater run FOLDER --until-idle\n") +
                              info->next,
                          folder);
  return ExitCode::kOk;
}

}  // namespace

void AddInitVerb(Command& program, GlobalOptions& /*globals*/) {
  Command& verb = program.Sub("init", "Write a project that runs, from a template");
  auto arguments = std::make_shared<InitArguments>();
  verb.Option(
      "template", arguments->template_name,
      "files, sensors, passengers, base_stations or data_lake; without it the templates are "
      "listed");
  verb.Option("folder", arguments->folder, "Folder to write (default: the template's name)");
  verb.Runs([arguments] { return Init(*arguments); });
}

}  // namespace catchwater
