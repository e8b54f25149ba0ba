/// \file
/// The list of components that this program has. Filled by explicit functions at start:
///
///   arrow::Status RegisterFileSource(Registry& registry) {
///     return registry.AddSource<FileSourceConfig>(
///         {.name = "file", .summary = "Reads files and folders."},
///         [](FileSourceConfig config, const SourceContext& context)
///             -> arrow::Result<std::unique_ptr<Source>> { ... });
///   }
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/error.h"
#include "catchwater/component/codec.h"
#include "catchwater/component/context.h"
#include "catchwater/component/delivery_options.h"
#include "catchwater/component/sink.h"
#include "catchwater/component/source.h"
#include "catchwater/component/step.h"
#include "catchwater/config/config_reader.h"
#include "catchwater/config/struct_description.h"

namespace catchwater {

enum class ComponentKind { kSource, kCodec, kStep, kSink };
/// "source", "codec", "step", "sink".
std::string_view ComponentKindName(ComponentKind kind);

struct ComponentInfo {
  std::string name{};     ///< The key in YAML.
  std::string summary{};  ///< A sentence.
  std::string details{};  ///< Markdown for the reference page: guarantees, limits, examples.
  /// Sources: parts of a message that a column can come from, as in `from`. `header[]` stands for
  /// `header[...]`.
  std::vector<std::string> frame_columns{};
  /// Sources: takes what is sent to it; there is no past to look at without taking part.
  bool is_live = false;
  /// Sources: the members of a group, in several processes, share the partitions.
  bool is_group = false;
};

/// A step tells which columns it needs and adds, so that mistakes are found before any row flows.
/// Filled from the optional methods of a step's config struct:
///   std::vector<std::string> ColumnsRead() const;      must exist in its input
///   std::vector<std::string> ColumnsAdded() const;     exist after it
///   bool AddsUnknownColumns() const;                   more may appear: no checks behind it
struct StepColumns {
  std::vector<std::string> read;
  std::vector<std::string> added;
  bool adds_unknown = false;
};

/// A component that is chosen and configured, not yet made. `make` may be called many times.
template <class Made, class Context>
struct Chosen {
  std::string name;
  ConfigNode config;  ///< What stands under the name.
  std::function<arrow::Result<std::unique_ptr<Made>>(const Context&)> make;
  StepColumns columns;                       ///< Steps only.
  std::vector<std::string> frame_columns{};  ///< Sources only, as `is_live`: see ComponentInfo.
  bool is_live = false;
  bool is_group = false;
  /// Sinks only: the config's member `delivery`; none: it takes results of streams only.
  std::optional<DeliveryOptions> delivery{};
};
struct NoContext {};
using ChosenSource = Chosen<Source, SourceContext>;
using ChosenCodec = Chosen<Codec, NoContext>;
using ChosenStep = Chosen<Step, StepContext>;
using ChosenSink = Chosen<Sink, SinkContext>;

/// One thread while it is filled, then any thread.
class Registry {
 public:
  /// `factory(Config, const SourceContext&) -> arrow::Result<std::unique_ptr<Source>>`; the others
  /// alike, a codec's factory takes the config only.
  /// \retval kAlreadyExists if the kind has a component of this name
  template <Described Config, class Factory>
  arrow::Status AddSource(ComponentInfo info, Factory factory) {
    return Add<Config, Source, SourceContext>(ComponentKind::kSource, std::move(info), sources_,
                                              std::move(factory));
  }
  template <Described Config, class Factory>
  arrow::Status AddCodec(ComponentInfo info, Factory factory) {
    return Add<Config, Codec, NoContext>(
        ComponentKind::kCodec, std::move(info), codecs_,
        [factory = std::move(factory)](Config config, const NoContext&) {
          return factory(std::move(config));
        });
  }
  template <Described Config, class Factory>
  arrow::Status AddStep(ComponentInfo info, Factory factory) {
    return Add<Config, Step, StepContext>(ComponentKind::kStep, std::move(info), steps_,
                                          std::move(factory));
  }
  template <Described Config, class Factory>
  arrow::Status AddSink(ComponentInfo info, Factory factory) {
    return Add<Config, Sink, SinkContext>(ComponentKind::kSink, std::move(info), sinks_,
                                          std::move(factory));
  }

