#include "catchwater/testing/codec_conformance.h"

#include <algorithm>
#include <memory>
#include <set>
#include <sstream>
#include <tuple>
#include <utility>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

/// The part of a file source that a codec sees.
class PartitionFeeder {
 public:
  PartitionFeeder(const DecodeOptions& options, std::string_view bytes, ReadSchedule schedule)
      : options_(options), bytes_(bytes), schedule_(std::move(schedule)) {
    schedule_.read_ends.push_back(static_cast<int64_t>(bytes.size()));
  }

  arrow::Result<DecodedPartition> Run(const Codec& codec) {
    ARROW_ASSIGN_OR_RAISE(framer_, codec.MakeFramer(options_));
    ARROW_ASSIGN_OR_RAISE(decoder_, codec.MakeDecoder(options_));
    ARROW_RETURN_NOT_OK(ReadHead());
    for (const int64_t read_end : schedule_.read_ends) {
      read_end_ = std::max(read_end_, std::min(read_end, size()));
      ARROW_RETURN_NOT_OK(Cut());
    }
    if (offset_ < size() && long_begin_ < 0) {
      return Internal("Framer leaves bytes at the end, offset: ", offset_);
    }
    ARROW_RETURN_NOT_OK(EndLongRecord(size()));
    return Collect();
  }

 private:
  int64_t size() const { return static_cast<int64_t>(bytes_.size()); }
  std::string_view Range(int64_t begin, int64_t end) const {
    return bytes_.substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
  }

  arrow::Status ReadHead() {
    Framer::Head head;
    for (const int64_t read_end : schedule_.read_ends) {
      const int64_t end = std::min(read_end, size());
      ARROW_ASSIGN_OR_RAISE(head, framer_->ReadHead(Range(0, end), end == size()));
      if (!head.needs_more) break;
    }
    if (head.needs_more) return Internal("Framer needs more than there is");
    preamble_ = head.preamble;
    offset_ = head.byte_count;
    line_ = framer_->is_line_based() ? head.line_count + 1 : 0;
    const auto resume_at = static_cast<int64_t>(schedule_.resume_at);
    if (resume_at > offset_) MoveTo(resume_at);
    return arrow::Status::OK();
  }

  arrow::Status Cut() {
    for (;;) {
      if (long_begin_ >= 0) {
        ARROW_RETURN_NOT_OK(SkipLongRecord());
        if (long_begin_ >= 0) return arrow::Status::OK();
      }
      if (offset_ >= read_end_) return arrow::Status::OK();
      const std::string_view bytes = Range(offset_, read_end_);
      const int64_t cut = framer_->CutAfter(preamble_.get(), bytes, read_end_ == size());
      if (cut < 0 || cut > static_cast<int64_t>(bytes.size())) {
        return Internal("Framer cuts outside of its bytes: ", cut);
      }
      if (cut > 0) {
        ARROW_RETURN_NOT_OK(Decode(offset_ + cut, "", 0));
      } else if (static_cast<int64_t>(bytes.size()) > options_.frame_bytes_max) {
        long_begin_ = offset_;
        skipped_to_ = offset_;
      } else {
        return arrow::Status::OK();
      }
    }
  }

  arrow::Status SkipLongRecord() {
    if (skipped_to_ >= read_end_) return arrow::Status::OK();
    const int64_t found = framer_->ResyncAfter(preamble_.get(), Range(skipped_to_, read_end_));
    if (found < 0) {
      skipped_to_ = read_end_;
      return arrow::Status::OK();
    }
    return EndLongRecord(skipped_to_ + found);
  }

  arrow::Status EndLongRecord(int64_t end) {
    if (long_begin_ < 0) return arrow::Status::OK();
    long_begin_ = -1;
    return Decode(end, "Record is longer than frame_bytes_max", end - offset_);
  }

