#include <map>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "catchwater/avro/avro.h"
#include "catchwater/avro/json_guard.h"
#include "catchwater/base/error.h"

namespace catchwater {
namespace {

using Json = nlohmann::json;
using Kind = AvroNode::Kind;

constexpr int kDepthMax = 32;
constexpr int64_t kNodesMax = 10'000;
constexpr int64_t kFixedBytesMax = 1 << 20;
constexpr int64_t kScaleMax = 38;

const std::map<std::string, Kind, std::less<>> kPrimitives = {
    {"null", Kind::kNull},   {"boolean", Kind::kBool},  {"int", Kind::kInt},
    {"long", Kind::kLong},   {"float", Kind::kFloat},   {"double", Kind::kDouble},
    {"bytes", Kind::kBytes}, {"string", Kind::kString},
};

const std::map<std::string, std::pair<Kind, AvroLogical>, std::less<>> kLogicals = {
    {"date", {Kind::kInt, AvroLogical::kDate}},
    {"timestamp-millis", {Kind::kLong, AvroLogical::kTimestampMillis}},
    {"timestamp-micros", {Kind::kLong, AvroLogical::kTimestampMicros}},
    {"timestamp-nanos", {Kind::kLong, AvroLogical::kTimestampNanos}},
    {"local-timestamp-millis", {Kind::kLong, AvroLogical::kLocalTimestampMillis}},
    {"local-timestamp-micros", {Kind::kLong, AvroLogical::kLocalTimestampMicros}},
    {"local-timestamp-nanos", {Kind::kLong, AvroLogical::kLocalTimestampNanos}},
    {"decimal", {Kind::kBytes, AvroLogical::kDecimal}},  // Of a fixed too.
};

AvroNode NodeOf(Kind kind) {
  AvroNode node;
  node.kind = kind;
  return node;
}

int64_t NodeCount(const AvroNode& node) {
  int64_t count = 1;
  for (const AvroField& field : node.fields) count += NodeCount(field.type);
  for (const AvroNode& child : node.children) count += NodeCount(child);
  return count;
}

const std::string* Text(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return nullptr;
  return found->get_ptr<const std::string*>();
}

class Parser {
 public:
  arrow::Result<AvroNode> Parse(const Json& json, int depth) {
    if (depth > kDepthMax) return BadData("Avro schema is nested too deep, levels: ", depth);
    if (++node_count_ > kNodesMax) return BadData("Avro schema is too large, types: ", node_count_);
    if (json.is_string()) return ParseName(*json.get_ptr<const std::string*>());
    if (json.is_array()) return ParseUnion(json, depth);
    if (!json.is_object()) return BadData("Avro type must be a word, a list or an object");
    const auto type = json.find("type");
    if (type == json.end()) return BadData("Avro type lacks the key: type");
    if (!type->is_string()) return Parse(*type, depth + 1);
    const std::string& word = *type->get_ptr<const std::string*>();
    if (word == "record") return ParseRecord(json, depth);
    if (word == "array") return ParseItems(json, "items", Kind::kArray, depth);
    if (word == "map") return ParseItems(json, "values", Kind::kMap, depth);
    if (word == "fixed") return ParseFixed(json);
    if (word == "enum") return ParseEnum(json);
    ARROW_ASSIGN_OR_RAISE(AvroNode node, ParseName(word));
    AddLogical(json, node);
    return node;
  }

 private:
  arrow::Result<AvroNode> ParseName(const std::string& word) {
    const auto primitive = kPrimitives.find(word);
    if (primitive != kPrimitives.end()) return NodeOf(primitive->second);
    auto named = named_.find(word);
    // Inside a record its namespace is understood.
    if (named == named_.end()) named = named_.find(word.substr(word.rfind('.') + 1));
    if (named == named_.end()) return BadData("Avro type is not defined: ", word);
    // A reference is copied; the count keeps chains of them from growing without bound.
    node_count_ += NodeCount(named->second);
    if (node_count_ > kNodesMax) return BadData("Avro schema is too large, types: ", node_count_);
    return named->second;
  }

  arrow::Result<AvroNode> ParseUnion(const Json& json, int depth) {
    AvroNode node = NodeOf(Kind::kUnion);
    for (const Json& branch : json) {
      ARROW_ASSIGN_OR_RAISE(AvroNode child, Parse(branch, depth + 1));
      if (child.kind == Kind::kUnion) return BadData("Avro union holds a union");
      node.children.push_back(std::move(child));
    }
    if (node.children.empty()) return BadData("Avro union is empty");
    return node;
  }

