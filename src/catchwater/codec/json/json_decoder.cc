#include "catchwater/codec/json/json_decoder.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include <simdjson.h>

#include "catchwater/base/error.h"
#include "catchwater/codec/json/json_scan.h"

namespace catchwater {
namespace {

constexpr std::string_view kRuleSyntax = "json.syntax";
constexpr std::string_view kRuleDepth = "json.depth";
constexpr std::string_view kRuleUtf8 = "json.utf8";
constexpr std::string_view kRuleFrameBytes = "json.frame_bytes";

std::string_view RuleOf(JsonFault fault) {
  if (fault == JsonFault::kTooDeep) return kRuleDepth;
  return fault == JsonFault::kUtf8 ? kRuleUtf8 : kRuleSyntax;
}

std::string_view WithoutCarriageReturn(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool IsBlank(std::string_view text) {
  const char* const end = text.data() + text.size();
  return SkipJsonBlanks(text.data(), end) == end;
}

}  // namespace

arrow::Result<std::unique_ptr<JsonDecoder>> JsonDecoder::Make(JsonOptions options,
                                                              const DecodeOptions& decode,
                                                              JsonReader::Learning learning) {
  ARROW_ASSIGN_OR_RAISE(JsonPlans plans, JsonPlans::Make(options, decode.columns));
  ARROW_ASSIGN_OR_RAISE(RowStage stage, RowStage::Make(decode, options.null_tokens));
  return std::unique_ptr<JsonDecoder>(new JsonDecoder(
      std::move(options), std::move(plans), std::move(stage), decode.frame_bytes_max, learning));
}

JsonDecoder::JsonDecoder(JsonOptions options, JsonPlans plans, RowStage stage,
                         int64_t frame_bytes_max, JsonReader::Learning learning)
    : options_(std::move(options)),
      plans_(std::move(plans)),
      stage_(std::move(stage)),
      frame_bytes_max_(frame_bytes_max),
      checker_(FieldTree(), options_.depth_max, JsonReader::Learning::kOff) {
  readers_.emplace_back(plans_.main, options_.depth_max, learning, stage_);
  if (plans_.array) readers_.emplace_back(*plans_.array, options_.depth_max, learning, stage_);
  active_ = &readers_.front();
  active_->Activate();
}

arrow::Result<Split> JsonDecoder::Decode(const Block& block) {
  if (!block.reject_reason.empty()) return Reject(block);
  if (block.bytes->size() > std::numeric_limits<uint32_t>::max() - 1) {
    return BadData("Block is too large, bytes: ", block.bytes->size());
  }
  const std::string_view text(reinterpret_cast<const char*>(block.bytes->data()),
                              static_cast<size_t>(block.bytes->size()));
  const auto* preamble = static_cast<const JsonPreamble*>(block.preamble.get());
  const bool has_frames = !block.frame_ends.empty();
  JsonFraming framing = preamble == nullptr ? JsonFraming::kLines : preamble->framing;
  if (has_frames) framing = JsonFraming::kValues;
  ARROW_RETURN_NOT_OK(Begin(block, text, framing));
  const char* const end = text.data() + text.size();
  if (has_frames) {
    DecodeFrames(block);
  } else if (framing == JsonFraming::kLines) {
    DecodeLines(text.data(), end);
  } else if (framing == JsonFraming::kValues) {
    DecodeValues(text.data(), end);
  } else {
    DecodeElements(*preamble, text.data(), end);
  }
  return Finish(block);
}

arrow::Status JsonDecoder::Begin(const Block& block, std::string_view text, JsonFraming framing) {
  base_ = text.data();
  block_ordinal_ = block.origin.range.from.ordinal;
  is_utf8_ = simdjson::validate_utf8(text.data(), text.size());
  frame_count_ = 0;
  dead_frame_count_ = 0;
  for (DocumentReader& reader : readers_) {
    reader.SetText(text);
    // A layout with a line end in it is usual in a document, but never a line.
    if (framing != framing_) reader.ForgetLayouts();
  }
  framing_ = framing;
  stage_.SetText(text);
  return stage_.Reserve(
      static_cast<int64_t>(static_cast<double>(text.size()) * rows_per_byte_ * 1.05) + 16);
}

arrow::Result<Split> JsonDecoder::Finish(const Block& block) {
  Split split;
  ARROW_ASSIGN_OR_RAISE(split.good, stage_.Finish(block));
  split.dead = stage_.faults().Take(block);
  split.frame_count = frame_count_;
  split.dead_frame_count = dead_frame_count_;
  const int64_t row_count = split.good.rows->num_rows();
  if (row_count > 0) {
    rows_per_byte_ = static_cast<double>(row_count) / static_cast<double>(block.bytes->size());
  }
  return split;
}

Split JsonDecoder::Reject(const Block& block) const {
  const std::string_view text(reinterpret_cast<const char*>(block.bytes->data()),
                              static_cast<size_t>(block.bytes->size()));
  Split split;
  split.dead.push_back({
      .frame_ordinal = block.origin.range.from.ordinal,
      .raw = std::string(text.substr(0, static_cast<size_t>(kDeadLetterRawBytesMax))),
      .raw_bytes = block.reject_bytes,
      .reason = block.reject_reason,
      .rule = std::string(kRuleFrameBytes),
      .field = "",
      .line = block.line_first,
      .is_frame = true,
  });
  split.frame_count = 1;
  split.dead_frame_count = 1;
  return split;
}

DocumentReader& JsonDecoder::Use(char first) {
  DocumentReader& wanted = first == '[' ? readers_.back() : readers_.front();
  if (&wanted != active_) {
    active_ = &wanted;
    active_->Activate();
  }
  return wanted;
}

void JsonDecoder::DecodeLines(const char* at, const char* end) {
  const bool may_be_usual = is_utf8_ && plans_.main.record_level() == 0;
  while (at < end) {
    if (may_be_usual && *at == '{') [[likely]] {
      if (const char* const next = TakeUsualLine(at, end)) [[likely]] {
        at = next;
        continue;
      }
    }
    const auto rest = static_cast<size_t>(end - at);
    const auto* line_end = static_cast<const char*>(std::memchr(at, '\n', rest));
    if (line_end == nullptr) line_end = end;
    const std::string_view line = WithoutCarriageReturn({at, static_cast<size_t>(line_end - at)});
    if (!IsBlank(line)) ReadFrame(line, OrdinalOf(at));
    at = line_end + (line_end < end ? 1 : 0);
  }
}

const char* JsonDecoder::TakeUsualLine(const char* at, const char* end) {
  DocumentReader& reader = Use('{');
  const char* const behind = reader.ReadUsualRecord(at, end);
  if (behind == nullptr || behind - at > frame_bytes_max_) return nullptr;
  const char* line_end = behind;
  if (line_end < end && *line_end == '\r') ++line_end;
  if (line_end < end && *line_end != '\n') return nullptr;
  ++frame_count_;
  FrameRows frame{.ordinal = OrdinalOf(at)};
  reader.TakeRecord(at, behind, frame);
  return line_end + (line_end < end ? 1 : 0);
}

void JsonDecoder::DecodeValues(const char* at, const char* end) {
  for (at = SkipJsonBlanks(at, end); at < end; at = SkipJsonBlanks(at, end)) {
    const char* behind = FindJsonEnd(at, end, /*is_end=*/true);
    if (behind == nullptr) behind = end;
    ReadFrame({at, static_cast<size_t>(behind - at)}, OrdinalOf(at));
    at = behind;
  }
}

void JsonDecoder::DecodeFrames(const Block& block) {
  const char* at = base_;
  const char* const text_end = base_ + block.bytes->size();
  const bool may_be_usual = is_utf8_ && plans_.main.record_level() == 0;
  for (size_t i = 0; i < block.frame_ends.size(); ++i) {
    const char* const behind = base_ + block.frame_ends[i];
    if (may_be_usual && at < behind && *at == '{' &&
        TakeUsualFrame(at, behind, text_end, block.frame_ordinals[i])) [[likely]] {
      at = behind;
      continue;
    }
    ReadFrame({at, static_cast<size_t>(behind - at)}, block.frame_ordinals[i]);
    at = behind;
  }
}

bool JsonDecoder::TakeUsualFrame(const char* at, const char* end, const char* text_end,
                                 uint64_t ordinal) {
  if (end - at > frame_bytes_max_) return false;
  DocumentReader& reader = Use('{');
  // A layout is compared in whole words, which reach into the next frame; a record that ends in
  // its frame lies in it.
  const char* const behind = reader.ReadUsualRecord(at, text_end);
  if (behind == nullptr || behind > end || SkipJsonBlanks(behind, end) != end) return false;
  ++frame_count_;
  FrameRows frame{.ordinal = ordinal};
  reader.TakeRecord(at, behind, frame);
  return true;
}

bool JsonDecoder::Accepts(std::string_view text, uint64_t ordinal) {
  if (static_cast<int64_t>(text.size()) > frame_bytes_max_) {
    RefuseLongFrame(text, ordinal);
    return false;
  }
  if (is_utf8_) return true;
  const int64_t valid = ValidUtf8Prefix(text);
  if (valid == static_cast<int64_t>(text.size())) return true;
  RefuseFrame(text, ordinal, {.fault = JsonFault::kUtf8, .at = text.data() + valid});
  return false;
}

void JsonDecoder::ReadFrame(std::string_view text, uint64_t ordinal) {
  ++frame_count_;
  if (!Accepts(text, ordinal)) return;
  const char* const end = text.data() + text.size();
  const char* at = SkipJsonBlanks(text.data(), end);
  DocumentReader* reader = &Use(at < end ? *at : '{');
  const char* behind = reader->Read(0, at, end);
  if (behind == nullptr) {
    RefuseFrame(text, ordinal, reader->fault(0));
    return;
  }
  // All of the frame or nothing: what follows is looked at before the first row is taken.
  const char* rest = SkipJsonBlanks(behind, end);
  if (JsonFaultPlace fault; rest < end && !CheckValues(rest, end, fault)) {
    RefuseFrame(text, ordinal, fault);
    return;
  }
  FrameRows frame{.ordinal = ordinal};
  reader->Emit(0, at, behind, frame);
  while (rest < end) {
    at = rest;
    reader = &Use(*at);
    behind = reader->Read(0, at, end);
    CATCHWATER_CHECK(behind != nullptr, "a value that was looked at can be read");
    reader->Emit(0, at, behind, frame);
    rest = SkipJsonBlanks(behind, end);
  }
}

bool JsonDecoder::CheckValues(const char* at, const char* end, JsonFaultPlace& fault) {
  while (at < end) {
    at = checker_.Read(at, at, end, nullptr);
    if (at == nullptr) {
      fault = checker_.fault();
      return false;
    }
    at = SkipJsonBlanks(at, end);
  }
  return true;
}

void JsonDecoder::DecodeElements(const JsonPreamble& preamble, const char* at, const char* end) {
  SetEnvelope(preamble);
  bool is_behind_comma = block_ordinal_ != preamble.first_ordinal;
  for (;;) {
    at = SkipJsonBlanks(at, end);
    if (at == end || *at == ']') break;
    if (*at == ',') {
      ++frame_count_;
      RefuseFrame({at, 1}, OrdinalOf(at), {.fault = JsonFault::kValueExpected, .at = at});
      is_behind_comma = true;
      ++at;
      continue;
    }
    at = DecodeElement(at, end);
    is_behind_comma = at < end && *at == ',';
    if (is_behind_comma) ++at;
  }
  // A block that is not the last one ends behind a comma.
  if (at < end || !is_behind_comma) CheckTail(preamble, at, end, is_behind_comma);
}

void JsonDecoder::SetEnvelope(const JsonPreamble& preamble) {
  const JsonPlan& plan = Use(preamble.head.front()).plan();
  const JsonPlan::Level& level = plan.levels.front();
  if (!level.has_columns) return;
  JsonReader reader(level.tree, options_.depth_max, JsonReader::Learning::kOff);
  reader.StopAt(level.tree.Find(level.array_steps));
  std::vector<JsonValue> values(static_cast<size_t>(level.tree.target_count()));
  const char* const head = preamble.head.data();
  reader.Read(head, head, head + preamble.head.size(), values.data());
  stage_.SetConstants(plan.value_begin(0) - plan.own_value_count(), preamble.head, values);
}

// \return at what stands behind the element
const char* JsonDecoder::DecodeElement(const char* at, const char* end) {
  const auto is_separator = [end](const char* place) {
    return place == end || *place == ',' || *place == ']';
  };
  if (is_utf8_ && active_->plan().record_level() == 1) {
    const char* const behind = active_->ReadUsualRecord(at, end);
    if (behind != nullptr && behind - at <= frame_bytes_max_) {
      const char* const next = SkipJsonBlanks(behind, end);
      if (is_separator(next)) {
        ++frame_count_;
        FrameRows frame{.ordinal = OrdinalOf(at)};
        active_->TakeRecord(at, behind, frame);
        return next;
      }
    }
  }
  const char* behind = FindJsonEnd(at, end, /*is_end=*/true);
  if (behind == nullptr) behind = end;
  const std::string_view text(at, static_cast<size_t>(behind - at));
  const char* const next = SkipJsonBlanks(behind, end);
  ++frame_count_;
  if (!is_separator(next)) {
    RefuseFrame(text, OrdinalOf(at), {.fault = JsonFault::kCommaExpected, .at = behind});
  } else if (Accepts(text, OrdinalOf(at))) {
    ReadElement(text);
  }
  return next;
}

void JsonDecoder::ReadElement(std::string_view text) {
  const char* const at = text.data();
  const char* const end = at + text.size();
  FrameRows frame{.ordinal = OrdinalOf(at)};
  const char* const behind = active_->Read(1, at, end);
  if (behind == nullptr) {
    RefuseFrame(text, frame.ordinal, active_->fault(1));
  } else if (behind < end) {
    RefuseFrame(text, frame.ordinal, {.fault = JsonFault::kCommaExpected, .at = behind});
  } else {
    active_->Emit(1, at, behind, frame);
  }
}

// With an empty array in between, head and tail must be a whole document.
void JsonDecoder::CheckTail(const JsonPreamble& preamble, const char* at, const char* end,
                            bool is_behind_comma) {
  const std::string_view tail(at, static_cast<size_t>(end - at));
  JsonFaultPlace fault{.fault = JsonFault::kValueExpected};
  if (!is_behind_comma) {
    const std::string document = preamble.head + std::string(tail);
    const char* const document_end = document.data() + document.size();
    const char* const behind =
        checker_.Read(document.data(), document.data(), document_end, nullptr);
    const bool is_whole = behind != nullptr && SkipJsonBlanks(behind, document_end) == document_end;
    if (is_whole && (is_utf8_ || ValidUtf8Prefix(tail) == static_cast<int64_t>(tail.size()))) {
      return;
    }
    fault.fault = JsonFault::kTail;
  }
  ++frame_count_;
  // Without a tail its place is the last byte, which may be the place of an element too.
  const char* const place = at < end ? at : end - 1;
  fault.at = place;
  RefuseFrame({place, static_cast<size_t>(end - place)}, OrdinalOf(place), fault,
              /*row_in_frame=*/at < end ? 0 : 1);
}

void JsonDecoder::RefuseFrame(std::string_view text, uint64_t ordinal, JsonFaultPlace fault,
                              uint32_t row_in_frame) {
  ++dead_frame_count_;
  const int64_t offset = std::max<int64_t>(fault.at - text.data(), 0);
  stage_.faults().Add({.frame_ordinal = ordinal,
                       .row_in_frame = row_in_frame,
                       .text = text,
                       .reason = "Text is no JSON, " + std::string(JsonFaultText(fault.fault)) +
                                 ", byte of the record: " + std::to_string(offset),
                       .rule = RuleOf(fault.fault),
                       .is_frame = true});
}

void JsonDecoder::RefuseLongFrame(std::string_view text, uint64_t ordinal) {
  ++dead_frame_count_;
  stage_.faults().Add(
      {.frame_ordinal = ordinal,
       .text = text,
       .reason = "Record is longer than frame_bytes_max, bytes: " + std::to_string(text.size()),
       .rule = kRuleFrameBytes,
       .is_frame = true});
}

}  // namespace catchwater