  arrow::Status Decode(int64_t end, std::string reject_reason, int64_t reject_bytes) {
    Block block;
    block.origin.range.from.ordinal = static_cast<uint64_t>(offset_);
    block.origin.range.to.ordinal = static_cast<uint64_t>(end);
    // A buffer of its own without any padding, so that reads beyond it are seen by sanitizers.
    std::string_view bytes = Range(offset_, end);
    if (!reject_reason.empty())
      bytes = bytes.substr(0, static_cast<size_t>(kDeadLetterRawBytesMax));
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer,
                          arrow::AllocateBuffer(static_cast<int64_t>(bytes.size())));
    std::copy(bytes.begin(), bytes.end(), buffer->mutable_data());
    block.bytes = std::move(buffer);
    block.preamble = preamble_;
    block.line_first = line_;
    block.reject_reason = std::move(reject_reason);
    block.reject_bytes = reject_bytes;
    MoveTo(end);
    ARROW_ASSIGN_OR_RAISE(Split split, decoder_->Decode(block));
    partition_.block_ends.push_back(static_cast<uint64_t>(end));
    return Add(std::move(split));
  }

  void MoveTo(int64_t offset) {
    const std::string_view passed = Range(offset_, offset);
    if (line_ > 0) line_ += std::count(passed.begin(), passed.end(), '\n');
    offset_ = offset;
  }

  arrow::Status Add(Split split) {
    const Batch& good = split.good;
    if (good.rows != nullptr) {
      ARROW_RETURN_NOT_OK(good.rows->ValidateFull());
      batches_.push_back(good.rows);
    }
    for (int64_t i = 0; good.rows != nullptr && good.frame_ordinals && i < good.rows->num_rows();
         ++i) {
      partition_.frame_ordinals.push_back(
          static_cast<const arrow::UInt64Array&>(*good.frame_ordinals).Value(i));
      partition_.rows_in_frame.push_back(
          good.row_in_frame ? static_cast<const arrow::UInt32Array&>(*good.row_in_frame).Value(i)
                            : 0);
      const auto begin = static_cast<const arrow::UInt32Array&>(*good.raw_begin).Value(i);
      const auto length = static_cast<const arrow::UInt32Array&>(*good.raw_length).Value(i);
      partition_.raws.push_back(
          good.raw->ToString().substr(static_cast<size_t>(begin), static_cast<size_t>(length)));
    }
    for (DeadLetter& letter : split.dead) partition_.dead.push_back(std::move(letter));
    partition_.frame_count += split.frame_count;
    partition_.dead_frame_count += split.dead_frame_count;
    return arrow::Status::OK();
  }

  arrow::Result<DecodedPartition> Collect() {
    ARROW_ASSIGN_OR_RAISE(auto table,
                          arrow::Table::FromRecordBatches(ArrowSchema(options_.columns), batches_));
    ARROW_ASSIGN_OR_RAISE(partition_.rows, table->CombineChunks());
    return std::move(partition_);
  }

  const DecodeOptions& options_;
  const std::string_view bytes_;
  ReadSchedule schedule_;
  std::unique_ptr<Framer> framer_;
  std::unique_ptr<Decoder> decoder_;
  std::shared_ptr<const Preamble> preamble_;
  int64_t read_end_ = 0;
  int64_t offset_ = 0;  // Of the first byte not delivered.
  int64_t line_ = 0;
  int64_t long_begin_ = -1;
  int64_t skipped_to_ = 0;
  arrow::RecordBatchVector batches_;
  DecodedPartition partition_;
};

DecodeOptions WithOrigins(const CodecConformance& conformance) {
  DecodeOptions options = conformance.options;
  options.row_origins = true;
  return options;
}

/// Fails the test and returns an empty partition if the codec fails.
DecodedPartition MustDecode(const CodecConformance& conformance, std::string_view text,
                            const ReadSchedule& schedule = {}) {
  auto decoded = DecodePartition(conformance.codec, WithOrigins(conformance), text, schedule);
  EXPECT_TRUE(decoded.ok()) << decoded.status();
  return decoded.ok() ? *std::move(decoded) : DecodedPartition{};
}

ReadSchedule ReadsOf(int64_t read_bytes, size_t byte_count) {
  ReadSchedule schedule;
  for (int64_t end = read_bytes; end < static_cast<int64_t>(byte_count); end += read_bytes) {
    schedule.read_ends.push_back(end);
  }
  return schedule;
}

void Add(const DecodedPartition& part, DecodedPartition& sum) {
  sum.rows = sum.rows == nullptr ? part.rows
                                 : arrow::ConcatenateTables({sum.rows, part.rows}).ValueOrDie();
  sum.frame_ordinals.insert(sum.frame_ordinals.end(), part.frame_ordinals.begin(),
                            part.frame_ordinals.end());
  sum.rows_in_frame.insert(sum.rows_in_frame.end(), part.rows_in_frame.begin(),
                           part.rows_in_frame.end());
  sum.raws.insert(sum.raws.end(), part.raws.begin(), part.raws.end());
  sum.dead.insert(sum.dead.end(), part.dead.begin(), part.dead.end());
  sum.frame_count += part.frame_count;
  sum.dead_frame_count += part.dead_frame_count;
}

