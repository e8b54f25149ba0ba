#include <map>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/lake/iceberg/avro.h"
#include "catchwater/lake/iceberg/json_guard.h"

namespace catchwater {
namespace {

using Json = nlohmann::json;
using Kind = AvroNode::Kind;

constexpr int kDepthMax = 32;
constexpr int64_t kNodesMax = 10'000;
constexpr int64_t kFixedBytesMax = 1 << 20;

const std::map<std::string, Kind, std::less<>> kPrimitives = {
    {"null", Kind::kNull},   {"boolean", Kind::kBool},  {"int", Kind::kInt},
    {"long", Kind::kLong},   {"float", Kind::kFloat},   {"double", Kind::kDouble},
    {"bytes", Kind::kBytes}, {"string", Kind::kString},
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
    if (word == "enum") return Named(json, NodeOf(Kind::kInt));
    return ParseName(word);
  }

 private:
  arrow::Result<AvroNode> ParseName(const std::string& word) {
    const auto primitive = kPrimitives.find(word);
    if (primitive != kPrimitives.end()) return NodeOf(primitive->second);
    const auto named = named_.find(word);
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

  arrow::Result<AvroNode> ParseFixed(const Json& json) {
    const auto size = json.find("size");
    if (size == json.end() || !size->is_number_integer()) return BadData("Avro fixed lacks: size");
    const auto byte_count = size->get<int64_t>();
    if (byte_count < 0 || byte_count > kFixedBytesMax) {
      return BadData("Avro fixed is out of range, bytes: ", byte_count);
    }
    AvroNode node = NodeOf(Kind::kFixed);
    node.fixed_byte_count = byte_count;
    return Named(json, std::move(node));
  }

  arrow::Result<AvroNode> Named(const Json& json, AvroNode node) {
    const std::string* name = Text(json, "name");
    if (name != nullptr) {
      named_[*name] = node;
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
