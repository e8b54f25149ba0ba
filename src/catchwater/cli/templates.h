/// \file
/// The projects that `catchwater init` writes: the files of examples/, put into the program by
/// cmake/Templates.cmake.
#pragma once

#include <string_view>
#include <vector>

namespace catchwater {

struct TemplateFile {
  std::string_view template_name;  ///< "files"
  std::string_view path;           ///< In the project: "pipelines/readings.yaml"
  std::string_view content;
};

const std::vector<TemplateFile>& TemplateFiles();

}  // namespace catchwater
