/// \file
/// Blocks of points -> rows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/component/codec.h"
#include "catchwater/influx/line_point.h"
#include "catchwater/influx/line_protocol.h"
#include "catchwater/record/record_rows.h"

namespace catchwater {

/// One thread at a time.
class InfluxLineDecoder final : public Decoder {
 public:
  /// \retval kConfig if a column's `from` names nothing that a point has
  static arrow::Result<std::unique_ptr<Decoder>> Make(LinePrecision precision,
                                                      const DecodeOptions& options);

  arrow::Result<Split> Decode(const Block& block) override;

 private:
  enum class Part { kMeasurement, kTime, kTag, kField, kTagOrField };
  struct Target {
    Part part = Part::kTagOrField;
    std::string key{};
    bool is_integer = false;  // The column's type.
  };

  InfluxLineDecoder(LinePrecision precision, RecordRows rows, std::vector<Target> targets)
      : precision_(precision), rows_(std::move(rows)), targets_(std::move(targets)) {}

  static Target TargetOf(const Column& column);
  void TakeFrame(const RecordPlace& frame, bool is_message);
  void TakeLine(const RecordPlace& place, bool is_only);
  void AppendPart(size_t column);
  void AppendText(size_t column, std::string_view text, std::string_view escaped);
  void AppendTime(size_t column);
  void AppendField(size_t column, const LinePoint::Field& field);
  bool IsKey(std::string_view text, const std::string& key);

  const LinePrecision precision_;
  RecordRows rows_;
  const std::vector<Target> targets_;  // By column.
  LinePoint point_;
  std::string unescaped_;
};

}  // namespace catchwater
