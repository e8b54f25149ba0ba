#include "catchwater/component/reference.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "catchwater/config/describe_writers.h"
#include "catchwater/config/error_codes.h"
#include "catchwater/config/pipeline_config.h"
#include "catchwater/config/project_config.h"

namespace catchwater {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<ComponentKind, 4> kKinds{ComponentKind::kSource, ComponentKind::kCodec,
                                              ComponentKind::kStep, ComponentKind::kSink};
constexpr std::string_view kDraft = "https://json-schema.org/draft/2020-12/schema";

Json Slot(std::string_view what) {
  if (what == "window") {
    return {{"anyOf", Json::array({Json{{"const", "all"}}, Json{{"type", "object"}}})}};
  }
  for (const ComponentKind kind : kKinds) {
    if (what == ComponentKindName(kind)) return {{"$ref", "#/$defs/" + std::string(what)}};
  }
  return nullptr;
}

Json CommonDefinitions() {
  return {{"substitution", SubstitutionSchema()},
          {"duration", DurationSchema()},
          {"byte_size", ByteSizeSchema()}};
}

Json Document(std::string_view title, const StructDescription& description) {
  Json schema{{"$schema", kDraft}, {"title", title}};
  schema.update(StructSchema(description, Slot));
  schema["$defs"] = CommonDefinitions();
  return schema;
}

// True if the component works without any option: its name alone is enough.
bool NeedsNothing(const StructDescription& fields) {
  return std::none_of(fields.fields.begin(), fields.fields.end(),
                      [](const FieldDescription& field) { return field.is_required; });
}

// One alternative a component: a map of its name, with `beside` as further properties.
Json ComponentSchema(ComponentKind kind, const std::vector<Registry::Listing>& list,
                     const Json& beside) {
  Json forms = Json::array();
  Json names = Json::array();
  for (const Registry::Listing& listing : list) {
    if (listing.kind != kind) continue;
    Json options = StructSchema(listing.fields, Slot);
    options["description"] = listing.info.summary;
    Json properties{{listing.info.name, std::move(options)}};
    properties.update(beside);
    forms.push_back({{"type", "object"},
                     {"title", listing.info.name},
                     {"properties", std::move(properties)},
                     {"required", Json::array({listing.info.name})},
                     {"additionalProperties", false}});
    if (NeedsNothing(listing.fields)) names.push_back(listing.info.name);
  }
  if (!names.empty()) forms.push_back({{"enum", std::move(names)}});
  if (forms.empty()) return false;  // No component of this kind: nothing is valid.
  return {{"oneOf", std::move(forms)}};
}

// `source` holds options of its own beside the component.
Json SourceSchema(const std::vector<Registry::Listing>& list) {
  StructDescription beside;
  for (const FieldDescription& field : DescribeStruct<SourceSection>().fields) {
    if (!field.is_rest) beside.fields.push_back(field);
  }
  return ComponentSchema(ComponentKind::kSource, list, StructSchema(beside, Slot)["properties"]);
}

StructDescription Filled(StructDescription description, const std::vector<HeldOptions>& held);

TypeDescription Filled(TypeDescription type, const std::string& holds,
                       const std::vector<HeldOptions>& held) {
  if (type.item) {
    type.item = std::make_shared<TypeDescription>(Filled(*type.item, holds, held));
  }
  if (type.fields) type.fields = std::make_shared<StructDescription>(Filled(*type.fields, held));
  if (type.type != FieldType::kNode) return type;
  for (const HeldOptions& one : held) {
    if (one.what != holds) continue;
    type = {FieldType::kStruct, {}, {}, std::make_shared<StructDescription>(one.options)};
  }
  return type;
}

// With what the description itself leaves open.
StructDescription Filled(StructDescription description, const std::vector<HeldOptions>& held) {
  for (FieldDescription& field : description.fields) {
    field.type = Filled(std::move(field.type), field.holds, held);
  }
  return description;
}

std::string PageOf(const Registry::Listing& listing) {
  const std::string kind(ComponentKindName(listing.kind));
  std::string page =
      "# " + kind + " `" + listing.info.name + "`\n\n" + listing.info.summary + "\n\n";
  if (!listing.info.details.empty()) page += listing.info.details + "\n\n";
  page += "## Options\n\n" + OptionsTable(listing.fields);
  if (!listing.fields.short_for.empty()) {
    page += "\n`" + listing.info.name + ": value` is short for `" + listing.info.name + ": {" +
            listing.fields.short_for + ": value}`.\n";
  }
  page += "\n## Sample\n\n```yaml\n" + listing.info.name + ":\n" + SampleYaml(listing.fields, 2) +
          "```\n";
  return page;
}

std::string ListPage(const std::vector<Registry::Listing>& list) {
  std::string page = "# Components\n";
  for (const ComponentKind kind : kKinds) {
    const std::string name(ComponentKindName(kind));
    page += "\n## " + name + "s\n\n| name | what it does |\n| --- | --- |\n";
    for (const Registry::Listing& listing : list) {
      if (listing.kind != kind) continue;
      page += "| [`" + listing.info.name + "`](" + name + "-" + listing.info.name + ".md) | " +
              listing.info.summary + " |\n";
    }
  }
  return page;
}

arrow::Result<Registry::Listing> Find(const Registry& registry, std::string_view kind,
                                      std::string_view name) {
  std::string known;
  for (Registry::Listing& listing : registry.List()) {
    const std::string_view listed_kind = ComponentKindName(listing.kind);
    if (listed_kind == kind && listing.info.name == name) return std::move(listing);
    if (listed_kind == kind) known.append(known.empty() ? "" : ", ").append(listing.info.name);
  }
  if (known.empty()) return NotFound("Kind is none of source, codec, step, sink: ", kind);
  return NotFound("Component is not known, known ones of the kind and the name: ", known, "; ",
                  name);
}

std::string StructPage(std::string_view title, std::string_view intro,
                       const StructDescription& description) {
  return std::string("# ").append(title).append("\n\n").append(intro).append("\n\n## Options\n\n") +
         OptionsTable(description) + "\n## Sample\n\n```yaml\n" + SampleYaml(description, 0) +
         "```\n";
}

}  // namespace