/// What `whole` has before the ordinal.
DecodedPartition Before(const DecodedPartition& whole, uint64_t ordinal) {
  DecodedPartition part = whole;
  const auto kept =
      std::lower_bound(part.frame_ordinals.begin(), part.frame_ordinals.end(), ordinal);
  const auto row_count = static_cast<size_t>(kept - part.frame_ordinals.begin());
  part.rows = part.rows->Slice(0, static_cast<int64_t>(row_count));
  part.frame_ordinals.resize(row_count);
  part.rows_in_frame.resize(row_count);
  part.raws.resize(row_count);
  std::erase_if(part.dead,
                [ordinal](const DeadLetter& letter) { return letter.frame_ordinal >= ordinal; });
  part.frame_count = part.dead_frame_count = 0;  // Not known for a part.
  return part;
}

}  // namespace

arrow::Result<DecodedPartition> DecodePartition(const Codec& codec, const DecodeOptions& options,
                                                std::string_view bytes,
                                                const ReadSchedule& schedule) {
  return PartitionFeeder(options, bytes, schedule).Run(codec);
}

std::string Describe(const DecodedPartition& partition) {
  std::ostringstream text;
  text << "frames " << partition.frame_count << ", dead " << partition.dead_frame_count << "\n";
  const int64_t row_count = partition.rows == nullptr ? 0 : partition.rows->num_rows();
  for (int64_t row = 0; row < row_count; ++row) {
    text << "row";
    if (!partition.frame_ordinals.empty()) {
      const auto i = static_cast<size_t>(row);
      text << " " << partition.frame_ordinals[i] << ":" << partition.rows_in_frame[i] << " `"
           << partition.raws[i] << "`";
    }
    for (const auto& column : partition.rows->columns()) {
      const auto value = column->GetScalar(row);
      text << " | " << (value.ok() ? (*value)->ToString() : value.status().ToString());
    }
    text << "\n";
  }
  for (const DeadLetter& letter : partition.dead) {
    text << "dead " << letter.frame_ordinal << ":" << letter.row_in_frame << " line " << letter.line
         << (letter.is_frame ? " frame " : " row ") << letter.rule << " [" << letter.field << "] "
         << letter.reason << " `" << letter.raw << "` " << letter.raw_bytes << "\n";
  }
  return text.str();
}

void ExpectSplitIndependence(const CodecConformance& conformance) {
  const std::string& text = conformance.text;
  const DecodedPartition whole = MustDecode(conformance, text);
  const std::string expected = Describe(whole);
  const auto expect_same = [&](const ReadSchedule& schedule, const std::string& what) {
    SCOPED_TRACE(what);
    EXPECT_EQ(Describe(MustDecode(conformance, text, schedule)), expected);
  };
  for (const int64_t read_bytes : {1, 2, 3, 7, 64}) {
    expect_same(ReadsOf(read_bytes, text.size()), "bytes a read: " + std::to_string(read_bytes));
    if (::testing::Test::HasFailure()) return;
  }
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    expect_same({.read_ends = {static_cast<int64_t>(cut)}}, "cut at: " + std::to_string(cut));
    if (::testing::Test::HasFailure()) return;
  }
  const ReadSchedule small_reads = ReadsOf(1, text.size());
  for (const uint64_t position : MustDecode(conformance, text, small_reads).block_ends) {
    SCOPED_TRACE("resumed at: " + std::to_string(position));
    if (position >= text.size()) continue;
    DecodedPartition both = Before(whole, position);
    Add(MustDecode(conformance, text, {.resume_at = position}), both);
    both.frame_count = whole.frame_count;
    both.dead_frame_count = whole.dead_frame_count;
    EXPECT_EQ(Describe(both), expected);
    if (::testing::Test::HasFailure()) return;
  }
}

