/// \file
/// The form of `--help`: examples first, then what can be given.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace catchwater {

class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
};

}  // namespace catchwater
