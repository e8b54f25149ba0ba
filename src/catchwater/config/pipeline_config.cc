#include "catchwater/config/pipeline_config.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "catchwater/base/error.h"
#include "catchwater/base/timestamp.h"
#include "catchwater/base/timestamp_parser.h"
#include "catchwater/config/config_reader.h"

namespace catchwater {
namespace {

// Finds the place of what the reader already took: the tree is small, so by walking it again.
class PipelineReader {
 public:
  PipelineReader(const ConfigNode& document, Diagnostics& diagnostics)
      : document_(document), diagnostics_(diagnostics) {}

  PipelineConfig Read() {
    pipeline_.document = document_;
    if (document_.place().source) pipeline_.file = document_.place().source->name();
    // `source: simulate` is short for `source: {simulate: {}}`.
    ConfigNode normal = document_;
    const ConfigEntry* source = document_.Find("source");
    if (source != nullptr && source->value.is_scalar() && !source->value.is_unknown()) {
      const Place& place = source->value.place();
      ConfigEntry entry{source->value.text(), place, ConfigNode::Map({}, place)};
      normal =
          document_.With("source", ConfigNode::Map({std::move(entry)}, place), source->key_place);
    }
    const Where where{.owner = "the pipeline", .path = {}, .is_owner_implied = true};
    ReadConfig(normal, where, diagnostics_, pipeline_);
    TakeSource(normal.At("source"));
    if (!pipeline_.name.empty()) CheckName(pipeline_.name, document_.At("pipeline").place());
    TakeColumns();
    if (pipeline_.lake) TakeLake(document_.At("lake"));
    TakeStreams(document_.At("streams"));
    CheckControl(document_.At("control"));
    if (pipeline_.app_metrics) CheckAppMetrics(document_.At("app_metrics"));
    CheckDestinations();
    return std::move(pipeline_);
  }

 private:
  void CheckName(const std::string& name, const Place& place) {
    if (IsName(name)) return;
    diagnostics_.Error("E1210", place, "`" + name + "` is not a good name")
        .helps.emplace_back("use a letter, then letters, digits, `_` or `-`, at most 63 in all");
  }

  void TakeSource(const ConfigNode& node) {
    std::vector<ConfigEntry> entries;
    for (const auto& [name, options] : pipeline_.source.component) {
      const ConfigEntry* entry = node.Find(name);
      entries.push_back({name, entry != nullptr ? entry->key_place : node.place(), options});
    }
    pipeline_.source.node = ConfigNode::Map(std::move(entries), node.place());
  }

  void TakeColumns() {
    for (const auto& [name, config] : pipeline_.column_configs) {
      Column column = config;
      column.name = name;
      pipeline_.columns.push_back(std::move(column));
    }
    CheckOnce("event_time", &Column::is_event_time);
    CheckOnce("entity", &Column::is_entity);
    for (const Column& column : pipeline_.columns) CheckTime(column);
  }

  void CheckTime(const Column& column) {
    const ConfigNode node = document_.At("columns").At(column.name);
    if (const auto zone = TimestampParser::Make("", column.zone); !zone.ok()) {
      diagnostics_.Error("E1213", node.At("zone").place(), "`" + column.zone + "` is no time zone")
          .helps.emplace_back("use an IANA name such as `Europe/Paris`");
    }
    const auto format = TimestampParser::Make(column.format, "");
    if (format.ok()) return;
    Diagnostic& diagnostic = diagnostics_.Error("E1213", node.At("format").place(),
                                                "`" + column.format + "` is no time format");
    diagnostic.label = Nearest(column.format, {"iso", "epoch_s", "epoch_ms", "epoch_us"});
    if (!diagnostic.label.empty()) diagnostic.label = "did you mean `" + diagnostic.label + "`?";
    diagnostic.notes.push_back(ReasonOf(format.status(), column.format));
    diagnostic.helps.emplace_back(
        "use `iso`, `epoch_s`, `epoch_ms`, `epoch_us` or a pattern, e.g. `%d.%m.%Y %H:%M:%S`");
  }

  void CheckOnce(const std::string& mark, bool Column::*is_marked) {
    std::string first;
    for (const Column& column : pipeline_.columns) {
      if (!(column.*is_marked)) continue;
      if (!first.empty()) {
        const ConfigNode place = document_.At("columns").At(column.name).At(mark);
        diagnostics_.Error("E1304", place.place(), "a second column has `" + mark + ": true`")
            .notes.push_back("the first one is `" + first + "`");
      }
      first = column.name;
    }
  }

