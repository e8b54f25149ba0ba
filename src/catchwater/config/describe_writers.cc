#include "catchwater/config/describe_writers.h"

#include <limits>

namespace catchwater {
namespace {

using describe_internal::DoubleJson;

std::string FormatBound(FieldType type, long double value) {
  switch (type) {
    case FieldType::kDuration:
      return FormatDuration({static_cast<int64_t>(value)});
    case FieldType::kByteSize:
      return FormatByteSize({static_cast<int64_t>(value)});
    case FieldType::kDouble:
      return DoubleJson(static_cast<double>(value));
    default:
      return std::to_string(static_cast<int64_t>(value));
  }
}

// The type that bounds speak of: of the items in lists and maps.
FieldType InnermostType(const TypeDescription& type) {
  return type.item ? InnermostType(*type.item) : type.type;
}

std::string Items(int64_t count) {
  return std::to_string(count) + (count == 1 ? " item" : " items");
}

std::string CountText(const Count& count) {
  if (count.lo == count.hi) return Items(count.lo);
  if (count.hi == std::numeric_limits<int64_t>::max()) return "at least " + Items(count.lo);
  return count.lo == 0 ? "at most " + Items(count.hi)
                       : std::to_string(count.lo) + " to " + Items(count.hi);
}

std::string Plural(const TypeDescription& type) {
  switch (type.type) {
    case FieldType::kBool:
      return "`true` or `false`";
    case FieldType::kInt:
      return "whole numbers";
    case FieldType::kDouble:
      return "numbers";
    case FieldType::kText:
      return "texts";
    case FieldType::kDuration:
      return "durations";
    case FieldType::kByteSize:
      return "byte sizes";
    case FieldType::kSecret:
      return "secrets";
    case FieldType::kStruct:
      return type.fields->short_for.empty()
                 ? "maps of options"
                 : "maps of options, or " + Plural(type.fields->Find(type.fields->short_for)->type);
    case FieldType::kNode:
      return "values";
    default:
      return TypeText(type);
  }
}

// A `|` would end a cell of a Markdown table.
std::string Cell(const std::string& text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') cell += '\\';
    cell += c == '\n' ? ' ' : c;
  }
  return cell;
}

void AppendRows(const StructDescription& description, const std::string& prefix,
                std::string& table) {
  for (const FieldDescription& field : description.fields) {
    const std::string name = field.is_rest ? prefix + "<" + field.name + ">" : prefix + field.name;
    const TypeDescription& type = field.is_rest ? *field.type.item : field.type;
    std::string default_text = "none";
    if (field.is_required) default_text = "required";
    if (field.is_rest || type.type == FieldType::kStruct) default_text = "";
    if (!field.default_json.empty()) default_text = "`" + field.default_json + "`";
    table += "| `" + name + "` | " + Cell(TypeText(type)) + " | " + Cell(default_text) + " | " +
             Cell(BoundsText(field)) + " | " + Cell(field.help) + " |\n";
    if (type.type == FieldType::kStruct) {
      AppendRows(*type.fields, name + ".", table);
    } else if (type.item && type.item->type == FieldType::kStruct) {
      const std::string inner = type.type == FieldType::kList ? "[]." : ".<name>.";
      AppendRows(*type.item->fields, name + inner, table);
    }
  }
}

// `"10s"` of JSON is `10s` in YAML.
std::string PlainYaml(const std::string& json) {
  if (json.size() < 3 || json.front() != '"') return json;
  const std::string text = json.substr(1, json.size() - 2);
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./";
  const bool is_plain = text.find_first_not_of(kPlain) == text.npos && text != "true" &&
                        text != "false" && text != "null";
  return is_plain ? text : json;
}

std::string SampleValue(const FieldDescription& field) {
  if (!field.example_yaml.empty()) return field.example_yaml;
  if (!field.default_json.empty()) return PlainYaml(field.default_json);
  const TypeDescription& type = field.type;
  switch (type.type) {
    case FieldType::kBool:
      return "false";
    case FieldType::kInt:
    case FieldType::kDouble:
      return field.bounds ? FormatBound(type.type, field.bounds->lo) : "1";
    case FieldType::kDuration:
      return "1m";
    case FieldType::kByteSize:
      return "1MiB";
    case FieldType::kSecret:
      return "${SECRET}";
    case FieldType::kWord:
      return type.words.empty() ? "\"\"" : type.words.front();
    case FieldType::kList:
      return "[]";
    case FieldType::kMap:
    case FieldType::kStruct:
    case FieldType::kNode:
      return "{}";
    case FieldType::kText:
      return field.name;
  }
  return "\"\"";
}

}  // namespace

std::string TypeText(const TypeDescription& type) {
  switch (type.type) {
    case FieldType::kBool:
      return "`true` or `false`";
    case FieldType::kInt:
      return "whole number";
    case FieldType::kDouble:
      return "number";
    case FieldType::kText:
      return "text";
    case FieldType::kDuration:
      return "duration";
    case FieldType::kByteSize:
      return "byte size";
    case FieldType::kSecret:
      return "secret";
    case FieldType::kWord: {
      std::string words;
      for (const std::string& word : type.words) {
        words += (words.empty() ? "`" : ", `") + word + "`";
      }
      return words;
    }
    case FieldType::kList:
      return "list of " + Plural(*type.item);
    case FieldType::kMap:
      return "map of " + Plural(*type.item);
    case FieldType::kStruct:
      return type.fields->short_for.empty()
                 ? "map of options"
                 : "map of options, or " +
                       TypeText(type.fields->Find(type.fields->short_for)->type);
    case FieldType::kNode:
      return "see the help";
  }
  return "";
}

std::string BoundsText(const FieldDescription& field) {
  std::string text;
  if (field.bounds) {
    const FieldType type = InnermostType(field.type);
    const bool has_low = field.bounds->lo > static_cast<long double>(INT64_MIN);
    const bool has_high = field.bounds->hi < static_cast<long double>(INT64_MAX);
    const std::string lo = has_low ? FormatBound(type, field.bounds->lo) : "";
    const std::string hi = has_high ? FormatBound(type, field.bounds->hi) : "";
    if (has_low && has_high) text = lo + " to " + hi;
    if (has_low && !has_high) text = "at least " + lo;
    if (!has_low && has_high) text = "at most " + hi;
  }
  if (field.count) text += (text.empty() ? "" : "; ") + CountText(*field.count);
  return text;
}

std::string OptionsTable(const StructDescription& description) {
  if (description.fields.empty()) return "It has no options.\n";
  std::string table =
      "| option | type | default | bounds | meaning |\n| --- | --- | --- | --- | --- |\n";
  AppendRows(description, "", table);
  return table;
}

std::string SampleYaml(const StructDescription& description, int indent) {
  const std::string margin(static_cast<size_t>(indent), ' ');
  std::string yaml;
  for (const FieldDescription& field : description.fields) {
    if (field.is_rest) {
      yaml += margin + "# <" + field.name + ">: " + field.help + "\n";
      continue;
    }
    const std::string bounds = BoundsText(field);
    yaml += margin + "# " + field.help + (bounds.empty() ? "" : " (" + bounds + ")") + "\n";
    const bool is_nested = field.type.type == FieldType::kStruct && field.example_yaml.empty() &&
                           !field.type.fields->fields.empty();
    const std::string mark = field.is_required ? "" : "# ";
    if (is_nested && field.is_required) {
      yaml += margin + field.name + ":\n" + SampleYaml(*field.type.fields, indent + 2);
    } else {
      yaml += margin + mark + field.name + ": " + SampleValue(field) + "\n";
    }
  }
  return yaml;
}

}  // namespace catchwater
