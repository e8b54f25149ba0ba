#include "catchwater/codec/json/field_tree.h"

#include "catchwater/base/error.h"

namespace catchwater {

int32_t FieldTree::Add(const JsonSteps& steps) {
  int32_t node = kRoot;
  for (const JsonStep& step : steps) {
    CATCHWATER_CHECK(step.kind != JsonStep::Kind::kAll, "a field is one value");
    const bool is_member = step.kind == JsonStep::Kind::kKey;
    uint32_t hint = 0;
    int32_t child = is_member ? Member(node, step.key, hint) : Element(node, step.index);
    if (child == kNone) {
      child = node_count();
      nodes_.emplace_back();
      Node& parent = nodes_[static_cast<size_t>(node)];
      if (is_member) parent.members.emplace_back(step.key, child);
      if (!is_member) parent.elements.emplace_back(step.index, child);
    }
    node = child;
  }
  int32_t& target = nodes_[static_cast<size_t>(node)].target;
  if (target == kNone) target = target_count_++;
  return target;
}

int32_t FieldTree::Find(const JsonSteps& steps) const {
  int32_t node = kRoot;
  for (const JsonStep& step : steps) {
    uint32_t hint = 0;
    node = step.kind == JsonStep::Kind::kKey ? Member(node, step.key, hint)
                                             : Element(node, step.index);
    if (node == kNone) return kNone;
  }
  return node;
}

}  // namespace catchwater