  void CheckTable(const std::string& table, const Place& place) {
    if (IsTableName(table)) return;
    diagnostics_.Error("E1211", place, "`" + table + "` is not a table name")
        .helps.emplace_back(
            "write `namespace.name`, both of lower-case letters, digits and `_`, e.g. "
            "`sensors.readings`");
  }

  // It ends with the text itself, which the reader sees anyway.
  static std::string ReasonOf(const arrow::Status& failure, const std::string& text) {
    std::string reason = failure.message();
    if (reason.ends_with(": " + text)) reason.resize(reason.size() - text.size() - 2);
    return reason;
  }

  void ReportExpression(const std::string& text, const std::string& what, const Place& place,
                        const arrow::Status& failure) {
    diagnostics_.Error("E1212", place, "`" + text + "` is no " + what).label =
        ReasonOf(failure, text);
  }

  void ReportNoEventTime(const Place& place, const std::string& what) {
    diagnostics_.Error("E1303", place, what)
        .helps.emplace_back("mark a column: `columns: {ts: {type: timestamp, event_time: true}}`");
  }

  template <class Field, class Parse>
  void TakeList(const std::vector<std::string>& texts, const ConfigNode& node,
                const std::string& what, Parse parse, std::vector<Field>& fields) {
    for (size_t i = 0; i < texts.size(); ++i) {
      auto field = parse(texts[i]);
      if (field.ok()) {
        fields.push_back(std::move(*field));
      } else if (i < node.items().size() && !node.items()[i].is_unknown()) {
        ReportExpression(texts[i], what, node.items()[i].place(), field.status());
      }
    }
  }

  void TakeLake(const ConfigNode& node) {
    LakeConfig& lake = *pipeline_.lake;
    if (!lake.table.empty()) CheckTable(lake.table, node.At("table").place());
    TakeList(lake.partition_texts, node.At("partition"), "partition", ParsePartitionField,
             lake.partition);
    TakeList(lake.sort_texts, node.At("sort"), "sort order", ParseSortField, lake.sort);
    std::set<std::string> seen;
    for (const PartitionSetting& field : lake.partition) {
      if (seen.insert(FormatPartitionField(field)).second) continue;
      diagnostics_.Error("E1311", node.At("partition").place(),
                         "the partition `" + FormatPartitionField(field) + "` is given twice");
    }
    if (lake.retain && pipeline_.event_time() == nullptr) {
      ReportNoEventTime(node.Find("retain")->key_place, "`retain` needs the time of each row");
    }
  }

  void TakeStreams(const ConfigNode& node) {
    for (auto& [name, config] : pipeline_.stream_configs) {
      const ConfigEntry* entry = node.Find(name);
      if (entry == nullptr) continue;
      CheckName(name, entry->key_place);
      StreamConfig stream = config;
      stream.name = name;
      TakeStream(entry->value, stream);
      pipeline_.streams.push_back(std::move(stream));
    }
  }

  /// A stream has `window` and `compute`, or `detect`, or `coverage`, or `script`.
  void CheckStreamKind(const ConfigNode& node, const StreamConfig& stream) {
    const ConfigEntry* other = nullptr;
    for (const std::string_view name : {"script", "coverage", "detect"}) {
      const ConfigEntry* entry = node.Find(name);
      if (entry != nullptr) other = entry;
    }
    if (other == nullptr) {
      for (const std::string_view name : {"window", "compute"}) {
        if (node.Find(name) != nullptr) continue;
        diagnostics_
            .Error("E1201", node.place(),
                   "option `" + std::string(name) + "` is missing in a stream")
            .helps.emplace_back(
                "a stream has `window` and `compute`, or `detect`, or `coverage`, or `script`");
      }
      return;
    }
    for (const std::string_view name : {"window", "compute", "coverage", "script"}) {
      const ConfigEntry* entry = node.Find(name);
      if (entry == nullptr || entry == other) continue;
      // Detectors see each row by itself anyway.
      const bool is_none = name == "window" && stream.window.over == WindowOver::kNone;
      if (is_none && other->key == "detect") continue;
      diagnostics_.Error(
          "E1405", entry->key_place,
          "`" + std::string(name) + "` and `" + other->key + "` stand in one stream; make it two");
    }
  }

