#include "catchwater/codec/json/json_framer.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "catchwater/base/error.h"
#include "catchwater/codec/json/json_reader.h"
#include "catchwater/codec/json/json_scan.h"

namespace catchwater {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

const JsonPreamble* AsJson(const Preamble* preamble) {
  return static_cast<const JsonPreamble*>(preamble);
}

int64_t CutLines(std::string_view bytes) {
  const size_t last = bytes.rfind('\n');
  return last == bytes.npos ? 0 : static_cast<int64_t>(last) + 1;
}

int64_t CutValues(std::string_view bytes) {
  const char* const end = bytes.data() + bytes.size();
  const char* behind = bytes.data();
  for (;;) {
    const char* at = SkipJsonBlanks(behind, end);
    if (at < end) at = FindJsonEnd(at, end, /*is_end=*/false);
    if (at == nullptr || at == end) {
      const bool is_whole = at == end && end > bytes.data();
      return (is_whole ? end : behind) - bytes.data();
    }
    behind = at;
  }
}

/// Elements end behind their comma. The last one, which has none, comes with what closes the
/// document, so that a document that is cut off is told from a whole one.
int64_t CutElements(std::string_view bytes) {
  const char* const end = bytes.data() + bytes.size();
  const char* at = bytes.data();
  const char* boundary = at;
  for (;;) {
    at = SkipJsonBlanks(at, end);
    if (at == end || *at == ']') break;
    if (*at != ',') {
      at = FindJsonEnd(at, end, /*is_end=*/false);
      if (at == nullptr) break;
      at = SkipJsonBlanks(at, end);
      if (at == end) break;
    }
    if (*at == ',') boundary = ++at;
  }
  return boundary - bytes.data();
}

Framer::Head NeedsMore() {
  Framer::Head head;
  head.needs_more = true;
  return head;
}

}  // namespace

/// The beginning of a partition, behind a byte order mark and blanks.
struct JsonFramer::Look {
  std::string_view bytes;  // All of it.
  const char* at;
  const char* end;
  bool is_end;
  bool is_limit;  // More will not be looked at.

  bool may_grow() const { return !is_end && !is_limit; }

  Head Frames(JsonFraming framing, const char* first) const {
    auto preamble = std::make_shared<JsonPreamble>();
    preamble->framing = framing;
    const std::string_view before(bytes.data(), static_cast<size_t>(first - bytes.data()));
    if (framing == JsonFraming::kElements) {
      preamble->head.assign(at, first);
      preamble->first_ordinal = before.size();
    }
    return {.byte_count = static_cast<int64_t>(before.size()),
            .line_count = std::count(before.begin(), before.end(), '\n'),
            .preamble = std::move(preamble)};
  }
  Head Lines() const { return Frames(JsonFraming::kLines, mark_end()); }
  Head Values() const { return Frames(JsonFraming::kValues, mark_end()); }

 private:
  const char* mark_end() const {
    return bytes.data() + (bytes.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0);
  }
};

JsonFramer::JsonFramer(JsonOptions options, JsonPlans plans, int64_t frame_bytes_max)
    : options_(std::move(options)), plans_(std::move(plans)), frame_bytes_max_(frame_bytes_max) {}

arrow::Result<Framer::Head> JsonFramer::ReadHead(std::string_view bytes, bool is_end) {
  const bool is_limit = static_cast<int64_t>(bytes.size()) >= frame_bytes_max_;
  // What is decided must not depend on how much was read at once.
  bytes = bytes.substr(0, static_cast<size_t>(frame_bytes_max_));
  const char* const end = bytes.data() + bytes.size();
  const bool has_mark = bytes.starts_with(kByteOrderMark);
  const char* const begin = bytes.data() + (has_mark ? kByteOrderMark.size() : 0);
  const Look look{.bytes = bytes,
                  .at = SkipJsonBlanks(begin, end),
                  .end = end,
                  .is_end = is_end && !is_limit,
                  .is_limit = is_limit};
  if (look.at == end || (!has_mark && kByteOrderMark.starts_with(bytes))) {
    if (look.may_grow()) return NeedsMore();
    return look.Lines();
  }
  if (options_.format == JsonFormat::kNdjson) return look.Lines();
  if (options_.format == JsonFormat::kAuto) return DecideAuto(look);
  return DecideDocument(look);
}