void ExpectFramesAccounted(const CodecConformance& conformance) {
  const DecodedPartition whole = MustDecode(conformance, conformance.text);
  std::set<std::tuple<uint64_t, uint32_t>> places;
  std::set<uint64_t> frames;
  int64_t dead_frame_count = 0;
  for (size_t i = 0; i < whole.frame_ordinals.size(); ++i) {
    EXPECT_TRUE(places.emplace(whole.frame_ordinals[i], whole.rows_in_frame[i]).second)
        << "two rows of one place: " << whole.frame_ordinals[i] << ":" << whole.rows_in_frame[i];
    frames.insert(whole.frame_ordinals[i]);
  }
  for (const DeadLetter& letter : whole.dead) {
    EXPECT_TRUE(places.emplace(letter.frame_ordinal, letter.row_in_frame).second)
        << "two dead letters, or a row and a dead letter, of one place: " << letter.frame_ordinal
        << ":" << letter.row_in_frame;
    frames.insert(letter.frame_ordinal);
    dead_frame_count += letter.is_frame ? 1 : 0;
    EXPECT_LT(letter.frame_ordinal, conformance.text.size());
  }
  EXPECT_TRUE(std::is_sorted(whole.frame_ordinals.begin(), whole.frame_ordinals.end()));
  EXPECT_TRUE(std::is_sorted(whole.dead.begin(), whole.dead.end(),
                             [](const DeadLetter& a, const DeadLetter& b) {
                               return std::tie(a.frame_ordinal, a.row_in_frame) <
                                      std::tie(b.frame_ordinal, b.row_in_frame);
                             }));
  EXPECT_EQ(whole.dead_frame_count, dead_frame_count);
  EXPECT_GE(whole.frame_count, static_cast<int64_t>(frames.size()));
}

void ExpectLastRecordNeedsNoEnd(const CodecConformance& conformance) {
  std::string text = conformance.text;
  const std::string expected = Describe(MustDecode(conformance, text));
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  EXPECT_EQ(Describe(MustDecode(conformance, text)), expected);
  EXPECT_EQ(Describe(MustDecode(conformance, text, ReadsOf(5, text.size()))), expected);
}

void ExpectDeadLettersHavePlaces(const CodecConformance& conformance) {
  const DecodedPartition whole = MustDecode(conformance, conformance.text);
  EXPECT_FALSE(whole.dead.empty()) << "the text needs a bad record";
  EXPECT_FALSE(whole.frame_ordinals.empty()) << "the text needs a good record";
  for (const DeadLetter& letter : whole.dead) {
    SCOPED_TRACE(letter.reason);
    EXPECT_FALSE(letter.reason.empty());
    EXPECT_FALSE(letter.rule.empty());
    EXPECT_EQ(letter.rule.find(' '), letter.rule.npos);
    EXPECT_FALSE(letter.raw.empty());
    EXPECT_EQ(letter.raw_bytes, static_cast<int64_t>(letter.raw.size()));
    const size_t place = conformance.text.find(letter.raw, letter.frame_ordinal);
    ASSERT_NE(place, std::string::npos) << "raw text does not stand behind the frame's ordinal";
    if (letter.line == 0) continue;
    const auto begin = conformance.text.begin();
    EXPECT_EQ(letter.line, 1 + std::count(begin, begin + static_cast<std::ptrdiff_t>(place), '\n'));
  }
}

void ExpectBoundedRecords(const Codec& codec, const DecodeOptions& options, const std::string& text,
                          bool is_rest_lost) {
  const CodecConformance conformance{.codec = codec, .options = options, .text = text};
  const auto expect_one = [&](const DecodedPartition& decoded) {
    ASSERT_EQ(decoded.dead.size(), 1u) << Describe(decoded).substr(0, 2000);
    const DeadLetter& letter = decoded.dead.front();
    EXPECT_TRUE(letter.is_frame);
    EXPECT_GT(letter.raw_bytes, options.frame_bytes_max);
    EXPECT_LE(static_cast<int64_t>(letter.raw.size()), kDeadLetterRawBytesMax);
    EXPECT_NE(letter.reason.find("frame_bytes_max"), std::string::npos) << letter.reason;
    EXPECT_EQ(decoded.dead_frame_count, 1);
  };
  const DecodedPartition whole = MustDecode(conformance, text);
  expect_one(whole);
  EXPECT_EQ(whole.frame_count, whole.rows->num_rows() + 1);
  for (const int64_t read_bytes : {options.frame_bytes_max / 3, options.frame_bytes_max + 1}) {
    SCOPED_TRACE("bytes a read: " + std::to_string(read_bytes));
    const DecodedPartition parts = MustDecode(conformance, text, ReadsOf(read_bytes, text.size()));
    expect_one(parts);
    if (!is_rest_lost) {
      EXPECT_EQ(parts.rows->num_rows(), whole.rows->num_rows());
      EXPECT_EQ(parts.frame_count, whole.frame_count);
    }
  }
}

void ExpectCodecConforms(const CodecConformance& conformance) {
  ExpectFramesAccounted(conformance);
  ExpectDeadLettersHavePlaces(conformance);
  ExpectLastRecordNeedsNoEnd(conformance);
  ExpectSplitIndependence(conformance);
}

}  // namespace catchwater
