/// \file
/// Blocks of JSON text -> rows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/codec/json/document_reader.h"
#include "catchwater/codec/json/json_framing.h"
#include "catchwater/codec/json/json_options.h"
#include "catchwater/codec/json/json_reader.h"
#include "catchwater/codec/json/row_stage.h"
#include "catchwater/component/codec.h"

namespace catchwater {

/// One thread at a time.
class JsonDecoder final : public Decoder {
 public:
  /// \retval kConfig if a column makes no sense
  static arrow::Result<std::unique_ptr<JsonDecoder>> Make(
      JsonOptions options, const DecodeOptions& decode,
      JsonReader::Learning learning = JsonReader::Learning::kOn);

  arrow::Result<Split> Decode(const Block& block) override;

 private:
  JsonDecoder(JsonOptions options, JsonPlans plans, RowStage stage, int64_t frame_bytes_max,
              JsonReader::Learning learning);

  arrow::Status Begin(const Block& block, std::string_view text, JsonFraming framing);
  arrow::Result<Split> Finish(const Block& block);
  Split Reject(const Block& block) const;

  void DecodeLines(const char* at, const char* end);
  void DecodeValues(const char* at, const char* end);
  void DecodeFrames(const Block& block);
  void DecodeElements(const JsonPreamble& preamble, const char* at, const char* end);
  const char* DecodeElement(const char* at, const char* end);
  void SetEnvelope(const JsonPreamble& preamble);
  void CheckTail(const JsonPreamble& preamble, const char* at, const char* end,
                 bool is_behind_comma);

  /// The record of the usual layout that is a whole line. \return behind the line, or nullptr
  const char* TakeUsualLine(const char* at, const char* end);
  /// As TakeUsualLine, for the one record of a frame. \return false if it is another layout
  bool TakeUsualFrame(const char* at, const char* end, const char* text_end, uint64_t ordinal);
  /// Reads a frame of any number of values.
  void ReadFrame(std::string_view text, uint64_t ordinal);
  /// Reads a frame of one element of the streamed array.
  void ReadElement(std::string_view text);
  bool Accepts(std::string_view text, uint64_t ordinal);
  /// Looks for the first thing that is no JSON. \return true if there is none
  bool CheckValues(const char* at, const char* end, JsonFaultPlace& fault);
  DocumentReader& Use(char first);
  void RefuseFrame(std::string_view text, uint64_t ordinal, JsonFaultPlace fault,
                   uint32_t row_in_frame = 0);
  void RefuseLongFrame(std::string_view text, uint64_t ordinal);
  uint64_t OrdinalOf(const char* at) const {
    return block_ordinal_ + static_cast<uint64_t>(at - base_);
  }

  const JsonOptions options_;
  const JsonPlans plans_;
  RowStage stage_;
  const int64_t frame_bytes_max_;
  std::vector<DocumentReader> readers_;  // Of the main plan and, if there is one, the array plan.
  JsonReader checker_;
  DocumentReader* active_ = nullptr;
  JsonFraming framing_ = JsonFraming::kLines;

  // Of the current block.
  const char* base_ = nullptr;
  uint64_t block_ordinal_ = 0;
  bool is_utf8_ = false;
  int64_t frame_count_ = 0;
  int64_t dead_frame_count_ = 0;
  double rows_per_byte_ = 1.0 / 128;  // So far, to reserve memory.
};

}  // namespace catchwater
