// The verbs that only print what the program knows of itself: schema, doc, version.
#include <filesystem>
#include <fstream>
#include <iostream>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"
#include "catchwater/cli/components.h"
#include "catchwater/cli/run_errors.h"
#include "catchwater/cli/version.h"
#include "catchwater/cli/workspace.h"
#include "catchwater/component/reference.h"
#include "catchwater/config/error_codes.h"
#include "catchwater/control/amqp_control.h"

namespace catchwater {
namespace {

struct DocArguments {
  std::vector<std::string> topic;
  std::string all_to;
};

std::vector<HeldOptions> Held() {
  return {{.what = "queue", .options = DescribeStruct<AmqpControlConfig>()}};
}

/// With the codes of running, which the registry does not know.
std::vector<std::pair<std::string, std::string>> Pages(const Registry& registry) {
  auto pages = ReferencePages(registry, Held());
  for (auto& [name, page] : pages) {
    if (name == "errors.md") page = ErrorCodesPage(AllErrorCodes());
  }
  return pages;
}

arrow::Status WritePages(const Registry& registry, const std::string& folder) {
  std::filesystem::create_directories(folder);
  for (const auto& [name, page] : Pages(registry)) {
    std::ofstream file(std::filesystem::path(folder) / name, std::ios::binary);
    file << page;
    if (!file) return Unavailable("Page could not be written: ", folder, "/", name);
  }
  return arrow::Status::OK();
}

arrow::Status PrintDoc(const Registry& registry, const DocArguments& arguments) {
  if (!arguments.all_to.empty()) return WritePages(registry, arguments.all_to);
  if (arguments.topic.size() == 1) {
    const std::string& topic = arguments.topic.front();
    const ErrorCodeTable codes = AllErrorCodes();
    if (const ErrorCode* code = codes.Find(topic)) {
      std::cout << ErrorCodePage(*code);
      return arrow::Status::OK();
    }
    for (const auto& [name, page] : Pages(registry)) {
      if (name == topic + ".md") {
        std::cout << page;
        return arrow::Status::OK();
      }
    }
    return NotFound("There is no such error code or page: ", topic,
                    "\n  = help: `catchwater doc` lists the pages");
  }
  if (arguments.topic.size() == 2) {
    ARROW_ASSIGN_OR_RAISE(const std::string page,
                          ReferencePage(registry, arguments.topic[0], arguments.topic[1]));
    std::cout << page;
    return arrow::Status::OK();
  }
  for (const auto& [name, page] : Pages(registry)) {
    std::cout << name.substr(0, name.size() - 3) << "\n";
  }
  return arrow::Status::OK();
}

ExitCode WithRegistry(const std::function<arrow::Status(const Registry&)>& call) {
  Registry registry;
  arrow::Status status = RegisterComponents(registry);
  if (status.ok()) status = call(registry);
  return status.ok() ? ExitCode::kOk : ReportFailure(status);
}

}  // namespace

void AddSchemaVerb(Command& program, GlobalOptions& /*globals*/) {
  Command& verb = program.Sub("schema", "Print the JSON Schema of pipeline files");
  auto is_project = std::make_shared<bool>(false);
  verb.Flag("--project-file", *is_project, "The schema of catchwater.yaml instead");
  verb.Runs([is_project] {
    return WithRegistry([&](const Registry& registry) {
      std::cout
          << (*is_project ? ProjectJsonSchema() : PipelineJsonSchema(registry, Held())).dump(2)
          << "\n";
      return arrow::Status::OK();
    });
  });
}

void AddDocVerb(Command& program, GlobalOptions& /*globals*/) {
  Command& verb = program.Sub("doc", "Explain an error code, a component or a page");
  auto arguments = std::make_shared<DocArguments>();
  verb.Option("topic", arguments->topic, "E1203, or `source file`, or a page").Words(0, 2);
  verb.Option("--all", arguments->all_to, "Write every reference page into this folder");
  verb.Runs([arguments] {
    return WithRegistry([&](const Registry& registry) { return PrintDoc(registry, *arguments); });
  });
}

void AddVersionVerb(Command& program, GlobalOptions& globals) {
  Command& verb = program.Sub("version", "Print the version");
  auto lists_steps = std::make_shared<bool>(false);
  verb.Flag("--steps", *lists_steps, "List the named steps at which a drill can stop");
  verb.Runs([&globals, lists_steps] {
    if (*lists_steps) {
      for (const FailPoint point : AllFailPoints()) std::cout << FailPointName(point) << "\n";
    } else if (globals.json) {
      std::cout << nlohmann::json{{"version", kVersion}}.dump() << "\n";
    } else {
      std::cout << "catchwater " << kVersion << "\n";
    }
    return ExitCode::kOk;
  });
}

}  // namespace catchwater
