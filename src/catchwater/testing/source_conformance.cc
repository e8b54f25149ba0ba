#include "catchwater/testing/source_conformance.h"

#include <algorithm>
#include <stop_token>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

std::unique_ptr<Source> MakeChecked(const SourceConformance& checked) {
  auto source = checked.make();
  EXPECT_TRUE(source.ok()) << source.status();
  if (!source.ok()) return nullptr;
  EXPECT_TRUE((*source)->Check().ok());
  return *std::move(source);
}

// Judges one block by the one before it in its partition.
void CheckBlock(const Block& block, const PartitionRead& part, const Position& opened_at) {
  const Range& range = block.origin.range;
  const std::vector<Frame> frames = FramesOf(block);
  EXPECT_FALSE(frames.empty()) << "a block has frames";
  EXPECT_LT(range.from.ordinal, range.to.ordinal);
  EXPECT_LE(range.to.token.size(), 1024U);
  if (part.block_ends.empty()) {
    EXPECT_GE(range.from.ordinal, opened_at.ordinal);
  } else {
    EXPECT_EQ(range.from.ordinal, part.block_ends.back().ordinal) << "ranges have no gaps";
  }
  uint64_t ordinal_min = range.from.ordinal;
  for (const auto& [ordinal, bytes] : frames) {
    EXPECT_GE(ordinal, ordinal_min) << "ordinals increase: " << bytes;
    EXPECT_LT(ordinal, range.to.ordinal);
    ordinal_min = ordinal + 1;
  }
}

void CheckStop(const SourceConformance& checked) {
  const auto source = MakeChecked(checked);
  if (!source) return;
  auto offers = source->Discover();
  ASSERT_TRUE(offers.ok()) << offers.status();
  int64_t id = 1;
  for (const Offer& offer : *offers) ASSERT_TRUE(source->Open(offer, id++, {}).ok());
  std::stop_source stop;
  stop.request_stop();
  auto next = source->Next(stop.get_token());
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_TRUE(std::holds_alternative<NotYet>(*next)) << "a requested stop is honoured";
  EXPECT_TRUE(source->Close().ok());
}

void CheckResume(const SourceConformance& checked, const std::string& name,
                 const PartitionRead& whole, const Position& at) {
  const auto source = MakeChecked(checked);
  if (!source) return;
  const auto parts = ReadToEnd(*source, {{name, at}});
  std::vector<Frame> wanted;
  std::copy_if(whole.frames.begin(), whole.frames.end(), std::back_inserter(wanted),
               [&](const Frame& frame) { return frame.first >= at.ordinal; });
  ASSERT_TRUE(parts.contains(name));
  EXPECT_EQ(parts.at(name).frames, wanted)
      << "resumed at " << at.ordinal << " of " << name << " token `" << at.token << "`";
  EXPECT_EQ(parts.at(name).failure, "");
}

}  // namespace

std::vector<Frame> FramesOf(const Block& block) {
  const std::string bytes = block.bytes->ToString();
  const uint64_t from = block.origin.range.from.ordinal;
  if (!block.reject_reason.empty()) {
    return {{from, "rejected: " + std::to_string(block.reject_bytes)}};
  }
  std::vector<Frame> frames;
  size_t begin = 0;
  for (size_t i = 0; i < block.frame_ends.size(); ++i) {
    const auto end = static_cast<size_t>(block.frame_ends[i]);
    frames.emplace_back(block.frame_ordinals[i], bytes.substr(begin, end - begin));
    begin = end;
  }
  if (!block.frame_ends.empty()) return frames;
  while (begin < bytes.size()) {
    const size_t end = std::min(bytes.find('\n', begin), bytes.size() - 1) + 1;
    frames.emplace_back(from + begin, bytes.substr(begin, end - begin));
    begin = end;
  }
  return frames;
}

