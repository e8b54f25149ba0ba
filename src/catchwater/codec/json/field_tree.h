/// \file
/// Which members of a value are wanted: the steps of all paths, joined at their common beginnings.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catchwater/codec/json/json_path.h"

namespace catchwater {

/// Immutable after the last Add.
class FieldTree {
 public:
  static constexpr int32_t kNone = -1;
  static constexpr int32_t kRoot = 0;

  /// Adds a path from the root. \pre no step is kAll
  /// \return the number of its target; the same for an equal path
  int32_t Add(const JsonSteps& steps);

  int32_t target_count() const { return target_count_; }
  /// The target of a node, or kNone.
  int32_t target(int32_t node) const { return nodes_[static_cast<size_t>(node)].target; }
  bool has_members(int32_t node) const {
    return !nodes_[static_cast<size_t>(node)].members.empty();
  }
  bool has_elements(int32_t node) const {
    return !nodes_[static_cast<size_t>(node)].elements.empty();
  }
  int32_t node_count() const { return static_cast<int32_t>(nodes_.size()); }
  /// The node at the end of the steps, or kNone.
  int32_t Find(const JsonSteps& steps) const;

  /// The node of a key below `node`, or kNone. `hint` is where the search begins: the place behind
  /// the last key that was found, since keys mostly come in one order.
  int32_t Member(int32_t node, std::string_view key, uint32_t& hint) const {
    const auto& members = nodes_[static_cast<size_t>(node)].members;
    const auto count = static_cast<uint32_t>(members.size());
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t place = hint + i < count ? hint + i : hint + i - count;
      if (members[place].first != key) continue;
      hint = place + 1 < count ? place + 1 : 0;
      return members[place].second;
    }
    return kNone;
  }
  /// The node of an element below `node`, or kNone.
  int32_t Element(int32_t node, int64_t index) const {
    for (const auto& [wanted, child] : nodes_[static_cast<size_t>(node)].elements) {
      if (wanted == index) return child;
    }
    return kNone;
  }

 private:
  struct Node {
    std::vector<std::pair<std::string, int32_t>> members{};
    std::vector<std::pair<int64_t, int32_t>> elements{};
    int32_t target = kNone;
  };

  std::vector<Node> nodes_{1};
  int32_t target_count_ = 0;
};

}  // namespace catchwater
