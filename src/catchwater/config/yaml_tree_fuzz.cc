// Fuzz target: any bytes as a pipeline file. Nothing may crash, hang or grow without bound, every
// place must lie in the text, and what is written as YAML must read back as the same tree.
#include "catchwater/config/yaml_tree.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "catchwater/base/error.h"
#include "catchwater/config/pipeline_config.h"

namespace catchwater {
namespace {

void CheckPlaces(const ConfigNode& node) {
  const Place& place = node.place();
  CATCHWATER_CHECK(place.source != nullptr, "a node of a file has its file");
  CATCHWATER_CHECK(place.line >= 1 && place.line <= place.source->line_count() + 1,
                   "a place is in the file");
  for (const ConfigNode& item : node.items()) CheckPlaces(item);
  for (const ConfigEntry& entry : node.entries()) {
    CATCHWATER_CHECK(node.Find(entry.key) == &entry, "keys are unique");
    CheckPlaces(entry.value);
  }
}

bool IsSame(const ConfigNode& a, const ConfigNode& b) {
  if (a.kind() != b.kind() || a.text() != b.text()) return false;
  if (a.items().size() != b.items().size() || a.entries().size() != b.entries().size()) {
    return false;
  }
  for (size_t i = 0; i < a.items().size(); ++i) {
    if (!IsSame(a.items()[i], b.items()[i])) return false;
  }
  for (size_t i = 0; i < a.entries().size(); ++i) {
    if (a.entries()[i].key != b.entries()[i].key) return false;
    if (!IsSame(a.entries()[i].value, b.entries()[i].value)) return false;
  }
  return true;
}

void Run(const std::string& text) {
  const Environment environment = Environment::FromMap({{"A", "value"}}, {{"f", "secret"}});
  // Small limits, so that trees of aliases can be walked here.
  const YamlLimits limits{.byte_count_max = 1 << 16, .depth_max = 32, .node_count_max = 2'000};
  Diagnostics diagnostics;
  const ConfigNode tree = ParseYaml(std::make_shared<const SourceText>("fuzz.yaml", text),
                                    environment, diagnostics, limits);
  const std::string first = Render(diagnostics, RenderOptions{});
  CATCHWATER_CHECK(!tree.is_missing() || diagnostics.has_errors(), "a failure is explained");
  if (tree.is_missing()) return;
  CATCHWATER_CHECK(tree.node_count() <= limits.node_count_max + 1, "the limit holds");
  CheckPlaces(tree);
  if (!diagnostics.has_errors()) {
    Diagnostics again;
    const ConfigNode back = ParseYamlText("again.yaml", ToYaml(tree), environment, again);
    CATCHWATER_CHECK(!again.has_errors(), "what was written is YAML");
    CATCHWATER_CHECK(IsSame(tree, back), "what was written reads back as the same");
  }
  const PipelineConfig pipeline = ReadPipeline(tree, diagnostics);
  const std::string all = Render(diagnostics, RenderOptions{});
  CATCHWATER_CHECK(all.size() >= first.size(), "errors are kept");
}

}  // namespace
}  // namespace catchwater

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t byte_count) {
  catchwater::Run(std::string(reinterpret_cast<const char*>(bytes), byte_count));
  return 0;
}
