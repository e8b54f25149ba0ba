/// \file
/// What is generated from the registry: the JSON Schema of a pipeline file and the reference pages.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>
#include <nlohmann/json_fwd.hpp>

#include "catchwater/component/registry.h"

namespace catchwater {

/// What stands at fields that are `Holds{what}`, where the registry does not know it: options that
/// are described in a room above `config`.
struct HeldOptions {
  std::string what;
  StructDescription options;
};

/// JSON Schema (draft 2020-12) of a whole pipeline file with all components of the registry.
nlohmann::ordered_json PipelineJsonSchema(const Registry& registry,
                                          const std::vector<HeldOptions>& held = {});
/// The same of `catchwater.yaml`.
nlohmann::ordered_json ProjectJsonSchema();

/// Markdown page of one component: "source", "file". \retval kNotFound with what there is
arrow::Result<std::string> ReferencePage(const Registry& registry, std::string_view kind,
                                         std::string_view name);

/// YAML of one component with all its options, as `source: {...}` and so on would hold it.
/// \retval kNotFound
arrow::Result<std::string> ComponentSample(const Registry& registry, std::string_view kind,
                                           std::string_view name);

/// Every page of docs/reference: (file name, Markdown), `pipeline.md`, `project.md`,
/// `components.md` (the list), `source-file.md`, ..., `errors.md`; by file name.
std::vector<std::pair<std::string, std::string>> ReferencePages(
    const Registry& registry, const std::vector<HeldOptions>& held = {});

}  // namespace catchwater