  arrow::Result<AvroNode> ParseRecord(const Json& json, int depth) {
    const auto fields = json.find("fields");
    if (fields == json.end() || !fields->is_array()) return BadData("Avro record lacks: fields");
    AvroNode node = NodeOf(Kind::kRecord);
    for (const Json& item : *fields) {
      if (!item.is_object() || !item.contains("type")) return BadData("Avro field lacks: type");
      const std::string* name = Text(item, "name");
      if (name == nullptr) return BadData("Avro field lacks: name");
      AvroField field;
      field.name = *name;
      const auto id = item.find("field-id");
      if (id != item.end() && id->is_number_integer()) field.field_id = id->get<int32_t>();
      ARROW_ASSIGN_OR_RAISE(field.type, Parse(item["type"], depth + 1));
      node.fields.push_back(std::move(field));
    }
    return Named(json, std::move(node));
  }

  arrow::Result<AvroNode> ParseItems(const Json& json, const char* key, Kind kind, int depth) {
    const auto items = json.find(key);
    if (items == json.end()) return BadData("Avro array or map lacks: ", key);
    AvroNode node = NodeOf(kind);
    ARROW_ASSIGN_OR_RAISE(AvroNode child, Parse(*items, depth + 1));
    node.children.push_back(std::move(child));
    return node;
  }

  arrow::Result<AvroNode> ParseEnum(const Json& json) {
    AvroNode node = NodeOf(Kind::kInt);
    const auto symbols = json.find("symbols");
    if (symbols == json.end() || !symbols->is_array()) return BadData("Avro enum lacks: symbols");
    for (const Json& symbol : *symbols) {
      if (!symbol.is_string()) return BadData("Avro enum has a symbol that is no text");
      node.symbols.push_back(symbol.get<std::string>());
    }
    node_count_ += static_cast<int64_t>(node.symbols.size());
    if (node_count_ > kNodesMax) return BadData("Avro schema is too large, types: ", node_count_);
    return Named(json, std::move(node));
  }

  static void AddLogical(const Json& json, AvroNode& node) {
    const std::string* word = Text(json, "logicalType");
    const auto found = word == nullptr ? kLogicals.end() : kLogicals.find(*word);
    if (found == kLogicals.end()) return;
    const auto& [kind, logical] = found->second;
    const bool is_bytes = node.kind == Kind::kBytes || node.kind == Kind::kFixed;
    if (logical == AvroLogical::kDecimal ? !is_bytes : node.kind != kind) return;
    if (logical == AvroLogical::kDecimal) {
      const auto scale = json.find("scale");
      const bool has_scale = scale != json.end() && scale->is_number_integer();
      const int64_t digits = has_scale ? scale->get<int64_t>() : 0;
      if (digits < 0 || digits > kScaleMax) return;  // As the specification says: no decimal then.
      node.scale = static_cast<int32_t>(digits);
    }
    node.logical = logical;
  }

  arrow::Result<AvroNode> ParseFixed(const Json& json) {
    const auto size = json.find("size");
    if (size == json.end() || !size->is_number_integer()) return BadData("Avro fixed lacks: size");
    const auto byte_count = size->get<int64_t>();
    if (byte_count < 0 || byte_count > kFixedBytesMax) {
      return BadData("Avro fixed is out of range, bytes: ", byte_count);
    }
    AvroNode node = NodeOf(Kind::kFixed);
    node.fixed_byte_count = byte_count;
    AddLogical(json, node);
    return Named(json, std::move(node));
  }

  arrow::Result<AvroNode> Named(const Json& json, AvroNode node) {
    const std::string* name = Text(json, "name");
    if (name != nullptr) {
      named_[*name] = node;
      named_[name->substr(name->rfind('.') + 1)] = node;
      const std::string* space = Text(json, "namespace");
      if (space != nullptr) named_[*space + "." + *name] = node;
    }
    return node;
  }

  int64_t node_count_ = 0;
  std::map<std::string, AvroNode> named_;
};

}  // namespace

arrow::Result<AvroNode> ParseAvroSchema(std::string_view json) {
  ARROW_ASSIGN_OR_RAISE(const Json parsed, ParseJsonGuarded(json));
  return Parser().Parse(parsed, 0);
}

}  // namespace catchwater