  /// Reads a component node: a map of one key (`{file: {...}}`), or a name (`json`, short for
  /// `{json: {}}`). \return nothing if there was an error, which is in the diagnostics: E1301
  /// unknown component with "did you mean", and those of the component's own fields
  std::optional<ChosenSource> ChooseSource(const ConfigNode& node, Diagnostics& diagnostics) const;
  std::optional<ChosenCodec> ChooseCodec(const ConfigNode& node, Diagnostics& diagnostics) const;
  std::optional<ChosenStep> ChooseStep(const ConfigNode& node, Diagnostics& diagnostics) const;
  std::optional<ChosenSink> ChooseSink(const ConfigNode& node, Diagnostics& diagnostics) const;

  /// True unless the step is known to leave the columns as they are, however it is configured.
  bool MayAddColumns(const ConfigNode& step) const;

  /// Makes a codec of a name with its defaults. \retval kNotFound
  arrow::Result<std::unique_ptr<Codec>> MakeCodec(std::string_view name) const;
  /// Makes a codec from a node as above. \retval kConfig with the first diagnostic
  arrow::Result<std::unique_ptr<Codec>> MakeCodec(const ConfigNode& node) const;

  struct Listing {
    ComponentKind kind;
    ComponentInfo info;
    StructDescription fields;
  };
  /// All components, by kind, then by name.
  std::vector<Listing> List() const;
  std::vector<std::string> Names(ComponentKind kind) const;

 private:
  template <class Made, class Context>
  struct Entry {
    ComponentInfo info;
    std::function<StructDescription()> describe;
    bool may_add_columns = false;
    /// Reads the config under the name into chosen.make; false if there were errors.
    std::function<bool(const ConfigNode&, Diagnostics&, Chosen<Made, Context>&)> choose;
  };
  template <class Made, class Context>
  using Entries = std::vector<Entry<Made, Context>>;

  template <class Config, class Made, class Context, class Factory>
  arrow::Status Add(ComponentKind kind, ComponentInfo info, Entries<Made, Context>& entries,
                    Factory factory);
  template <class Made, class Context>
  std::optional<Chosen<Made, Context>> Choose(ComponentKind kind,
                                              const Entries<Made, Context>& entries,
                                              const ConfigNode& node,
                                              Diagnostics& diagnostics) const;

  Entries<Source, SourceContext> sources_;
  Entries<Codec, NoContext> codecs_;
  Entries<Step, StepContext> steps_;
  Entries<Sink, SinkContext> sinks_;
};

template <class Config, class Made, class Context, class Factory>
arrow::Status Registry::Add(ComponentKind kind, ComponentInfo info, Entries<Made, Context>& entries,
                            Factory factory) {
  for (const auto& entry : entries) {
    if (entry.info.name != info.name) continue;
    return AlreadyExists("Component is registered twice, kind and name: ", ComponentKindName(kind),
                         " ", info.name);
  }
  const std::string where = std::string(ComponentKindName(kind)) + " `" + info.name + "`";
  auto choose = [where, factory = std::move(factory)](const ConfigNode& node,
                                                      Diagnostics& diagnostics,
                                                      Chosen<Made, Context>& chosen) {
    Config config;
    if (!ReadConfig(node, where, diagnostics, config)) return false;
    if constexpr (requires { config.ColumnsRead(); }) chosen.columns.read = config.ColumnsRead();
    if constexpr (requires { config.ColumnsAdded(); }) chosen.columns.added = config.ColumnsAdded();
    if constexpr (requires { config.AddsUnknownColumns(); }) {
      chosen.columns.adds_unknown = config.AddsUnknownColumns();
    }
    if constexpr (std::is_same_v<Made, Sink> && requires { config.delivery; }) {
      chosen.delivery = config.delivery;
    }
    chosen.make = [config, factory](const Context& context) { return factory(config, context); };
    return true;
  };
  constexpr bool kMayAddColumns = requires(const Config config) { config.ColumnsAdded(); }
  || requires(const Config config) { config.AddsUnknownColumns(); };
  entries.push_back({std::move(info), [] { return DescribeStruct<Config>(); }, kMayAddColumns,
                     std::move(choose)});
  return arrow::Status::OK();
}

}  // namespace catchwater