  /// A script sees all rows of the table in the order of commits, whatever their key and time.
  void CheckScript(const ConfigNode& node) {
    for (const std::string_view name :
         {"key", "late", "overrides", "keys_max", "state_bytes_max", "alarms"}) {
      const ConfigEntry* entry = node.Find(name);
      if (entry == nullptr) continue;
      diagnostics_
          .Error("E1405", entry->key_place,
                 "`" + std::string(name) + "` and `script` contradict each other")
          .helps.emplace_back("a script gets all rows of the table; it keeps what it needs itself");
    }
    if (!document_.At("lake").is_missing()) return;
    diagnostics_
        .Error("E1405", node.Find("script")->key_place,
               "`script` needs a table whose rows it is given")
        .helps.emplace_back("add `lake: {table: namespace.name}`");
  }

  /// With `window: all` rows come in any order, and no part of them can be told from the rest.
  void CheckUnordered(const ConfigNode& node, const StreamConfig& stream) {
    if (!stream.is_window_all() || !stream.detect.empty() || stream.coverage) return;
    for (const std::string_view name : {"from", "rows_per_second_max"}) {
      const ConfigEntry* entry = node.Find(name);
      if (entry == nullptr) continue;
      diagnostics_
          .Error("E1405", entry->key_place,
                 "`" + std::string(name) + "` and `window: all` contradict each other")
          .helps.emplace_back("use a window with `size`, or a step `select` before the stream");
    }
  }

  /// Each has what fits the stream's windows, and keys are told apart by columns of the key.
  void CheckOverrides(const ConfigNode& node, const StreamConfig& stream) {
    const WindowConfig& window = stream.window;
    for (size_t i = 0; i < stream.overrides.size() && i < node.items().size(); ++i) {
      const OverrideConfig& override = stream.overrides[i];
      const ConfigNode& item = node.items()[i];
      const auto contradict = [&](const char* what) {
        diagnostics_.Error("E1405", item.place(), what)
            .helps.emplace_back(
                "`overrides` are of streams with `window: {size: ...}` or "
                "`{session: ...}`, and change its lengths and `late: {allow}`");
      };
      if (!window.size && !window.session) {
        contradict("this stream has no windows of time that could be overridden");
      } else if ((override.size || override.every) && !window.size) {
        contradict("`size` and `every` override those of windows with a `size`");
      } else if (override.session && !window.session) {
        contradict("`session` overrides that of sessions");
      }
      const auto size = override.size ? override.size : window.size;
      const auto every = override.every ? override.every : window.every;
      if (size && every && *every > *size) contradict("`every` is longer than `size`");
      for (const auto& [column, values] : override.only) {
        if (std::ranges::find(stream.key, column) != stream.key.end()) continue;
        const ConfigEntry* entry = item.At("only").Find(column);
        diagnostics_
            .Error("E1405", entry == nullptr ? item.place() : entry->key_place,
                   "`" + column + "` is not in the `key` of this stream")
            .helps.emplace_back("all rows of a key have the same windows");
      }
    }
  }

