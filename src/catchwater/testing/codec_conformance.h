/// \file
/// What every codec must keep, whatever its format. Used in the codec's own test:
///
///   TEST(CsvCodec, Conforms) {
///     ExpectCodecConforms({.codec = *codec, .options = options, .text = "ts,v\n1,2\nx,3\n4,5"});
///   }
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/table.h>

#include "catchwater/component/codec.h"

namespace catchwater {

/// What a codec made of the bytes of one partition.
struct DecodedPartition {
  std::shared_ptr<arrow::Table> rows;  ///< One chunk a column.
  /// Per row; only with DecodeOptions::row_origins.
  std::vector<uint64_t> frame_ordinals{};
  std::vector<uint32_t> rows_in_frame{};
  std::vector<std::string> raws{};
  std::vector<DeadLetter> dead{};
  int64_t frame_count = 0;
  int64_t dead_frame_count = 0;
  std::vector<uint64_t> block_ends{};  ///< Where a reader may stop and resume.
};

/// How the bytes of a partition come.
struct ReadSchedule {
  /// Offsets at which a read ends, ascending; the last read goes to the end.
  std::vector<int64_t> read_ends{};
  /// Frames before it are skipped, as after a restart. \pre one of DecodedPartition::block_ends
  uint64_t resume_at = 0;
};

/// Reads a partition with a new framer and a new decoder, as a file source does: with reads that
/// end anywhere, records over frame_bytes_max skipped to where Resync says.
arrow::Result<DecodedPartition> DecodePartition(const Codec& codec, const DecodeOptions& options,
                                                std::string_view bytes,
                                                const ReadSchedule& schedule = {});

struct CodecConformance {
  const Codec& codec;
  DecodeOptions options;  ///< row_origins is set by the suite.
  /// A whole partition of a few hundred bytes: good records and bad ones (at least one of each),
  /// none over frame_bytes_max, the last one with its end (a line end) where the format has one.
  std::string text;
};

/// Runs all of the checks below.
void ExpectCodecConforms(const CodecConformance& conformance);

/// Any cut of the bytes into reads gives the same rows, dead letters, places and counts, and so
/// does a restart at the end of any block.
void ExpectSplitIndependence(const CodecConformance& conformance);
/// frames = decoded + dead; no place twice; rows and dead letters ascend by place.
void ExpectFramesAccounted(const CodecConformance& conformance);
/// Without its line end, the last record is taken all the same.
void ExpectLastRecordNeedsNoEnd(const CodecConformance& conformance);
/// Dead letters say frame, raw text, reason and rule, and the line where frames are lines.
void ExpectDeadLettersHavePlaces(const CodecConformance& conformance);

/// A record over frame_bytes_max is one dead letter with the beginning of its text and its length,
/// whether it comes in one read or in many; the others are rows.
/// \param text a partition with exactly one record over frame_bytes_max and otherwise good ones
/// \param is_rest_lost nothing behind the long record can be told apart from it, if the record does
///   not come in one read
void ExpectBoundedRecords(const Codec& codec, const DecodeOptions& options, const std::string& text,
                          bool is_rest_lost = false);

/// Each row and dead letter as a line of text, for comparisons that should read well.
std::string Describe(const DecodedPartition& partition);

}  // namespace catchwater
