#include "catchwater/codec/avro/avro_plan.h"

#include <algorithm>

namespace catchwater {
namespace {

using Kind = AvroNode::Kind;

/// The whole path may be one field's name: names of other systems have points in them.
void Add(const AvroNode& node, std::string_view path, size_t column, AvroPlan& plan) {
  if (node.kind == Kind::kUnion) {
    plan.children.resize(node.children.size());
    for (size_t i = 0; i < node.children.size(); ++i) {
      Add(node.children[i], path, column, plan.children[i]);
    }
    return;
  }
  if (path.empty()) {
    plan.columns.push_back(column);
    return;
  }
  if (node.kind != Kind::kRecord) return;
  for (size_t i = 0; i < node.fields.size(); ++i) {
    const std::string_view name = node.fields[i].name;
    if (!path.starts_with(name)) continue;
    const std::string_view rest = path.substr(name.size());
    if (!rest.empty() && rest.front() != '.') continue;
    plan.children.resize(node.fields.size());
    Add(node.fields[i].type, rest.substr(std::min<size_t>(rest.size(), 1)), column,
        plan.children[i]);
    return;
  }
}

/// Takes away the children of what nobody wants, so that it is skipped at once.
bool Prune(AvroPlan& plan) {
  bool has_any = false;
  for (AvroPlan& child : plan.children) has_any = Prune(child) || has_any;
  if (!has_any) plan.children.clear();
  return has_any || !plan.columns.empty();
}

}  // namespace

AvroPlan PlanAvro(const AvroNode& schema, const std::vector<Column>& columns) {
  AvroPlan plan;
  for (size_t i = 0; i < columns.size(); ++i) {
    Add(schema, columns[i].from.empty() ? columns[i].name : columns[i].from, i, plan);
  }
  Prune(plan);
  return plan;
}

}  // namespace catchwater
