/// \file
/// What a ConfigNode points to. Private to config/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "catchwater/config/yaml_tree.h"

namespace catchwater {

struct ConfigNode::Content {
  Kind kind = Kind::kMissing;
  std::string text;  ///< kScalar: after substitution. kNull: as written ("", "~", "null").
  std::string raw;   ///< kScalar: before substitution, kept where it differs.
  bool is_quoted = false;
  bool is_substituted = false;
  bool is_unknown = false;  ///< Substitution failed and was reported: no value to judge.
  std::vector<ConfigNode> items;
  std::vector<ConfigEntry> entries;
  Place place;
  int64_t node_count = 1;  ///< With aliases counted as often as they are used.
};

}  // namespace catchwater