arrow::Result<Framer::Head> JsonFramer::DecideAuto(const Look& look) const {
  if (*look.at != '{' && *look.at != '[') return look.Lines();
  switch (ClassifyFirstLine(look.at, look.end, look.is_end)) {
    case FirstLine::kWhole:
    case FirstLine::kBroken:
      return look.Lines();
    case FirstLine::kOpen:
      return DecideDocument(look);
    case FirstLine::kNeedsMore:
      break;
  }
  if (look.may_grow()) return NeedsMore();
  // A line that never ends: a document that was written without line ends, if it may be one.
  const bool may_stream = plans_.For(*look.at).record_level() > 0;
  return may_stream ? DecideDocument(look) : look.Lines();
}

arrow::Result<Framer::Head> JsonFramer::DecideDocument(const Look& look) const {
  const JsonPlan& plan = plans_.For(*look.at);
  if (plan.record_level() == 0) return look.Values();
  const JsonPlan::Level& level = plan.levels.front();
  JsonReader reader(level.tree, options_.depth_max, JsonReader::Learning::kOff);
  reader.StopAt(level.tree.Find(level.array_steps));
  std::vector<JsonValue> values(static_cast<size_t>(level.tree.target_count()));
  reader.Read(look.at, look.at, look.end, values.data());
  const JsonFaultPlace& fault = reader.fault();
  if (fault.fault == JsonFault::kTruncated && look.may_grow()) return NeedsMore();
  if (fault.fault == JsonFault::kTruncated && look.is_limit) {
    return BadData("The array at `path` does not begin within frame_bytes_max, bytes: ",
                   frame_bytes_max_);
  }
  // What is no such document is one frame: the decoder says what is wrong with it.
  if (fault.fault != JsonFault::kStopped) return look.Values();
  for (int32_t i = 0; i < level.tree.target_count(); ++i) {
    const bool is_missing = values[static_cast<size_t>(i)].kind == JsonKind::kMissing;
    if (is_missing && i != level.array_target) return DecideByEnvelope(look, plan);
  }
  // A document that ends right here is no array to stream, but broken.
  const bool may_end_here = SkipJsonBlanks(fault.at, look.end) == look.end && !look.is_limit;
  if (may_end_here) return look.is_end ? look.Values() : NeedsMore();
  return look.Frames(JsonFraming::kElements, fault.at);
}

// A column's field does not stand before the array. Behind it, it is only known once the whole
// document was read.
arrow::Result<Framer::Head> JsonFramer::DecideByEnvelope(const Look& look,
                                                         const JsonPlan& plan) const {
  const JsonPlan::Level& level = plan.levels.front();
  JsonReader reader(level.tree, options_.depth_max, JsonReader::Learning::kOff);
  std::vector<JsonValue> values(static_cast<size_t>(level.tree.target_count()));
  const bool is_whole = reader.Read(look.at, look.at, look.end, values.data()) != nullptr;
  const bool is_truncated = reader.fault().fault == JsonFault::kTruncated;
  if (is_whole || !is_truncated || look.is_end) return look.Values();
  if (look.may_grow()) return NeedsMore();
  return BadData("A `$.` field does not stand before the array at `path`, and the document is ",
                 "longer than frame_bytes_max, bytes: ", frame_bytes_max_);
}

int64_t JsonFramer::Cut(std::string_view bytes, bool is_end) {
  return CutAfter(nullptr, bytes, is_end);
}

int64_t JsonFramer::CutAfter(const Preamble* preamble, std::string_view bytes, bool is_end) {
  if (is_end) return static_cast<int64_t>(bytes.size());
  switch (preamble == nullptr ? JsonFraming::kLines : AsJson(preamble)->framing) {
    case JsonFraming::kLines:
      return CutLines(bytes);
    case JsonFraming::kValues:
      return CutValues(bytes);
    case JsonFraming::kElements:
      return CutElements(bytes);
  }
  return 0;
}

int64_t JsonFramer::Resync(std::string_view bytes) { return ResyncAfter(nullptr, bytes); }

int64_t JsonFramer::ResyncAfter(const Preamble* preamble, std::string_view bytes) {
  // Inside a document nothing tells a bracket of the structure from one in a string.
  if (preamble != nullptr && AsJson(preamble)->framing != JsonFraming::kLines) return -1;
  const size_t line_end = bytes.find('\n');
  return line_end == bytes.npos ? -1 : static_cast<int64_t>(line_end) + 1;
}

}  // namespace catchwater