  void TakeStream(const ConfigNode& node, StreamConfig& stream) {
    CheckStreamKind(node, stream);
    if (stream.script) CheckScript(node);
    const ConfigNode window = node.At("window");
    const bool needs_time =
        stream.window.size || stream.window.session || !stream.detect.empty() || stream.coverage;
    if (needs_time && pipeline_.event_time() == nullptr) {
      const bool is_window = !window.is_missing();
      ReportNoEventTime(is_window ? window.place() : node.place(),
                        is_window ? "a window of time needs the time of each row"
                                  : "detectors and coverage need the time of each row");
    }
    if (stream.late && !stream.late->table.empty()) {
      CheckTable(stream.late->table, node.At("late").At("table").place());
    }
    CheckUnordered(node, stream);
    CheckOverrides(node.At("overrides"), stream);
    if (!stream.from.empty()) {
      const LocalTime from = ToUtc(ParseIso(stream.from));
      stream.from_us = from.us;
      if (from.fault != TimeFault::kNone) {
        ReportExpression(stream.from, "time", node.At("from").place(),
                         BadData(TimeFaultText(from.fault)));
      } else if (pipeline_.event_time() == nullptr) {
        ReportNoEventTime(node.At("from").place(), "`from` needs the time of each row");
      }
    }
    const ConfigNode compute = node.At("compute");
    for (const auto& [name, text] : stream.compute_texts) {
      const ConfigEntry* entry = compute.Find(name);
      if (entry == nullptr || entry->value.is_unknown()) continue;
      if (std::find(stream.key.begin(), stream.key.end(), name) != stream.key.end()) {
        diagnostics_.Error("E1311", entry->key_place,
                           "the result column `" + name + "` has the name of a key column");
      }
      auto aggregate = ParseAggregate(text);
      if (aggregate.ok()) {
        aggregate->name = name;
        stream.compute.push_back(std::move(*aggregate));
      } else if (!text.empty()) {
        ReportExpression(text, "aggregate", entry->value.place(), aggregate.status());
      }
    }
    for (const ConfigNode& sink : stream.to) {
      const ConfigNode table = sink.At("table");
      if (table.is_scalar() && !table.is_unknown()) CheckTable(table.text(), table.place());
    }
  }

  void CheckControl(const ConfigNode& node) {
    std::vector<std::string> known;
    for (const StreamConfig& stream : pipeline_.streams) known.push_back(stream.name);
    for (size_t i = 0; i < pipeline_.control.size() && i < node.items().size(); ++i) {
      const ConfigNode apps = node.items()[i].At("apps");
      for (size_t j = 0; j < apps.items().size(); ++j) {
        const ConfigNode& app = apps.items()[j];
        if (!app.is_scalar() || std::find(known.begin(), known.end(), app.text()) != known.end()) {
          continue;
        }
        Diagnostic& error = diagnostics_.Error(
            "E1405", app.place(), "there is no stream `" + app.text() + "` in this pipeline");
        if (const std::string_view near = Nearest(app.text(), known); !near.empty()) {
          error.label = "did you mean `" + std::string(near) + "`?";
        }
      }
    }
    if (pipeline_.control.empty() || !document_.At("lake").is_missing()) return;
    diagnostics_
        .Error("E1405", document_.Find("control")->key_place,
               "only streams beside a lake can be switched")
        .helps.emplace_back("add `lake: {table: namespace.name}`");
  }

  void CheckAppMetrics(const ConfigNode& node) {
    if (!pipeline_.app_metrics->table.empty()) {
      CheckTable(pipeline_.app_metrics->table, node.At("table").place());
    }
    if (!document_.At("lake").is_missing()) return;
    diagnostics_
        .Error("E1405", document_.Find("app_metrics")->key_place,
               "metrics go to a table only beside a lake")
        .helps.emplace_back("add `lake: {table: namespace.name}`");
  }

  void CheckDestinations() {
    if (!document_.is_map()) return;
    for (const std::string_view name : {"lake", "streams", "sinks"}) {
      const ConfigNode node = document_.At(name);
      // Something is there, if perhaps wrong: that is reported already.
      if (!node.is_missing() && node.node_count() > 1) return;
      if (node.is_scalar()) return;
    }
    diagnostics_.Error("E1307", document_.place(), "the pipeline has no destination")
        .helps.emplace_back(
            "add `lake: {table: namespace.name}`, `sinks: [{console: {}}]` or `streams`");
  }

  const ConfigNode& document_;
  Diagnostics& diagnostics_;
  PipelineConfig pipeline_;
};

}  // namespace

const Column* PipelineConfig::FindColumn(std::string_view column_name) const {
  for (const Column& column : columns) {
    if (column.name == column_name) return &column;
  }
  return nullptr;
}

const Column* PipelineConfig::event_time() const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [](const Column& column) { return column.is_event_time; });
  return found == columns.end() ? nullptr : &*found;
}

const Column* PipelineConfig::entity() const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [](const Column& column) { return column.is_entity; });
  return found == columns.end() ? nullptr : &*found;
}

PipelineConfig ReadPipeline(const ConfigNode& document, Diagnostics& diagnostics) {
  return PipelineReader(document, diagnostics).Read();
}

bool IsName(std::string_view text) {
  constexpr size_t kBytesMax = 63;
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (text.empty() || text.size() > kBytesMax || !is_letter(text.front())) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

}  // namespace catchwater
