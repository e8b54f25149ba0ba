#include "catchwater/config/read_scalar.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>
#include <utility>

#include "catchwater/config/config_reader.h"
#include "catchwater/config/struct_description.h"

namespace catchwater {

Where Where::Child(std::string_view name) const {
  Where child = *this;
  if (!child.path.empty()) child.path += '.';
  child.path += name;
  return child;
}

Where Where::Item(size_t index) const {
  Where child = *this;
  child.path += '[' + std::to_string(index) + ']';
  return child;
}

std::string Where::ToString() const {
  if (path.empty()) return owner;
  return is_owner_implied ? "`" + path + "`" : "`" + path + "` of " + owner;
}

namespace describe_internal {
namespace {

constexpr size_t kShownBytesMax = 60;

// The value as written in the file: never what a variable stands for.
std::string Shown(const ConfigNode& node) {
  if (!node.is_scalar()) return std::string(node.KindName());
  std::string text = node.shown();
  if (text.size() > kShownBytesMax) {
    size_t end = kShownBytesMax;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text = text.substr(0, end) + "...";
  }
  std::replace(text.begin(), text.end(), '\n', ' ');
  return "`" + text + "`";
}

std::string JoinWords(const std::vector<std::string>& words) {
  std::string joined;
  for (const std::string& word : words) {
    if (!joined.empty()) joined += ", ";
    joined += "`" + word + "`";
  }
  return joined;
}

Diagnostic& ReportType(const ConfigNode& node, const ReadContext& context,
                       std::string_view wanted) {
  if (node.is_null()) {
    return context.diagnostics.Error(
        "E1205", node.place(),
        context.where.ToString() + " has no value: " + std::string(wanted) + " is expected");
  }
  return context.diagnostics.Error(
      "E1204", node.place(),
      context.where.ToString() + " must be " + std::string(wanted) + ", not " + Shown(node));
}

// \return true if the node is a scalar of which a value can be read; else it is reported
bool ExpectScalar(const ConfigNode& node, const ReadContext& context, std::string_view wanted,
                  bool is_text_wanted) {
  if (node.is_unknown()) return false;
  if (!node.is_scalar()) {
    ReportType(node, context, wanted);
    return false;
  }
  if (!is_text_wanted && node.is_quoted() && !node.is_substituted()) {
    ReportType(node, context, wanted).label = "remove the quotes";
    return false;
  }
  return true;
}

bool CheckBounds(const ConfigNode& node, const ReadContext& context, long double value,
                 std::string (*format)(long double)) {
  const std::optional<Bounds>& bounds = context.rules.bounds;
  if (!bounds || (value >= bounds->lo && value <= bounds->hi)) return true;
  const bool has_high = bounds->hi < static_cast<long double>(INT64_MAX);
  const bool has_low = bounds->lo > static_cast<long double>(INT64_MIN);
  std::string range;
  if (has_low && has_high) {
    range = format(bounds->lo) + " to " + format(bounds->hi);
  } else {
    range = has_low ? "at least " + format(bounds->lo) : "at most " + format(bounds->hi);
  }
  context.diagnostics.Error(
      "E1401", node.place(),
      context.where.ToString() + " must be " + range + ", not " + Shown(node));
  return false;
}

std::string FormatInt(long double value) { return std::to_string(static_cast<int64_t>(value)); }
std::string FormatReal(long double value) { return DoubleJson(static_cast<double>(value)); }
std::string FormatMs(long double value) { return FormatDuration({static_cast<int64_t>(value)}); }
std::string FormatBytes(long double value) { return FormatByteSize({static_cast<int64_t>(value)}); }

template <class Int>
bool ReadInt(const ConfigNode& node, const ReadContext& context, std::string_view wanted,
             Int& out) {
  if (!ExpectScalar(node, context, wanted, /*is_text_wanted=*/false)) return false;
  const std::string& text = node.text();
  Int value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_whole = rest == text.data() + text.size() && !text.empty();
  if (is_whole && error == std::errc::result_out_of_range) {
    context.diagnostics.Error("E1403", node.place(),
                              context.where.ToString() + " does not fit in " +
                                  std::to_string(sizeof(Int) * 8) + " bits: " + Shown(node));
    return false;
  }
  if (!is_whole || error != std::errc()) {
    ReportType(node, context, wanted);
    return false;
  }
  if (!CheckBounds(node, context, static_cast<long double>(value), FormatInt)) return false;
  out = value;
  return true;
}

std::string CountText(const Count& count) {
  const auto items = [](int64_t number) {
    return std::to_string(number) + (number == 1 ? " item" : " items");
  };
  if (count.lo == count.hi) return items(count.lo);
  if (count.hi == std::numeric_limits<int64_t>::max()) return "at least " + items(count.lo);
  return count.lo == 0 ? "at most " + items(count.hi)
                       : std::to_string(count.lo) + " to " + items(count.hi);
}

bool CheckCount(const ConfigNode& node, const ReadContext& context, size_t item_count) {
  const auto number = static_cast<int64_t>(item_count);
  const std::optional<Count>& count = context.rules.count;
  if (!count || (number >= count->lo && number <= count->hi)) return true;
  context.diagnostics.Error("E1402", node.place(),
                            context.where.ToString() + " must have " + CountText(*count) +
                                ", not " + std::to_string(number));
  return false;
}

}  // namespace

bool ReadScalar(const ConfigNode& node, const ReadContext& context, bool& out) {
  constexpr std::string_view kWanted = "true or false";
  if (!ExpectScalar(node, context, kWanted, /*is_text_wanted=*/false)) return false;
  const std::string& text = node.text();
  if (text == "true" || text == "false") {
    out = text == "true";
    return true;
  }
  Diagnostic& error = ReportType(node, context, kWanted);
  for (const auto& [word, meant] : {std::pair{"yes", "true"},
                                    {"on", "true"},
                                    {"1", "true"},
                                    {"True", "true"},
                                    {"TRUE", "true"},
                                    {"no", "false"},
                                    {"off", "false"},
                                    {"0", "false"},
                                    {"False", "false"},
                                    {"FALSE", "false"}}) {
    if (text == word) error.label = std::string("did you mean `") + meant + "`?";
  }
  return false;
}

bool ReadScalar(const ConfigNode& node, const ReadContext& context, int64_t& out) {
  return ReadInt(node, context, "a whole number", out);
}

bool ReadScalar(const ConfigNode& node, const ReadContext& context, int32_t& out) {
  return ReadInt(node, context, "a whole number", out);
}

bool ReadScalar(const ConfigNode& node, const ReadContext& context, uint64_t& out) {
  return ReadInt(node, context, "a whole number, not negative", out);
}

bool ReadScalar(const ConfigNode& node, const ReadContext& context, double& out) {
  constexpr std::string_view kWanted = "a number";
  if (!ExpectScalar(node, context, kWanted, /*is_text_wanted=*/false)) return false;
  const std::string& text = node.text();
  double value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::invalid_argument || rest != text.data() + text.size()) {
    ReportType(node, context, kWanted);
    return false;
  }
  if (error != std::errc() || !std::isfinite(value)) {
    context.diagnostics.Error(
        "E1404", node.place(),
        context.where.ToString() + " must be a finite number, not " + Shown(node));
    return false;
  }
  if (!CheckBounds(node, context, value, FormatReal)) return false;
  out = value;
  return true;
}

bool ReadScalar(const ConfigNode& node, const ReadContext& context, std::string& out) {
  if (!context.rules.words.empty()) {
    const auto index = ReadWord(node, context, context.rules.words);
    if (index) out = context.rules.words[*index];
    return index.has_value();
  }
  if (node.is_null() && !node.shown().empty()) {
    ReportType(node, context, "a text").label = "put it into quotes if it is a text";
    return false;
  }
  if (!ExpectScalar(node, context, "a text", /*is_text_wanted=*/true)) return false;
  out = node.text();
  return true;
}

bool ReadScalar(const ConfigNode& node, const ReadContext& context, Duration& out) {
  if (!ExpectScalar(node, context, "a duration such as `10s`", /*is_text_wanted=*/true)) {
    return false;
  }
  const auto value = ParseDuration(node.text());
  if (!value.ok()) {
    context.diagnostics
        .Error("E1208", node.place(),
               context.where.ToString() + " must be a duration, not " + Shown(node))
        .helps.emplace_back("write a positive whole number and a unit: ms, s, m, h or d");
    return false;
  }
  if (!CheckBounds(node, context, static_cast<long double>(value->ms), FormatMs)) return false;
  out = *value;
  return true;
}

bool ReadScalar(const ConfigNode& node, const ReadContext& context, ByteSize& out) {
  if (!ExpectScalar(node, context, "a byte size such as `64MiB`", /*is_text_wanted=*/true)) {
    return false;
  }
  const auto value = ParseByteSize(node.text());
  if (!value.ok()) {
    context.diagnostics
        .Error("E1209", node.place(),
               context.where.ToString() + " must be a byte size, not " + Shown(node))
        .helps.emplace_back("write a whole number and a unit: KiB, MiB, GiB, kB, MB, GB or none");
    return false;
  }
  if (!CheckBounds(node, context, static_cast<long double>(value->bytes), FormatBytes)) {
    return false;
  }
  out = *value;
  return true;
}

bool ReadScalar(const ConfigNode& node, const ReadContext& context, Secret& out) {
  if (node.is_unknown()) return false;
  if (!node.is_scalar()) {
    ReportType(node, context, "a text");
    return false;
  }
  if (!node.is_substituted() && !node.text().empty()) {
    Place place = node.place();
    place.length = 1;  // The length is a hint, too.
    context.diagnostics
        .Warning("E1206", place, context.where.ToString() + " is a secret written into the file")
        .helps.emplace_back("write `${NAME}` or `${file:secrets/name}` instead");
  }
  out = Secret(node.text());
  return true;
}

std::optional<size_t> ReadWord(const ConfigNode& node, const ReadContext& context,
                               const std::vector<std::string>& words) {
  if (node.is_unknown()) return std::nullopt;
  // `null` is a word like others where it is one of them.
  const std::string& text = node.is_null() ? node.shown() : node.text();
  const auto found = std::find(words.begin(), words.end(), text);
  if (found != words.end()) return static_cast<size_t>(found - words.begin());
  if (!node.is_scalar()) {
    ReportType(node, context, "one of " + JoinWords(words));
    return std::nullopt;
  }
  Diagnostic& error = context.diagnostics.Error(
      "E1207", node.place(),
      context.where.ToString() + " must be one of " + JoinWords(words) + ", not " + Shown(node));
  if (const std::string_view near = Nearest(text, words); !near.empty()) {
    error.label = "did you mean `" + std::string(near) + "`?";
  }
  return std::nullopt;
}

bool ExpectList(const ConfigNode& node, const ReadContext& context) {
  if (node.is_unknown()) return false;
  if (node.is_sequence()) return CheckCount(node, context, node.items().size());
  Diagnostic& error = ReportType(node, context, "a list");
  if (node.is_scalar()) error.helps.push_back("write a list: `[" + node.shown() + "]`");
  return false;
}

bool ExpectMap(const ConfigNode& node, const ReadContext& context) {
  if (node.is_unknown()) return false;
  if (node.is_map()) return CheckCount(node, context, node.entries().size());
  ReportType(node, context, "a map of options");
  return false;
}

void ReportFailedCheck(const ConfigNode& node, const Where& where, const arrow::Status& failure,
                       Diagnostics& diagnostics) {
  diagnostics.Error("E1405", node.place(), where.ToString() + ": " + failure.message());
}

ConfigNode KeyTracker::Take(std::string_view name) {
  known_.emplace_back(name);
  return node_.At(name);
}

void KeyTracker::ReportMissing(std::string_view name, std::string_view help) {
  diagnostics_
      .Error("E1201", node_.place(),
             "option `" + std::string(name) + "` is missing in " + where_.ToString())
      .notes.push_back("`" + std::string(name) + "`: " + std::string(help));
}

std::vector<ConfigEntry> KeyTracker::Others() const {
  std::vector<ConfigEntry> others;
  for (const ConfigEntry& entry : node_.entries()) {
    const bool is_known = std::find(known_.begin(), known_.end(), entry.key) != known_.end();
    if (!is_known) others.push_back(entry);
  }
  return others;
}

void KeyTracker::ReportUnknown(const std::vector<ConfigEntry>& entries) {
  for (const ConfigEntry& entry : entries) {
    Diagnostic& error = diagnostics_.Error(
        "E1203", entry.key_place, "unknown option `" + entry.key + "` in " + where_.ToString());
    if (const std::string_view near = Nearest(entry.key, known_); !near.empty()) {
      error.label = "did you mean `" + std::string(near) + "`?";
    }
    std::string known;
    for (const std::string& name : known_) known.append(known.empty() ? "" : ", ").append(name);
    error.notes.push_back(known.empty() ? "it has no options" : "known options: " + known);
  }
}

void StructReader::Finish() {
  if (!short_for_.empty()) return;
  if (read_rest_) {
    read_rest_();
  } else {
    keys_.ReportUnknown(keys_.Others());
  }
}

}  // namespace describe_internal
}  // namespace catchwater
