/// \file
/// Reads one JSON value and notes where its wanted fields stand. Strict: the whole value is checked
/// against RFC 8259, also what nobody wants. UTF-8 is the caller's to check.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catchwater/codec/json/field_tree.h"
#include "catchwater/codec/json/json_scan.h"
#include "catchwater/codec/json/json_value.h"
#include "catchwater/codec/json/record_template.h"

namespace catchwater {

/// One thread at a time.
///
/// Two routes with the same answers: ReadUsual compares the text with the layouts of records read
/// before (record_template.h) and gives up at the first surprise; Read reads anything and learns.
class JsonReader {
 public:
  /// Whether Read learns layouts for ReadUsual.
  enum class Learning { kOff, kOn };

  /// \param depth_max how many brackets may be open at once, at most kDepthLimit
  JsonReader(FieldTree tree, int32_t depth_max, Learning learning);

  static constexpr int32_t kDepthLimit = 1000;

  /// Reads the value that begins at `at`. \param base what offsets count from
  /// \param values where the fields go, as many as the tree has targets
  /// \return behind the value, or nullptr: see fault()
  const char* Read(const char* base, const char* at, const char* end, JsonValue* values);

  /// The same for records that look like earlier ones. \return nullptr: ask Read
  const char* ReadUsual(const char* base, const char* at, const char* end, JsonValue* values) {
    for (size_t i = 0; i < template_count_; ++i) {
      const char* behind = templates_[i].Read(base, at, end, values);
      if (behind == nullptr) continue;
      if (i > 0) std::swap(templates_[i], templates_[i - 1]);
      return behind;
    }
    return nullptr;
  }

  /// Forgets the layouts, e.g. when line ends begin or cease to separate records.
  void ForgetLayouts() { template_count_ = 0; }

  /// Makes Read stop with kStopped behind the `[` of the array at this node of the tree.
  void StopAt(int32_t node) { stop_node_ = node; }

  const FieldTree& tree() const { return tree_; }
  const JsonFaultPlace& fault() const { return fault_; }

 private:
  static constexpr size_t kTemplatesMax = 4;

  const char* ReadValue(const char* at, const char* end, int32_t node, int32_t depth);
  const char* ReadObject(const char* at, const char* end, int32_t node, int32_t depth);
  const char* ReadArray(const char* at, const char* end, int32_t node, int32_t depth);
  /// Reads a key and its colon. \return at the value; `child` is its node
  const char* ReadKey(const char* at, const char* end, int32_t node, uint32_t& hint,
                      int32_t& child);
  int32_t FindMember(int32_t node, std::string_view key, bool has_escape, uint32_t& hint);
  const char* ReadString(const char* at, const char* end, int32_t node);
  int32_t TargetOf(int32_t node) const {
    return node == FieldTree::kNone ? FieldTree::kNone : tree_.target(node);
  }
  void Keep(int32_t node, const char* begin, const char* end, JsonKind kind);
  void Learn(const char* begin, const char* end);

  FieldTree tree_;
  const int32_t depth_max_;
  const bool learns_;
  int32_t stop_node_ = FieldTree::kNone;
  JsonFaultPlace fault_;
  const char* base_ = nullptr;  // Of the current Read, as the next.
  JsonValue* values_ = nullptr;
  std::string key_;  // Of a key with escape sequences.

  // The object in which a node was met last: a second member of the same key is not looked at.
  std::vector<uint64_t> met_in_;
  uint64_t object_count_ = 0;

  LayoutRecorder recorder_;
  std::vector<RecordTemplate> templates_;  // The first template_count_ of them are in use.
  size_t template_count_ = 0;
  uint64_t learned_count_ = 0;
  uint64_t learn_at_ = 0;  // Learn again from this many general reads on.
  uint64_t read_count_ = 0;
};

}  // namespace catchwater