arrow::Result<NextResult> NextOf(Source& source, int64_t call_count_max) {
  for (int64_t i = 0; i < call_count_max; ++i) {
    ARROW_ASSIGN_OR_RAISE(NextResult next, source.Next({}));
    if (!std::holds_alternative<NotYet>(next)) return next;
  }
  return NotYet{};
}

std::map<std::string, PartitionRead> ReadToEnd(Source& source,
                                               const std::map<std::string, Position>& from) {
  std::map<std::string, PartitionRead> parts;
  auto offers = source.Discover();
  EXPECT_TRUE(offers.ok()) << offers.status();
  if (!offers.ok()) return parts;
  std::vector<Position> opened_at;
  for (const Offer& offer : *offers) {
    const auto at = from.find(offer.name);
    opened_at.push_back(at == from.end() ? Position{} : at->second);
    EXPECT_TRUE(parts.emplace(offer.name, PartitionRead{}).second) << "offered twice";
    const auto opened =
        source.Open(offer, static_cast<int64_t>(opened_at.size()), opened_at.back());
    EXPECT_TRUE(opened.ok()) << opened;
  }
  auto part_of = [&](int64_t id) -> PartitionRead& {
    return parts.at((*offers)[static_cast<size_t>(id - 1)].name);
  };
  for (;;) {
    auto next = NextOf(source);
    EXPECT_TRUE(next.ok()) << next.status();
    if (!next.ok() || std::holds_alternative<SourceEnd>(*next)) break;
    if (std::holds_alternative<NotYet>(*next)) break;  // Nothing ends: a watched source.
    if (const auto* block = std::get_if<Block>(&*next)) {
      const int64_t id = block->origin.range.partition_id;
      PartitionRead& part = part_of(id);
      EXPECT_FALSE(part.has_ended) << "nothing comes behind the end";
      CheckBlock(*block, part, opened_at[static_cast<size_t>(id - 1)]);
      for (Frame& frame : FramesOf(*block)) part.frames.push_back(std::move(frame));
      part.block_ends.push_back(block->origin.range.to);
      part.line_firsts.push_back(block->line_first);
      EXPECT_TRUE(source.Acknowledge(id, block->origin.range.to).ok());
    } else if (const auto* end = std::get_if<PartitionEnd>(&*next)) {
      EXPECT_FALSE(part_of(end->partition_id).has_ended) << "an end comes once";
      part_of(end->partition_id).has_ended = true;
    } else if (const auto* failed = std::get_if<PartitionFailed>(&*next)) {
      part_of(failed->partition_id).failure = failed->reason;
    }
  }
  EXPECT_TRUE(source.Close().ok());
  return parts;
}

void CheckSourceConformance(const SourceConformance& checked) {
  const auto source = MakeChecked(checked);
  if (!source) return;
  const auto whole = ReadToEnd(*source);
  ASSERT_FALSE(whole.empty()) << "the suite needs input";
  const auto again_source = MakeChecked(checked);
  ASSERT_TRUE(again_source);
  EXPECT_TRUE(again_source->Discover().ok()) << "Discover may be called twice";
  const auto again = ReadToEnd(*again_source);
  for (const auto& [name, part] : whole) {
    EXPECT_TRUE(part.has_ended) << name << ": " << part.failure;
    ASSERT_TRUE(again.contains(name));
    EXPECT_EQ(again.at(name).frames, part.frames) << "what is not acknowledged comes again";
    for (const Position& end : part.block_ends) CheckResume(checked, name, part, end);
    const auto count = static_cast<int64_t>(part.frames.size());
    const int64_t stride = std::max<int64_t>(1, count / checked.resume_count_max);
    for (int64_t i = 0; i < count; i += stride) {
      const Position at{.ordinal = part.frames[static_cast<size_t>(i)].first, .token = ""};
      CheckResume(checked, name, part, at);
    }
    if (::testing::Test::HasFailure()) return;  // One report is enough.
  }
  CheckStop(checked);
}

}  // namespace catchwater