Json PipelineJsonSchema(const Registry& registry, const std::vector<HeldOptions>& held) {
  const std::vector<Registry::Listing> list = registry.List();
  Json schema = Document("Catchwater pipeline", Filled(DescribeStruct<PipelineConfig>(), held));
  schema["properties"]["source"] = {{"$ref", "#/$defs/source"},
                                    {"description", "Where records come from."}};
  Json& definitions = schema["$defs"];
  definitions["source"] = SourceSchema(list);
  definitions["codec"] = ComponentSchema(ComponentKind::kCodec, list, Json::object());
  definitions["step"] = ComponentSchema(ComponentKind::kStep, list, Json::object());
  definitions["sink"] = ComponentSchema(ComponentKind::kSink, list, Json::object());
  // Results of a stream may also go to a table of the lake.
  Json& to = schema["properties"]["streams"]["additionalProperties"]["properties"]["to"]["items"];
  to = {{"anyOf", Json::array({Json{{"$ref", "#/$defs/sink"}},
                               Json{{"type", "object"},
                                    {"properties", {{"table", {{"type", "string"}}}}},
                                    {"required", Json::array({"table"})},
                                    {"additionalProperties", false}}})}};
  return schema;
}

Json ProjectJsonSchema() {
  return Document("Catchwater project", DescribeStruct<ProjectSettings>());
}

arrow::Result<std::string> ReferencePage(const Registry& registry, std::string_view kind,
                                         std::string_view name) {
  ARROW_ASSIGN_OR_RAISE(const Registry::Listing listing, Find(registry, kind, name));
  return PageOf(listing);
}

arrow::Result<std::string> ComponentSample(const Registry& registry, std::string_view kind,
                                           std::string_view name) {
  ARROW_ASSIGN_OR_RAISE(const Registry::Listing listing, Find(registry, kind, name));
  return listing.info.name + ":\n" + SampleYaml(listing.fields, 2);
}

std::vector<std::pair<std::string, std::string>> ReferencePages(
    const Registry& registry, const std::vector<HeldOptions>& held) {
  std::vector<std::pair<std::string, std::string>> pages;
  const std::vector<Registry::Listing> list = registry.List();
  for (const Registry::Listing& listing : list) {
    pages.emplace_back(
        std::string(ComponentKindName(listing.kind)) + "-" + listing.info.name + ".md",
        PageOf(listing));
  }
  pages.emplace_back("components.md", ListPage(list));
  pages.emplace_back("errors.md", ErrorCodesPage(ErrorCodeTable::WithConfigCodes()));
  pages.emplace_back("pipeline.md",
                     StructPage("Pipeline file", "`pipelines/*.yaml`, one file a pipeline.",
                                Filled(DescribeStruct<PipelineConfig>(), held)));
  pages.emplace_back("project.md",
                     StructPage("Project file", "`catchwater.yaml`. All of it has defaults.",
                                DescribeStruct<ProjectSettings>()));
  std::sort(pages.begin(), pages.end());
  return pages;
}

}  // namespace catchwater
