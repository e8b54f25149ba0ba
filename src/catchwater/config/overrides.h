/// \file
/// `--set source.file.path=x`: one setting of a pipeline's tree replaced.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "catchwater/config/diagnostic.h"
#include "catchwater/config/environment.h"
#include "catchwater/config/yaml_tree.h"

namespace catchwater {

/// One part of a path: a key or an index, `steps[0]` is two of them.
struct PathPart {
  std::string key;
  int64_t index = -1;  ///< -1: a key.
  Place place;         ///< In the flag.
};

struct Override {
  std::shared_ptr<const SourceText> source;  ///< The flag's text, named `--set`.
  std::vector<PathPart> path;
  ConfigNode value;
};

/// Reads `path=value`; keys with dots stand in double quotes, the value is YAML. \return false if
/// it is malformed (E1015, or E10xx of the value)
bool ParseOverride(const std::string& flag, const Environment& environment,
                   Diagnostics& diagnostics, Override& out);

/// Returns the tree with the value put in from `path[first]` on; maps on the way are made where
/// they are missing. E1310 where the path goes through something else. An option that does not
/// exist is found by the reader, with its place in the flag.
ConfigNode ApplyOverride(const ConfigNode& document, const Override& override_, size_t first,
                         Diagnostics& diagnostics);

}  // namespace catchwater
